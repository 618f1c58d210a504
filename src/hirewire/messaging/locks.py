"""Session locks of PostgreSQL, which a connection holds until it ends.

The server ends a holder's session after a period of silence, so that another process can take over
from one that is frozen, or whose host has vanished. A holder therefore calls `Session.check` every
few seconds. This also checks that the session is still its own: a pooler in transaction mode shares
one session among many clients, and a lock in such a session excludes nobody.
"""

import asyncio
import hashlib
import secrets
from contextlib import suppress

import asyncpg

from hirewire.messaging.database import connect

IDLE_SECONDS = 20.0
"""Seconds of silence after which the server ends a holder's session."""
BEAT_SECONDS = 5.0
"""Longest pause between two checks of a holder."""
_PROBE_SECONDS = 3.0

_HELD = """exists (
    select from pg_locks where locktype = 'advisory' and granted and objsubid = 1
      and mode = 'ExclusiveLock' and pid = pg_backend_pid()
      and (classid::bigint << 32 | objid::bigint) = $1)"""
# A session lock is granted again to the session that has it, also to other clients that share the
# session: so it must not be held already.
_TRY_LOCK = f"""
select case when current_setting('hirewire.session', true) is distinct from $2 or {_HELD}
    then null else pg_try_advisory_lock($1) end
"""  # noqa: S608
# The server ends an idle session. One that was frozen between two messages of a statement is not
# idle, and the server would wait for its client for ever.
_END_SILENT_HOLDER = """
select pg_terminate_backend(a.pid)
from pg_locks l join pg_stat_activity a using (pid)
where l.locktype = 'advisory' and l.granted and l.objsubid = 1 and l.mode = 'ExclusiveLock'
  and (l.classid::bigint << 32 | l.objid::bigint) = $1 and a.wait_event = 'ClientRead'
  and l.database = (select oid from pg_database where datname = current_database())
  and greatest(a.state_change, a.query_start)
    < clock_timestamp() - $2::float8 * interval '1 second'
"""
_SEEN = """exists (
    select from pg_locks where locktype = 'advisory' and granted and objsubid = 1
      and classid = {high} and objid = {low}
      and database = (select oid from pg_database where datname = current_database()))"""
_CHECK = "select current_setting('hirewire.session', true) is not distinct from $1"
_CHECK_LOCK = f"""
select current_setting('hirewire.session', true) is not distinct from $2 and {_HELD}
"""  # noqa: S608


class SessionShared(asyncpg.InterfaceError):
    """The connection goes through a pooler that shares sessions: locks would exclude nobody."""

    def __init__(self) -> None:
        super().__init__(
            "the database is reached through a pooler in transaction mode, where session locks "
            "hold nothing: HIREWIRE_DATABASE_DIRECT_URL, or HIREWIRE_DATABASE_URL if that is not "
            "set (HIREWIRE_BROKER_URL for queues in PostgreSQL), must be the server's own address, "
            "or a pooler's in session mode"
        )


class AnotherDatabase(Exception):
    """The pooler leads to another database than the direct address."""

    def __init__(self) -> None:
        super().__init__(
            "HIREWIRE_DATABASE_URL and HIREWIRE_DATABASE_DIRECT_URL lead to different databases: "
            "a pooler must lead to the server of the direct address"
        )


class Session:
    """A connection that holds locks."""

    def __init__(self, connection: asyncpg.Connection, token: str, idle_seconds: float) -> None:
        self.connection = connection
        self._token = token
        self._idle_seconds = idle_seconds

    @property
    def is_closed(self) -> bool:
        """Whether the connection and its locks are gone."""
        return bool(self.connection.is_closed())

    async def try_lock(self, number: int) -> bool:
        """Take a lock that this session does not hold; False if another session holds it.

        A holder that has been silent for too long is ended, so that a later try succeeds.
        """
        taken = await self.connection.fetchval(_TRY_LOCK, number, self._token)
        if taken is None:
            raise SessionShared
        if not taken:
            await self.connection.execute(_END_SILENT_HOLDER, number, self._idle_seconds)
        return bool(taken)

    async def unlock(self, number: int) -> None:
        """Release one lock."""
        await self.connection.execute("select pg_advisory_unlock($1)", number)

    async def check(self, number: int | None = None) -> None:
        """Send a query, and check that the session is not shared and still holds the lock.

        Raises `SessionShared`.
        """
        if number is None:
            mine = await self.connection.fetchval(_CHECK, self._token)
        else:
            mine = await self.connection.fetchval(_CHECK_LOCK, number, self._token)
        if not mine:
            raise SessionShared

    async def close(self) -> None:
        """Release all locks."""
        with suppress(Exception):
            await self.connection.close(timeout=2)
        if not self.connection.is_closed():
            self.connection.terminate()


async def open_session(
    url: str, *, application: str, idle_seconds: float = IDLE_SECONDS
) -> Session:
    """A session that can hold locks. Raises `SessionShared` if it cannot."""
    connection = await connect(url, application=application)
    try:
        token = secrets.token_hex(16)
        await connection.execute(f"select set_config('hirewire.session', '{token}', false)")
        if await _is_pooled(connection) and not await _is_exclusive(connection, url, token):
            raise SessionShared
        for state in ("idle_session", "idle_in_transaction_session"):
            await connection.execute(f"set {state}_timeout = '{int(idle_seconds * 1000)}ms'")
    except BaseException:
        connection.terminate()
        raise
    return Session(connection, token, idle_seconds)


async def require_own_sessions(url: str, *, shared: str | None = None) -> None:
    """Check the address for locks, and that a pooler at `shared` leads to the same database.

    Raises `SessionShared` and `AnotherDatabase`; other errors mean that it cannot be found out now.
    """
    session = await open_session(url, application="hirewire start")
    try:
        if shared is None:
            return
        number = secrets.randbits(62)
        await session.try_lock(number)
        other = await connect(shared, application="hirewire start", shared=True)
        try:
            if not await _holds(other, _SEEN.format(high=number >> 32, low=number & 0xFFFFFFFF)):
                raise AnotherDatabase
        finally:
            other.terminate()
    finally:
        await session.close()


async def _is_pooled(connection: asyncpg.Connection) -> bool:
    """Whether another server process responds than the one that was connected to.

    Uses simple queries and the number of rows, since a pooler may route a prepared statement to
    another process.
    """
    pid = connection.get_server_pid()
    return not await _holds(connection, f"pg_backend_pid() = {pid}")


async def _is_exclusive(connection: asyncpg.Connection, url: str, token: str) -> bool:
    """Whether the session behind a pooler stays this client's while another client works."""
    other = None
    try:
        async with asyncio.timeout(_PROBE_SECONDS):
            other = await connect(url, application="hirewire probe")
            await other.execute("begin")
            await other.execute("select 1")
    except TimeoutError:  # the pooler has no second session: the first one is in use
        pass
    try:
        async with asyncio.timeout(_PROBE_SECONDS):
            return await _holds(
                connection, f"current_setting('hirewire.session', true) = '{token}'"
            )
    except TimeoutError:  # the other client has the session now
        return False
    finally:
        if other is not None:
            other.terminate()


async def _holds(connection: asyncpg.Connection, condition: str) -> bool:
    status: str = await connection.execute(f"select from (select 1) as one where {condition}")
    return status == "SELECT 1"


def lock_number(name: str) -> int:
    """A number for PostgreSQL's advisory locks, from a name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
