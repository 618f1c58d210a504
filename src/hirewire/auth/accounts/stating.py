"""What `auth` publishes of each account for a service that is added."""

from typing import Any

from sqlalchemy import Row, select

from hirewire.auth.tables import user
from hirewire.contracts.auth import UserStated
from hirewire.kit.stating import States

_its = user.c
_COLUMNS = (_its.id, _its.email, _its.blocked_at, _its.email_verified_at)


def _made(row: Row[Any]) -> UserStated:
    return UserStated(
        user_id=row.id,
        email=row.email,
        blocked_at=row.blocked_at,
        verified_at=row.email_verified_at,
        language=row.language,
        time_zone=row.time_zone,
    )


USERS = States(UserStated, select(*_COLUMNS, _its.language, _its.time_zone), _its.id, _made)
