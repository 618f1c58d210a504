"""The publishing side's promise: an event is a row in the transaction that makes it true."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from hirewire.messaging import tracing
from hirewire.messaging.database import CheckedConnection, DatabaseUnavailable, is_unusable
from hirewire.messaging.envelope import (
    MAX_BODY,
    MAX_NAME,
    Context,
    Received,
    caused_by,
    fits_a_name,
)
from hirewire.messaging.event import Event
from hirewire.messaging.ids import new_id
from hirewire.messaging.loops import describe

Tx: TypeAlias = AsyncConnection
"""An open transaction, handed from the door to whatever changes rows. Only the door commits."""

context: ContextVar[Context | None] = ContextVar("hirewire_context", default=None)
"""What the current request or delivery is part of."""


_COMMENTS = r"(?:\s|--[^\n]*\n|/\*.*?\*/)*"
_ENDS = re.compile(
    _COMMENTS
    + r"(commit|end|abort|begin|start\s+transaction|prepare\s+transaction|rollback(?!\s+to\s)"
    r"|(?:savepoint|release|rollback\s+to)(?!.*\bsa_savepoint_))\b",
    re.IGNORECASE | re.DOTALL,
)
"""Statements by which a transaction is ended, or parted behind SQLAlchemy's back."""
_OUTLIVES = re.compile(
    _COMMENTS
    + r"(set(?=\s)(?!\s+(?:local|constraints|transaction)\b)|reset|discard|listen|unlisten"
    r"|load|deallocate|prepare(?!\s+transaction)|declare\b.*\bwith\s+hold)\b"
    r"|.*?\b(set_config)\s*\((?=[^()]*,\s*(?:false|'f(?:alse)?')\s*\))"
    r"|.*?\b(pg_(?:try_)?advisory_lock(?:_shared)?)\s*\(",
    re.IGNORECASE | re.DOTALL,
)
"""Statements whose effect stays with the connection, for the next one who gets it."""
_OPTION = "hirewire_pending"
"""Execution option of a connection under which its transaction's pending events are."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """An event that is fit to be recorded."""

    id: UUID
    type: str
    key: str
    body: str
    version: int
    context: Context


@dataclass(slots=True)
class _Open:
    owner: str
    events: list[Prepared] = field(default_factory=list)
    savepoints: dict[str, int] = field(default_factory=dict)
    """How many events there were at each savepoint, by the name that SQLAlchemy gives it."""
    wakes: bool = False
    ended: bool = False
    """Whether the block is over: nothing can be recorded any more, and the commit may come."""
    spoiled: bool = False
    """Whether SQLAlchemy believes the transaction to be over, and PostgreSQL does not."""
    unusable: BaseException | None = None
    """The error after which this connection can do no more."""


# The counters are taken in key order, so that transactions with several keys cannot deadlock. A
# counter's lock is held until the commit, and a row's position is drawn under it: within a key,
# position, sequence and commit have one order. The base of a new counter is above all that
# retention has forgotten, which may have been of the same key.
_FLUSH = """
with recorded as materialized (
    select * from unnest($1::uuid[], $2::text[], $3::text[], $4::json[], $5::text[], $6::text[],
            $7::text[], $8::smallint[])
        with ordinality as r(id, type, key, body, correlation_id, causation_id, traceparent,
            version, nth)
), counted as (
    insert into messaging.counter as c (key, last)
    select key, count(*) from recorded group by key order by key
    on conflict (key) do update set last = c.last + excluded.last, used_on = current_date
    returning key, base + last as last
), numbered as (
    select r.*, c.last - count(*) over (partition by r.key)
        + row_number() over (partition by r.key order by r.nth) as sequence
    from recorded r join counted c using (key)
), logged as (
    insert into messaging.log (id, position, type, key, sequence, correlation_id, causation_id,
        traceparent, version, body)
    select id, nextval('messaging.position'), type, key, sequence, correlation_id, causation_id,
        traceparent, version, body
    from (select * from numbered order by nth) n
    returning position, id, key, octet_length(body::text) as size
)
insert into messaging.outbox (position, id, key, size) select position, id, key, size from logged
"""
_FLUSH_ONE = """
with counted as (
    insert into messaging.counter as c (key, last)
    values ($3, 1)
    on conflict (key) do update set last = c.last + 1, used_on = current_date
    returning base + last as last
), logged as (
    insert into messaging.log (id, position, type, key, sequence, correlation_id, causation_id,
        traceparent, version, body)
    select $1, nextval('messaging.position'), $2, $3, last, $5, $6, $7, $8, $4 from counted
    returning position, octet_length(body::text) as size
)
insert into messaging.outbox (position, id, key, size) select position, $1, $3, size from logged
"""


def record(tx: Tx, event: Event, *, cause: Received[Event] | None = None) -> UUID:
    """Record `event` in the caller's transaction; it is published once that has committed.

    What a handler of one event records is caused by that event; a handler of a batch says which
    one of them is the `cause`. Returns the event's id. An event that is recorded within a savepoint
    goes with it. Raises `RuntimeError` when `tx` was not opened by `Transactions`, or the event
    belongs to another service, and `ValueError` for an event that no reader would take: a body
    over `MAX_BODY` bytes, or a key that is no name.
    """
    return record_prepared(
        tx, prepare(tx, event, part_of=caused_by(cause) if cause is not None else None)
    )


def prepare(tx: Tx, event: Event, *, part_of: Context | None = None) -> Prepared:
    """Check an event as `record` does, and give it an id and its context, but record nothing."""
    owner = _opened(tx).owner
    if event.owner != owner:
        raise RuntimeError(f"{event.name} belongs to {event.owner}, not to {owner}")
    body = event.body()
    if len(body) > MAX_BODY:
        raise ValueError(f"{event.name}: body of {len(body)} bytes; at most {MAX_BODY}")
    if b"NaN" in body or b"Infinity" in body:
        json.loads(body, parse_constant=_not_finite)
    key = event.key
    if not fits_a_name(key):
        raise ValueError(
            f"{event.name}: {event.key_field}: a key has 1 to {MAX_NAME} characters, all printable"
        )
    id = new_id()
    found = part_of or context.get() or Context(correlation_id=str(id))
    trace = found.traceparent or tracing.new_traceparent()
    if tracing.enabled():
        trace = tracing.created(event.name, str(id), trace)
    found = replace(found, traceparent=trace)
    return Prepared(id, event.name, key, body.decode(), event.schema_version, found)


def _not_finite(constant: str) -> None:
    raise ValueError(f"{constant} is no number in JSON")


def record_prepared(tx: Tx, prepared: Prepared) -> UUID:
    """Record what `prepare` returned. Returns the event's id."""
    _opened(tx).events.append(prepared)
    return prepared.id


def owner_of(tx: Tx) -> str:
    """The service whose transaction this is."""
    return _opened(tx).owner


def wake_after(tx: Tx) -> None:
    """Let the relay look at its work once `tx` has committed, also without a new event."""
    _opened(tx).wakes = True


class TransactionEnded(RuntimeError):
    """A statement would have ended the transaction, or made a savepoint that nobody knows of."""

    def __init__(self, statement: str) -> None:
        super().__init__(
            f"{statement}: who is handed a transaction does not end it; a savepoint is made by "
            "tx.begin_nested()"
        )


class OutlivesTransaction(RuntimeError):
    """A statement would have changed the session, whose connection others get after this one."""

    def __init__(self, statement: str) -> None:
        super().__init__(
            f"{statement}: its effect would outlive the transaction, on a connection that others "
            "use next; SET LOCAL, set_config(…, true) and pg_advisory_xact_lock end with it"
        )


class Transactions:
    """Opens the transactions of one service: ``async with transactions() as tx``.

    On leaving, the events recorded are written just before the commit (their counters are locked
    as shortly as can be), and `committed` is called once they can be published.
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

        Raises `DatabaseUnavailable` when there is no connection to be had, when this one is lost
        (then it is not known whether the block was committed), or when the database says that it
        can do nothing now; and `CommitRefused` when an error of the database was caught in the
        block. Every other exception passes as it is, whatever its class.
        """
        tx = await self._connected()
        opened = _Open(self.owner)
        try:
            tx.sync_connection.execution_options(**{_OPTION: opened})  # type: ignore[union-attr]
            async with tx.begin():
                yield tx
                opened.ended = True
                await _flush(tx, opened.events)
        except Exception as error:
            if opened.unusable is not None:
                raise DatabaseUnavailable(describe(opened.unusable)) from error
            raise
        finally:
            if opened.spoiled:
                await tx.invalidate()
            await asyncio.shield(asyncio.create_task(tx.close()))
        if opened.events or opened.wakes:
            self.committed()

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
            # Of the pool from before `_watch`: such a one would not see a refused commit.
            await tx.invalidate()
            await tx.close()


class _GuardedConnection(CheckedConnection):
    """A pooled one. SQLAlchemy prepares every statement that somebody writes, once a connection,
    and ends transactions by others: so the check costs nothing where a statement is known.
    """

    __slots__ = ()

    async def prepare(self, query: str, **options: Any) -> Any:
        """As asyncpg. Raises `TransactionEnded` and `OutlivesTransaction`."""
        _refuse(query)
        return await super().prepare(query, **options)


def _pending(connection: Connection | None) -> _Open | None:
    if connection is None:
        return None
    found: _Open | None = connection.get_execution_options().get(_OPTION)
    return found


def _opened(tx: Tx) -> _Open:
    opened = _pending(tx.sync_connection)
    if opened is None:
        raise RuntimeError("this needs a transaction opened by Transactions")
    if opened.ended:
        raise RuntimeError("the transaction has ended: nothing can be recorded in it any more")
    return opened


def _watch(engine: Engine) -> None:
    """Have this engine's connections checked, once."""
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
    """Note what a transaction's own connection says; a cancellation says nothing of it."""
    opened = _pending(raised.connection)
    error = raised.original_exception
    if opened is None or not isinstance(error, Exception):
        return
    if is_unusable(error, closed=raised.is_disconnect):
        opened.unusable = error


def _on_commit(connection: Connection) -> None:
    """Only `Transactions` commits: what came before belongs to others as well."""
    opened = _pending(connection)
    if opened is not None and not opened.ended:
        opened.spoiled = True
        raise TransactionEnded("commit")


def _refuse(statement: str) -> None:
    """Raise for a statement that is not for who was handed a transaction."""
    if found := _ENDS.match(statement):
        raise TransactionEnded(found[1])
    if found := _OUTLIVES.match(statement):
        raise OutlivesTransaction(found[1] or found[2] or found[3])


def _on_savepoint(connection: Connection, name: str | None) -> None:
    if (opened := _pending(connection)) is not None:
        name = name or f"sa_savepoint_{len(opened.savepoints) + 1}"
        opened.savepoints[name] = len(opened.events)


def _on_rollback_to_savepoint(connection: Connection, name: str, _: None) -> None:
    if (opened := _pending(connection)) is not None:
        del opened.events[opened.savepoints[name] :]


async def _flush(tx: Tx, events: list[Prepared]) -> None:
    if len(events) == 1:
        await tx.exec_driver_sql(_FLUSH_ONE, _row(events[0]))
    elif events:
        await tx.exec_driver_sql(
            _FLUSH, tuple(list(c) for c in zip(*map(_row, events), strict=True))
        )


def _row(
    recorded: Prepared,
) -> tuple[UUID, str, str, str, str, str | None, str | None, int | None]:
    found = recorded.context
    return (
        recorded.id,
        recorded.type,
        recorded.key,
        recorded.body,
        found.correlation_id,
        found.causation_id,
        found.traceparent,
        recorded.version if recorded.version > 1 else None,
    )
