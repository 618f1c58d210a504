"""SQLAlchemy's asynchronous engine, as far as the core uses it, over simulated sessions."""

from collections.abc import Awaitable, Callable, Sequence
from types import SimpleNamespace, TracebackType
from typing import TYPE_CHECKING, Any, Self

import asyncpg
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError

from hirewire.messaging.database import CommitRefused
from simulate.postgres.engine import Database
from simulate.postgres.plain import driver_of
from simulate.postgres.rows import Result
from simulate.postgres.wire import Wire, open_wire

if TYPE_CHECKING:
    from simulate.world import World

ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError)
SLOW_CLOSES = 0.1
"""How often returning a connection to the pool takes time."""


class Events:
    """Replaces `sqlalchemy.event`: the engine's events that the core listens to."""

    @staticmethod
    def contains(engine: "SyncEngine", name: str, hook: Callable[..., None]) -> bool:
        """Whether it is registered already."""
        return hook in engine.hooks.get(name, [])

    @staticmethod
    def listen(engine: "SyncEngine", name: str, hook: Callable[..., None]) -> None:
        """Register a callback."""
        engine.hooks.setdefault(name, []).append(hook)


class SyncEngine:
    """The inner, synchronous engine."""

    def __init__(self) -> None:
        self.hooks: dict[str, list[Callable[..., None]]] = {}

    def fire(self, name: str, *given: Any) -> None:
        """Call the callbacks of an event."""
        for hook in self.hooks.get(name, ()):
            hook(*given)


class SyncConnection:
    """The inner connection: its options, and the driver's connection."""

    __slots__ = ("_options", "connection")

    def __init__(self, wire: Wire) -> None:
        self._options: dict[str, Any] = {}
        self.connection = wire.driver or _driver_of(wire)

    def execution_options(self, **options: Any) -> None:
        """Set options."""
        self._options |= options

    def get_execution_options(self) -> dict[str, Any]:
        """The options."""
        return self._options


def _driver_of(wire: Wire) -> Any:
    wire.driver = SimpleNamespace(driver_connection=driver_of(wire))
    return wire.driver


class Tx:
    """An `AsyncConnection`."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._wire: Wire | None = None
        self._used = False
        self._savepoints = 0
        self.sync_connection: SyncConnection | None = None

    async def start(self) -> Self:
        """Take a connection from the pool."""
        self._wire = await self._engine.take()
        self.sync_connection = SyncConnection(self._wire)
        return self

    __aenter__ = start

    def close(self) -> Awaitable[None]:
        """Return it to the pool: usually at once, rarely after a while."""
        engine = self._engine
        wire, self._wire = self._wire, None
        if wire is None:
            return engine.world.loop.nothing
        if engine.world.random.random() < SLOW_CLOSES:
            return self._close_later(wire)
        engine.give_back(wire, clean=not self._used)
        return engine.world.loop.nothing

    async def _close_later(self, wire: Wire) -> None:
        world = self._engine.world
        await world.loop.pause(world.delay(wire.host))
        self._engine.give_back(wire, clean=not self._used)

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def invalidate(self) -> None:
        """Do not reuse the connection."""
        assert self._wire is not None
        self._wire.cut()

    @property
    def wire(self) -> Wire:
        """The client's end of its session."""
        assert self._wire is not None
        return self._wire

    async def exec_driver_sql(self, sql: str, parameters: Sequence[Any] = ()) -> Result:
        """Run a statement."""
        self._used = True
        try:
            result = await self.wire.run(sql, parameters, single=False)
        except ERRORS as error:
            raise self._translated(error, sql) from error
        if type(result) is list:
            return Result(result, len(result))
        return Result([], result)

    def write(self, sql: str, parameters: Sequence[Any]) -> None:
        """Run a statement that never waits, without network latency."""
        self._used = True
        try:
            self.wire.write(sql, parameters)
        except ERRORS as error:
            raise self._translated(error, sql) from error

    def _translated(self, error: Exception, sql: str) -> DBAPIError:
        original = Exception(f"{type(error)}: {error}")
        original.__cause__ = error
        lost = self.wire.lost or isinstance(error, asyncpg.PostgresConnectionError)
        if lost:
            self._engine.forget()
        said = SimpleNamespace(
            connection=self.sync_connection, original_exception=original, is_disconnect=lost
        )
        self._engine.sync_engine.fire("handle_error", said)
        if isinstance(error, asyncpg.IntegrityConstraintViolationError):
            return IntegrityError(sql, None, original)
        kind = InterfaceError if isinstance(error, asyncpg.InterfaceError) else DBAPIError
        return kind(sql, None, original, connection_invalidated=lost)

    def begin(self) -> "_Block":
        """Commit at the end, roll back on an exception."""
        return _Block(self._end)

    async def _end(self, *, commit: bool) -> None:
        wire = self.wire
        if not self._used or (wire.lost and not commit):
            return
        if wire.ends_at_once(commit=commit):
            self._used = False
            return
        assert self.sync_connection is not None
        driver = self.sync_connection.connection.driver_connection
        try:
            await driver.execute("COMMIT;" if commit else "ROLLBACK;")
        except ERRORS as error:
            if commit:
                raise self._translated(error, "COMMIT") from error
        except CommitRefused:
            self._used = False
            raise
        self._used = False

    def begin_nested(self) -> "_Block":
        """A savepoint: rolled back to on an exception."""
        self._used = True
        self._savepoints += 1
        name = f"sa_savepoint_{self._savepoints}"

        async def begin() -> None:
            self._engine.sync_engine.fire("savepoint", self.sync_connection, name)
            await self._savepoint("savepoint")

        async def end(*, commit: bool) -> None:
            if commit:
                await self._savepoint("release savepoint")
            elif not self.wire.lost:
                fire = self._engine.sync_engine.fire
                fire("rollback_savepoint", self.sync_connection, name, None)
                await self._savepoint("rollback to savepoint")

        return _Block(end, begin)

    async def _savepoint(self, verb: str) -> None:
        session = self.wire.session

        def work(answer: Callable[[object, bool], None]) -> None:
            transaction = session.begin()
            if verb == "savepoint":
                transaction.savepoints.append(len(transaction.undo))
            elif verb.startswith("rollback"):
                transaction.roll_back_to(transaction.savepoints.pop())
                transaction.failed = False
            elif transaction.failed:
                answer(asyncpg.InFailedSQLTransactionError("transaction is aborted"), False)
                return
            else:
                transaction.savepoints.pop()
            answer(True, True)

        try:
            await self.wire.ask("savepoint", work)
        except ERRORS as error:
            raise self._translated(error, verb) from error


class _Block:
    """A block with one end for success and one for failure."""

    __slots__ = ("_begin", "_end")

    def __init__(self, end: Callable[..., Any], begin: Callable[[], Any] | None = None) -> None:
        self._end = end
        self._begin = begin

    async def __aenter__(self) -> None:
        if self._begin is not None:
            await self._begin()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        await self._end(commit=kind is None)


class Engine:
    """An `AsyncEngine`: the pool of one process."""

    def __init__(self, world: "World", db: Database) -> None:
        self.world = world
        self._db = db
        self._idle: list[Wire] = []
        self.sync_engine = SyncEngine()

    def connect(self) -> Tx:
        """A connection of the pool; it is taken when started."""
        return Tx(self)

    async def take(self) -> Wire:
        """An idle connection, or a new one."""
        if self._idle:
            return self._idle.pop()
        self.sync_engine.fire("do_connect", None, None, None, {})
        return await open_wire(self.world, self._db)

    def give_back(self, wire: Wire, *, clean: bool) -> None:
        """Return a connection."""
        if wire.lost or not clean:
            wire.cut()
        else:
            self._idle.append(wire)

    def forget(self) -> None:
        """A connection was lost: the others opened before are not reused either."""
        for wire in self._idle:
            wire.cut()
        self._idle.clear()

    async def dispose(self) -> None:
        """Close all."""
        self.forget()
