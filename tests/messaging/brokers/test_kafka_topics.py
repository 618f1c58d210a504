"""What nodes that know different topics answer. Their clusters are in `test_kafka`."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from types import SimpleNamespace

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import (
    ClusterMetadata,
    ListOffsetsResultInfo,
    PartitionMetadata,
    TopicMetadata,
)

from hirewire.messaging.broker import BrokerUnavailable
from hirewire.messaging.brokers.kafka import topics as module
from hirewire.messaging.brokers.kafka.address import parse_url
from hirewire.messaging.brokers.kafka.topics import Topics

END = 7


class Nodes:
    """A client whose questions are answered by one node after the other, and then by the last."""

    def __init__(self, *known: Mapping[str, int]) -> None:
        self._known: Iterator[Mapping[str, int]] = iter(known)
        self._last: Mapping[str, int] = {}

    def list_topics(self, topic: str | None = None, timeout: float = -1) -> ClusterMetadata:
        self._last = next(self._known, self._last)
        found = ClusterMetadata()
        found.topics = {name: _topic(count) for name, count in self._last.items()}
        return found

    def list_offsets(
        self, asked: Sequence[TopicPartition], **_: object
    ) -> dict[TopicPartition, "Future[ListOffsetsResultInfo]"]:
        return {one: _done(SimpleNamespace(offset=END)) for one in asked}


def _topic(count: int) -> TopicMetadata:
    found = TopicMetadata()
    found.partitions = {number: _partition() for number in range(count)}
    return found


def _partition() -> PartitionMetadata:
    found = PartitionMetadata()
    found.leader = 1
    return found


def _done(answer: SimpleNamespace) -> "Future[ListOffsetsResultInfo]":
    found: Future[ListOffsetsResultInfo] = Future()
    found.set_result(answer)  # type: ignore[arg-type]
    return found


def topics_of(*known: Mapping[str, int]) -> Topics:
    made = Topics(parse_url("kafka://127.0.0.1:1"), "tests")
    made._admin = Nodes(*known)  # type: ignore[assignment]
    return made


def test_ends_are_those_of_a_node_that_knows_all_topics() -> None:
    found = topics_of({"a": 1}, {"a": 1, "b": 0}, {"a": 1, "b": 2})
    assert found.ends_by_topic(["b", "a"]) == {"a": (END,), "b": (END, END)}


def test_partitions_are_counted_by_a_node_that_knows_the_topic() -> None:
    found = topics_of({"a": 0}, {}, {"a": 3})
    found.make(["a"])
    assert found.count_of("a") == 3


def test_a_topic_that_no_node_knows_in_time_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.05)
    with pytest.raises(BrokerUnavailable, match="does not know b yet"):
        topics_of({"a": 1}).ends_by_topic(["a", "b"])
