"""Messages as Kafka records and back: CloudEvents 1.0, Kafka protocol binding, binary mode.

What is not a CloudEvents attribute has a header of its own: the routing key, where it is not the
event's type, and the message's id, where it is not the event's. Records of other programs may be in
structured mode.
"""

from collections.abc import Sequence
from typing import TypeAlias, cast

from confluent_kafka import Message as Record

from hirewire.messaging import structured
from hirewire.messaging.broker import Delivery, Message
from hirewire.messaging.envelope import NOT_UNWRAPPED, UNREADABLE_HEADERS

PREFIX = "ce_"
ROUTING_KEY, MESSAGE_ID = "hirewire-routing-key", "hirewire-message-id"
CONTENT_TYPE = "content-type"
_JSON = (CONTENT_TYPE, b"application/json")
OVERHEAD = 512
"""Bytes of a record beside its body, headers and key, at most."""

Headers: TypeAlias = list[tuple[str, bytes]]


def headers_of(message: Message) -> Headers:
    """The record's headers. Raises `ValueError` for text without an encoding."""
    headers = [(PREFIX + name, value.encode()) for name, value in message.headers.items()]
    headers.append(_JSON)
    if message.routing_key != message.headers.get("type"):
        headers.append((ROUTING_KEY, message.routing_key.encode()))
    if message.id != message.headers.get("id"):
        headers.append((MESSAGE_ID, message.id.encode()))
    return headers


def size_of(message: Message, headers: Headers) -> int:
    """An upper bound of the record's size in bytes. Raises `ValueError` like `headers_of`."""
    names = "".join([name for name, _ in headers]).encode()
    values = sum([len(value) for _, value in headers])
    key = len(message.key.encode())
    return len(message.body) + len(names) + values + 8 * len(headers) + key + OVERHEAD


def delivery_of(record: Record, queue: str, *, user: str | None, lease: object) -> Delivery:
    """A record as a delivery, without its position and count."""
    texts, is_readable = _texts(_headers(record))
    routing_key = texts.pop(ROUTING_KEY, "")
    message_id = texts.pop(MESSAGE_ID, None)
    kind = texts.pop(CONTENT_TYPE, "")
    attributes = {name.removeprefix(PREFIX): text for name, text in texts.items()}
    body = record.value() or b""
    if kind.lower().startswith(structured.PREFIX):
        try:
            unwrapped, body = structured.unwrapped(body, kind)
            attributes |= unwrapped
        except ValueError as error:
            attributes[NOT_UNWRAPPED] = str(error)
    if not is_readable:
        attributes[UNREADABLE_HEADERS] = "text that is not UTF-8"
    return Delivery(
        body=body,
        routing_key=routing_key or attributes.get("type", ""),
        headers=attributes,
        message_id=message_id or attributes.get("id"),
        user_id=user,
        lease=lease,
        partition=queue,
    )


def _texts(headers: Sequence[tuple[str, bytes | None]]) -> tuple[dict[str, str], bool]:
    """Headers as text, the last one of each name, and whether all are text in UTF-8."""
    try:
        return {name: value.decode() if value else "" for name, value in headers}, True
    except UnicodeDecodeError:
        return {name: (value or b"").decode("utf-8", "replace") for name, value in headers}, False


def _headers(record: Record) -> Sequence[tuple[str, bytes | None]]:
    # The library's types name all forms in which headers can be given; it answers with this one.
    found = cast(Sequence[tuple[str, bytes | None]] | None, record.headers())
    return found if found is not None else ()


def id_of(record: Record) -> bytes:
    """The message's id, which its copies in other partitions have too."""
    headers = dict(_headers(record))
    return headers.get(MESSAGE_ID) or headers.get(PREFIX + "id") or b""
