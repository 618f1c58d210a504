"""AMQP 0-9-1 content frames on the hot paths: reads deliveries and writes messages. No I/O.

Formats: AMQP 0-9-1 specification, 4.2 (frames, content headers) and 4.2.5.5 (field tables), with
the field types that RabbitMQ uses. Table values of external publishers are read as text or, if that
is impossible, in a printable form: nothing here raises for content.
"""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from hirewire.messaging import structured
from hirewire.messaging.envelope import UNREADABLE_HEADERS

FRAME_METHOD, FRAME_HEADER, FRAME_BODY, FRAME_END = 1, 2, 3, 0xCE
LEAST_FRAME = 4096
"""Bytes. Peers never agree on smaller frames."""
HEAD = struct.Struct(">BHL")
"""Type, channel and payload size of a frame."""
DELIVER = 0x003C_003C
BASIC = 60
PREFIX = "cloudEvents_"
ATTRIBUTES = frozenset(
    [
        "specversion",
        "id",
        "type",
        "source",
        "time",
        "partitionkey",
        "sequence",
        "epoch",
        "correlationid",
        "causationid",
        "edge",
        "types",
        "replayof",
        "repair",
        "typeversion",
        "dataref",
        "datasha256",
        "datasize",
    ]
)
"""Headers that count as CloudEvents attributes only with the prefix."""
MILLISECONDS_FROM = 10**11
"""A timestamp above this is in milliseconds: in seconds it would be after the year 5138."""
DEEPEST = 20
"""Levels of nested tables; deeper ones are kept as text."""
COUNTS = frozenset({b"x-delivery-count", b"x-acquired-count"})

_STRUCTURED = structured.PREFIX.encode()
_LONG, _LONGLONG, _SHORT = struct.Struct(">L"), struct.Struct(">Q"), struct.Struct(">H")
_CONTENT = struct.Struct(">HHQH")
_FIXED: dict[int, tuple[struct.Struct, int]] = {
    ord(code): (struct.Struct(">" + form), struct.calcsize(">" + form))
    for code, form in {
        "b": "b",
        "B": "B",
        "s": "h",
        "u": "H",
        "U": "h",
        "I": "l",
        "i": "L",
        "l": "q",
        "L": "q",
        "f": "f",
        "d": "d",
        "T": "Q",
    }.items()
}
_names: dict[bytes, str] = {}
_MOST_NAMES = 10_000


@dataclass(slots=True)
class Content:
    """The needed fields of a content header."""

    size: int
    headers: dict[str, str]
    message_id: str | None
    user_id: str | None
    count: int
    """How often the broker has delivered it before."""
    structured: str = ""
    """The content type, if it is that of a structured CloudEvent."""


def read_deliver(payload: bytes, at: int) -> tuple[int, bool, str]:
    """Delivery tag, whether redelivered, and routing key of a Basic.Deliver method's payload."""
    at += 4
    at += 1 + payload[at]
    tag = _LONGLONG.unpack_from(payload, at)[0]
    redelivered = bool(payload[at + 8] & 1)
    at += 9
    at += 1 + payload[at]
    return tag, redelivered, payload[at + 1 : at + 1 + payload[at]].decode("utf-8", "replace")


def read_content(payload: bytes, at: int, end: int) -> Content:
    """Read a content header frame's payload in ``payload[at:end]``."""
    _, _, size, flags = _CONTENT.unpack_from(payload, at)
    found = Content(size, {}, None, None, 0)
    try:
        _read_properties(found, payload, at + _CONTENT.size, end, flags)
    except (IndexError, struct.error, RecursionError):
        found.headers = {UNREADABLE_HEADERS: payload[at:end].hex()}
    return found


def _read_properties(found: Content, payload: bytes, at: int, end: int, flags: int) -> None:
    if flags & 0x8000:
        kind = payload[at + 1 : at + 1 + payload[at]]
        if kind[: len(_STRUCTURED)].lower() == _STRUCTURED:
            found.structured = kind.decode("utf-8", "replace")
        at += 1 + payload[at]
    if flags & 0x4000:
        at += 1 + payload[at]
    if flags & 0x2000:
        stop = at + 4 + _LONG.unpack_from(payload, at)[0]
        if stop > end:
            raise IndexError
        found.headers, found.count = _read_headers(payload, at + 4, stop)
        at = stop
    at += (flags >> 12 & 1) + (flags >> 11 & 1)
    for bit in (10, 9, 8):
        if flags >> bit & 1:
            at += 1 + payload[at]
    if flags & 0x80:
        found.message_id = payload[at + 1 : at + 1 + payload[at]].decode("utf-8", "replace")
        at += 1 + payload[at]
    if flags & 0x40:
        at += 8
    if flags & 0x20:
        at += 1 + payload[at]
    if flags & 0x10:
        found.user_id = payload[at + 1 : at + 1 + payload[at]].decode("utf-8", "replace")


def _read_headers(payload: bytes, at: int, end: int, depth: int = 0) -> tuple[dict[str, str], int]:
    """Headers as text without the CloudEvents prefix, and the broker's delivery count."""
    headers: dict[str, str] = {}
    count = 0
    start = at
    while at < end:
        key = payload[at + 1 : at + 1 + payload[at]]
        at += 1 + len(key)
        if payload[at] == 0x53:  # S, the most common type
            stop = at + 5 + _LONG.unpack_from(payload, at + 1)[0]
            if stop > end:
                raise IndexError
            headers[_names.get(key) or _name(key)] = payload[at + 5 : stop].decode(
                "utf-8", "replace"
            )
            at = stop
            continue
        try:
            value, at = _read_value(payload, at, end, depth)
        except (IndexError, struct.error):  # of an unknown type: so is where it ends
            headers[UNREADABLE_HEADERS] = payload[start:end].hex()
            break
        if key in COUNTS:
            count = max(count, value if isinstance(value, int) else 0)
        else:
            headers[_name(key)] = value if isinstance(value, str) else json.dumps(value)
    return headers, count


def _name(key: bytes) -> str:
    text = key.decode("utf-8", "replace")
    name = text.removeprefix(PREFIX).removeprefix("cloudEvents:")
    if name == text and name in ATTRIBUTES:
        name = f"plain:{name}"  # an external header, not the CloudEvents attribute
    if len(_names) < _MOST_NAMES:
        _names[key] = name
    return name


def _moment(number: int) -> str:
    """A timestamp as text; JavaScript's are in milliseconds."""
    try:
        seconds = number / 1000 if number > MILLISECONDS_FROM else number
        return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return str(number)


def _read_value(payload: bytes, at: int, end: int, depth: int) -> tuple[object, int]:
    """A field value and its end. Raises `IndexError` for an unknown type."""
    code = payload[at]
    at += 1
    if code in _FIXED:
        form, size = _FIXED[code]
        value: object = form.unpack_from(payload, at)[0]
        return _moment(int(value)) if code == 0x54 and isinstance(value, int) else value, at + size
    if code == 0x56:  # V
        return None, at
    if code == 0x74:  # t
        return bool(payload[at]), at + 1
    if code == 0x44:  # D
        scale, number = payload[at], struct.unpack_from(">l", payload, at + 1)[0]
        return f"{number}e-{scale}", at + 5
    stop = at + 4 + _LONG.unpack_from(payload, at)[0]
    if stop > end:
        raise IndexError
    if code in (0x53, 0x78) or (depth > DEEPEST and code in (0x46, 0x41)):  # S, x
        return payload[at + 4 : stop].decode("utf-8", "replace"), stop
    if code == 0x46:  # F
        return _read_headers(payload, at + 4, stop, depth + 1)[0], stop
    if code == 0x41:  # A
        values, place = [], at + 4
        while place < stop:
            value, place = _read_value(payload, place, stop, depth + 1)
            values.append(value)
        return values, stop
    raise IndexError


def short(text: str) -> bytes:
    """A short string. Raises `ValueError` over 255 bytes."""
    encoded = text.encode()
    if len(encoded) > 255:
        raise ValueError(f"over 255 bytes: {text[:40]}…")
    return bytes((len(encoded),)) + encoded


def write_publish(channel: int, exchange: str, routing_key: str, *, mandatory: bool) -> bytes:
    """The method frame of a Basic.Publish."""
    payload = b"\x00\x3c\x00\x28\x00\x00" + short(exchange) + short(routing_key)
    payload += b"\x01" if mandatory else b"\x00"
    return frame(FRAME_METHOD, channel, payload)


def frame(kind: int, channel: int, payload: bytes) -> bytes:
    """A complete frame."""
    return HEAD.pack(kind, channel, len(payload)) + payload + b"\xce"


_PERSISTENT_JSON = short("application/json")
_keys: dict[str, bytes] = {}


def write_headers(headers: Mapping[str, str]) -> bytes:
    """A table of CloudEvents attributes with their prefix."""
    parts = []
    for name, value in headers.items():
        key = _keys.get(name)
        if key is None:
            key = short(PREFIX + name) + b"S"
            if len(_keys) < _MOST_NAMES:
                _keys[name] = key
        encoded = value.encode()
        parts.append(key + _LONG.pack(len(encoded)) + encoded)
    table = b"".join(parts)
    return _LONG.pack(len(table)) + table


def write_content(
    channel: int,
    body: bytes,
    most: int,
    *,
    headers: Mapping[str, str],
    message_id: str,
    correlation_id: str | None,
    timestamp: int,
    sender: bytes,
) -> bytes:
    """Content header and body frames of a persistent JSON message.

    `most` is the largest payload of a frame; `sender` holds the properties type, user id and app
    id, each as a short string. Raises `ValueError` for headers that do not fit into one frame,
    since the broker would close the connection.
    """
    correlated = correlation_id is not None and len(correlation_id.encode()) <= 255
    payload = b"".join(
        (
            _CONTENT.pack(BASIC, 0, len(body), 0xB0F8 | (0x0400 if correlated else 0)),
            _PERSISTENT_JSON,
            write_headers(headers),
            b"\x02",
            short(correlation_id) if correlated and correlation_id is not None else b"",
            short(message_id),
            _LONGLONG.pack(timestamp),
            sender,
        )
    )
    if len(payload) > max(most, LEAST_FRAME):
        raise ValueError(f"headers of {len(payload)} bytes; at most {most}")
    frames = [frame(FRAME_HEADER, channel, payload)]
    frames += [
        frame(FRAME_BODY, channel, body[start : start + most])
        for start in range(0, len(body), most)
    ]
    return b"".join(frames)
