"""How far a consumer has come in a partition: where it begins, and what it commits."""

from dataclasses import dataclass

import structlog
from confluent_kafka import TopicPartition

from hirewire.messaging.brokers.kafka.counts import Counts
from hirewire.messaging.brokers.kafka.reading import Place

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Source:
    """A partition that the queue reads."""

    topic: str
    partition: int
    id: str
    """The cluster's id of the topic; offsets in another one of this name mean nothing."""
    counts: Counts
    acked: int
    """The offset after the last acknowledged or skipped record."""
    read: int
    """The offset after the last record that was read."""
    acked_epoch: int = -1
    """The epoch of the leader that wrote the last acknowledged record; -1: unknown."""
    read_epoch: int = -1

    @classmethod
    def begun(
        cls, committed: TopicPartition, bounds: tuple[int, int], *, least: int, id: str, group: str
    ) -> "Source":
        """From what the group has committed on, which is at least `least`.

        `bounds` are the offsets of the first record and after the last one.
        """
        first, end = bounds
        committed_in, _, runs = (committed.metadata or "").rpartition(";")
        is_other = bool(id and committed_in) and committed_in != id
        start = max(first if is_other else committed.offset, least, first)
        if not is_other and 0 <= committed.offset < first and least < first:
            log.error(
                "messages are gone: the topic's retention was shorter than the pause",
                group=group,
                topic=committed.topic,
                records=first - max(committed.offset, least),
            )
        epoch = committed.leader_epoch
        if epoch is None or start != committed.offset or is_other:
            epoch = -1
        if start > end and epoch < 0:  # the topic was deleted, and is there again
            start = first
        counts = Counts.read("" if is_other else runs, start)
        return cls(committed.topic, committed.partition, id, counts, start, start, epoch, epoch)

    @property
    def place(self) -> Place:
        """Which partition it is."""
        return self.topic, self.partition

    def at_next(self) -> TopicPartition:
        """Where it goes on reading."""
        return TopicPartition(*self.place, self.read, leader_epoch=self.read_epoch)

    def at_acked(self) -> TopicPartition:
        """What is committed: the inverse of `begun`."""
        metadata = f"{self.id};{self.counts.metadata(self.acked)}"
        return TopicPartition(*self.place, self.acked, metadata, self.acked_epoch)
