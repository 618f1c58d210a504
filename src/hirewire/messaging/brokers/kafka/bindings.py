"""Which queue has which events: a compacted topic that every client reads to its end.

Kafka has no queues and no bindings. A queue here is a consumer group, and the events that it gets,
each from one offset on. All that is needed to know them is in the topic `<namespace>-queues`: one
record a queue, under its name, and none for a queue that is deleted.

Each client adds the records up in their order. An event that a queue has already keeps its offset
unless a later record says a lower one: of two processes that declare a queue at once, the first one
counts.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from confluent_kafka import Consumer, KafkaError, KafkaException

from hirewire.messaging.broker import BrokerUnavailable
from hirewire.messaging.brokers.kafka.address import ANSWER_SECONDS, Address, Configuration
from hirewire.messaging.brokers.kafka.reading import Place, look_up, partitions, reader_of

_AT_ONCE = 500


Offsets: TypeAlias = tuple[int, ...]
"""Of the partitions of a topic; 0 in those that are missing, which were made later."""


def at(offsets: Offsets | None, partition: int) -> int:
    """The offset in a partition."""
    return offsets[partition] if offsets is not None and partition < len(offsets) else 0


@dataclass(frozen=True, slots=True)
class Binding:
    """What a queue gets."""

    queue: str
    events: Mapping[str, Offsets]
    """By event, the offsets from which on the queue gets it, in the topic of its owner."""
    starts: Mapping[str, Offsets] = field(default_factory=dict)
    """By topic of an owner, the offsets from which on the queue gets what is for it alone."""
    topic: str | None = None
    """A topic of the queue's own, all of which it gets."""
    keys: Sequence[str] = ()
    """Routing keys that lead to that topic, with ``#`` at the end for any rest."""
    ids: Mapping[str, str] = field(default_factory=dict)
    """By topic that it reads, the cluster's id of it: another one is a topic that was deleted."""

    def corrected(
        self, ids: Mapping[str, str], ends: Mapping[str, Offsets], topic_of: Callable[[str], str]
    ) -> "Binding":
        """Without offsets that mean nothing any more, by the ids and ends of topics.

        The queue gets all of a topic that was deleted and is there again, and what comes after the
        end of one that has lost records.
        """

        def right(topic: str, offsets: Offsets) -> Offsets:
            if topic in ids and self.ids.get(topic, ids[topic]) != ids[topic]:
                return ()
            return tuple(map(min, offsets, ends.get(topic, offsets)))

        events = {event: right(topic_of(event), found) for event, found in self.events.items()}
        starts = {topic: right(topic, found) for topic, found in self.starts.items()}
        return replace(self, events=events, starts=starts)

    def to_json(self) -> bytes:
        """As a record's value."""
        value: dict[str, object] = {"events": dict(self.events), "starts": dict(self.starts)}
        value |= {"topic": self.topic, "keys": list(self.keys), "ids": dict(self.ids)}
        return json.dumps(value).encode()

    @classmethod
    def read(cls, queue: str, value: bytes) -> "Binding":
        """The inverse of `to_json`. Raises `ValueError`."""
        try:
            row = json.loads(value)
            events = {str(name): tuple(map(int, found)) for name, found in row["events"].items()}
            starts = {str(name): tuple(map(int, found)) for name, found in row["starts"].items()}
            ids = {str(topic): str(id) for topic, id in row.get("ids", {}).items()}
            return cls(queue, events, starts, row["topic"], tuple(row["keys"]), ids)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"not a binding: {error}") from None

    def gets_what(self, other: "Binding") -> bool:
        """Whether both get the same of the topics that they read."""
        return replace(self, starts={}) == replace(other, starts={})

    def takes(self, event: str, partition: int, offset: int) -> bool:
        """Whether the queue gets an event at this place of its owner's topic."""
        since = self.events.get(event)
        return since is not None and offset >= at(since, partition)

    def start_of(self, place: Place) -> int:
        """The first offset that the queue may get in a partition."""
        topic, partition = place
        return at(self.starts.get(topic), partition)

    def has_key(self, routing_key: str) -> bool:
        """Whether a routing key leads to the queue's own topic."""
        return any(
            routing_key.startswith(key[:-1]) if key.endswith("#") else routing_key == key
            for key in self.keys
        )


def after(before: Binding | None, given: Binding) -> Binding:
    """What a queue is once this record is added to those before."""
    if before is None:
        return given
    # A lower one is that of a topic that was created again.
    kept = {
        name: tuple(map(min, offsets, given.events[name]))
        for name, offsets in before.events.items()
        if name in given.events
    }
    return replace(given, events={**given.events, **kept})


@dataclass(slots=True)
class Bindings:
    """The queues as they are at an offset of the topic. Not for several threads at once."""

    address: Address
    client: str
    queues: dict[str, Binding] = field(default_factory=dict)
    _reader: Consumer | None = None
    _next: int = 0

    @property
    def topic(self) -> str:
        """The topic's name."""
        return topic_of(self.address)

    def read_to(self, end: int) -> None:
        """Read all before an offset. Raises `KafkaException`, `BrokerUnavailable`."""
        if end < self._next:  # somebody has deleted the topic, and made another one
            self.close()
        reader = self._opened()
        while self._next < end:
            first = reader.poll(ANSWER_SECONDS)
            if first is None:
                raise BrokerUnavailable("the queues cannot be read in time")
            for record in (first, *reader.consume(_AT_ONCE, 0)):
                error = record.error()
                if error is None and (record.offset() or 0) < self._next:
                    self.close()  # the cluster has lost some, and has others in their place
                    raise BrokerUnavailable("the queues are read again")
                if error is None:
                    self._take(record.key(), record.value())
                    self._next = (record.offset() or 0) + 1
                elif error.code() == KafkaError._PARTITION_EOF:
                    self._next = max(self._next, record.offset() or 0)
                else:
                    raise KafkaException(error)

    def bound(self, event: str) -> bool:
        """Whether any queue gets an event."""
        return any(event in one.events for one in self.queues.values())

    def with_key(self, routing_key: str) -> Sequence[Binding]:
        """The queues to whose own topics a routing key leads."""
        return [one for one in self.queues.values() if one.has_key(routing_key)]

    def close(self) -> None:
        """Forget all, and close the connection."""
        reader, self._reader = self._reader, None
        self.queues.clear()
        self._next = 0
        if reader is not None:
            reader.close()

    def _take(self, key: object, value: object) -> None:
        queue = key.decode("utf-8", "replace") if isinstance(key, bytes) else ""
        if not isinstance(value, bytes):
            self.queues.pop(queue, None)
            return
        try:
            given = Binding.read(queue, value)
        except ValueError:
            return  # nobody but a program like this one may write here
        self.queues[queue] = after(self.queues.get(queue), given)

    def _opened(self) -> Consumer:
        if self._reader is None:
            how: Configuration = {"enable.partition.eof": True, "auto.offset.reset": "earliest"}
            self._reader = reader_of(self.address, self.client, how)
            self._next = 0
            look_up(self._reader, [self.topic])
            self._reader.assign(partitions({(self.topic, 0): 0}))
        return self._reader


def topic_of(address: Address) -> str:
    """The topic of the queues."""
    return f"{address.namespace}-queues"
