"""What the Kafka adapter decides by itself: addresses, bindings, counts, records."""

import json
from dataclasses import dataclass
from itertools import chain, repeat
from typing import cast

import pytest
from confluent_kafka import OFFSET_INVALID, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Message as Record
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from hirewire.messaging import metrics
from hirewire.messaging.broker import BrokerMisconfigured, BrokerUnavailable, Lag, Message
from hirewire.messaging.brokers.kafka import Kafka
from hirewire.messaging.brokers.kafka.address import Address, parse_url
from hirewire.messaging.brokers.kafka.bindings import Binding, after
from hirewire.messaging.brokers.kafka.counts import Counts
from hirewire.messaging.brokers.kafka.cut_off import CutOff
from hirewire.messaging.brokers.kafka.messages import delivery_of, headers_of
from hirewire.messaging.brokers.kafka.publisher import Publisher
from hirewire.messaging.brokers.kafka.routing import MARK
from hirewire.messaging.brokers.kafka.sources import Source
from hirewire.messaging.envelope import NOT_UNWRAPPED, UNREADABLE_HEADERS

PASSWORD = "s3cret/with@signs"
ENCODED = "s3cret%2Fwith%40signs"


def test_an_address_says_where_and_how() -> None:
    found = parse_url(f"kafka+ssl://auth:{ENCODED}@a.example,b.example:9093/board?mechanism=PLAIN")
    assert (found.servers, found.namespace) == ("a.example:9092,b.example:9093", "board")
    configuration = found.configuration("auth")
    assert configuration["security.protocol"] == "SASL_SSL"
    assert configuration["sasl.mechanism"] == "PLAIN"
    assert configuration["sasl.password"] == PASSWORD
    plain = parse_url("kafka://[::1]:19092")
    assert (plain.servers, plain.namespace, plain.user) == ("[::1]:19092", "hirewire", None)
    assert plain.security == {"security.protocol": "PLAINTEXT"}


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("kafka://:9092", "not host"),
        ("kafka://host:port", "not host"),
        ("kafka://host?colour=red", "unknown option 'colour'"),
        ("kafka://host/a.b", "the namespace"),
        ("kafka://host?retention_days=0", "retention_days: a whole number from 1"),
        ("kafka://host?replication=x", "replication: a whole number"),
        ("kafka://host?mechanism=PLAIN", "a mechanism without a user"),
        (f"kafka://me:{ENCODED}@host?mechanism=GSSAPI", "mechanism: one of"),
        (f"kafka://me:{ENCODED}@host?mechanism=OAUTHBEARER", "token_endpoint"),
    ],
)
def test_a_wrong_address_is_explained_without_the_password(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        parse_url(url)
    assert PASSWORD not in str(caught.value)
    assert ENCODED not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, BrokerMisconfigured),
        (KafkaError._ALL_BROKERS_DOWN, BrokerUnavailable),
        (KafkaError.SASL_AUTHENTICATION_FAILED, BrokerUnavailable),
    ],
)
def test_errors_are_permanent_or_temporary(code: int, error: type[Exception]) -> None:
    assert isinstance(parse_url("kafka://host").translated(KafkaException(KafkaError(code))), error)


def test_of_two_processes_that_bind_an_event_at_once_the_first_counts() -> None:
    first = Binding("hirewire.logs", {"a": (5,)})
    second = Binding("hirewire.logs", {"a": (9,), "b": (9,)})
    assert after(None, first) == first
    assert after(first, second).events == {"a": (5,), "b": (9,)}
    without = after(second, Binding("hirewire.logs", {"b": (12,)}))
    assert without.events == {"b": (9,)}
    assert after(without, second).events == {"a": (9,), "b": (9,)}


@pytest.mark.parametrize("value", [b"", b"[]", b"{}", b'{"events": 1}', b"\xff"])
def test_a_binding_that_cannot_be_read_is_no_binding(value: bytes) -> None:
    with pytest.raises(ValueError, match="not a binding"):
        Binding.read("hirewire.logs", value)


def test_a_binding_is_stored_whole() -> None:
    made = Binding(
        "hirewire.logs", {"a": (5,)}, {"hirewire.auth": (3, 0)}, "own", ("part.logs.0.#",)
    )
    assert Binding.read("hirewire.logs", made.to_json()) == made
    assert json.loads(made.to_json())["events"] == {"a": [5]}
    assert made.takes("a", 0, 5)
    assert not made.takes("a", 0, 4)
    assert not made.takes("b", 0, 9)
    assert made.takes("a", 1, 0)  # a partition that was made later
    assert made.has_key("part.logs.0.message")
    assert not made.has_key("part.logs.1.message")


def test_offsets_that_mean_nothing_any_more_are_corrected() -> None:
    events, starts = {"a": (5, 5), "b": (9, 1)}, {"a": (3, 3), "c": (8, 8)}
    made = Binding("hirewire.logs", events, starts, ids={"a": "1", "b": "2"})
    ends = {"a": (4, 4), "b": (6, 6, 6)}
    found = made.corrected({"a": "other", "b": "2"}, ends, lambda event: event)
    assert (found.events, found.starts) == ({"a": (), "b": (6, 1)}, {"a": (), "c": (8, 8)})


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=8))
def test_deliveries_are_counted_over_processes(lives: list[tuple[int, int]]) -> None:
    """Each process hands out some messages, acknowledges some of these, and is killed."""
    expected = [0] * 300
    acked, metadata = 0, ""
    for handed, acks in lives:
        counts = Counts.read(metadata, acked)
        for offset in range(acked, acked + handed):
            assert counts.of(offset) == expected[offset]
        for end in range(acked + 1, acked + handed + 1, 3):  # a batch of up to three
            counts.hand_out(min(end + 2, acked + handed))
        for offset in range(acked, acked + handed):
            expected[offset] += 1
        acked += min(acks, handed)
        metadata = counts.metadata(acked)


def test_odd_metadata_count_as_none() -> None:
    for text in (None, "", "somebody's", "5", "5:x,-3:1", "٣:١"):
        assert Counts.read(text, 0).runs == []


@pytest.mark.parametrize(
    ("offset", "epoch", "id", "least", "begins"),
    [
        pytest.param(30, 4, "1", 0, (30, 4), id="where it was"),
        pytest.param(30, -1, "1", 0, (30, -1), id="where it was, by an unknown leader"),
        pytest.param(OFFSET_INVALID, -1, "", 25, (25, -1), id="where it was bound"),
        pytest.param(30, 4, "1", 35, (35, -1), id="where it was bound, behind where it was"),
        pytest.param(3, 4, "1", 0, (10, -1), id="at the first record that is left"),
        pytest.param(30, 4, "2", 0, (10, -1), id="at the beginning of another topic"),
        pytest.param(60, 4, "1", 0, (60, 4), id="behind the end, which the library corrects"),
        pytest.param(60, -1, "1", 0, (10, -1), id="behind the end, which nobody would correct"),
    ],
)
def test_where_a_consumer_begins(
    offset: int, epoch: int, id: str, least: int, begins: tuple[int, int]
) -> None:
    committed = TopicPartition("board.auth", 0, offset, f"{id};40:2", epoch)
    made = Source.begun(committed, (10, 50), least=least, id="1", group="board.logs")
    assert (made.acked, made.acked_epoch) == (made.read, made.read_epoch) == begins
    assert made.counts.of(39) == (0 if id == "2" or begins[0] > 40 else 2)
    again = Source.begun(made.at_acked(), (10, 60), least=0, id="1", group="board.logs")
    assert again == made


def test_the_lag_of_each_partition_is_a_metric() -> None:
    metrics.lags([Lag("board.profiles", "board.auth", 0, 7)])
    labels = {"consumergroup": "board.profiles", "topic": "board.auth", "partition": "0"}
    assert REGISTRY.get_sample_value("hirewire_kafka_consumergroup_lag", labels) == 7


@dataclass
class Fake:
    """A record as the library gives it."""

    content: bytes
    given: list[tuple[str, bytes | None]]

    def value(self) -> bytes:
        return self.content

    def headers(self) -> list[tuple[str, bytes | None]]:
        return self.given


def record(content: bytes, *headers: tuple[str, bytes | None]) -> Record:
    return cast(Record, Fake(content, list(headers)))


def test_records_of_other_programs_are_read() -> None:
    event = {"specversion": "1.0", "id": "7", "source": "/crm", "type": "crm.called", "data": {}}
    kind = ("content-type", b"application/cloudevents+json; charset=utf-8")
    whole = record(json.dumps(event).encode(), kind)
    found = delivery_of(whole, "hirewire.logs", user=None, lease=None)
    assert found.routing_key == "crm.called"
    assert (found.body, found.headers["source"], found.message_id) == (b"{}", "/crm", "7")
    broken = delivery_of(record(b"{", kind), "q", user=None, lease=None)
    assert broken.routing_key == ""
    assert NOT_UNWRAPPED in broken.headers
    odd = record(b"{}", ("ce_type", b"crm.called"), ("ce_source", b"\xff"), ("trace", None))
    assert UNREADABLE_HEADERS in delivery_of(odd, "q", user=None, lease=None).headers


def test_records_are_spread_as_the_mark_before_them_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if more partitions are learned of while a batch is spread."""
    broker, publisher = Kafka("kafka://a/board", client="writer"), Marked()
    known = chain([1], repeat(4))
    monkeypatch.setattr(broker._cluster, "count_of", lambda _: next(known))
    messages = [Message(f"{n}", "test.noted", f"{n}", b"", {}) for n in range(9)]
    records = [("board.writer", one, headers_of(one)) for one in messages]
    first, second = (broker._placed(records, cast(Publisher, publisher)) for _ in range(2))
    assert [number for (_, number), _, _ in first] == [0] * 9
    assert [message.type for _, message, _ in second[:4]] == [MARK] * 4
    assert {number for (_, number), _, _ in second[4:]} == {0, 1, 2, 3}


@dataclass
class Marked:
    """A publisher that has written no mark yet."""

    marked: int = 1


def test_a_message_to_one_service_says_so() -> None:
    headers = {"id": "1", "type": "user.registered"}
    sent = Message("1", "user.registered", "k", b"{}", headers, to="profiles")
    made = record(sent.body, *headers_of(sent))
    found = delivery_of(made, "hirewire.profiles", user="auth", lease=None)
    assert (found.routing_key, found.headers, found.user_id) == (
        "to.profiles.user.registered",
        headers,
        "auth",
    )


class Views(CutOff):
    """What each of three nodes says of the cluster."""

    def __init__(self, address: Address, views: dict[str, set[int]]) -> None:
        super().__init__(address, "test", "board-active")
        self.views = views

    def _view(self, server: str) -> set[int]:
        return self.views[server]


async def test_a_client_leaves_a_node_that_the_others_do_not_reach() -> None:
    """Only if they say so twice: a node that comes or goes is not listed by all at once."""
    address = parse_url("kafka://a,b,c/board")
    views = {"a:9092": {1, 2}, "b:9092": {1, 2}, "c:9092": {1, 2, 3}}
    cut = Views(address, views)
    await cut.check({1, 2})
    await cut.check({1, 2, 3})
    await cut.check({1, 2})
    await cut.check({1, 2, 3})
    with pytest.raises(BrokerUnavailable, match=r"do not reach \[3\]"):
        await cut.check({1, 2, 3})
    assert address.configuration("web")["bootstrap.servers"] == "a:9092,b:9092"
    for one in ("a:9092", "b:9092"):
        address.avoid(one)
    assert address.configuration("web")["bootstrap.servers"] == "a:9092,b:9092,c:9092"


async def test_too_few_views_say_nothing() -> None:
    views: dict[str, set[int]] = {"a:9092": set(), "b:9092": set(), "c:9092": {1, 2}}
    cut = Views(parse_url("kafka://a,b,c/board"), views)
    for _ in range(3):
        await cut.check({1, 2, 3})
    two = Views(parse_url("kafka://a,b/board"), {"a:9092": {1}, "b:9092": {1}})
    for _ in range(3):
        await two.check({1, 2})
