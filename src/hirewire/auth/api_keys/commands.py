"""Commands that make, rotate, use and revoke API keys."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, exists, func, insert, select, update

from hirewire.auth.acts import Act
from hirewire.auth.api_keys import queries, rules
from hirewire.auth.callers import Current, is_open
from hirewire.auth.companies import colleagues, company_of, key_is_revoked
from hirewire.auth.logins import digest
from hirewire.auth.mails.letters import language_among, letter
from hirewire.auth.notices import Requester, notify
from hirewire.auth.readers import reader_of
from hirewire.auth.security_log.commands import note
from hirewire.auth.tables import api_key, api_key_secret
from hirewire.kit import api_keys
from hirewire.kit.clock import now
from hirewire.kit.errors import AppError, Kind, NotFound, Unauthenticated
from hirewire.kit.languages import moment_in_words
from hirewire.kit.mail import queue
from hirewire.messaging.ids import new_id
from hirewire.messaging.transaction import Tx

PAGE = "/employer/api-keys"

_BASE = "case when w.begun = excluded.begun then w.used else 0 end"
_LEFT = f"greatest(0, $3 - {_BASE})"
_LEASE = f"least($2, greatest(1, {_LEFT} / $4), {_LEFT})"
_TAKE = f"""
insert into api_key_window as w (key_id, begun, used, granted)
select $1, m.begun, f.first, f.first
from (select to_timestamp(floor(extract(epoch from clock_timestamp()) / {rules.WINDOW_SECONDS})
        * {rules.WINDOW_SECONDS}) as begun) m,
    (select least($2::integer, greatest(1, $3::integer / $4::integer)) as first) f
on conflict (key_id) do update set
    begun = excluded.begun, granted = {_LEASE}, used = {_BASE} + {_LEASE}
returning granted, used,
    extract(epoch from begun + interval '{rules.WINDOW_SECONDS} seconds' - clock_timestamp())
        as seconds
"""  # noqa: S608 - no values
# One that is being rotated or revoked is passed over: then there is nothing to warn of.
_EXPIRING = """
with due as (
    select s.hash from api_key_secret s join api_key k on k.id = s.key_id
    where s.warned_at is null and s.expires_at > $1
        and s.expires_at <= $1 + least($2::interval, (s.expires_at - s.created_at) / 4)
        and not exists (
            select from api_key_secret o where o.key_id = s.key_id and o.created_at > s.created_at)
    order by s.expires_at limit $3 for update skip locked
)
update api_key_secret s set warned_at = $1
from due, api_key k where s.hash = due.hash and k.id = s.key_id
returning k.company_id, k.name, s.expires_at
"""
AT_ONCE = 100
"""Keys whose companies are warned in one transaction."""


class TooManyKeys(AppError):
    """Your company has reached the limit of API keys: revoke one first."""

    slug = "too-many-keys"
    code = "too_many_keys"
    kind = Kind.CONFLICT


class NoSuchKey(NotFound):
    """Your company has no such API key."""

    code = "api_key_not_found"


class Made(NamedTuple):
    """A key with a new secret, which is not stored."""

    id: UUID
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime
    key: str


class Lease(NamedTuple):
    """Requests that a gateway may let through."""

    granted: int
    used: int
    """Of the window, these included."""
    seconds: float
    """Until the window ends."""


async def make(
    tx: Tx,
    current: Current,
    *,
    name: str,
    scopes: Sequence[rules.Scope],
    days: int,
    per_minute: int | None,
    by: Requester,
) -> Made:
    """Make a key of the caller's company; mails notify all who act for it.

    Raises `NoCompany`, `TooManyKeys`, and `Unauthenticated` if the session has ended meanwhile.
    """
    company_id = await _company(tx, current)
    if await queries.count_of(tx, company_id) >= rules.MOST_KEYS:
        raise TooManyKeys
    id, moment = new_id(), now()
    chosen: list[str] = sorted(set(scopes))
    await tx.execute(
        insert(api_key).values(
            id=id,
            company_id=company_id,
            name=name,
            scopes=chosen,
            per_minute=per_minute,
            created_by=current.user_id,
            created_at=moment,
        )
    )
    key, expires_at = await _add_secret(tx, id, days)
    await _notify_all(tx, company_id, current.user_id, "api_key_made", name, by)
    return Made(id, name, chosen, moment, expires_at, key)


async def rotate(
    tx: Tx, current: Current, id: UUID, *, days: int, overlap_hours: int, by: Requester
) -> tuple[Made, datetime]:
    """Give a key a new secret; also returns when the one before stops working. Older ones do now.

    Raises `NoCompany`, `NoSuchKey`, `Unauthenticated`.
    """
    company_id = await _company(tx, current)
    known = await queries.key_of(tx, company_id, id)
    if known is None:
        raise NoSuchKey
    moment = now()
    ends = moment + timedelta(hours=overlap_hours)
    its = api_key_secret.c
    newest = select(func.max(its.created_at)).where(its.key_id == id).scalar_subquery()
    await tx.execute(delete(api_key_secret).where(its.key_id == id, its.created_at < newest))
    await tx.execute(
        update(api_key_secret)
        .where(its.key_id == id)
        .values(expires_at=func.least(its.expires_at, ends))
    )
    key, expires_at = await _add_secret(tx, id, days)
    await _notify_all(tx, company_id, current.user_id, "api_key_rotated", known.name, by)
    return Made(id, known.name, known.scopes, known.created_at, expires_at, key), ends


async def revoke(tx: Tx, current: Current, id: UUID, by: Requester) -> None:
    """Delete a key. Records `ApiKeyRevoked`, so that all services refuse its tokens at once.

    Raises `NoCompany`, `NoSuchKey`, `Unauthenticated`.
    """
    company_id = await _company(tx, current)
    known = await queries.key_of(tx, company_id, id)
    if known is None:
        raise NoSuchKey
    await tx.execute(delete(api_key).where(api_key.c.id == id))
    await key_is_revoked(tx, id, company_id)
    await _notify_all(tx, company_id, current.user_id, "api_key_revoked", known.name, by)


async def note_use(tx: Tx, id: UUID, last: datetime | None) -> None:
    """Store that a key was used, at most once an hour."""
    moment = now()
    if last is None or last <= moment - rules.NOTED_EVERY:
        await tx.execute(update(api_key).where(api_key.c.id == id).values(used_at=moment))


async def lease(tx: Tx, id: UUID, asked: int, per_minute: int) -> Lease:
    """Take requests from what is left of a key's minute, by the clock of the database alone.

    Nobody else can have the same ones, however many gateways ask. The fewer are left, the fewer are
    given at once.
    """
    taken = await tx.exec_driver_sql(_TAKE, (id, asked, per_minute, rules.SHARE))
    row = taken.one()
    return Lease(row.granted, row.used, float(row.seconds))


async def warn(tx: Tx) -> bool:
    """Mail all who act for a company that a key of it expires soon, once. True if there may be
    more.
    """
    values = (now(), rules.WARNED_BEFORE, AT_ONCE)
    due = (await tx.exec_driver_sql(_EXPIRING, values)).all()
    for key in due:
        for one in await colleagues(tx, key.company_id):
            language = (await reader_of(tx, one.user_id)).language
            said = moment_in_words(key.expires_at, language_among(language))
            mail = letter(
                "api_key_expiring",
                to=one.email,
                language=language,
                link=PAGE,
                values={"key": key.name, "moment": said},
            )
            await queue.send(tx, "api_key_expiring", mail, user_id=one.user_id)
    return len(due) == AT_ONCE


async def forget_old(tx: Tx) -> None:
    """Delete keys that expired long ago, and secrets that others have replaced."""
    its, moment = api_key_secret.c, now()
    recent = exists().where(its.key_id == api_key.c.id, its.expires_at > moment - rules.KEPT)
    await tx.execute(delete(api_key).where(~recent))
    other = api_key_secret.alias("other")
    replaced = select(other.c.key_id).where(
        other.c.key_id == its.key_id, other.c.created_at > its.created_at
    )
    await tx.execute(delete(api_key_secret).where(its.expires_at <= moment, replaced.exists()))


async def _company(tx: Tx, current: Current) -> UUID:
    company_id = await company_of(tx, current.user_id)
    if not await is_open(tx, current.session_id):
        raise Unauthenticated("This session has ended.")
    return company_id


async def _add_secret(tx: Tx, key_id: UUID, days: int) -> tuple[str, datetime]:
    secret, moment = api_keys.new(), now()
    expires_at = moment + timedelta(days=days)
    await tx.execute(
        insert(api_key_secret).values(
            hash=digest(secret), key_id=key_id, created_at=moment, expires_at=expires_at
        )
    )
    return secret, expires_at


async def _notify_all(
    tx: Tx, company_id: UUID, user_id: UUID, what: Act, name: str, by: Requester
) -> None:
    """Note an act in the log of who did it, and notify all who act for the company."""
    await note(tx, user_id, what, by.where)
    who = (await reader_of(tx, user_id)).email
    for one in await colleagues(tx, company_id):
        await notify(tx, one.user_id, what, by, page=PAGE, more={"key": name, "who": who})
