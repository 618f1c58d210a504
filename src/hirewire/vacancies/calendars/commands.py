"""Commands that make, renew and end the private address of a person's calendar."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from secrets import token_urlsafe
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from hirewire.kit.clock import now
from hirewire.kit.mail.letters import Language
from hirewire.kit.secrets import CannotOpen, marks, seal, unseal
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.calendars.errors import NoSuchFeed, TooManyReads
from hirewire.vacancies.tables import calendar_feed

PURPOSE = "calendar"
BYTES = 32
LENGTH = 43
"""Of the secret as text."""
MOST_READS = 60
"""Of one feed in an hour. Calendars ask a few times an hour, and a person may have several."""
HOUR = timedelta(hours=1)
_READ = """
update calendar_feed set
    reads = case when hour_at > $2::timestamptz - interval '1 hour' then reads + 1 else 1 end,
    hour_at = case when hour_at > $2::timestamptz - interval '1 hour' then hour_at else $2 end
where mark = any($1::bytea[])
returning user_id, language, created_at, reads, hour_at
"""


@dataclass(frozen=True, slots=True)
class Feed:
    """Whose feed is read."""

    user_id: UUID
    language: Language
    created_at: datetime


async def renew(tx: Tx, user_id: UUID, language: Language) -> str:
    """Make an address and return its secret. An earlier one ends."""
    secret, moment = token_urlsafe(BYTES), now()
    values = {
        "mark": marks(secret, PURPOSE)[0],
        "secret": seal(secret, PURPOSE),
        "language": language,
        "created_at": moment,
        "reads": 0,
        "hour_at": moment,
    }
    row = insert(calendar_feed).values(user_id=user_id, **values)
    await tx.execute(row.on_conflict_do_update(index_elements=["user_id"], set_=values))
    return secret


async def end(tx: Tx, user_id: UUID) -> int:
    """End a person's address; returns how many rows."""
    gone = await tx.execute(delete(calendar_feed).where(calendar_feed.c.user_id == user_id))
    return gone.rowcount


async def read(tx: Tx, secret: str) -> Feed:
    """Whose feed has this secret. Raises `NoSuchFeed`, `TooManyReads`."""
    if len(secret) != LENGTH or not secret.isascii():
        raise NoSuchFeed
    moment = now()
    found = await tx.exec_driver_sql(_READ, (list(marks(secret, PURPOSE)), moment))
    row = found.first()
    if row is None:
        raise NoSuchFeed
    if row.reads > MOST_READS:
        raise TooManyReads(retry_after=ceil((row.hour_at + HOUR - moment).total_seconds()))
    return Feed(UUID(str(row.user_id)), row.language, row.created_at)


def secret_of(sealed: bytes) -> str | None:
    """The secret; None if it was sealed with a key that is not set any more."""
    try:
        return unseal(sealed, PURPOSE)
    except CannotOpen:
        return None


erase = end
"""Ends the address of a person who is erased."""
