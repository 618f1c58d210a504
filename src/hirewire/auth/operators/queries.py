"""What operators see of people."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, exists, func, or_, select

from hirewire.auth.operators import rules
from hirewire.auth.tables import passkey, second_factor, session, user
from hirewire.contracts.auth import Role
from hirewire.kit.clock import now
from hirewire.kit.db import among
from hirewire.messaging.transaction import Tx

_its = user.c
_LISTED = (
    _its.id,
    _its.email,
    _its.role,
    _its.email_verified_at.is_not(None).label("email_verified"),
    _its.registered_at,
    _its.blocked_at,
)
_HAS_SECOND_FACTOR = or_(
    exists().where(passkey.c.user_id == _its.id),
    exists().where(second_factor.c.user_id == _its.id, second_factor.c.confirmed_at.is_not(None)),
).label("has_second_factor")


@dataclass(frozen=True, slots=True)
class Filters:
    """Which people are looked for."""

    text: str = ""
    """The beginning of an address or of an id."""
    role: Role | None = None
    is_blocked: bool | None = None


async def people(
    tx: Tx, filters: Filters, limit: int, after: UUID | None
) -> Sequence[Row[tuple[Any, ...]]]:
    """The people registered last, one more than `limit`."""
    found = select(*_LISTED)
    if filters.text:
        key = unicodedata.normalize("NFC", filters.text.strip().lower())
        ids = rules.ids_like(filters.text)
        by_address = _its.email_key.like(rules.as_prefix(key), escape="\\")
        by_id = [_its.id.between(ids.first, ids.last)] if ids else []
        found = found.where(or_(by_address, *by_id))
    if filters.role is not None:
        found = found.where(_its.role == filters.role)
    if filters.is_blocked is not None:
        is_blocked = _its.blocked_at.is_not(None)
        found = found.where(is_blocked if filters.is_blocked else ~is_blocked)
    if after is not None:
        found = found.where(_its.id < after)
    return (await tx.execute(found.order_by(_its.id.desc()).limit(limit + 1))).all()


async def person(tx: Tx, id: UUID) -> Row[tuple[Any, ...]] | None:
    """One person with the number of open sessions; None for an unknown one."""
    theirs = session.c
    open_ones = (theirs.user_id == id, theirs.revoked_at.is_(None), theirs.ends_at > now())
    used_at = func.coalesce(theirs.used_at, theirs.started_at)
    sessions = select(func.count()).where(*open_ones).scalar_subquery().label("sessions")
    seen_at = select(func.max(used_at)).where(theirs.user_id == id).scalar_subquery()
    result = await tx.execute(
        select(
            *_LISTED,
            _its.blocked_by,
            _its.blocked_why,
            _its.language,
            sessions,
            seen_at.label("seen_at"),
        ).where(_its.id == id)
    )
    return result.first()


async def addresses(tx: Tx, ids: Sequence[UUID]) -> Sequence[Row[UUID, str]]:
    """The addresses of these people; unknown ones are left out."""
    return (await tx.execute(select(_its.id, _its.email).where(among(_its.id, ids)))).all()


async def operators(
    tx: Tx,
) -> Sequence[Row[UUID, str, datetime | None, datetime | None, bool]]:
    """All operators, also blocked ones, by address, and whether they have a second factor."""
    result = await tx.execute(
        select(_its.id, _its.email, _its.blocked_at, _its.email_verified_at, _HAS_SECOND_FACTOR)
        .where(_its.role == "admin")
        .order_by(_its.email_key)
    )
    return result.all()


async def has_second_factor(tx: Tx, user_id: UUID) -> bool:
    """Whether a person has a passkey, or two-step sign-in."""
    return bool(
        (await tx.execute(select(_HAS_SECOND_FACTOR).where(_its.id == user_id))).scalar_one()
    )


async def by_address(tx: Tx, email_key: str) -> UUID | None:
    """The account with this address; None if there is none."""
    found: UUID | None = (
        await tx.execute(select(_its.id).where(_its.email_key == email_key))
    ).scalar()
    return found
