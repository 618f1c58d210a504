"""Converts events to messages and back: CloudEvents 1.0 attributes beside a plain JSON body."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, Protocol, TypeVar
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import ValidationError
from pydantic_core import from_json

from hirewire.messaging.broker import Delivery, Message
from hirewire.messaging.event import EVENTS, REDACTED, Event
from hirewire.messaging.ids import id_of, new_id

E = TypeVar("E", bound=Event, covariant=True)

MAX_BODY = 4 * 1024 * 1024
"""Bytes. A larger message is a dead letter."""
MAX_NAME = 255
"""Characters of a key and of a source."""
UNREADABLE_HEADERS = "unreadable-headers"
"""Header under which a broker keeps unreadable headers, as hexadecimal text."""
NOT_UNWRAPPED = "not-unwrapped"
"""Header under which a broker gives the reason why a structured CloudEvent was left unchanged."""
REPAIR = "repair"
"""Header of an event that is published again to a service that lacks it: the request's id."""
EPOCH_BITS, SEQUENCE_BITS = 23, 40
"""Bits of the two parts of the number that orders a key's events."""
BOM = b"\xef\xbb\xbf"
"""Some programs start UTF-8 with it; JSON must not have it (RFC 8259)."""
_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class LogRow(Protocol):
    """A row of the log, by column name."""

    def __getitem__(self, name: str, /) -> Any:
        """The value of a column."""


class Malformed(Exception):
    """The message cannot be read as an event that is consumed here."""


class Unknown(Malformed):
    """This version of the program does not know the event, or its payload version."""


@dataclass(frozen=True, slots=True)
class Context:
    """The correlation and cause that an event passes on to the events it causes."""

    correlation_id: str
    causation_id: str | None = None
    traceparent: str | None = None


@dataclass(slots=True)
class Received(Generic[E]):
    """A received event, as the handlers get it."""

    event: E
    id: UUID
    """The message's id; generated at each delivery if it came without one."""
    source: str
    """``/hirewire/<owner>`` for our own events; the sender's, or empty, for external publishers."""
    sequence: int | None
    """Number within source and key, counted from 1 by the owner; None from an external publisher.
    """
    time: datetime | None
    """When it was recorded."""
    late: bool
    """A later event of the same key has already taken effect here."""
    correlation_id: str
    """Id of the request or message that started the causal trace."""
    key: str
    """The aggregate's id."""
    traceparent: str | None = None
    """W3C trace context of its publisher."""
    epoch: int = 0
    """The epoch of the owner's database, to which the sequence belongs."""
    redacted: bool = False
    """The person whom it is about was erased: no handler gets it."""
    repeats: UUID | None = None
    """The id of the event that this one repeats, because an operator asked for it again."""

    repaired: bool = False
    """Whether it was published again because this service lacked it: the message was lost, or the
    database is one that was restored from a backup.
    """

    @property
    def original_id(self) -> UUID:
        """The id of the event itself: that of a repeat is another one."""
        return self.repeats or self.id

    @property
    def order(self) -> int | None:
        """Epoch and sequence as one number: the greater one is the later event of its key."""
        return None if self.sequence is None else (self.epoch << SEQUENCE_BITS) + self.sequence


def caused_by(received: Received[Event]) -> Context:
    """The context of the events recorded while handling `received`."""
    return Context(received.correlation_id, str(received.id), received.traceparent)


def source_of(service: str) -> str:
    """The CloudEvents `source` of a service's events."""
    return f"/hirewire/{service}"


def headers_of(
    event_type: type[Event], *, id: UUID, key: str, sequence: int, time: datetime, context: Context
) -> dict[str, str]:
    """The CloudEvents attributes of an event. See `recorded_headers`."""
    return recorded_headers(
        {
            "id": id,
            "type": event_type.name,
            "key": key,
            "epoch": 0,
            "sequence": sequence,
            "recorded_at": time,
            "correlation_id": context.correlation_id,
            "causation_id": context.causation_id,
            "traceparent": context.traceparent,
            "version": event_type.schema_version,
        },
        event_type.owner,
    )


def recorded_headers(row: LogRow, owner: str) -> dict[str, str]:
    """The CloudEvents attributes of an event, from its row in the owner's log.

    `sequence` and `partitionkey` are documented CloudEvents extensions; `sequence` is text there.
    `typeversion` is ours: the version of the payload, where it is not the first.
    `epoch` is our own, and only there when it is not 0.
    """
    headers = {
        "specversion": "1.0",
        "id": str(row["id"]),
        "type": row["type"],
        "source": source_of(owner),
        "time": row["recorded_at"].astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "partitionkey": row["key"],
        "sequence": str(row["sequence"]),
        "correlationid": row["correlation_id"],
    }
    if row["epoch"]:
        headers["epoch"] = str(row["epoch"])
    if row["causation_id"]:
        headers["causationid"] = row["causation_id"]
    if row["traceparent"]:
        headers["traceparent"] = row["traceparent"]
    if (row["version"] or 1) > 1:
        headers["typeversion"] = str(row["version"])
    return headers


def message_of(row: LogRow, owner: str) -> Message:
    """The message that carries an event, from its row in the owner's log."""
    return Message(
        id=str(row["id"]),
        type=row["type"],
        key=row["key"],
        body=row["body"].encode(),
        headers=recorded_headers(row, owner),
        correlation_id=row["correlation_id"],
    )


def type_of(delivery: Delivery) -> str:
    """The event's name: the CloudEvents attribute, or an external message's routing key."""
    return delivery.headers.get("type") or delivery.routing_key


def message_id_of(delivery: Delivery) -> UUID:
    """The id by which a repeated message is recognised.

    A UUID is used unchanged; any other id is mapped to a UUID (version 5) together with its source.
    A message without an id is never recognised as a repeat, since two equal bodies may be two
    separate events.
    """
    text = delivery.headers.get("id") or delivery.message_id
    if not text:
        return new_id()
    try:
        return id_of(text)
    except ValueError:
        name = f"{delivery.headers.get('source', '')}\n{text}"
        return uuid5(NAMESPACE_URL, name.encode("utf-8", "replace").decode())


def decode(delivery: Delivery, services: frozenset[str] = frozenset()) -> Received[Event]:
    """Decode a delivery. `late` is unknown here and False.

    Raises only `Malformed`: for an unknown event, an invalid body, or a sender (verified by the
    broker) that is one of `services` but not the event's owner.
    """
    try:
        return _decode(delivery, services)
    except Malformed:
        raise
    except Exception as error:  # a validator may raise anything; the text may quote the value
        raise Malformed(f"cannot be read: {type(error).__name__}") from None


def _decode(delivery: Delivery, services: frozenset[str]) -> Received[Event]:
    if UNREADABLE_HEADERS in delivery.headers:
        raise Malformed("headers: cannot be read")
    if NOT_UNWRAPPED in delivery.headers:
        raise Malformed(f"structured CloudEvent: {delivery.headers[NOT_UNWRAPPED]}")
    if "datalost" in delivery.headers and not delivery.body:
        raise Malformed(f"large body: {delivery.headers['datalost']}")
    if "dataref" in delivery.headers and not delivery.body:
        raise Malformed("large body: it is in a store, and HIREWIRE_LARGE_BODIES is not set here")
    name = type_of(delivery)
    if len(delivery.body) > MAX_BODY:
        raise Malformed(f"body of {len(delivery.body)} bytes; at most {MAX_BODY}")
    if name not in EVENTS:
        raise Unknown(f"unknown event {name!r}")
    event_type = EVENTS[name]
    if delivery.user_id in services and delivery.user_id != event_type.owner:
        raise Malformed(f"{name} belongs to {event_type.owner}, but {delivery.user_id} sent it")
    version = _version(delivery.headers)
    if version > event_type.schema_version:
        raise Unknown(f"{name} of version {version}; here it has {event_type.schema_version}")
    try:
        event = event_type.read(delivery.body.removeprefix(BOM), version)
    except ValidationError as error:
        raise Malformed(explain(error)) from None
    if b"\\u0000" in delivery.body:
        _refuse_nul(event.model_dump(by_alias=True), "")
    headers = delivery.headers
    sequence = _sequence(headers)
    source, key = headers.get("source", ""), event.key
    for what, text in (("key", key), ("header source", source)):
        if not fits_a_name(text or "-"):
            raise Malformed(f"{what}: over {MAX_NAME} characters, or with control characters")
    id = message_id_of(delivery)
    return Received(
        event=event,
        id=id,
        source=source,
        sequence=sequence,
        time=_time(headers),
        late=False,
        correlation_id=_correlation(headers) or str(id),
        key=key,
        traceparent=_traceparent(headers),
        epoch=_epoch(headers, sequence),
        redacted=_is_redacted(event, delivery.body),
        repeats=_repeats(headers),
        repaired=REPAIR in headers,
    )


def _repeats(headers: Mapping[str, str]) -> UUID | None:
    text = headers.get("replayof")
    try:
        return id_of(text) if text is not None else None
    except ValueError:
        return None


def _is_redacted(event: Event, body: bytes) -> bool:
    """Whether the body has been redacted, by what it says itself."""
    if event.erasure is not None or not event.subject_field or REDACTED.encode() not in body:
        return False
    return from_json(body.removeprefix(BOM)).get(REDACTED) is True


def _refuse_nul(value: object, path: str) -> None:
    """Refuse NUL, which PostgreSQL cannot store: every handler that stores the event would fail."""
    if isinstance(value, str) and "\x00" in value:
        raise Malformed(f"{path}: has a NUL character in it")
    if isinstance(value, Mapping):
        for name, part in value.items():
            if isinstance(name, str) and "\x00" in name:
                raise Malformed(f"{path}: has a name with a NUL character in it")
            _refuse_nul(part, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for place, part in enumerate(value):
            _refuse_nul(part, f"{path}.{place}")


def fits_a_name(text: str) -> bool:
    """Whether a text can be an event's key: 1 to `MAX_NAME` characters, all printable."""
    return 0 < len(text) <= MAX_NAME and text.isprintable()


def explain(error: ValidationError) -> str:
    """The validation errors by field, without the values (they may be personal)."""
    return "; ".join(
        f"{'.'.join(str(part) for part in item['loc']) or 'body'}: "
        f"{item['msg'].removeprefix('Value error, ')}"
        for item in error.errors(include_url=False, include_context=False, include_input=False)
    )


def dump_headers(headers: Mapping[str, str]) -> str:
    """Headers as the JSON text that the log and the inbox keep."""
    kept = {n.replace("\x00", "�"): v.replace("\x00", "�") for n, v in headers.items()}
    return json.dumps(kept, ensure_ascii=False)


def _sequence(headers: Mapping[str, str]) -> int | None:
    text = headers.get("sequence", "")
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 19 or int(text) >= 2**63:
        raise Malformed("header sequence: not a whole number")
    return int(text)


def _version(headers: Mapping[str, str]) -> int:
    text = headers.get("typeversion")
    if text is None:
        return 1
    if not text.isascii() or not text.isdigit() or not 0 < len(text) < 5 or text[0] == "0":
        raise Malformed("header typeversion: not a whole number from 1")
    return int(text)


def _epoch(headers: Mapping[str, str], sequence: int | None) -> int:
    text = headers.get("epoch", "")
    if not text:
        return 0
    if not text.isascii() or not text.isdigit() or len(text) > 7 or int(text) >= 2**EPOCH_BITS:
        raise Malformed(f"header epoch: not a whole number below 2^{EPOCH_BITS}")
    if sequence is not None and sequence >= 2**SEQUENCE_BITS:
        raise Malformed(f"header sequence: beside an epoch it is below 2^{SEQUENCE_BITS}")
    return int(text)


def _correlation(headers: Mapping[str, str]) -> str | None:
    """The correlation id if it is valid for a broker, since an external publisher may send
    anything.
    """
    text = headers.get("correlationid", "")
    return text if text.isprintable() and 0 < len(text.encode()) <= MAX_NAME else None


def _traceparent(headers: Mapping[str, str]) -> str | None:
    text = headers.get("traceparent")
    return text if text is not None and _TRACEPARENT.fullmatch(text) else None


def _time(headers: Mapping[str, str]) -> datetime | None:
    text = headers.get("time")
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise Malformed("header time: not RFC 3339") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
