"""One queue's consumer: the only active member of its group, or a member that waits to be it.

All members of a group subscribe to one topic with one partition and no records. Who gets that
partition is the active member, and assigns to itself all partitions of the topics that the queue
reads. Its commits are refused once another member is the active one.

The client library is called in a thread of the consumer's own, one call at a time.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeAlias, TypeVar

from confluent_kafka import OFFSET_END, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Consumer as Client
from confluent_kafka import Message as Record

from hirewire.messaging.broker import BATCH_BYTES, BrokerUnavailable, Delivery
from hirewire.messaging.brokers.kafka.address import ANSWER_SECONDS, Address
from hirewire.messaging.brokers.kafka.alignment import Alignment, Entry, Kind
from hirewire.messaging.brokers.kafka.counts import Counts
from hirewire.messaging.brokers.kafka.reading import Place, listed, look_up, next_records
from hirewire.messaging.brokers.kafka.sources import Source

POLL_SECONDS = 0.1
ENDS_SECONDS, HOLD_SECONDS = 0.5, 60.0
MOST_BEHIND = 2000
"""Records that are kept in memory behind one that is held."""
SESSION_SECONDS = 6.0
"""How long a frozen consumer stays the active one."""
_REBALANCING = (KafkaError.ILLEGAL_GENERATION, KafkaError.REBALANCE_IN_PROGRESS)
T = TypeVar("T")
Ends: TypeAlias = Callable[[Sequence[str]], Awaitable[Mapping[Place, int]]]


class Consumer:
    """Consumes the topics of one queue."""

    def __init__(self, address: Address, client: str, *, group: str, lock: str) -> None:
        """`lock` is the topic whose partition makes a member the active one."""
        self._address = address
        self._group = group
        self._lock = lock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="kafka consumer")
        self._sources: dict[Place, Source] = {}
        self._counts: dict[str, int] = {}
        """The number of partitions of each topic."""
        self._alignment = Alignment()
        self._paused: set[Place] = set()
        self._moved_at = time.monotonic()
        self._is_active = False
        self._lost: str | None = None
        self._commits_again = False
        """Whether a commit was refused since the group changed at the same time."""
        self._closed = False
        self._position = 0
        self._unacked: deque[tuple[int, Place, int, int]] = deque()
        """Of each delivery that is not acknowledged: position, place, next offset, epoch."""
        self._left: deque[Entry] = deque()
        """Records that are in no batch yet."""
        self._kafka = Client(
            address.configuration(client)
            | {
                "group.id": group,
                # The active member stays active when others come.
                "partition.assignment.strategy": "cooperative-sticky",
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                # Where to start is decided in `_assigned`. If the cluster has lost records, that is
                # the first offset with other ones than before, or the first one of all.
                "auto.offset.reset": "earliest",
                "session.timeout.ms": int(SESSION_SECONDS * 1000),
                "heartbeat.interval.ms": 500,
                "max.poll.interval.ms": 24 * 60 * 60 * 1000,  # a handler may take long
                "fetch.wait.max.ms": 500,
                "fetch.message.max.bytes": 2 * 1024 * 1024,
                "queued.min.messages": 5_000,
                "queued.max.messages.kbytes": 16 * 1024,
                "fetch.queue.backoff.ms": 10,
                "on_commit": self._on_commit,
            }
        )

    @property
    def is_member(self) -> bool:
        """Whether the group has taken it in: as the active member, or to stand by."""
        return bool(self._kafka.memberid())

    async def active(self) -> None:
        """Return once this is the active member of the group."""
        await self._do(
            lambda: self._kafka.subscribe(
                [self._lock],
                on_assign=self._on_assign,
                on_revoke=self._on_revoke,
                on_lost=self._on_revoke,
            )
        )
        while not self._is_active:
            self._check()
            await self._do(lambda: next_records(self._kafka, 1, POLL_SECONDS))

    async def start(
        self,
        least: Mapping[Place, int],
        bounds: Mapping[Place, tuple[int, int]],
        ids: Mapping[str, str],
    ) -> None:
        """Read partitions from the committed offset on, which is at least the given one.

        `bounds` are the first offset of each and the one after its last record; `ids` the
        cluster's ids of the topics.
        """
        self._sources = await self._do(lambda: self._assigned(least, bounds, ids))
        self._counts = dict(Counter(topic for topic, _ in self._sources))
        self.keep()

    def keep(self) -> None:
        """Commit all places again, so that the cluster does not forget those of quiet topics.

        It deletes an offset some days (`offsets.retention.minutes`) after the last commit, since
        the group subscribes to another topic, also while a consumer is active.
        """
        self._commit(set(self._sources))

    async def nodes(self) -> Set[int]:
        """The nodes of the cluster by number, as the client library knows them; none if nobody
        answers.
        """
        with suppress(BrokerUnavailable):
            return await self._do(lambda: listed(self._kafka, self._lock))
        return frozenset()

    @property
    def places(self) -> Set[Place]:
        """The partitions that it reads."""
        return self._sources.keys()

    async def fill(self, limit: int, entry_of: Callable[[Record], Entry], ends: Ends) -> None:
        """Read records, if there are none left; it returns soon, with or without.

        `ends` asks for the offsets at which topics end, by other connections than ours.
        """
        self._check()
        if self._commits_again:
            self._commits_again = False
            self.keep()
        if self._left:
            return
        if self._alignment.held:
            await self._release(ends)
        if not self._left:
            seconds = 0.01 if self._alignment.held else POLL_SECONDS
            records = await self._do(lambda: next_records(self._kafka, limit, seconds))
            self._check()
            self._left.extend(map(entry_of, records))
            if records:
                self._moved_at = time.monotonic()

    async def _release(self, ends: Ends) -> None:
        """Go on in the partitions that have waited for the others."""
        read = {place: source.read for place, source in self._sources.items()}
        # All copies come at about the same time; whoever reads an end has missed one.
        if time.monotonic() > self._moved_at + ENDS_SECONDS:
            for topic in self._alignment.without_ends(read):
                self._alignment.learn(topic, await ends([topic]))
        self._left.extend(self._alignment.released(read))
        held = self._alignment.held
        if gone_on := [place for place in self._paused if place not in held]:
            self._paused.difference_update(gone_on)
            self._kafka.resume([TopicPartition(*place) for place in gone_on])
        if not self._left and time.monotonic() > self._moved_at + HOLD_SECONDS:
            raise BrokerUnavailable(f"a partition does not come to where {sorted(held)} wait")

    @property
    def skips(self) -> bool:
        """Whether any record that was read is not for this queue."""
        return any(entry.kind is Kind.OTHERS for entry in self._left)

    def next(self, limit: int) -> list[Delivery]:
        """Up to `limit` deliveries of the records that were read; the others are skipped.

        Raises `BrokerUnavailable` if the cluster has lost records that were read before.
        """
        found: list[Delivery] = []
        size = 0
        while self._left and len(found) < limit:
            entry = self._left[0]
            source = self._sources.get(entry.place)
            # Somebody has written to the lock's topic, or it is read again by another leader.
            if source is None or entry.offset < source.read:
                if source is not None and -1 < source.read_epoch < entry.epoch:
                    self._go_back(source, entry.offset)
                self._left.popleft()
                continue
            if self._alignment.takes(entry, self._counts[source.topic]):
                self._left.popleft()
                # Not at once: what is fetched would have to be fetched again.
                if self._alignment.behind(entry.place) == MOST_BEHIND:
                    self._paused.add(entry.place)
                    self._kafka.pause([TopicPartition(*entry.place)])
                continue
            if entry.kind in (Kind.OURS, Kind.FOR_ALL):
                one = entry.delivery
                size += len(one.body)
                if found and size > BATCH_BYTES:
                    break
                self._position += 1
                one.position = self._position
                one.delivery_count = source.counts.of(entry.offset)
                found.append(one)
                self._unacked.append((self._position, entry.place, entry.offset + 1, entry.epoch))
            self._read(entry, source)
            self._left.popleft()
        self._hand_out(found)
        return found

    def _read(self, entry: Entry, source: Source) -> None:
        """Note a record as read; its copies count as acknowledged with what was read before."""
        source.read, source.read_epoch = entry.offset + 1, entry.epoch
        for one in entry.copies:
            other = self._sources[one.place]
            other.read, other.read_epoch = one.offset + 1, one.epoch
            if self._unacked:
                self._unacked.append((self._position, one.place, one.offset + 1, one.epoch))

    def ack(self, position: int) -> None:
        """Acknowledge all deliveries up to this one."""
        self._check()
        if self._closed:
            raise BrokerUnavailable("the consumer has been closed")
        moved = set[Place]()
        while self._unacked and self._unacked[0][0] <= position:
            _, place, offset, epoch = self._unacked.popleft()
            self._sources[place].acked, self._sources[place].acked_epoch = offset, epoch
            moved.add(place)
        self._skip(moved)
        self._commit(moved)

    async def close(self) -> None:
        """Commit what is acknowledged, and leave the group."""
        self._closed = True
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._do(self._end)
        except TimeoutError:
            pass
        finally:
            self._thread.shutdown(wait=False)

    def _go_back(self, source: Source, offset: int) -> None:
        """Go on at an offset that was read already, where a later leader has others.

        The cluster has lost what was there: a node without the last records became the leader. The
        client library notices it by the leaders' epochs (KIP-320), and reads from there on.
        """
        if offset < source.acked:
            source.acked, source.acked_epoch, source.counts = offset, -1, Counts()
        self._unacked = deque(one for one in self._unacked if one[1] != source.place)
        source.read = source.acked
        raise BrokerUnavailable(f"{source.topic} has lost what it had from offset {offset} on")

    def _hand_out(self, found: Sequence[Delivery]) -> None:
        moved = set[Place]()
        if found:
            for place, source in self._sources.items():
                if source.read > source.acked:
                    source.counts.hand_out(source.read)
                    moved.add(place)
        self._skip(moved)
        self._commit(moved)

    def _skip(self, moved: set[Place]) -> None:
        """Count records as acknowledged that others are for, if none before them waits."""
        waiting = {one[1] for one in self._unacked}
        for place, source in self._sources.items():
            if place not in waiting and source.acked < source.read:
                source.acked, source.acked_epoch = source.read, source.read_epoch
                moved.add(place)

    def _commit(self, places: set[Place]) -> None:
        if not places:
            return
        try:
            self._kafka.commit(offsets=self._offsets(places), asynchronous=True)
        except KafkaException as error:
            raise self._address.translated(error, of=f"group {self._group}") from None

    def _offsets(self, places: set[Place]) -> list[TopicPartition]:
        return [self._sources[place].at_acked() for place in sorted(places)]

    def _assigned(
        self,
        least: Mapping[Place, int],
        bounds: Mapping[Place, tuple[int, int]],
        ids: Mapping[str, str],
    ) -> dict[Place, Source]:
        asked = [TopicPartition(*place) for place in least]
        sources = {}
        for one in self._kafka.committed(asked, timeout=ANSWER_SECONDS):
            if one.error is not None:
                raise KafkaException(one.error)
            place, id = (one.topic, one.partition), ids.get(one.topic, "")
            sources[place] = Source.begun(
                one, bounds[place], least=least[place], id=id, group=self._group
            )
        look_up(self._kafka, [topic for topic, _ in sources])
        self._kafka.incremental_assign([source.at_next() for source in sources.values()])
        for source in sources.values():
            if source.read_epoch >= 0:  # an assignment alone would not be held against the epochs
                self._kafka.seek(source.at_next())
        return sources

    def _end(self) -> None:
        try:
            if self._is_active and self._lost is None and self._sources:
                with suppress(KafkaException):
                    self._kafka.commit(
                        offsets=self._offsets(set(self._sources)), asynchronous=False
                    )
            if not self._is_active:
                # Closing alone would leave the group only with an assignment, and the others would
                # wait for this member until its session ends (librdkafka 2.16).
                with suppress(KafkaException):
                    self._kafka.unsubscribe()
        finally:
            self._kafka.close()

    async def _do(self, call: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, call)
        except (KafkaException, RuntimeError) as error:
            raise self._address.translated(error, of=f"group {self._group}") from None

    def _check(self) -> None:
        if self._lost is not None:
            raise BrokerUnavailable(self._lost)

    def _on_assign(self, client: Client, partitions: Sequence[TopicPartition]) -> None:
        # Whatever is in the lock's topic is nobody's business, and waiting for it would hold up the
        # other requests to its node.
        client.incremental_assign(
            [TopicPartition(one.topic, one.partition, OFFSET_END) for one in partitions]
        )
        client.pause(list(partitions))
        if partitions:
            self._is_active = True

    def _on_revoke(self, client: Client, partitions: Sequence[TopicPartition]) -> None:
        if partitions:
            self._is_active = False
            self._lost = "another consumer takes over"

    def _on_commit(self, error: KafkaError | None, partitions: Sequence[TopicPartition]) -> None:
        found = error or next((one.error for one in partitions if one.error is not None), None)
        if found is None or found.code() == KafkaError._NO_OFFSET:
            return
        if found.code() in _REBALANCING:
            # Another member has joined. This one stays active, unless the group says otherwise.
            self._commits_again = True
        else:
            self._lost = f"an ack was refused: {found.name()}"
