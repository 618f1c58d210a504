"""What is in a cluster: topics, groups and the queues' bindings.

Its functions wait for answers, so they run in a thread, one after the other.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition

from hirewire.messaging.broker import (
    BrokerMisconfigured,
    BrokerUnavailable,
    Lag,
    QueueStats,
    QueueTopology,
)
from hirewire.messaging.brokers.kafka.address import ANSWER_SECONDS, Address, is_passing
from hirewire.messaging.brokers.kafka.bindings import Binding, Bindings, Offsets
from hirewire.messaging.brokers.kafka.reading import Place, reader_of
from hirewire.messaging.brokers.kafka.topics import MAY_NOT, Topics, ignoring, lock_topic_of
from hirewire.messaging.event import EVENTS

OTHERS = "other"
"""The owner of events that no class describes."""
T = TypeVar("T")


class Cluster:
    """Topics, groups and bindings of one namespace."""

    def __init__(self, address: Address, client: str) -> None:
        self.address = address
        self.bindings = Bindings(address, client)
        self._client = client
        # One thread, so that a call that was given up ends before the next one begins.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="kafka")
        self._topics = Topics(address, client)

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

    def count_of(self, topic: str) -> int:
        """The number of partitions of a topic that `make` has looked up.

        Raises `BrokerUnavailable` if it is not known any more.
        """
        return self._topics.count_of(topic)

    def forget_topics(self) -> None:
        """Look again which topics there are, since one may have been deleted."""
        self._topics.forget()

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
            ids = await self.call(lambda: self._topics.ids(binding.ids))
            now = await self.places({topic for topic, _ in places})
        except BrokerUnavailable:
            return False
        return ids == binding.ids and set(now) == set(places)

    async def places(self, topics: Iterable[str]) -> list[Place]:
        """The partitions of topics, as they are now."""
        return await self.call(lambda: self._topics.places(topics))

    async def stats(self, queue: str) -> QueueStats:
        """How much a queue has to read, and the number of its active members: one or none."""
        binding = await self.binding(queue)
        return await self.call(lambda: self._stats(binding))

    async def ends(self, topics: Iterable[str]) -> dict[Place, int]:
        """The offsets after the last records."""
        return await self.call(lambda: self._topics.ends(self._topics.places(topics)))

    async def bounds(self, topics: Sequence[str]) -> dict[Place, tuple[int, int]]:
        """The offsets of the first records, and those after the last ones."""
        return await self.call(lambda: self._topics.bounds(self._topics.places(topics)))

    async def make(self, topics: Collection[str]) -> None:
        """Make the topics that are missing, and learn how many partitions the others have."""
        is_old = self._topics.is_old
        if is_old or not all(map(self._topics.knows, topics)):
            await self.call(lambda: self._topics.make(topics, again=is_old))

    async def ping(self) -> None:
        """Return when the cluster has answered."""
        await self.call(lambda: self._topics.admin().list_topics(timeout=ANSWER_SECONDS))

    async def close(self) -> None:
        """Close all connections."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)

    def _close(self) -> None:
        self._topics.close()
        self.bindings.close()

    async def call(self, call: Callable[[], T]) -> T:
        """Call in a thread. Raises the broker's errors."""
        loop = asyncio.get_running_loop()
        until = loop.time() + ANSWER_SECONDS
        while True:
            try:
                return await loop.run_in_executor(self._thread, call)
            except KafkaException as error:
                await loop.run_in_executor(self._thread, self._topics.start_again)
                if not is_passing(error) or loop.time() > until:
                    raise self.address.translated(error) from None
            await asyncio.sleep(0.05)

    def _refresh(self) -> None:
        topic = self.bindings.topic
        if not self._topics.knows(topic):
            self.bindings.close()  # it may be another topic than before
        self._topics.make([topic])
        self.bindings.read_to(self._topics.ends([(topic, 0)])[topic, 0])

    def _declare(self, queues: Sequence[QueueTopology], *, exactly: bool) -> None:
        self._topics.make([self.bindings.topic, self.lock_topic])
        if exactly:
            self._topics.grow()
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
            self._topics.make([topic])
            return Binding(topology.queue, {}, {}, topic, topology.keys)
        if before is None:
            before = self._consumed(topology)
        topics = {self.topic_of(event) for event in topology.types}
        self._topics.make(topics)
        ids, ends = self._topics.ids(topics), self._topics.ends_by_topic(topics)
        if before is not None:
            before = before.corrected(ids, ends, self.topic_of)
        known = before.events if before is not None else {}
        new = [event for event in topology.types if event not in known]
        events = {event: ends[self.topic_of(event)] for event in new}
        events |= {one: known[one] for one in known if not exactly or one in topology.types}
        ids |= {one: id for one, id in (before.ids if before else {}).items() if one not in ids}
        made = Binding(topology.queue, dict(sorted(events.items())), ids=dict(sorted(ids.items())))
        return replace(made, starts=before.starts if before is not None else self._all_ends())

    def _consumed(self, topology: QueueTopology) -> Binding | None:
        """What the queue got before somebody deleted the topic of the queues, if it is known.

        A queue that is deleted has no offsets; another one goes on where its group was.
        """
        topics = sorted({self.topic_of(event) for event in topology.types})
        committed = self._committed(topology.queue, self._topics.places(topics))
        known = sorted({topic for (topic, _), offset in committed.items() if offset > 0})
        if not known:
            return None
        starts = {
            topic: tuple(
                min(max(committed.get((topic, number), 0), 0), end)
                for number, end in enumerate(ends)
            )
            for topic, ends in self._topics.ends_by_topic(known).items()
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
        there = self._topics.admin().list_topics(timeout=ANSWER_SECONDS).topics
        return self._topics.ends_by_topic(sorted(filter(self.address.is_owners, there)))

    def _delete(self, queue: str) -> None:
        self._refresh()
        binding = self.bindings.queues.get(queue)
        if binding is None:
            return
        self._write(queue, None)
        self._refresh()
        admin = self._topics.admin()
        for group in admin.delete_consumer_groups([self.address.own(queue)]).values():
            ignoring(group.result, (KafkaError.NON_EMPTY_GROUP, KafkaError.GROUP_ID_NOT_FOUND))
        if binding.topic is not None and binding.keys:
            self._topics.delete(binding.topic)

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
        if problems and problems[0].code() in MAY_NOT:
            raise BrokerMisconfigured(
                f"{queue} is declared otherwise, and this user may not declare queues: `hirewire "
                "migrate` does"
            )
        if problems:
            raise KafkaException(problems[0])
        if left:
            raise BrokerUnavailable("no confirm in time")

    def _stats(self, binding: Binding) -> QueueStats:
        admin, group = self._topics.admin(), self.address.own(binding.queue)
        topics = self.read_by(binding)
        if not topics:
            return QueueStats(0, 0)
        places = self._topics.places(topics)
        committed = self._committed(binding.queue, places)
        lags = []
        for place, (first, end) in sorted(self._topics.bounds(places).items()):
            start = max(committed.get(place, 0), binding.start_of(place), first)
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
