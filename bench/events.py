"""The event that all benchmarks send: 256 bytes of JSON, with the headers of the event contract."""

from collections.abc import Sequence
from hashlib import md5
from uuid import UUID

from bench.ledger import BODY_BYTES, OWNER, READER, TYPE
from hirewire.kit.clock import now
from hirewire.messaging.broker import Message, QueueTopology, queue_of
from hirewire.messaging.envelope import Context, headers_of
from hirewire.messaging.event import Event
from hirewire.messaging.ids import new_id

KEYS = 10_000


class Noted(Event, name=TYPE, owner=OWNER, key="page"):
    """A note was made on a page."""

    page: UUID
    number: int
    text: str


TOPOLOGY = QueueTopology(queue_of(READER), (Noted.name,))
_EMPTY = len(Noted(page=UUID(int=0), number=0, text="").body()) - 1


def page(nth: int) -> UUID:
    """The nth key. PostgreSQL computes the same one with ``md5(nth::text)::uuid``."""
    return UUID(bytes=md5(str(nth).encode(), usedforsecurity=False).digest())


def noted(number: int, key: UUID) -> Noted:
    """An event whose body has 256 bytes."""
    return Noted(page=key, number=number, text="x" * (BODY_BYTES - _EMPTY - len(str(number))))


def messages(count: int, keys: int = KEYS, *, start: int = 0) -> Sequence[Message]:
    """So many messages, numbered from `start`, over all keys in turn, as a relay publishes them."""
    return [_message(number, keys) for number in range(start, start + count)]


def _message(number: int, keys: int) -> Message:
    event, id = noted(number, page(number % keys)), new_id()
    headers = headers_of(
        Noted,
        id=id,
        key=event.key,
        sequence=number // keys + 1,
        time=now(),
        context=Context(str(id)),
    )
    return Message(str(id), Noted.name, event.key, event.body(), headers, str(id))
