"""Keeps what is for all partitions of a topic at its place among the messages of all of them.

A watermark, a barrier, or a mark that says into how many partitions keys are spread from now on, is
in every partition. The reader of a partition holds it, with all behind it, until each other
partition of the topic is at its copy, or has been read to what was its end since. Then the first
copy is handed out, and the others are dropped. So whatever was confirmed before it was published is
read before it, and nothing behind it overtakes it, also if a key has moved to another partition.
"""

from collections import deque
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from enum import Enum, auto

from confluent_kafka import Message as Record

from hirewire.messaging.broker import Delivery
from hirewire.messaging.brokers.kafka.messages import id_of
from hirewire.messaging.brokers.kafka.reading import Place


class Kind(Enum):
    """Whom a record is for."""

    OURS = auto()
    OTHERS = auto()
    FOR_ALL = auto()
    """For this queue, in all partitions."""
    MARK = auto()
    """For its reader only, in all partitions."""


@dataclass(slots=True)
class Entry:
    """A record that was read."""

    record: Record
    kind: Kind
    delivery: Delivery
    place: Place
    """Where it is."""
    offset: int
    """Its offset there."""
    copies: Sequence["Entry"] = ()
    """The copies that are dropped with it, itself among them."""

    @classmethod
    def of(cls, record: Record, kind: Kind, delivery: Delivery) -> "Entry":
        """A record that is for this queue, or for others."""
        place = record.topic() or "", record.partition() or 0
        return cls(record, kind, delivery, place, record.offset() or 0)

    @property
    def epoch(self) -> int:
        """The epoch of the leader that wrote it; -1: unknown."""
        found = self.record.leader_epoch()
        return -1 if found is None else found


@dataclass(slots=True)
class _Held:
    entry: Entry
    behind: deque[Entry] = field(default_factory=deque)

    @property
    def order(self) -> tuple[int, Place]:
        """By the cluster's time."""
        return self.entry.record.timestamp()[1], self.entry.place


class Alignment:
    """What is held in each partition."""

    def __init__(self) -> None:
        self._held: dict[Place, _Held] = {}
        self._ends: dict[str, Mapping[Place, int]] = {}

    @property
    def held(self) -> Set[Place]:
        """The partitions that wait."""
        return self._held.keys()

    def behind(self, place: Place) -> int:
        """How many records wait behind the one that is held."""
        return len(self._held[place].behind)

    def without_ends(self, read: Mapping[Place, int]) -> set[str]:
        """The topics whose ends are to be asked for, since not all of their partitions wait."""
        topics = {topic for topic, _ in self._held} - self._ends.keys()
        return {topic for topic, number in read.keys() - self._held.keys() if topic in topics}

    def learn(self, topic: str, ends: Mapping[Place, int]) -> None:
        """Note where the partitions of a topic end now."""
        self._ends[topic] = ends

    def takes(self, entry: Entry, count: int) -> bool:
        """Whether a record waits; `count` is the number of partitions of its topic."""
        if entry.place in self._held:
            self._held[entry.place].behind.append(entry)
            return True
        if count == 1 or entry.kind not in (Kind.FOR_ALL, Kind.MARK) or entry.copies:
            return False
        self._held[entry.place] = _Held(entry)
        self._ends.pop(entry.place[0], None)
        return True

    def released(self, read: Mapping[Place, int]) -> list[Entry]:
        """What need not wait any more, in order; `read` is how far each partition was read."""
        found: list[Entry] = []
        for topic in {topic for topic, _ in self._held}:
            ends = self._ends.get(topic, {})
            others = [place for place in read if place[0] == topic and place not in self._held]
            if all(place in ends and read[place] >= ends[place] for place in others):
                found += self._release(topic)
        return found

    def _release(self, topic: str) -> list[Entry]:
        """The copies of one record, the one that was published first, and all behind them."""
        held = {place: one for place, one in self._held.items() if place[0] == topic}
        first = min(held.values(), key=lambda one: one.order)
        id = id_of(first.entry.record)
        same = {place: one for place, one in held.items() if id_of(one.entry.record) == id}
        for place in same:
            del self._held[place]
        self._ends.pop(topic, None)
        first.entry.copies = [one.entry for one in same.values()]
        return [first.entry, *(entry for one in same.values() for entry in one.behind)]
