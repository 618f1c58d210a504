"""Where messages go: the topics of their owners, if any queue gets them."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from confluent_kafka import Message as Record

from hirewire.messaging.broker import QUEUE_PREFIX, Message, Outcome, QueueTopology, event_of
from hirewire.messaging.brokers.kafka.alignment import Kind
from hirewire.messaging.brokers.kafka.bindings import Binding
from hirewire.messaging.brokers.kafka.cluster import Cluster
from hirewire.messaging.brokers.kafka.messages import Headers, headers_of, size_of
from hirewire.messaging.brokers.kafka.reading import Place
from hirewire.messaging.brokers.kafka.topics import LARGEST
from hirewire.messaging.envelope import source_of
from hirewire.messaging.ids import new_id
from hirewire.messaging.spreading import partition_of

Routed: TypeAlias = tuple[str, Message, Headers]
"""A topic, and what is to be published to it."""
Placed: TypeAlias = tuple[Place, Message, Headers]
MARK = "hirewire.partitions"


def route_all(
    messages: Sequence[Message], cluster: Cluster, client: str
) -> tuple[list[Outcome], list[Routed]]:
    """The outcome of each if all that is to be published is confirmed, and what that is.

    Behind a message that is not published, later ones of its key are held back.
    """
    outcomes: list[Outcome] = []
    found: list[Routed] = []
    stuck = set[str]()
    for message in messages:
        outcome = Outcome.HELD_BACK
        if message.key not in stuck:
            outcome, routed = _route(message, cluster, client)
            found += routed
        if outcome is not Outcome.CONFIRMED:
            stuck.add(message.key)
        outcomes.append(outcome)
    return outcomes, found


def _route(message: Message, cluster: Cluster, client: str) -> tuple[Outcome, list[Routed]]:
    try:
        headers = headers_of(message)
        size = size_of(message, headers)
    except ValueError as error:
        message.refusal = f"cannot be written as a record: {error}"
        return Outcome.REFUSED, []
    if size > LARGEST:
        message.refusal = f"a record of {size} bytes; at most {LARGEST}"
        return Outcome.REFUSED, []
    topics = _topics_of(message, cluster, client)
    if not topics:
        return Outcome.UNROUTABLE if message.mandatory else Outcome.CONFIRMED, []
    return Outcome.CONFIRMED, [(topic, message, headers) for topic in topics]


def _topics_of(message: Message, cluster: Cluster, client: str) -> Sequence[str]:
    if message.via is not None:
        return [one.topic for one in cluster.bindings.with_key(message.via) if one.topic]
    if message.mandatory and not _is_bound(message, cluster):
        return ()
    # For one service too it is that of its owner, since no other may be written to. A watermark may
    # be there before the queue reads the topic, which it then does from there on.
    return (_owners_topic(message, cluster, client),)


def _owners_topic(message: Message, cluster: Cluster, client: str) -> str:
    if not _is_control(message):
        return cluster.topic_of(message.type)
    # A watermark or a barrier has its place among the events of its owner.
    source = message.headers.get("source", "")
    ours = source.startswith(source_of(""))
    named = cluster.address.own(source.removeprefix(source_of("")) if ours else client)
    sender = cluster.address.own(client)
    binding = cluster.bindings.queues.get(f"{QUEUE_PREFIX}.{message.to}")
    read = cluster.read_by(binding) if binding is not None else []
    return sender if named not in read and sender in read else named


def _is_control(message: Message) -> bool:
    return message.type.startswith("hirewire.")


def _is_bound(message: Message, cluster: Cluster) -> bool:
    if message.to is None:
        return cluster.bindings.bound(message.type)
    return f"{QUEUE_PREFIX}.{message.to}" in cluster.bindings.queues


def spread(records: Sequence[Routed], counts: Mapping[str, int]) -> list[Placed]:
    """The partition of each record: that of its key; all of them for what is no event.

    `counts` are the numbers of partitions of their topics.
    """
    found: list[Placed] = []
    for topic, message, headers in records:
        count = counts[topic]
        is_in_all = count == 1 or _is_control(message)
        numbers = range(count) if is_in_all else [partition_of(message.key, count)]
        found += [((topic, number), message, headers) for number in numbers]
    return found


def marks(topic: str, count: int) -> list[Placed]:
    """A mark in each partition: from here on keys are spread over so many.

    Before it they may have been in other ones. See `alignment`.
    """
    id = str(new_id())
    mark = Message(id, MARK, id, b"{}", {"id": id, "type": MARK, "partitions": f"{count}"})
    return [((topic, number), mark, headers_of(mark)) for number in range(count)]


def kind_of(binding: Binding, topology: QueueTopology, record: Record, routing_key: str) -> Kind:
    """Whether a record in a topic that a queue reads is for this queue."""
    if binding.topic is not None or not routing_key:
        return Kind.OURS  # what says nothing of itself is to be found among what is unreadable
    if routing_key == MARK:
        return Kind.MARK
    event = event_of(routing_key)
    if routing_key.startswith("to."):
        if not routing_key.startswith(f"to.{topology.service}."):
            return Kind.OTHERS
        return Kind.FOR_ALL if event.startswith("hirewire.") else Kind.OURS
    is_ours = binding.takes(event, record.partition() or 0, record.offset() or 0)
    return Kind.OURS if is_ours else Kind.OTHERS
