"""Queries for API keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, and_, func, select

from hirewire.auth.logins import digest
from hirewire.auth.tables import api_key, api_key_secret, company_member, user
from hirewire.kit.clock import now
from hirewire.messaging.transaction import Tx


@dataclass(frozen=True, slots=True)
class Presented:
    """A key that works."""

    id: UUID
    company_id: UUID
    name: str
    scopes: list[str]
    per_minute: int | None
    used_at: datetime | None
    email_verified: bool
    """Whether anybody who acts for the company has a verified address."""


async def keys_of(
    tx: Tx, company_id: UUID
) -> Sequence[
    Row[UUID, str, list[str], datetime, datetime | None, int | None, datetime, int, str | None]
]:
    """A company's keys, the newest first: with the end of the newest secret, how many secrets work,
    and the address of who made it, while they act for the company.
    """
    its, secrets = api_key.c, api_key_secret.c
    ends = (
        select(func.max(secrets.expires_at)).where(secrets.key_id == its.id).scalar_subquery()
    ).label("expires_at")
    works = (
        select(func.count())
        .where(secrets.key_id == its.id, secrets.expires_at > now())
        .scalar_subquery()
    ).label("secrets")
    made_by = and_(
        company_member.c.user_id == its.created_by, company_member.c.company_id == its.company_id
    )
    found = await tx.execute(
        select(
            *(its.id, its.name, its.scopes, its.created_at, its.used_at, its.per_minute),
            *(ends, works, user.c.email.label("created_by")),
        )
        .outerjoin(company_member, made_by)
        .outerjoin(user, user.c.id == company_member.c.user_id)
        .where(its.company_id == company_id)
        .order_by(its.created_at.desc(), its.id)
    )
    return found.all()


async def count_of(tx: Tx, company_id: UUID) -> int:
    """How many keys a company has, expired ones too."""
    counted = select(func.count()).select_from(api_key).where(api_key.c.company_id == company_id)
    return int((await tx.execute(counted)).scalar_one())


async def key_of(tx: Tx, company_id: UUID, id: UUID) -> Row[str, list[str], datetime] | None:
    """The name, the scopes and the making of one of a company's keys; None if it has no such key.

    Locked until the commit.
    """
    its = api_key.c
    found = await tx.execute(
        select(its.name, its.scopes, its.created_at)
        .where(its.id == id, its.company_id == company_id)
        .with_for_update()
    )
    return found.first()


async def presented(tx: Tx, secret: str) -> Presented | None:
    """The key with this secret.

    None for an unknown, expired or revoked one, and if everybody who acts for the company is
    blocked.
    """
    its, secrets = api_key.c, api_key_secret.c
    found = await tx.execute(
        select(
            *(its.id, its.company_id, its.name, its.scopes, its.per_minute, its.used_at),
            func.bool_or(user.c.email_verified_at.is_not(None)),
        )
        .join(api_key_secret, secrets.key_id == its.id)
        .join(company_member, company_member.c.company_id == its.company_id)
        .join(user, user.c.id == company_member.c.user_id)
        .where(
            secrets.hash == digest(secret),
            secrets.expires_at > now(),
            user.c.blocked_at.is_(None),
        )
        .group_by(its.id)
    )
    row = found.first()
    return Presented(*row) if row is not None else None
