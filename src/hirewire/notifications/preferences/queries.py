"""Queries for what a person wants."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from hirewire.messaging.transaction import Tx
from hirewire.notifications.tables import person, preference


async def settings(tx: Tx, user_id: UUID) -> Row[Any] | None:
    """Language, time zone, quiet hours, and whether mails to the address were stopped."""
    its = person.c
    found = await tx.execute(
        select(
            its.language,
            its.time_zone,
            its.quiet_from,
            its.quiet_until,
            its.mail_stopped_at.is_not(None).label("is_stopped"),
        ).where(its.user_id == user_id)
    )
    return found.first()


async def chosen(tx: Tx, user_id: UUID) -> Mapping[str, Row[Any]]:
    """What a person has chosen, by kind: `mail` and `push`."""
    rows = await tx.execute(select(preference).where(preference.c.user_id == user_id))
    return {row.kind: row for row in rows}
