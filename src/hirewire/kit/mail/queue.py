"""The queue of mails (`kit.mail`): entering, claiming, and what became of each."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, TypeAlias
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from hirewire.kit.clock import now
from hirewire.kit.mail.addresses import masked
from hirewire.kit.mail.letters import Letter
from hirewire.kit.secrets import CannotOpen, seal, unseal
from hirewire.messaging.background import Wake
from hirewire.messaging.ids import new_id
from hirewire.messaging.transaction import Tx, after_commit, owner_of

PURPOSE = "mail"
LEASE = timedelta(minutes=3)
"""How long a claimed mail is left to the process that claimed it: longer than any attempt takes."""
KEPT = timedelta(days=30)
"""How long the row of a mail that was sent or expired is kept, without its content."""
GIVE_UP_AFTER = timedelta(days=3)
PAUSES = (5, 30, 120, 600, 1800, 3600)
"""Seconds before a mail that the server deferred is tried again; the last one repeats."""

State = Literal["queued", "sent", "dead", "expired"]
wakes: dict[str, Wake] = {}
"""Wakes the mailer of a service in this process, if there is one."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A mail that this process may send now."""

    id: UUID
    kind: str
    user_id: UUID | None
    content: bytes
    attempt: int
    """1 for the first. Only the latest attempt can change the row."""
    deferrals: int
    created_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A mail that the server refused for good, and why."""

    mail_id: UUID
    user_id: UUID
    address: str
    code: int
    status: str | None
    of_reader: bool


Compose: TypeAlias = Callable[[Tx, Sequence[Claimed]], Awaitable["Mapping[UUID, Letter | None]"]]
"""Makes the letters of mails that are about to be sent, from the state of that moment.

A mail without a letter is not sent any more; None: its letter cannot be made.
"""
OnRefused: TypeAlias = Callable[[Tx, Refusal], Awaitable[None]]


async def send(
    tx: Tx,
    kind: str,
    letter: Letter,
    *,
    user_id: UUID | None,
    expires_at: datetime | None = None,
    id: UUID | None = None,
) -> UUID:
    """Queue a mail; returns its id. It is sent once `tx` has committed.

    With an `id` of something that one mail announces, a mail that was queued under it before is not
    queued again.

    After `expires_at` it is not sent any more: a link that is dead by then helps nobody.
    Raises `NoSecretKey`.
    """
    id, moment = id or new_id(), now()
    await tx.exec_driver_sql(
        "insert into kit.mail (id, kind, user_id, content, created_at, next_attempt_at, expires_at)"
        " values ($1, $2, $3, $4, $5, $5, $6) on conflict (id) do nothing",
        (id, kind, user_id, seal(letter.to_json(), PURPOSE), moment, expires_at),
    )
    _wake_after(tx)
    return id


async def enter(tx: Tx, kind: str, mails: Sequence[tuple[UUID, UUID]]) -> None:
    """Queue mails, each with an id to a user, whose letters are made when they are sent.

    `Service.composers` makes those of this kind. Until then nothing of them is stored.
    """
    moment = now()
    await tx.exec_driver_sql(
        "insert into kit.mail (id, kind, user_id, content, created_at, next_attempt_at) "
        "select u.id, $3, u.user_id, ''::bytea, $4, $4 "
        "from unnest($1::uuid[], $2::uuid[]) as u(id, user_id) on conflict (id) do nothing",
        ([id for id, _ in mails], [user_id for _, user_id in mails], kind, moment),
    )
    _wake_after(tx)


async def claim(tx: Tx, most: int, but: Collection[UUID] = ()) -> list[Claimed]:
    """The next due mails, the longest due first; each is left to the caller for `LEASE`.

    Left out are those `but` that the caller is sending: a clock that jumps ends all leases.
    """
    moment = now()
    result = await tx.exec_driver_sql(
        """
        update kit.mail as m
        set attempts = m.attempts + 1, next_attempt_at = $1::timestamptz + $2::interval
        from (
            select id from kit.mail
            where state = 'queued' and next_attempt_at <= $1 and id <> all($4)
            order by next_attempt_at limit $3 for update skip locked
        ) as due
        where m.id = due.id
        returning
            m.id, m.kind, m.user_id, m.content, m.attempts as attempt, m.deferrals, m.created_at,
            m.expires_at
        """,
        (moment, LEASE, most, list(but)),
    )
    return [Claimed(**row._mapping) for row in result]


async def end(tx: Tx, mail: Claimed, state: State, error: str | None = None) -> bool:
    """Note that a mail was sent, expired, or is given up; False if another attempt began since."""
    result = await tx.exec_driver_sql(
        """
        update kit.mail
        set state = $3, ended_at = $4, error = $5,
            content = case when $3 = 'dead' then content end
        where id = $1 and attempts = $2 and state = 'queued'
        """,
        (mail.id, mail.attempt, state, now(), error),
    )
    return result.rowcount == 1


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of a mail."""

    mail: Claimed
    state: State
    error: str | None = None


async def end_all(tx: Tx, endings: Sequence[Ending]) -> None:
    """Like `end` for many mails, as one statement."""
    await tx.exec_driver_sql(
        """
        update kit.mail as m
        set state = u.state, ended_at = $5, error = u.error,
            content = case when u.state = 'dead' then m.content end
        from unnest($1::uuid[], $2::integer[], $3::text[], $4::text[])
            as u(id, attempt, state, error)
        where m.id = u.id and m.attempts = u.attempt and m.state = 'queued'
        """,
        (
            [one.mail.id for one in endings],
            [one.mail.attempt for one in endings],
            [one.state for one in endings],
            [one.error for one in endings],
            now(),
        ),
    )


async def release(tx: Tx, mails: Sequence[Claimed]) -> None:
    """Leave claimed mails that were not tried to the next one who asks."""
    await tx.exec_driver_sql(
        """
        update kit.mail as m set next_attempt_at = $3
        from unnest($1::uuid[], $2::integer[]) as u(id, attempt)
        where m.id = u.id and m.attempts = u.attempt and m.state = 'queued'
        """,
        ([one.id for one in mails], [one.attempt for one in mails], now()),
    )


async def put_back(
    tx: Tx, mail: Claimed, error: str, *, after: timedelta, unanswered: bool, deferred: bool
) -> None:
    """Try a mail again after a pause. `deferred`: the server was there, and did not take it."""
    await tx.exec_driver_sql(
        """
        update kit.mail
        set next_attempt_at = $3, error = $4, unanswered = unanswered + $5,
            deferrals = deferrals + $6
        where id = $1 and attempts = $2 and state = 'queued'
        """,
        (mail.id, mail.attempt, now() + after, error, int(unanswered), int(deferred)),
    )


async def hold_back(tx: Tx) -> int:
    """Do not send what waits, after the database was restored from a backup: most of it has been
    sent since. It is dead, and can be sent again. Returns how many mails.
    """
    held = await tx.exec_driver_sql(
        "update kit.mail set state = 'dead', ended_at = $1, error = $2 where state = 'queued'",
        (now(), "held back: it may have been sent before the database was restored"),
    )
    return held.rowcount


class Resent(NamedTuple):
    """What became of dead mails that were to be sent again."""

    queued: int
    expired: int
    """Their links have died meanwhile."""


async def resend(tx: Tx, ids: Sequence[UUID] | None) -> Resent:
    """Queue dead mails again (all without `ids`).

    One whose link has died meanwhile becomes `expired` instead: it helps nobody any more.
    """
    chosen, moment = list(ids) if ids is not None else None, now()
    expired = await tx.exec_driver_sql(
        """
        update kit.mail
        set state = 'expired', content = null, ended_at = $2
        where state = 'dead' and ($1::uuid[] is null or id = any($1)) and expires_at <= $2
        """,
        (chosen, moment),
    )
    queued = await tx.exec_driver_sql(
        """
        update kit.mail
        set state = 'queued', deferrals = 0, ended_at = null, error = null,
            created_at = $2, next_attempt_at = $2
        where state = 'dead' and ($1::uuid[] is null or id = any($1))
        """,
        (chosen, moment),
    )
    _wake_after(tx)
    return Resent(queued.rowcount, expired.rowcount)


@dataclass(frozen=True, slots=True)
class Listed:
    """A mail as operators see it: without content."""

    id: UUID
    kind: str
    to: str | None
    """The address, masked; None if the content cannot be opened."""
    attempts: int
    unanswered: int
    created_at: datetime
    expires_at: datetime | None
    ended_at: datetime | None
    error: str | None


async def listed(tx: AsyncConnection, state: Literal["queued", "dead"], most: int) -> list[Listed]:
    """Mails that wait or are dead, the newest first."""
    result = await tx.exec_driver_sql(
        "select id, kind, content, attempts, unanswered, created_at, expires_at, ended_at, error "
        "from kit.mail where state = $1 order by created_at desc limit $2",
        (state, most),
    )
    return [
        Listed(
            row.id,
            row.kind,
            _masked_reader(row.content),
            row.attempts,
            row.unanswered,
            row.created_at,
            row.expires_at,
            row.ended_at,
            row.error,
        )
        for row in result
    ]


def _masked_reader(content: bytes) -> str | None:
    try:
        return masked(Letter.from_json(unseal(content, PURPOSE)).to)
    except CannotOpen:
        return None


class Backlog(NamedTuple):
    """How much is not sent."""

    queued: int
    dead: int
    oldest: timedelta
    """The age of the oldest mail that waits; zero without any."""


async def backlog(tx: AsyncConnection) -> Backlog:
    """Measure what is not sent, by the indexes: the rows of all sent mails are not read."""
    result = await tx.exec_driver_sql(
        """
        select
            (select count(*) from kit.mail where state = 'queued') as queued,
            (select count(*) from kit.mail where state = 'dead') as dead,
            (select min(created_at) from kit.mail where state = 'queued') as oldest
        """
    )
    row, moment = result.one(), now()
    return Backlog(row.queued, row.dead, moment - min(row.oldest or moment, moment))


@dataclass(frozen=True, slots=True)
class SentMail:
    """A mail as its reader sees it afterwards: without content."""

    kind: str
    state: State
    created_at: datetime
    ended_at: datetime | None


async def sent_to(tx: AsyncConnection, user_id: UUID) -> list[SentMail]:
    """The mails to a user, the oldest first."""
    result = await tx.exec_driver_sql(
        "select kind, state, created_at, ended_at from kit.mail where user_id = $1 "
        "order by created_at",
        (user_id,),
    )
    return [SentMail(**row._mapping) for row in result]


async def counts(tx: AsyncConnection) -> dict[str, int]:
    """How many mails are in each state."""
    result = await tx.exec_driver_sql(
        "select state, count(*) as mails from kit.mail group by state"
    )
    return {row.state: row.mails for row in result}


class Sent(NamedTuple):
    """To whom a mail was queued, and when."""

    user_id: UUID
    created_at: datetime


async def sent(tx: AsyncConnection, id: UUID) -> Sent | None:
    """The reader of a mail; None if it is not known any more, or was to nobody's account."""
    result = await tx.exec_driver_sql(
        "select user_id, created_at from kit.mail where id = $1 and user_id is not null", (id,)
    )
    row = result.one_or_none()
    return Sent(row.user_id, row.created_at) if row is not None else None


async def drop(tx: AsyncConnection, user_id: UUID) -> int:
    """Do not send what is still queued for a user; returns how many mails."""
    result = await tx.exec_driver_sql(
        "update kit.mail set state = 'expired', content = null, ended_at = $2 "
        "where user_id = $1 and state = 'queued'",
        (user_id, now()),
    )
    return result.rowcount


async def forget(tx: AsyncConnection, user_id: UUID) -> int:
    """Delete all mails to a user, when the user's data is deleted; returns how many."""
    result = await tx.exec_driver_sql("delete from kit.mail where user_id = $1", (user_id,))
    return result.rowcount


async def forget_old(tx: AsyncConnection) -> None:
    """Delete the rows of mails that were sent or expired long ago."""
    await tx.exec_driver_sql(
        "delete from kit.mail where state in ('sent', 'expired') and ended_at < $1",
        (now() - KEPT,),
    )


def _wake_after(tx: Tx) -> None:
    if (wake := wakes.get(owner_of(tx))) is not None:
        after_commit(tx, wake)
