"""The erasure of a person in a service: one transaction, from its features' parts to the answer."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeAlias
from uuid import UUID

import structlog

from hirewire.kit import answers, refusals
from hirewire.kit.clock import now
from hirewire.kit.mail import queue
from hirewire.messaging import erasure
from hirewire.messaging.envelope import Received
from hirewire.messaging.event import Event
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.transaction import Tx, owner_of

log = structlog.get_logger(__name__)

Erase: TypeAlias = Callable[[Tx, UUID], Awaitable[int]]
"""A feature's part: deletes or anonymises what it has of a user; returns how many records.

Called again after a backup was restored: then it does what there is left to do.
"""


class Erased(Protocol):
    """The event that a user was erased."""

    user_id: UUID
    erasure_id: UUID


class Done(Protocol):
    """Makes a service's answer."""

    def __call__(
        self, *, user_id: UUID, erasure_id: UUID, service: str, records: int, at: datetime
    ) -> Event:
        """The event that this service has erased the user."""


def erasing(done: Done, parts: Sequence[Erase]) -> Callable[[Tx, Received[Event]], Awaitable[None]]:
    """A handler of the event `Erased`: erases with these parts, in order, and records `done`."""

    async def on_user_erased(tx: Tx, received: Received[Event]) -> None:
        event: Erased = received.event  # type: ignore[assignment]
        records = await erase(tx, event.user_id, event.erasure_id, parts)
        answer = done(
            user_id=event.user_id,
            erasure_id=event.erasure_id,
            service=owner_of(tx),
            records=records,
            at=now(),
        )
        record(tx, answer, cause=received)

    return on_user_erased


async def erase(tx: Tx, user_id: UUID, erasure_id: UUID, parts: Sequence[Erase]) -> int:
    """Erase a user here: first the marks that keep all else out, then the parts, then what every
    service has: answers of requests, mails, messages. Returns how many records.
    """
    await erasure.mark(tx, str(user_id), erasure_id)
    await refusals.note_erased(tx, user_id, now())
    records = 0
    for part in parts:
        records += await part(tx, user_id)
    records += await answers.forget_answers(tx, user_id)
    records += await queue.forget(tx, user_id)
    records += await erasure.redact(tx, str(user_id))
    log.info("user erased", service=owner_of(tx), erasure_id=str(erasure_id), records=records)
    return records
