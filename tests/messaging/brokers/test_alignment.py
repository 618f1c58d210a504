"""What is for all partitions keeps its place, in whichever order partitions are read."""

from collections import deque
from dataclasses import dataclass
from typing import cast

from confluent_kafka import Message as Record
from hypothesis import given
from hypothesis import strategies as st

from hirewire.messaging.broker import Delivery
from hirewire.messaging.brokers.kafka.alignment import Alignment, Entry, Kind

TOPIC = "board.writer"


@dataclass
class Fake:
    """A record as the library gives it: an event, or a copy of what is for all."""

    number: int
    at: int
    published: int
    id: bytes = b""

    def topic(self) -> str:
        return TOPIC

    def partition(self) -> int:
        return self.number

    def offset(self) -> int:
        return self.at

    def timestamp(self) -> tuple[int, int]:
        return 1, self.published

    def headers(self) -> list[tuple[str, bytes]]:
        return [("ce_id", self.id)]


class Partitions:
    """Partitions with records, read one by one as a consumer does."""

    def __init__(self, count: int) -> None:
        self.logs: list[list[Fake]] = [[] for _ in range(count)]
        self.alignment = Alignment()
        self.left: deque[Entry] = deque()
        self.fetched = [0] * count
        self.read = {(TOPIC, number): 0 for number in range(count)}
        self.out: list[Fake] = []
        self._published = 0

    def add(self, number: int, id: bytes = b"") -> None:
        """A record in a partition."""
        self._published += 1
        self.logs[number].append(Fake(number, len(self.logs[number]), self._published, id))

    def fetch(self, number: int) -> None:
        """The next record of a partition arrives."""
        if self.fetched[number] < len(self.logs[number]):
            record = self.logs[number][self.fetched[number]]
            self.fetched[number] += 1
            kind = Kind.FOR_ALL if record.id else Kind.OURS
            self.left.append(Entry.of(cast(Record, record), kind, Delivery(b"", "")))
        self._work()

    def finish(self) -> None:
        """All that is left arrives."""
        for number, log in enumerate(self.logs):
            for _ in log:
                self.fetch(number)
        for _ in range(sum(map(len, self.logs)) + 1):
            for topic in self.alignment.without_ends(self.read):
                ends = {(topic, number): len(log) for number, log in enumerate(self.logs)}
                self.alignment.learn(topic, ends)
            self._work()

    def _work(self) -> None:
        while True:
            while self.left:
                entry = self.left.popleft()
                if self.alignment.takes(entry, len(self.logs)):
                    continue
                self.out.append(cast(Fake, entry.record))
                self.read[entry.place] = entry.offset + 1
                for one in entry.copies:
                    self.read[one.place] = one.offset + 1
            self.left.extend(self.alignment.released(self.read))
            if not self.left:
                return


steps = st.lists(st.one_of(st.integers(0, 3), st.none()), max_size=30)
order = st.lists(st.integers(0, 3), max_size=60)


@given(steps, order)
def test_nothing_overtakes_what_is_for_all(written: list[int | None], read: list[int]) -> None:
    """An event goes to one partition; None is for all, which gets a copy in each."""
    made = Partitions(4)
    expected: list[tuple[set[tuple[int, int]], bytes]] = []
    for nth, number in enumerate(written):
        if number is None:
            before = {
                (n, at)
                for n, log in enumerate(made.logs)
                for at, one in enumerate(log)
                if not one.id
            }
            expected.append((before, b"%d" % nth))
            for copy in range(4):
                made.add(copy, b"%d" % nth)
        else:
            made.add(number)
    for number in read:
        made.fetch(number)
    made.finish()
    seen: set[tuple[int, int]] = set()
    found = []
    for one in made.out:
        if one.id:
            found.append((set(seen), one.id))
        else:
            seen.add((one.number, one.at))
    assert found == expected
    assert len(seen) == sum(number is not None for number in written)
    assert not made.alignment.held


copies = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from([b"", b"a", b"b", b"c"])), max_size=40
)


@given(copies, order)
def test_missing_and_repeated_copies_stop_nothing(
    written: list[tuple[int, bytes]], read: list[int]
) -> None:
    """A publisher died between two copies, or wrote some again, or two wrote crosswise."""
    made = Partitions(4)
    for number, id in written:
        made.add(number, id)
    for number in read:
        made.fetch(number)
    made.finish()
    assert not made.alignment.held
    events = [(one.number, one.at) for one in made.out if not one.id]
    assert len(events) == sum(not id for _, id in written)
    for number in range(4):
        mine = [at for place, at in events if place == number]
        assert mine == sorted(mine)
    assert {one.id for one in made.out} >= {id for _, id in written}
