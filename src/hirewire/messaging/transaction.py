"""The transactions of one service, opened and committed here, and passed to commands."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from hirewire.messaging.background import describe
from hirewire.messaging.database import CheckedConnection, DatabaseUnavailable, is_unusable
from hirewire.messaging.envelope import Context

Tx: TypeAlias = AsyncConnection
"""An open transaction, passed from the entry point to commands. Only the entry point commits."""

context: ContextVar[Context | None] = ContextVar("hirewire_context", default=None)
"""The causal context of the current request or delivery."""


_COMMENTS = r"(?:\s|--[^\n]*\n|/\*.*?\*/)*"
_ENDS = re.compile(
    _COMMENTS
    + r"(commit|end|abort|begin|start\s+transaction|prepare\s+transaction|rollback(?!\s+to\s)"
    r"|(?:savepoint|release|rollback\s+to)(?!.*\bsa_savepoint_))\b",
    re.IGNORECASE | re.DOTALL,
)
"""Statements that end or split a transaction without SQLAlchemy's knowledge."""
_OUTLIVES = re.compile(
    _COMMENTS
    + r"(set(?=\s)(?!\s+(?:local|constraints|transaction)\b)|reset|discard|listen|unlisten"
    r"|load|deallocate|prepare(?!\s+transaction)|declare\b.*\bwith\s+hold)\b"
    r"|.*?\b(set_config)\s*\((?=[^()]*,\s*(?:false|'f(?:alse)?')\s*\))"
    r"|.*?\b(pg_(?:try_)?advisory_lock(?:_shared)?)\s*\(",
    re.IGNORECASE | re.DOTALL,
)
"""Statements whose effect stays with the connection, for its next user."""
_OPTION = "hirewire_transaction"
"""Execution option of a connection that holds its open `Transaction`."""


@dataclass(frozen=True, slots=True)
class PendingEvent:
    """An event that was checked and is recorded with its transaction."""

    id: UUID
    type: str
    key: str
    body: str
    version: int
    context: Context


Write: TypeAlias = Callable[[Tx, Sequence[PendingEvent]], Awaitable[None]]


class Transaction:
    """The events recorded in one open transaction, kept beside its connection."""

    __slots__ = (
        *("after", "ended", "kept", "owner", "pending", "savepoints", "spoiled", "unusable"),
        *("wakes", "write"),
    )

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.pending: list[PendingEvent] = []
        """Events that will be written just before the commit."""
        self.write: Write | None = None
        """Writes the pending events."""
        self.savepoints: dict[str, int] = {}
        """The number of events at each savepoint, by SQLAlchemy's name for it."""
        self.kept: dict[type, Any] = {}
        """Data that features keep until the transaction ends, by type."""
        self.wakes = False
        self.after: set[Callable[[], None]] = set()
        """Called once the transaction has committed."""
        self.ended = False
        """Whether the block has ended: nothing more can be recorded, and the commit may follow."""
        self.spoiled = False
        """Whether SQLAlchemy considers the transaction ended, and PostgreSQL does not."""
        self.unusable: BaseException | None = None
        """The error after which this connection cannot be used."""

    def add(self, event: PendingEvent, write: Write) -> None:
        """Keep an event; `write` writes all events just before the commit."""
        self.pending.append(event)
        self.write = write

    def roll_back_to(self, savepoint: str) -> None:
        """Forget the events that were recorded after a savepoint."""
        del self.pending[self.savepoints[savepoint] :]


def owner_of(tx: Tx) -> str:
    """The service whose transaction this is."""
    return opened_by(tx).owner


def wake_after(tx: Tx) -> None:
    """Wake the relay once `tx` has committed, even without a new event."""
    opened_by(tx).wakes = True


def after_commit(tx: Tx, call: Callable[[], None]) -> None:
    """Call this once `tx` has committed; the same call several times counts once.

    It only hastens work that is found by itself later: a process may be killed in between.
    """
    opened_by(tx).after.add(call)


def _transaction_of(connection: Connection | None) -> Transaction | None:
    if connection is None:
        return None
    found: Transaction | None = connection.get_execution_options().get(_OPTION)
    return found


def opened_by(tx: Tx) -> Transaction:
    """The transaction that is open on a connection. Raises `RuntimeError` if there is none."""
    opened = _transaction_of(tx.sync_connection)
    if opened is None:
        raise RuntimeError("this needs a transaction opened by Transactions")
    if opened.ended:
        raise RuntimeError("the transaction has ended: nothing can be recorded in it any more")
    return opened


async def execute(tx: Tx, statement: str, arguments: Sequence[Any]) -> None:
    """Execute a statement whose result is not needed, by the driver alone.

    It takes half the processor time of SQLAlchemy's way, whose errors it does not translate.
    """
    driver: Any = tx.sync_connection.connection.driver_connection  # type: ignore[union-attr]
    if not driver.is_in_transaction():  # SQLAlchemy begins with its own first statement
        await tx.exec_driver_sql(statement, tuple(arguments))
        return
    opened = _transaction_of(tx.sync_connection)
    assert opened is not None
    try:
        await driver.execute(statement, *arguments)
    except Exception as error:
        if is_unusable(error, closed=driver.is_closed()):
            opened.unusable = error
        raise
    except BaseException:  # cancelled: what the server has done is unknown
        opened.spoiled = True
        raise


class TransactionEnded(RuntimeError):
    """A statement would have ended the transaction, or created an untracked savepoint."""

    def __init__(self, statement: str) -> None:
        super().__init__(
            f"{statement}: who is handed a transaction does not end it; a savepoint is made by "
            "tx.begin_nested()"
        )


class OutlivesTransaction(RuntimeError):
    """A statement would have changed the session, whose connection others use next."""

    def __init__(self, statement: str) -> None:
        super().__init__(
            f"{statement}: its effect would outlive the transaction, on a connection that others "
            "use next; SET LOCAL, set_config(…, true) and pg_advisory_xact_lock end with it"
        )


class Transactions:
    """Opens the transactions of one service: ``async with transactions() as tx``.

    At the end of the block the recorded events are written just before the commit, so that their
    counters are locked as briefly as possible. `committed` is called once they can be published.
    """

    def __init__(
        self, engine: AsyncEngine, owner: str, committed: Callable[[], None] = lambda: None
    ) -> None:
        self.engine = engine
        self.owner = owner
        self.committed = committed
        _watch(engine.sync_engine)

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[Tx]:
        """A transaction: committed at the end of the block, rolled back if it raises.

        Raises `DatabaseUnavailable` if no connection is available, if this one is lost (it is then
        unknown whether the block was committed), or if the database reports that it cannot work at
        present. Raises `CommitRefused` if a database error was caught in the block. Every other
        exception passes unchanged, whatever its class.
        """
        tx = await self._connected()
        opened = Transaction(self.owner)
        try:
            tx.sync_connection.execution_options(**{_OPTION: opened})  # type: ignore[union-attr]
            async with tx.begin():
                yield tx
                opened.ended = True
                if opened.write is not None:
                    await opened.write(tx, opened.pending)
        except Exception as error:
            if opened.unusable is not None:
                raise DatabaseUnavailable(describe(opened.unusable)) from error
            raise
        finally:
            if opened.spoiled:
                await tx.invalidate()
            await asyncio.shield(asyncio.create_task(tx.close()))
        if opened.pending or opened.wakes:
            self.committed()
        for call in opened.after:
            call()

    @asynccontextmanager
    async def single(self) -> AsyncIterator[AsyncConnection]:
        """A connection for one statement, which is a transaction of its own.

        It saves the round trips of BEGIN and COMMIT. Nothing can be recorded. Raises
        `DatabaseUnavailable` as a transaction does.
        """
        connection = await self._connected()
        watched = Transaction(self.owner)
        watched.ended = True  # nothing can be recorded
        try:
            options = {_OPTION: watched, "isolation_level": "AUTOCOMMIT"}
            connection.sync_connection.execution_options(**options)  # type: ignore[union-attr]
            async with connection.begin():
                yield connection
        except Exception as error:
            if watched.unusable is not None:
                raise DatabaseUnavailable(describe(watched.unusable)) from error
            raise
        finally:
            await asyncio.shield(asyncio.create_task(connection.close()))

    async def _connected(self) -> AsyncConnection:
        while True:
            tx = self.engine.connect()
            try:
                await tx.start()
            except (
                SQLAlchemyError,
                asyncpg.PostgresError,
                asyncpg.InterfaceError,
                OSError,
            ) as error:
                raise DatabaseUnavailable(f"no connection: {describe(error)}") from error
            raw = tx.sync_connection.connection  # type: ignore[union-attr]
            # issubclass: to asyncpg, every connection is an instance of every connection class.
            if issubclass(type(raw.driver_connection), CheckedConnection):
                return tx
            # From the pool of before `_watch`: it would not notice a refused commit.
            await tx.invalidate()
            await tx.close()


class _GuardedConnection(CheckedConnection):
    """A pooled connection that checks statements.

    SQLAlchemy prepares every written statement once for each connection, and ends transactions by
    other means: so the check costs nothing for known statements.
    """

    __slots__ = ()

    async def prepare(self, query: str, **options: Any) -> Any:
        """Like asyncpg's. Raises `TransactionEnded` and `OutlivesTransaction`."""
        _refuse(query)
        return await super().prepare(query, **options)


def _watch(engine: Engine) -> None:
    """Install the checks on this engine's connections, once."""
    if event.contains(engine, "handle_error", _on_error):
        return
    event.listen(engine, "do_connect", _on_connect)
    event.listen(engine, "handle_error", _on_error)
    event.listen(engine, "commit", _on_commit)
    event.listen(engine, "savepoint", _on_savepoint)
    event.listen(engine, "rollback_savepoint", _on_rollback_to_savepoint)


def _on_connect(_: Any, __: Any, ___: Any, options: dict[str, Any]) -> None:
    options.setdefault("connection_class", _GuardedConnection)


def _on_error(raised: ExceptionContext) -> None:
    """Record an error of a transaction's own connection; a cancellation does not count."""
    opened = _transaction_of(raised.connection)
    error = raised.original_exception
    if opened is None or not isinstance(error, Exception):
        return
    if is_unusable(error, closed=raised.is_disconnect):
        opened.unusable = error


def _on_commit(connection: Connection) -> None:
    """Refuse other commits: earlier changes in the transaction belong to others as well."""
    opened = _transaction_of(connection)
    if opened is not None and not opened.ended:
        opened.spoiled = True
        raise TransactionEnded("commit")


def _refuse(statement: str) -> None:
    """Raise for a statement that users of a transaction must not execute."""
    if found := _ENDS.match(statement):
        raise TransactionEnded(found[1])
    if found := _OUTLIVES.match(statement):
        raise OutlivesTransaction(found[1] or found[2] or found[3])


def _on_savepoint(connection: Connection, name: str | None) -> None:
    if (opened := _transaction_of(connection)) is not None:
        name = name or f"sa_savepoint_{len(opened.savepoints) + 1}"
        opened.savepoints[name] = len(opened.pending)


def _on_rollback_to_savepoint(connection: Connection, name: str, _: None) -> None:
    if (opened := _transaction_of(connection)) is not None:
        opened.roll_back_to(name)
