"""Queries for whom a bounce concerns."""

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from hirewire.kit.mail import queue
from hirewire.kit.mail.returning import Mark
from hirewire.messaging.transaction import Tx
from hirewire.notifications.bounces.rules import Reason
from hirewire.notifications.tables import bounce, person


class Reader(NamedTuple):
    """A person whose address a bounce is about, in a locked row."""

    user_id: UUID
    is_stopped: bool


async def reader_of_mail(tx: Tx, mark: Mark) -> Reader | None:
    """The person to whom a marked mail went, if that is still the address and the mark is right.

    None also for a mail from before the person had the address tried again.
    """
    sent = await queue.sent(tx, mark.mail_id)
    if sent is None:
        return None
    row = await _locked(tx, person.c.user_id == sent.user_id)
    if row is None or row.email is None or not mark.is_of(row.email):
        return None
    return _unless_outdated(row, sent.created_at)


async def reader_at(tx: Tx, address: str, at: datetime) -> Reader | None:
    """The person with this address, if a bounce of this moment still says something about it."""
    row = await _locked(tx, func.lower(person.c.email) == address.strip().lower())
    return _unless_outdated(row, at) if row is not None else None


async def reader_with(tx: Tx, user_id: UUID, address: str) -> Reader | None:
    """The person, if this is still the address."""
    row = await _locked(tx, person.c.user_id == user_id)
    if row is None or row.email is None or row.email.lower() != address.lower():
        return None
    return Reader(row.user_id, row.is_stopped)


async def soft_days(tx: Tx, user_id: UUID, since: datetime) -> set[date]:
    """The days (UTC) with soft bounces of the person's address."""
    found = await tx.execute(
        select(func.timezone("UTC", bounce.c.at)).where(
            bounce.c.user_id == user_id, bounce.c.kind == "soft", bounce.c.at > since
        )
    )
    return {at.date() for at in found.scalars()}


class Stop(NamedTuple):
    """Since when and why mails to a person are stopped, and when they were last tried again."""

    since: datetime | None
    reason: Reason | None
    tried_at: datetime | None


async def stop(tx: Tx, user_id: UUID, *, lock: bool = False) -> Stop:
    """Whether mails to a person are stopped; of an unknown one, they are not."""
    its = person.c
    chosen = select(its.mail_stopped_at, its.mail_stopped_for, its.mail_tried_at).where(
        its.user_id == user_id
    )
    found = await tx.execute(chosen.with_for_update(key_share=True) if lock else chosen)
    row = found.one_or_none()
    return Stop(*row) if row is not None else Stop(None, None, None)


class _Address(NamedTuple):
    user_id: UUID
    email: str | None
    is_stopped: bool
    tried_at: datetime | None


async def _locked(tx: Tx, which: ColumnElement[bool]) -> _Address | None:
    its = person.c
    chosen = select(
        its.user_id, its.email, its.mail_stopped_at.is_not(None), its.mail_tried_at
    ).where(which)
    # Notices that are made at the same time only need the row to stay.
    found = await tx.execute(chosen.order_by(its.user_id).with_for_update(key_share=True).limit(1))
    row = found.one_or_none()
    return _Address(*row) if row is not None else None


def _unless_outdated(row: _Address, at: datetime) -> Reader | None:
    if row.tried_at is not None and at < row.tried_at:
        return None
    return Reader(row.user_id, row.is_stopped)
