"""Our encoding and decoding of AMQP content, compared with that of pika."""

from datetime import UTC, datetime
from typing import Any

import pika
from hypothesis import given
from hypothesis import strategies as st
from pika import frame

from hirewire.messaging.brokers.rabbitmq.frames import (
    FRAME_HEADER,
    read_content,
    read_deliver,
    write_content,
    write_publish,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
NAMES = st.text(st.characters(min_codepoint=97, max_codepoint=122), min_size=1, max_size=20)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(TEXTS, st.integers(-(2**62), 2**62), st.booleans(), st.none(), st.binary(max_size=9)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=8,
)


@given(
    st.dictionaries(NAMES, TEXTS, max_size=10),
    TEXTS.filter(lambda text: len(text.encode()) <= 255 and text),
    st.binary(max_size=300),
)
def test_pika_reads_what_we_write(headers: dict[str, str], id: str, body: bytes) -> None:
    sender = b"".join(bytes([len(t)]) + t for t in (b"test.noted", b"writer", b"writer app"))
    data = write_content(
        7,
        body,
        100,
        headers=headers,
        message_id=id,
        correlation_id="story",
        timestamp=1_700_000_000,
        sender=sender,
    )
    at, bodies, properties = 0, [], None
    while at < len(data):
        consumed, value = frame.decode_frame(data[at:])
        at += consumed
        if isinstance(value, frame.Header):
            properties, size = value.properties, value.body_size
        else:
            bodies.append(value.fragment)
    assert properties is not None
    assert (b"".join(bodies), size) == (body, len(body))
    assert properties.headers == {f"cloudEvents_{name}": text for name, text in headers.items()}
    assert (properties.message_id, properties.correlation_id) == (id, "story")
    assert (properties.type, properties.user_id, properties.app_id) == (
        "test.noted",
        "writer",
        "writer app",
    )
    assert (properties.delivery_mode, properties.timestamp) == (2, 1_700_000_000)


@given(st.dictionaries(NAMES, VALUES, max_size=8), TEXTS.filter(lambda t: len(t.encode()) < 256))
def test_we_read_what_pika_writes(headers: dict[str, Any], id: str) -> None:
    properties = pika.BasicProperties(
        headers={f"cloudEvents_{name}": value for name, value in headers.items()},
        message_id=id,
        user_id="somebody",
        delivery_mode=2,
        priority=3,
        content_encoding="utf-8",
        timestamp=5,
    )
    data = frame.Header(1, 12, properties).marshal()
    found = read_content(data, 7, len(data) - 1)
    assert data[0] == FRAME_HEADER
    assert (found.size, found.message_id, found.user_id) == (12, id, "somebody")
    assert found.headers.keys() == headers.keys()
    for name, value in headers.items():
        if isinstance(value, str):
            assert found.headers[name] == value
        elif isinstance(value, bool) or value is None:
            assert found.headers[name] == {True: "true", False: "false", None: "null"}[value]
        elif isinstance(value, int):
            assert found.headers[name] == str(value)


@given(st.binary(max_size=200))
def test_no_content_header_raises(noise: bytes) -> None:
    data = b"\x00\x3c\x00\x00" + (5).to_bytes(8) + b"\x20\x00" + noise
    assert read_content(data, 0, len(data)).size == 5


def test_a_deliver_method_and_a_publish_method() -> None:
    method = pika.spec.Basic.Deliver("tag", 2**40, True, "hirewire.events", "user.registered")
    data = frame.Method(3, method).marshal()
    assert read_deliver(data, 7) == (2**40, True, "user.registered")
    _, value = frame.decode_frame(
        write_publish(3, "hirewire.events", "user.registered", mandatory=True)
    )
    assert (value.method.exchange, value.method.routing_key) == (
        "hirewire.events",
        "user.registered",
    )
    assert value.method.mandatory


def test_times_of_javascript() -> None:
    moment = datetime(2026, 11, 24, 1, 2, 3, 456000, UTC)
    number = int(moment.timestamp() * 1000).to_bytes(8)
    table = b"\x02atT" + number + b"\x03typS\x00\x00\x00\x01x"
    data = b"\x00\x3c\x00\x00" + bytes(8) + b"\x20\x00" + len(table).to_bytes(4) + table
    found = read_content(data, 0, len(data))
    assert found.headers == {"at": "2026-11-24T01:02:03.456000Z", "typ": "x"}
