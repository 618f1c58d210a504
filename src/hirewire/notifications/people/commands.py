"""Commands that keep who is notified, and at which address."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete

from hirewire.contracts.auth import UserStated
from hirewire.messaging.transaction import Tx
from hirewire.notifications.tables import bounce, person

_REGISTER = """
insert into person as p (user_id, email) values ($1, $2)
on conflict (user_id) do update set email = coalesce(p.email, excluded.email)
"""
_CHANGE_EMAIL = """
insert into person as p (user_id, email, email_at, is_verified) values ($1, $2, $3, true)
on conflict (user_id) do update
set email = excluded.email, email_at = excluded.email_at, is_verified = true,
    mail_stopped_at = null, mail_stopped_for = null, mail_tried_at = null
where p.email_at is null or p.email_at < excluded.email_at
"""
_NOTE_BLOCK = """
insert into person as p (user_id, is_blocked, blocked_at) values ($1, $2, $3)
on conflict (user_id) do update
set is_blocked = excluded.is_blocked, blocked_at = excluded.blocked_at
where p.blocked_at is null or p.blocked_at <= excluded.blocked_at
"""
_VERIFY = """
insert into person (user_id, is_verified) values ($1, true)
on conflict (user_id) do update set is_verified = true
"""
_CHANGE_LOCALE = """
insert into person as p (user_id, language, time_zone, locale_at) values ($1, $2, $3, $4)
on conflict (user_id) do update set language = excluded.language, time_zone = excluded.time_zone,
    locale_at = excluded.locale_at
where p.locale_at is null or p.locale_at <= excluded.locale_at
"""
_INTRODUCE = """
insert into person as p (user_id, email, is_verified, language, time_zone)
values ($1, $2, $3, $4, $5)
on conflict (user_id) do update set email = coalesce(p.email, excluded.email),
    is_verified = p.is_verified or excluded.is_verified,
    language = case when p.locale_at is null then excluded.language else p.language end,
    time_zone = case when p.locale_at is null then excluded.time_zone else p.time_zone end
"""


async def register(tx: Tx, user_id: UUID, email: str) -> None:
    """Store a person's address, unless a later one is known."""
    await tx.exec_driver_sql(_REGISTER, (user_id, email))


async def change_email(tx: Tx, user_id: UUID, email: str, at: datetime) -> None:
    """Store a person's new address, which is verified, unless a later one is known.

    It has not bounced, even if the former one has.
    """
    changed = await tx.exec_driver_sql(_CHANGE_EMAIL, (user_id, email, at))
    if changed.rowcount:
        await tx.execute(delete(bounce).where(bounce.c.user_id == user_id))


async def verify(tx: Tx, user_id: UUID) -> None:
    """Store that the address is known to be the person's."""
    await tx.exec_driver_sql(_VERIFY, (user_id,))


async def change_locale(
    tx: Tx, user_id: UUID, language: str | None, time_zone: str | None, at: datetime
) -> None:
    """Store a person's language and time zone, unless later ones are known."""
    await tx.exec_driver_sql(_CHANGE_LOCALE, (user_id, language, time_zone, at))


async def introduce(tx: Tx, stated: Sequence[UserStated]) -> None:
    """Store what is not known better of people who were there before."""
    rows = [
        (one.user_id, one.email, one.verified_at is not None, one.language, one.time_zone)
        for one in stated
    ]
    await tx.exec_driver_sql(_INTRODUCE, rows)
    blocked = [(one.user_id, True, one.blocked_at) for one in stated if one.blocked_at is not None]
    if blocked:
        await tx.exec_driver_sql(_NOTE_BLOCK, blocked)


async def note_block(tx: Tx, user_id: UUID, *, is_blocked: bool, at: datetime) -> None:
    """Store whether a person is blocked. A later event takes precedence."""
    await tx.exec_driver_sql(_NOTE_BLOCK, (user_id, is_blocked, at))


async def erase(tx: Tx, user_id: UUID) -> int:
    """Delete a person with their notices; returns how many records."""
    notices = await tx.exec_driver_sql("delete from notice where user_id = $1", (user_id,))
    gone = await tx.execute(delete(person).where(person.c.user_id == user_id))
    return notices.rowcount + gone.rowcount
