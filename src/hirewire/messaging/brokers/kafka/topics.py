"""The topics of a namespace: made, given more partitions, and where their records begin and end.

Its functions wait for answers: `Cluster` calls them in its thread, one after the other.
"""

import time
from collections.abc import Callable, Iterable, Sequence

from confluent_kafka import (
    IsolationLevel,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic, OffsetSpec, TopicMetadata

from hirewire.messaging.broker import BrokerMisconfigured, BrokerUnavailable
from hirewire.messaging.brokers.kafka.address import ANSWER_SECONDS, Address, Configuration
from hirewire.messaging.brokers.kafka.bindings import Offsets, topic_of
from hirewire.messaging.brokers.kafka.reading import Place

REACH_SECONDS = 5.0
"""How long to look for any node of the cluster."""
LARGEST = 8 * 1024 * 1024
"""Bytes of a record with all that belongs to it."""
KNOWN_SECONDS = 5.0
"""How long the numbers of partitions are known."""
MAY_NOT = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED)


class Topics:
    """Topics, and how many partitions those that are known have."""

    def __init__(self, address: Address, client: str) -> None:
        self._address = address
        self._client = client
        self._admin: AdminClient | None = None
        self._counts: dict[str, int] = {}
        """Topics that are known to exist, and the numbers of their partitions."""
        self._known_at = 0.0

    def knows(self, topic: str) -> bool:
        """Whether a topic is known to exist."""
        return topic in self._counts

    @property
    def is_old(self) -> bool:
        """Whether the numbers of partitions are to be looked up again."""
        return time.monotonic() > self._known_at + KNOWN_SECONDS

    def count_of(self, topic: str) -> int:
        """The number of partitions of a topic that `make` has looked up.

        Raises `BrokerUnavailable` if it is not known any more.
        """
        if topic not in self._counts:
            raise BrokerUnavailable(f"the partitions of {topic} are looked up again")
        return self._counts[topic]

    def forget(self) -> None:
        """Look again which topics there are, since one may have been deleted."""
        self._counts = {}

    def start_again(self) -> None:
        """After an error: let the library report what it has not yet, and connect again.

        The client keeps what it knew of leaders for more than a minute.
        """
        self.forget()
        if self._admin is not None:
            self._admin.poll(0)
        self.close()

    def close(self) -> None:
        """Close the connections; `admin` opens others."""
        self._admin = None

    def admin(self) -> AdminClient:
        """The client that asks the cluster."""
        if self._admin is None:
            self._admin = admin_of(self._address, self._client)
        return self._admin

    def ids(self, topics: Iterable[str]) -> dict[str, str]:
        """The cluster's ids of topics that exist."""
        if not (asked := sorted(topics)):
            return {}
        found = self.admin().describe_topics(TopicCollection(asked))
        return {topic: str(answer.result().topic_id) for topic, answer in found.items()}

    def places(self, topics: Iterable[str]) -> list[Place]:
        """The partitions of topics, as they are now; none of a topic that is not there."""
        if not (asked := sorted(set(topics))):
            return []
        there = self.admin().list_topics(timeout=ANSWER_SECONDS).topics
        return [(topic, number) for topic in asked for number in _numbers(there.get(topic))]

    def ends_by_topic(self, topics: Iterable[str]) -> dict[str, Offsets]:
        """The offsets after the last records of all partitions of topics that are there."""
        if not (asked := sorted(set(topics))):
            return {}
        there = self._described(asked)
        ends = self.ends((topic, number) for topic in asked for number in _numbers(there[topic]))
        return {
            topic: tuple(ends[topic, number] for number in _numbers(there[topic]))
            for topic in asked
        }

    def _described(self, topics: Iterable[str]) -> dict[str, TopicMetadata]:
        """All topics, by a node that knows these: nodes learn of a new one at different times.

        Raises `BrokerUnavailable` if none does.
        """
        until = time.monotonic() + ANSWER_SECONDS
        while True:
            there = self.admin().list_topics(timeout=REACH_SECONDS).topics
            unknown = [topic for topic in topics if not _numbers(there.get(topic))]
            if not unknown:
                return there
            if time.monotonic() > until:
                raise BrokerUnavailable(f"the cluster does not know {unknown[0]} yet")
            time.sleep(0.02)

    def ends(self, places: Iterable[Place]) -> dict[Place, int]:
        """The offsets after the last records."""
        return self._offsets(places, OffsetSpec.latest())  # type: ignore[no-untyped-call]

    def bounds(self, places: Sequence[Place]) -> dict[Place, tuple[int, int]]:
        """The offsets of the first records, and those after the last ones."""
        firsts = self._offsets(places, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
        ends = self.ends(places)
        return {place: (first, ends[place]) for place, first in firsts.items()}

    def _offsets(self, places: Iterable[Place], which: OffsetSpec) -> dict[Place, int]:
        asked = {TopicPartition(topic, number): which for topic, number in places}
        if not asked:
            return {}
        answers = self.admin().list_offsets(
            asked,
            isolation_level=IsolationLevel.READ_UNCOMMITTED,
            request_timeout=ANSWER_SECONDS,
        )
        return {
            (one.topic, one.partition): answer.result().offset for one, answer in answers.items()
        }

    def grow(self) -> None:
        """Give the topics of owners more partitions, if the address says so.

        The relay of each owner begins to use them behind a mark: see `alignment`.
        """
        admin, most = self.admin(), self._address.partitions
        there = admin.list_topics(timeout=ANSWER_SECONDS).topics
        small = [
            NewPartitions(topic, most)
            for topic, known in there.items()
            if self._address.is_owners(topic) and len(known.partitions) < most
        ]
        if small:
            for answer in admin.create_partitions(small, request_timeout=ANSWER_SECONDS).values():
                answer.result()
            self._wait_for_leaders([one.topic for one in small])

    def make(self, topics: Iterable[str], *, again: bool = False) -> None:
        """Make the topics that are missing, and learn how many partitions the others have.

        `again`: also of those that are known. Raises `BrokerMisconfigured` if this user may not.
        """
        missing = [topic for topic in dict.fromkeys(topics) if again or topic not in self._counts]
        if not missing:
            return
        admin = self.admin()
        there = admin.list_topics(timeout=REACH_SECONDS).topics
        new = [self._new_topic(topic) for topic in missing if topic not in there]
        if new:
            made = admin.create_topics(new, request_timeout=ANSWER_SECONDS)
            for name, answer in made.items():
                try:
                    ignoring(answer.result, (KafkaError.TOPIC_ALREADY_EXISTS,))
                except KafkaException as error:
                    if error.args[0].code() not in MAY_NOT:
                        raise
                    raise BrokerMisconfigured(
                        f"topic {name} is not there, or this user may not use it; `hirewire "
                        "migrate` makes topics"
                    ) from None
            self._wait_for_leaders([one.topic for one in new])
        there = self._described(missing)
        self._known_at = time.monotonic()
        for topic in {*missing, *self._counts}:
            self._counts[topic] = len(_numbers(there.get(topic))) or self._counts[topic]

    def delete(self, topic: str) -> None:
        """Delete a topic, if it is there."""
        self._counts.pop(topic, None)
        for answer in self.admin().delete_topics([topic]).values():
            ignoring(answer.result, (KafkaError.UNKNOWN_TOPIC_OR_PART,))

    def _wait_for_leaders(self, topics: Sequence[str]) -> None:
        until = time.monotonic() + ANSWER_SECONDS
        while not all(_has_leader(self.admin(), topic) for topic in topics):
            if time.monotonic() > until:
                raise BrokerUnavailable("a new partition has no leader")
            time.sleep(0.02)

    def _new_topic(self, name: str) -> NewTopic:
        # With the clients' times, a wrong clock would decide what is refused and what is kept.
        config = {
            "max.message.bytes": str(LARGEST),
            "message.timestamp.type": "LogAppendTime",
        }
        if name == topic_of(self._address):
            config["cleanup.policy"] = "compact"
        else:
            config["retention.ms"] = str(self._address.retention_days * 24 * 60 * 60 * 1000)
        replication = self._address.replication
        count = self._address.partitions if self._address.is_owners(name) else 1
        return NewTopic(name, num_partitions=count, replication_factor=replication, config=config)


def admin_of(address: Address, client: str, *, server: str | None = None) -> AdminClient:
    """A client that asks for topics and groups, and makes them; it may begin at a given server."""
    more: Configuration = {"socket.timeout.ms": int(ANSWER_SECONDS * 1000)}
    more |= {"bootstrap.servers": server} if server else {}
    return AdminClient(address.configuration(client) | more)  # type: ignore[arg-type]


def lock_topic_of(address: Address) -> str:
    """The topic whose partition the active member of each group has."""
    return f"{address.namespace}-active"


def _numbers(known: TopicMetadata | None) -> list[int]:
    return sorted(known.partitions) if known is not None else []


def _has_leader(admin: AdminClient, topic: str) -> bool:
    found = admin.list_topics(topic, timeout=ANSWER_SECONDS).topics[topic]
    return found.error is None and all(one.leader >= 0 for one in found.partitions.values())


def ignoring(call: Callable[[], object], codes: Sequence[int]) -> None:
    """Call, whether or not it raises an error of the cluster with one of these codes."""
    try:
        call()
    except KafkaException as error:
        if error.args[0].code() not in codes:
            raise
