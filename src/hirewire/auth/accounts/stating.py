"""What `auth` publishes of each account for a service that is added."""

from typing import Any

from sqlalchemy import Row, select

from hirewire.auth.tables import user
from hirewire.contracts.auth import UserStated
from hirewire.kit.stating import States


def _made(row: Row[Any]) -> UserStated:
    blocked_at = row.blocked_at
    return UserStated(user_id=row.id, email=row.email, blocked_at=blocked_at)


USERS = States(UserStated, select(user.c.id, user.c.email, user.c.blocked_at), user.c.id, _made)
