"""Whose access tokens are refused before they expire: blocked and erased people, and API keys
that were revoked, which count as erased.

`auth` marks them itself, the other services as they consume its events (schema `kit`). Each process
has the marks in memory: a verification asks no database.
"""

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from hirewire.kit.clock import now
from hirewire.kit.errors import Unauthenticated
from hirewire.messaging.background import Wake, run_steps
from hirewire.messaging.transaction import Tx, after_commit

RELOAD_SECONDS = 3.0
"""How soon a process learns what another one of its service has stored."""
TRUSTED_SECONDS = 30.0
"""Marks that could not be loaded for so long are loaded by the next request, or it fails."""
MATTERS = timedelta(days=1)
"""How long a mark matters after it was stored: longer than any token lives. `auth` gives no new
ones to people who are blocked or erased.
"""


class AccountBlocked(Unauthenticated):
    """This account is blocked: a mail to its address says why, and whom to ask."""

    slug = "account-blocked"
    code = "account_blocked"


async def note_block(tx: Tx, user_id: UUID, *, is_blocked: bool, at: datetime) -> None:
    """Refuse all tokens of a user, or those from before `at` only. An older change than the stored
    one does nothing.
    """
    await tx.exec_driver_sql(
        """
        insert into kit.refused_user as r
            (user_id, is_blocked, block_changed_at, tokens_until, noted_at)
        values ($1, $2, $3, $3, $4)
        on conflict (user_id) do update set
            is_blocked = excluded.is_blocked, block_changed_at = excluded.block_changed_at,
            tokens_until = greatest(r.tokens_until, excluded.tokens_until),
            noted_at = excluded.noted_at
        where r.block_changed_at is null or r.block_changed_at <= excluded.block_changed_at
        """,
        (user_id, is_blocked, at, now()),
    )
    _hasten(tx)


async def note_erased(tx: Tx, user_id: UUID, at: datetime) -> None:
    """Refuse all tokens of a user who was erased, for good."""
    await tx.exec_driver_sql(
        """
        insert into kit.refused_user (user_id, is_erased, tokens_until, noted_at)
        values ($1, true, $2, $3)
        on conflict (user_id) do update set is_erased = true, noted_at = excluded.noted_at
        """,
        (user_id, at, now()),
    )
    _hasten(tx)


async def forget_old(tx: AsyncConnection) -> None:
    """Delete marks that do not matter any more. Those of blocked people stay: an event that comes
    late must not undo them.
    """
    await tx.exec_driver_sql(
        "delete from kit.refused_user where noted_at < $1 and not is_blocked", (now() - MATTERS,)
    )


@dataclass(frozen=True, slots=True)
class Mark:
    """Which tokens of a person are refused."""

    is_blocked: bool
    is_erased: bool
    tokens_until: int
    """In whole seconds, as in tokens."""


class Refusals:
    """The marks of a service's database, in the memory of this process."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._marks: dict[UUID, Mark] = {}
        self._loaded = float("-inf")
        self._lock = asyncio.Lock()

    async def load(self) -> None:
        """Load the marks that matter."""
        begun = time.monotonic()
        async with self._engine.connect() as connection:
            result = await connection.exec_driver_sql(
                "select user_id, is_blocked, is_erased, tokens_until from kit.refused_user "
                "where noted_at > $1",
                (now() - MATTERS,),
            )
            self._marks = {
                UUID(str(row.user_id)): Mark(
                    row.is_blocked, row.is_erased, int(row.tokens_until.timestamp())
                )
                for row in result
            }
        self._loaded = begun

    async def refused(self, user_id: UUID, issued: float) -> bool:
        """Whether a token of this user, issued at this time, is refused.

        Raises `AccountBlocked` if the user is blocked.
        """
        if self._is_old():
            async with self._lock:
                if self._is_old():
                    await self.load()
        mark = self._marks.get(user_id)
        if mark is None:
            return False
        if mark.is_blocked and not mark.is_erased:
            raise AccountBlocked
        return mark.is_erased or issued < mark.tokens_until

    def _is_old(self) -> bool:
        return time.monotonic() - self._loaded > TRUSTED_SECONDS

    async def keep_fresh(self) -> None:
        """Load the marks until cancelled: at once when this process stores one."""
        wake = Wake()
        woken = _wakes.setdefault(self._engine, set())
        woken.add(wake)
        try:
            await run_steps("refused users", self._step, wake, idle=RELOAD_SECONDS)
        finally:
            woken.discard(wake)

    async def _step(self) -> bool:
        await self.load()
        return False


_wakes: dict[AsyncEngine, set[Wake]] = {}
"""Those who wait in this process for changes in a database."""


def _hasten(tx: Tx) -> None:
    for wake in _wakes.get(tx.engine, ()):
        after_commit(tx, wake)
