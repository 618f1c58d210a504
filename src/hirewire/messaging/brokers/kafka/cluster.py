"""What is in a cluster: topics, groups and the queues' bindings.

Its functions wait for answers, so they run in a thread, one after the other.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from confluent_kafka import (
    IsolationLevel,
    KafkaError,
    KafkaException,
    Producer,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic, OffsetSpec, TopicMetadata

from hirewire.messaging.broker import (
    BrokerMisconfigured,
    BrokerUnavailable,
    Lag,
    QueueStats,
    QueueTopology,
)
from hirewire.messaging.brokers.kafka.address import ANSWER_SECONDS, Address, is_passing
from hirewire.messaging.brokers.kafka.bindings import Binding, Bindings, Offsets, at
from hirewire.messaging.brokers.kafka.reading import Place, reader_of
from hirewire.messaging.event import EVENTS

REACH_SECONDS = 5.0
"""How long to look for any node of the cluster."""
LARGEST = 8 * 1024 * 1024
"""Bytes of a record with all that belongs to it."""
KNOWN_SECONDS = 5.0
"""How long the numbers of partitions are known."""
OTHERS = "other"
"""The owner of events that no class describes."""
_MAY_NOT = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED)
T = TypeVar("T")


class Cluster:
    """Topics, groups and bindings of one namespace."""

    def __init__(self, address: Address, client: str) -> None:
        self.address = address
        self.bindings = Bindings(address, client)
        self._client = client
        self._admin: AdminClient | None = None
        # One thread, so that a call that was given up ends before the next one begins.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="kafka")
        self._topics: dict[str, int] = {}
        """Topics that are known to exist, and the numbers of their partitions."""
        self._known_at = 0.0

    @property
    def lock_topic(self) -> str:
        """The topic whose partition the active member of each group has."""
        return lock_topic_of(self.address)

    def topic_of(self, event: str) -> str:
        """The topic of an event's owner."""
        return self.address.own(EVENTS[event].owner if event in EVENTS else OTHERS)

    def read_by(self, binding: Binding) -> list[str]:
        """The topics that a queue reads."""
        if binding.topic is not None:
            return [binding.topic]
        return sorted({self.topic_of(event) for event in binding.events})

    def start_of(self, binding: Binding, place: Place) -> int:
        """The first offset that a queue may get."""
        topic, partition = place
        return at(binding.starts.get(topic), partition)

    def count_of(self, topic: str) -> int:
        """The number of partitions of a topic that `make` has looked up.

        Raises `BrokerUnavailable` if it is not known any more.
        """
        if topic not in self._topics:
            raise BrokerUnavailable(f"the partitions of {topic} are looked up again")
        return self._topics[topic]

    async def refresh(self) -> None:
        """Read the bindings as they are now."""
        await self.call(self._refresh)

    async def binding(self, queue: str) -> Binding:
        """A queue as it is now. Raises `BrokerUnavailable` if it is not there."""
        await self.refresh()
        found = self.bindings.queues.get(queue)
        if found is None:
            raise BrokerUnavailable(f"{queue} is not there any more")
        return found

    async def declare(self, queues: Sequence[QueueTopology], *, exactly: bool) -> None:
        """Declare queues with these bindings, and if `exactly`, with no others."""
        await self.call(lambda: self._declare(queues, exactly=exactly))

    async def delete(self, queue: str) -> None:
        """Delete a queue and its group, unless the group has members."""
        await self.call(lambda: self._delete(queue))

    async def are_there(self, binding: Binding, places: Collection[Place]) -> bool:
        """Whether the topics that a queue reads are those that they were, with these partitions."""
        if not binding.ids:
            return True
        try:
            ids = await self.call(lambda: self._ids(binding.ids))
            now = await self.call(lambda: self._places({topic for topic, _ in places}))
        except BrokerUnavailable:
            return False
        return ids == binding.ids and set(now) == set(places)

    async def places(self, topics: Iterable[str]) -> list[Place]:
        """The partitions of topics, as they are now."""
        return await self.call(lambda: self._places(topics))

    async def stats(self, queue: str) -> QueueStats:
        """How much a queue has to read, and the number of its active members: one or none."""
        binding = await self.binding(queue)
        return await self.call(lambda: self._stats(binding))

    async def ends(self, topics: Iterable[str]) -> dict[Place, int]:
        """The offsets after the last records."""
        return await self.call(lambda: self._ends(self._places(topics)))

    async def bounds(self, topics: Sequence[str]) -> dict[Place, tuple[int, int]]:
        """The offsets of the first records, and those after the last ones."""
        return await self.call(lambda: self._bounds(self._places(topics)))

    async def make(self, topics: Iterable[str]) -> None:
        """Make the topics that are missing, and learn how many partitions the others have."""
        is_old = time.monotonic() > self._known_at + KNOWN_SECONDS
        if is_old or not self._topics.keys() >= set(topics):
            await self.call(lambda: self._make(topics, again=is_old))

    async def ping(self) -> None:
        """Return when the cluster has answered."""
        await self.call(lambda: self._open().list_topics(timeout=ANSWER_SECONDS))

    async def close(self) -> None:
        """Close all connections."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)

    def _close(self) -> None:
        self._admin = None
        self.bindings.close()

    async def call(self, call: Callable[[], T]) -> T:
        """Call in a thread. Raises the broker's errors."""
        loop = asyncio.get_running_loop()
        until = loop.time() + ANSWER_SECONDS
        while True:
            try:
                return await loop.run_in_executor(self._thread, call)
            except KafkaException as error:
                self.forget_topics()
                await loop.run_in_executor(self._thread, self._report)
                self._admin = None  # it keeps what it knew of leaders for more than a minute
                if not is_passing(error) or loop.time() > until:
                    raise self.address.translated(error) from None
            await asyncio.sleep(0.05)

    def _report(self) -> None:
        """Let the library report what it has not yet."""
        if self._admin is not None:
            self._admin.poll(0)

    def forget_topics(self) -> None:
        """Look again which topics there are, since one may have been deleted."""
        self._topics = {}

    def _refresh(self) -> None:
        topic = self.bindings.topic
        if topic not in self._topics:
            self.bindings.close()  # it may be another topic than before
        self._make([topic])
        self.bindings.read_to(self._ends([(topic, 0)])[topic, 0])

    def _declare(self, queues: Sequence[QueueTopology], *, exactly: bool) -> None:
        self._make([self.bindings.topic, self.lock_topic])
        if exactly:
            self._grow()
        for topology in queues:
            self._refresh()
            before = self.bindings.queues.get(topology.queue)
            bound = self._bound(topology, before, exactly=exactly)
            if bound != before:
                self._put(bound)

    def _put(self, bound: Binding) -> None:
        """Write a binding as it is together with what others write at the same time."""
        while True:
            self._write(bound.queue, bound.to_json())
            self._refresh()
            found = self.bindings.queues.get(bound.queue)
            if found is None:
                raise BrokerUnavailable(f"{bound.queue} was deleted at the same time")
            if found == bound:
                return
            bound = found

    def _bound(self, topology: QueueTopology, before: Binding | None, *, exactly: bool) -> Binding:
        if topology.plain or topology.keys:
            topic = topology.queue if topology.plain else self.address.alone(topology.queue)
            self._make([topic])
            return Binding(topology.queue, {}, {}, topic, topology.keys)
        if before is None:
            before = self._consumed(topology)
        topics = {self.topic_of(event) for event in topology.types}
        self._make(topics)
        ids, ends = self._ids(topics), self._ends_by_topic(topics)
        if before is not None:
            before = before.corrected(ids, ends, self.topic_of)
        known = before.events if before is not None else {}
        new = [event for event in topology.types if event not in known]
        events = {event: ends[self.topic_of(event)] for event in new}
        events |= {one: known[one] for one in known if not exactly or one in topology.types}
        ids |= {one: id for one, id in (before.ids if before else {}).items() if one not in ids}
        made = Binding(topology.queue, dict(sorted(events.items())), ids=dict(sorted(ids.items())))
        return replace(made, starts=before.starts if before is not None else self._all_ends())

    def _ids(self, topics: Iterable[str]) -> dict[str, str]:
        """The cluster's ids of topics that exist."""
        if not (asked := sorted(topics)):
            return {}
        found = self._open().describe_topics(TopicCollection(asked))
        return {topic: str(answer.result().topic_id) for topic, answer in found.items()}

    def _consumed(self, topology: QueueTopology) -> Binding | None:
        """What the queue got before somebody deleted the topic of the queues, if it is known.

        A queue that is deleted has no offsets; another one goes on where its group was.
        """
        topics = sorted({self.topic_of(event) for event in topology.types})
        committed = self._committed(topology.queue, self._places(topics))
        known = sorted({topic for (topic, _), offset in committed.items() if offset > 0})
        if not known:
            return None
        starts = {
            topic: tuple(
                min(max(committed.get((topic, number), 0), 0), end)
                for number, end in enumerate(ends)
            )
            for topic, ends in self._ends_by_topic(known).items()
        }
        events = {
            one: starts[self.topic_of(one)]
            for one in topology.types
            if self.topic_of(one) in starts
        }
        return Binding(topology.queue, events, starts)

    def _committed(self, queue: str, places: Iterable[Place]) -> dict[Place, int]:
        """The offsets of a queue's group; -1001 for none."""
        asked = [TopicPartition(topic, number) for topic, number in places]
        if not asked:
            return {}
        # Not by the admin client: with it, librdkafka ends the process (a null pointer) if the
        # group's coordinator is not there yet, as in a cluster that has just been started.
        reader = reader_of(self.address, self._client, {"group.id": self.address.own(queue)})
        try:
            found = reader.committed(asked, timeout=ANSWER_SECONDS)
            return {(one.topic, one.partition): one.offset for one in found}
        finally:
            reader.close()

    def _all_ends(self) -> Mapping[str, Offsets]:
        """Where a new queue starts in each owner's topic.

        It gets what is sent to it alone from its beginning on, even if it comes from an owner whose
        events it gets only later: the start of a replay is sent before the events are bound.
        """
        there = self._open().list_topics(timeout=ANSWER_SECONDS).topics
        return self._ends_by_topic(sorted(filter(self.address.is_owners, there)))

    def _delete(self, queue: str) -> None:
        self._refresh()
        binding = self.bindings.queues.get(queue)
        if binding is None:
            return
        self._write(queue, None)
        self._refresh()
        admin = self._open()
        for group in admin.delete_consumer_groups([self.address.own(queue)]).values():
            _ignoring(group.result, (KafkaError.NON_EMPTY_GROUP, KafkaError.GROUP_ID_NOT_FOUND))
        if binding.topic is not None and binding.keys:
            self._topics.pop(binding.topic, None)
            for topic in admin.delete_topics([binding.topic]).values():
                _ignoring(topic.result, (KafkaError.UNKNOWN_TOPIC_OR_PART,))

    def _write(self, queue: str, value: bytes | None) -> None:
        """Write a record of the queues, and wait for the confirm."""
        problems: list[KafkaError] = []
        producer = Producer(
            self.address.configuration(self._client)
            # One record, which may be there twice: an id of the producer would cost half a second.
            | {"acks": "all", "message.timeout.ms": 10_000}
        )
        producer.produce(
            self.bindings.topic,
            value,
            key=queue.encode(),
            on_delivery=lambda error, _: problems.append(error) if error is not None else None,
        )
        left = producer.flush(ANSWER_SECONDS)
        if problems and problems[0].code() in _MAY_NOT:
            raise BrokerMisconfigured(
                f"{queue} is declared otherwise, and this user may not declare queues: `hirewire "
                "migrate` does"
            )
        if problems:
            raise KafkaException(problems[0])
        if left:
            raise BrokerUnavailable("no confirm in time")

    def _stats(self, binding: Binding) -> QueueStats:
        admin, group = self._open(), self.address.own(binding.queue)
        topics = self.read_by(binding)
        if not topics:
            return QueueStats(0, 0)
        places = self._places(topics)
        committed = self._committed(binding.queue, places)
        lags = []
        for place, (first, end) in sorted(self._bounds(places).items()):
            start = max(committed.get(place, 0), self.start_of(binding, place), first)
            lags.append(Lag(group, *place, max(end - start, 0)))
        [described] = admin.describe_consumer_groups([group]).values()
        members = []
        try:
            members = described.result().members
        except KafkaException as error:
            if error.args[0].code() != KafkaError.GROUP_ID_NOT_FOUND:
                raise
        active = [one for one in members if one.assignment and one.assignment.topic_partitions]
        return QueueStats(sum(one.records for one in lags), len(active), tuple(lags))

    def _places(self, topics: Iterable[str]) -> list[Place]:
        if not (asked := sorted(set(topics))):
            return []
        there = self._open().list_topics(timeout=ANSWER_SECONDS).topics
        return [(topic, number) for topic in asked for number in _numbers(there.get(topic))]

    def _ends_by_topic(self, topics: Iterable[str]) -> dict[str, Offsets]:
        found: dict[str, list[int]] = {}
        for (topic, _), end in sorted(self._ends(self._places(topics)).items()):
            found.setdefault(topic, []).append(end)
        return {topic: tuple(ends) for topic, ends in found.items()}

    def _ends(self, places: Iterable[Place]) -> dict[Place, int]:
        return self._offsets(places, OffsetSpec.latest())  # type: ignore[no-untyped-call]

    def _bounds(self, places: Sequence[Place]) -> dict[Place, tuple[int, int]]:
        firsts = self._offsets(places, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
        ends = self._ends(places)
        return {place: (first, ends[place]) for place, first in firsts.items()}

    def _offsets(self, places: Iterable[Place], which: OffsetSpec) -> dict[Place, int]:
        asked = {TopicPartition(topic, number): which for topic, number in places}
        if not asked:
            return {}
        answers = self._open().list_offsets(
            asked,
            isolation_level=IsolationLevel.READ_UNCOMMITTED,
            request_timeout=ANSWER_SECONDS,
        )
        return {
            (one.topic, one.partition): answer.result().offset for one, answer in answers.items()
        }

    def _grow(self) -> None:
        """Give the topics of owners more partitions, if the address says so.

        The relay of each owner begins to use them behind a mark: see `alignment`.
        """
        admin, most = self._open(), self.address.partitions
        there = admin.list_topics(timeout=ANSWER_SECONDS).topics
        small = [
            NewPartitions(topic, most)
            for topic, known in there.items()
            if self.address.is_owners(topic) and len(known.partitions) < most
        ]
        if small:
            for answer in admin.create_partitions(small, request_timeout=ANSWER_SECONDS).values():
                answer.result()
            self._wait_for_leaders([one.topic for one in small])

    def _make(self, topics: Iterable[str], *, again: bool = False) -> None:
        missing = [topic for topic in dict.fromkeys(topics) if again or topic not in self._topics]
        if not missing:
            return
        admin = self._open()
        there = admin.list_topics(timeout=REACH_SECONDS).topics
        new = [self._new_topic(topic) for topic in missing if topic not in there]
        if new:
            made = admin.create_topics(new, request_timeout=ANSWER_SECONDS)
            for name, answer in made.items():
                try:
                    _ignoring(answer.result, (KafkaError.TOPIC_ALREADY_EXISTS,))
                except KafkaException as error:
                    if error.args[0].code() not in _MAY_NOT:
                        raise
                    raise BrokerMisconfigured(
                        f"topic {name} is not there, or this user may not use it; `hirewire "
                        "migrate` makes topics"
                    ) from None
            self._wait_for_leaders([one.topic for one in new])
            there = admin.list_topics(timeout=REACH_SECONDS).topics
        self._known_at = time.monotonic()
        for topic in missing:
            self._topics[topic] = max(len(_numbers(there.get(topic))), 1)

    def _wait_for_leaders(self, topics: Sequence[str]) -> None:
        until = time.monotonic() + ANSWER_SECONDS
        while not all(_has_leader(self._open(), topic) for topic in topics):
            if time.monotonic() > until:
                raise BrokerUnavailable("a new partition has no leader")
            time.sleep(0.02)

    def _new_topic(self, name: str) -> NewTopic:
        # With the clients' times, a wrong clock would decide what is refused and what is kept.
        config = {
            "max.message.bytes": str(LARGEST),
            "message.timestamp.type": "LogAppendTime",
        }
        if name == self.bindings.topic:
            config["cleanup.policy"] = "compact"
        else:
            config["retention.ms"] = str(self.address.retention_days * 24 * 60 * 60 * 1000)
        replication = self.address.replication
        count = self.address.partitions if self.address.is_owners(name) else 1
        return NewTopic(name, num_partitions=count, replication_factor=replication, config=config)

    def _open(self) -> AdminClient:
        if self._admin is None:
            self._admin = admin_of(self.address, self._client)
        return self._admin


def admin_of(address: Address, client: str) -> AdminClient:
    """A client that asks for topics and groups, and makes them."""
    timeout = {"socket.timeout.ms": int(ANSWER_SECONDS * 1000)}
    return AdminClient(address.configuration(client) | timeout)  # type: ignore[arg-type]


def lock_topic_of(address: Address) -> str:
    """The topic whose partition the active member of each group has."""
    return f"{address.namespace}-active"


def _numbers(known: TopicMetadata | None) -> list[int]:
    return sorted(known.partitions) if known is not None else []


def _has_leader(admin: AdminClient, topic: str) -> bool:
    found = admin.list_topics(topic, timeout=ANSWER_SECONDS).topics[topic]
    return found.error is None and all(one.leader >= 0 for one in found.partitions.values())


def _ignoring(call: Callable[[], object], codes: Sequence[int]) -> None:
    try:
        call()
    except KafkaException as error:
        if error.args[0].code() not in codes:
            raise
