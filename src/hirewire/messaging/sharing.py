"""Numbered things that the living replicas of a service divide equally, each by a session lock."""

import asyncpg

from hirewire.messaging.locks import IDLE_SECONDS, Session, lock_number, open_session

MEMBERS = """
select count(*) from pg_locks
where locktype = 'advisory' and granted and mode = 'ShareLock' and objsubid = 1
  and classid::bigint = $1 and objid::bigint = $2
  and database = (select oid from pg_database where datname = current_database())
"""
"""How many replicas divide them now; `member_lock` has the values."""
LOST = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""Errors after which a replica cannot know what it holds."""


class Share:
    """The part of one replica: it is counted, and holds a lock for each thing that it has."""

    def __init__(
        self, what: str, service: str, database_url: str, idle_seconds: float = IDLE_SECONDS
    ) -> None:
        self._what, self._service = what, service
        self._url = database_url
        self._idle_seconds = idle_seconds
        self._session: Session | None = None

    @property
    def is_open(self) -> bool:
        """Whether its session, and so its locks, may still be there."""
        return self._session is not None and not self._session.is_closed

    @property
    def connection(self) -> asyncpg.Connection:
        """The connection of its session."""
        return self._opened.connection

    async def open(self) -> None:
        """Be counted among the replicas, with nothing. Raises `SessionShared` behind a pooler."""
        application = f"{self._service} {self._what}s"
        self._session = await open_session(
            self._url, application=application, idle_seconds=self._idle_seconds
        )
        lock = lock_number(f"{self._what}s {self._service}")
        await self.connection.execute("select pg_advisory_lock_shared($1)", lock)

    async def check(self) -> None:
        """Find out whether the session is still there; the server ends one that is silent."""
        await self._opened.check()

    async def most(self, count: int) -> int:
        """How many of so many things each replica has at most."""
        lock = member_lock(self._what, self._service)
        members: int = await self.connection.fetchval(MEMBERS, *lock)
        return -(-count // max(members, 1))

    async def take(self, number: int) -> bool:
        """Take a thing; False if another replica has it."""
        return await self._opened.try_lock(self._lock(number))

    async def release(self, number: int) -> None:
        """Let another replica take it."""
        await self.connection.execute("select pg_advisory_unlock($1)", self._lock(number))

    async def close(self) -> None:
        """Release all, and be counted no more."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    @property
    def _opened(self) -> Session:
        assert self._session is not None
        return self._session

    def _lock(self, number: int) -> int:
        return lock_number(f"{self._what} {self._service} {number}")


def member_lock(what: str, service: str) -> tuple[int, int]:
    """The lock that each replica shares, as both halves of its number."""
    number = lock_number(f"{what}s {service}") & (2**64 - 1)
    return number >> 32, number & (2**32 - 1)
