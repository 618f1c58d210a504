"""An event published again to a service that has consumed it: a message with a new id."""

import hashlib
from dataclasses import replace
from uuid import UUID

from hirewire.messaging.broker import Message
from hirewire.messaging.envelope import LogRow, message_of


def repeated(row: LogRow, service: str, *, to: str, request: UUID) -> Message:
    """The event as a message to one service, where it takes effect again.

    Its id begins with the same time, so that it is in the same day of the inbox, and is always the
    same for this event and request: a repeat is recognised. It has no sequence, since the key has
    advanced already.
    """
    message = replace(message_of(row, service), to=to)
    id = str(_id_of_repeat(row["id"], request))
    headers = dict(message.headers) | {"id": id, "replayof": message.id}
    del headers["sequence"]
    headers.pop("epoch", None)
    return replace(message, id=id, headers=headers)


def _id_of_repeat(id: UUID, request: UUID) -> UUID:
    """A UUIDv7 of the same millisecond, the rest from a digest."""
    digest = int.from_bytes(hashlib.sha256(request.bytes + id.bytes).digest()[:10])
    fixed = 0x7 << 76 | 0b10 << 62
    rest = digest & ~(0xF << 76) & ~(0b11 << 62) & (2**80 - 1)
    return UUID(int=(id.int >> 80) << 80 | rest | fixed)
