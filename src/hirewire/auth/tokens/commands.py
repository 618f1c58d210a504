"""Commands that make, use and revoke personal access tokens."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, insert, update

from hirewire.auth.callers import Current, is_open
from hirewire.auth.logins import digest
from hirewire.auth.notices import Requester, note_and_notify
from hirewire.auth.revoking import lock_tokens
from hirewire.auth.tables import personal_token
from hirewire.auth.tokens import queries, rules
from hirewire.kit import personal_tokens
from hirewire.kit.clock import now
from hirewire.kit.errors import AppError, Kind, Unauthenticated
from hirewire.messaging.ids import new_id
from hirewire.messaging.transaction import Tx

PAGE = "/account#tokens"


class TooManyTokens(AppError):
    """You have reached the limit of access tokens: revoke one first."""

    slug = "too-many-tokens"
    code = "too_many_tokens"
    kind = Kind.CONFLICT


class Made(NamedTuple):
    """A new token; its text is not stored."""

    id: UUID
    created_at: datetime
    expires_at: datetime
    token: str


async def make(
    tx: Tx,
    current: Current,
    *,
    name: str,
    scopes: Sequence[rules.Scope],
    days: int,
    by: Requester,
) -> Made:
    """Make a token; a mail notifies the user. Raises `TooManyTokens`, and `Unauthenticated` if the
    session has ended meanwhile.
    """
    user_id = current.user_id
    await lock_tokens(tx, user_id)
    if not await is_open(tx, current.session_id):
        raise Unauthenticated("This session has ended.")
    if await queries.count_of(tx, user_id) >= rules.MOST_TOKENS:
        raise TooManyTokens
    moment, token = now(), personal_tokens.new()
    made = Made(new_id(), moment, moment + timedelta(days=days), token)
    await tx.execute(
        insert(personal_token).values(
            id=made.id,
            user_id=user_id,
            name=name,
            hash=digest(token),
            scopes=sorted(set(scopes)),
            created_at=moment,
            expires_at=made.expires_at,
        )
    )
    await note_and_notify(tx, user_id, "token_made", by, page=PAGE)
    return made


async def note_use(tx: Tx, id: UUID, last: datetime | None) -> None:
    """Store that a token was used, at most once an hour."""
    moment = now()
    if last is None or last <= moment - rules.NOTED_EVERY:
        its = personal_token.c
        await tx.execute(update(personal_token).where(its.id == id).values(used_at=moment))


async def revoke(tx: Tx, user_id: UUID, id: UUID, by: Requester) -> bool:
    """Delete a token of this user; a mail notifies them. False if there is none."""
    its = personal_token.c
    result = await tx.execute(delete(personal_token).where(its.id == id, its.user_id == user_id))
    if result.rowcount == 0:
        return False
    await note_and_notify(tx, user_id, "token_revoked", by, page=PAGE)
    return True


async def forget_old(tx: Tx) -> None:
    """Delete tokens that expired long ago."""
    await tx.execute(
        delete(personal_token).where(personal_token.c.expires_at <= now() - rules.KEPT)
    )
