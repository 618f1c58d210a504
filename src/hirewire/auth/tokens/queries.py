"""Queries for personal access tokens."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, func, select

from hirewire.auth.logins import digest
from hirewire.auth.tables import personal_token, user
from hirewire.kit.clock import now
from hirewire.messaging.transaction import Tx


async def tokens_of(
    tx: Tx, user_id: UUID
) -> Sequence[Row[UUID, str, list[str], datetime, datetime, datetime | None]]:
    """A user's tokens, the newest first."""
    its = personal_token.c
    result = await tx.execute(
        select(its.id, its.name, its.scopes, its.created_at, its.expires_at, its.used_at)
        .where(its.user_id == user_id)
        .order_by(its.created_at.desc(), its.id)
    )
    return result.all()


async def count_of(tx: Tx, user_id: UUID) -> int:
    """How many tokens a user has, expired ones too."""
    result = await tx.execute(
        select(func.count()).select_from(personal_token).where(personal_token.c.user_id == user_id)
    )
    return int(result.scalar_one())


async def owner_of(
    tx: Tx, token: str
) -> Row[UUID, UUID, list[str], datetime | None, str, bool] | None:
    """The id of a token that works, its scopes and last use, and its owner with role.

    None for an unknown, expired or revoked token, and for a blocked user's.
    """
    its = personal_token.c
    result = await tx.execute(
        select(
            its.id,
            its.user_id,
            its.scopes,
            its.used_at,
            user.c.role,
            user.c.email_verified_at.is_not(None).label("email_verified"),
        )
        .join(user, user.c.id == its.user_id)
        .where(its.hash == digest(token), its.expires_at > now(), user.c.blocked_at.is_(None))
    )
    return result.first()
