"""The two clients that the core uses, over simulated sessions: asyncpg's and SQLAlchemy's."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
from sqlalchemy.exc import DBAPIError, IntegrityError

from simulate.loop import HOST, Host
from simulate.postgres import consuming, jobs, own, publishing, reconciling  # noqa: F401
from simulate.postgres.catalogue import Unknown, find
from simulate.postgres.engine import Database, Session
from simulate.postgres.rows import Result, RowBase

if TYPE_CHECKING:
    from simulate.world import World

TABLES = (
    "counter log outbox inbox open_message progress suspect listener fence fence_heard spread "
    "awaiting job made effect only"
).split()


def gone() -> asyncpg.PostgresError:
    """What asyncpg raises when a connection breaks under a statement."""
    return asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")


class Wire:
    """A client's end of a session: requests arrive after a while, answers too, or never."""

    def __init__(self, world: "World", db: Database, host: Host | None) -> None:
        self.world = world
        self.host = host
        self.session = db.connect(self._ended)
        self.lost = False
        """The client knows that the connection is no more."""
        self.failed = False
        """COMMIT was answered by ROLLBACK."""
        self._pending: asyncio.Future[Any] | None = None
        self._terminated: list[Callable[[], None]] = []
        if host is not None:
            world.wires_of(host).append(self)

    async def run(self, sql: str, parameters: Sequence[Any], *, single: bool) -> tuple[Any, str]:
        """Run a statement: what it returned, and its columns."""
        try:
            known = find(sql)
        except Unknown as error:
            self.world.fatal = str(error)
            raise
        session = self.session
        result = await self._ask(
            known.name,
            lambda answer: session.execute(known.body, parameters, answer, single=single),
        )
        if type(result) is list:
            return [known.make(row) for row in result], known.columns
        return result, ""

    async def finish(self, *, commit: bool) -> bool:
        """COMMIT or ROLLBACK. False: the server answered a COMMIT by ROLLBACK."""
        session = self.session
        return bool(
            await self._ask(
                "commit" if commit else "rollback",
                lambda answer: answer(session.finish(commit=commit), True),
            )
        )

    async def _ask(
        self, label: str, work: Callable[[Callable[[object, bool], None]], None]
    ) -> object:
        world = self.world
        if self.lost or world.over:
            raise asyncpg.InterfaceError("connection is closed")
        future = self._pending = world.loop.create_future()
        cut = world.cut_at(self.host, label)
        if cut == "before":
            world.loop.happen(world.delay(self.host), self.session.terminate)
        else:
            world.loop.happen(world.delay(self.host), self._arrive, future, work, label, cut)
        try:
            return await future
        except asyncio.CancelledError:
            self.cut()
            raise
        finally:
            self._pending = None

    def _arrive(
        self,
        future: "asyncio.Future[Any]",
        work: Callable[[Callable[[object, bool], None]], None],
        label: str,
        cut: str | None,
    ) -> None:
        if not self.session.alive:
            _fail(future, gone())
            return

        def answer(value: object, good: bool) -> None:
            if cut == "after":
                self.session.end()
            elif label == "commit":
                self.world.loop.happen(self.world.delay(self.host), _settle, future, value, good)
            else:
                _settle(future, value, good)

        work(answer)

    def _ended(self, _: Session) -> None:
        self.world.loop.happen(0.0005, self._notice)

    def _notice(self) -> None:
        self.lost = True
        if self._pending is not None:
            _fail(self._pending, gone())
        if self.host is None or self.host.alive:
            for callback in self._terminated:
                callback()

    def cut(self) -> None:
        """The client drops the connection; the server sees it a moment later."""
        if not self.lost:
            self.lost = True
            self.world.loop.happen(self.world.delay(self.host), self.session.terminate)


def _fail(future: "asyncio.Future[Any]", error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)


def _settle(future: "asyncio.Future[Any]", value: object, good: bool) -> None:
    if future.done():
        return
    if good:
        future.set_result(value)
    else:
        assert isinstance(value, BaseException)
        future.set_exception(value)


async def open_wire(world: "World", db: Database) -> Wire:
    """Connect; refused while the database is down."""
    host = HOST.get()
    if world.over:
        raise ConnectionRefusedError("the world is over")
    await asyncio.sleep(world.delay(host))
    if not db.up:
        raise ConnectionRefusedError("connection refused")
    return Wire(world, db, host)


class Connection:
    """What `asyncpg.connect` gives, as far as the core uses it."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._open = 0

    async def fetch(self, sql: str, *parameters: Any) -> list[RowBase]:
        """All rows."""
        rows, _ = await self._wire.run(sql, parameters, single=not self._open)
        return rows if isinstance(rows, list) else []

    async def fetchrow(self, sql: str, *parameters: Any) -> RowBase | None:
        """The first row."""
        rows = await self.fetch(sql, *parameters)
        return rows[0] if rows else None

    async def fetchval(self, sql: str, *parameters: Any) -> Any:
        """The first column of the first row."""
        rows = await self.fetch(sql, *parameters)
        return rows[0][0] if rows else None

    async def execute(self, sql: str, *parameters: Any) -> str:
        """The status line."""
        result, _ = await self._wire.run(sql, parameters, single=not self._open)
        number = len(result) if isinstance(result, list) else result
        return f"{sql.split(None, 1)[0].upper()} {number}"

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """A transaction; inner ones are not used by the core."""
        self._open += 1
        try:
            yield
        except BaseException:
            self._open -= 1
            if not self._wire.lost:
                await self._wire.finish(commit=False)
            raise
        self._open -= 1
        await self._wire.finish(commit=True)

    def is_closed(self) -> bool:
        """Whether it is known to be closed."""
        return self._wire.lost

    def is_in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return bool(self._open)

    async def add_listener(self, channel: str, callback: Callable[..., Any]) -> None:
        """LISTEN."""
        wire, db = self._wire, self._wire.session.db
        host = wire.host

        def told() -> None:
            if not wire.lost and (host is None or host.alive):
                callback(self, 1, channel, "")

        db.listeners.setdefault(channel, []).append(told)

    def add_termination_listener(self, callback: Callable[..., Any]) -> None:
        """Called when the connection ends."""
        self._wire._terminated.append(lambda: callback(self))

    def remove_termination_listener(self, callback: Callable[..., Any]) -> None:
        """Not called any more."""

    async def close(self, *, timeout: float | None = None) -> None:
        """Close it."""
        self._wire.cut()

    def terminate(self) -> None:
        """Drop it."""
        self._wire.cut()


class Tx:
    """What SQLAlchemy's `AsyncConnection` is to the core."""

    def __init__(self, engine: "Engine", wire: Wire) -> None:
        self._engine = engine
        self._wire = wire
        self._used = False
        self._savepoints = 0

    @property
    def invalidated(self) -> bool:
        """Whether its connection is known to be lost."""
        return self._wire.lost

    async def exec_driver_sql(self, sql: str, parameters: Sequence[Any] = ()) -> Result:
        """Run a statement."""
        self._used = True
        try:
            result, _ = await self._wire.run(sql, parameters, single=False)
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise self._translated(error, sql) from error
        if type(result) is list:
            return Result(result, len(result))
        return Result([], result)

    def _translated(self, error: Exception, sql: str) -> DBAPIError:
        original = Exception(f"{type(error)}: {error}")
        original.__cause__ = error
        if isinstance(error, asyncpg.IntegrityConstraintViolationError):
            return IntegrityError(sql, None, original)
        lost = self._wire.lost or isinstance(error, asyncpg.PostgresConnectionError)
        if lost:
            self._engine.forget()
        return DBAPIError(sql, None, original, connection_invalidated=lost)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator["Tx"]:
        """Commit at the end, roll back on an exception."""
        try:
            yield self
        except BaseException:
            await self._end(commit=False)
            raise
        await self._end(commit=True)

    async def _end(self, *, commit: bool) -> None:
        if not self._used or (self._wire.lost and not commit):
            return
        try:
            self._wire.failed = not await self._wire.finish(commit=commit)
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            if commit:
                raise self._translated(error, "COMMIT") from error
        self._used = False

    @asynccontextmanager
    async def begin_nested(self) -> AsyncIterator["Tx"]:
        """A savepoint: rolled back to on an exception."""
        self._used = True
        self._savepoints += 1
        name = f"sp{self._savepoints}"
        await self._savepoint("savepoint", name)
        try:
            yield self
        except BaseException:
            if not self._wire.lost:
                await self._savepoint("rollback to savepoint", name)
            raise
        await self._savepoint("release savepoint", name)

    async def _savepoint(self, verb: str, name: str) -> None:
        session = self._wire.session

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
            await self._wire._ask("savepoint", work)
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise self._translated(error, f"{verb} {name}") from error


class Engine:
    """What SQLAlchemy's `AsyncEngine` is to the core: a pool of one process."""

    def __init__(self, world: "World", db: Database) -> None:
        self._world = world
        self._db = db
        self._idle: list[Wire] = []

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Tx]:
        """A connection of the pool, until the end of the block."""
        wire = self._idle.pop() if self._idle else await open_wire(self._world, self._db)
        tx = Tx(self, wire)
        try:
            yield tx
        finally:
            if wire.lost or tx._used:
                wire.cut()
            else:
                self._idle.append(wire)

    def forget(self) -> None:
        """A connection was lost: the others of that time are not trusted either."""
        for wire in self._idle:
            wire.cut()
        self._idle.clear()

    async def dispose(self) -> None:
        """Close all."""
        self.forget()
