"""Rows, locks and transactions: READ COMMITTED with PostgreSQL's semantics.

A statement is a Python function or generator over a `Transaction`. It runs as one atomic step, but
waits where PostgreSQL waits: for a row or a unique key that another transaction has locked, or for
an advisory lock. The generator then yields the sessions that it waits for, and continues in the
middle of the statement when one of them has released its lock.
"""

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg

from simulate.loop import SeededLoop

if TYPE_CHECKING:
    from simulate.postgres.session import Session

Values: TypeAlias = dict[str, Any]
Waits: TypeAlias = Generator["list[Session]", None, Any]
Body: TypeAlias = Callable[["Transaction", Any], Any]


class Row:
    """A row: its committed values, and those of the transaction that has locked it."""

    __slots__ = ("committed", "holder", "key", "pending", "table")

    def __init__(self, table: "Table", key: Any) -> None:
        self.table = table
        self.key = key
        self.committed: Values | None = None
        self.pending: Values | None = None
        self.holder: Transaction | None = None


class Table:
    """Rows by primary key."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows: dict[Any, Row] = {}

    def committed(self) -> list[Values]:
        """The rows that a new transaction would see."""
        return [row.committed for row in self.rows.values() if row.committed is not None]


class Transaction:
    """An open transaction of one session."""

    __slots__ = ("advisory", "db", "failed", "notices", "savepoints", "session", "undo", "xid")

    def __init__(self, session: "Session") -> None:
        self.session = session
        self.db = session.db
        self.xid = 0
        self.failed = False
        self.undo: list[tuple[Row, Values | None, Transaction | None]] = []
        self.savepoints: list[int] = []
        self.advisory: list[int] = []
        self.notices: list[str] = []

    @property
    def idle(self) -> bool:
        """Whether it has done nothing, so that its end has no effect."""
        return not (self.xid or self.failed or self.undo or self.advisory or self.notices)

    def xact(self) -> int:
        """The transaction id, assigned at its first write."""
        if not self.xid:
            self.xid = self.db.next_xid
            self.db.next_xid += 1
            self.db.running[self.xid] = self
        return self.xid

    def see(self, table: str) -> list[tuple[Row, Values]]:
        """The rows that a statement sees which starts now."""
        return [
            (row, values)
            for row in self.db.tables[table].rows.values()
            if (values := row.pending if row.holder is self else row.committed) is not None
        ]

    def get(self, table: str, key: Any) -> Values | None:
        """One row by its key, as this transaction sees it."""
        row = self.db.tables[table].rows.get(key)
        if row is None:
            return None
        return row.pending if row.holder is self else row.committed

    def lock(self, row: Row) -> Waits:
        """Lock the row, waiting for its holder; returns its newest values (None: it is deleted)."""
        while row.holder is not None and row.holder is not self:
            yield [row.holder.session]
        if row.holder is None:
            if row.committed is None:
                return None
            self.undo.append((row, row.pending, None))
            row.holder, row.pending = self, row.committed
            self.xact()
        return row.pending

    def write(self, row: Row, values: Values | None) -> None:
        """Update or delete a row that this transaction has locked."""
        self.undo.append((row, row.pending, self))
        row.pending = values

    def put(self, table: str, key: Any) -> Waits:
        """Insert if no other row has the key; returns the new row, locked, or the conflicting one.

        Waits for a transaction that has inserted, updated or deleted a row of the same key.
        """
        rows = self.db.tables[table].rows
        while True:
            row = rows.get(key)
            if row is None:
                row = rows[key] = Row(self.db.tables[table], key)
                self.undo.append((row, None, None))
                row.holder = self
                self.xact()
                return row, True
            if row.holder is self:
                return row, row.pending is None
            if row.holder is None or (row.committed is not None and row.pending is row.committed):
                return row, False  # committed, and at most locked
            yield [row.holder.session]

    def insert(self, table: str, key: Any, values: Values) -> Waits:
        """A plain insert; a unique violation if the key exists."""
        row, free = yield from self.put(table, key)
        if not free:
            raise asyncpg.UniqueViolationError(f"duplicate key value in {table}")
        self.write(row, values)

    def roll_back_to(self, mark: int) -> None:
        """Undo everything after a savepoint, and release the locks acquired since."""
        freed = False
        for row, pending, holder in reversed(self.undo[mark:]):
            row.pending, row.holder = pending, holder
            if holder is None:
                freed = True
                rows = row.table.rows
                if row.committed is None and rows.get(row.key) is row:
                    del rows[row.key]
        del self.undo[mark:]
        if freed:
            self.session.let_go()

    def abort(self) -> None:
        """Abort after a failed statement: undo and unlock everything since the last savepoint.

        Nothing else can run until the rollback to that savepoint.
        """
        self.failed = True
        self.roll_back_to(self.savepoints[-1] if self.savepoints else 0)
        if not self.savepoints:
            self._release()

    def _release(self) -> None:
        self.db.running.pop(self.xid, None)
        for number in self.advisory:
            self.session.unlock(number)
        self.advisory.clear()

    def end(self, *, commit: bool) -> bool:
        """Commit or roll back. Returns False if a failed transaction was to be committed."""
        if self.idle:
            self.session.transaction = None
            return True
        done = commit and not self.failed
        if done:
            self._apply()
        else:
            self.roll_back_to(0)
        self.undo.clear()
        self._release()
        self.session.transaction = None
        self.session.let_go()
        if done:
            for channel in self.notices:
                self.db.notify(channel)
        return done or not commit

    def _apply(self) -> None:
        for row, _, _ in self.undo:
            if row.holder is self:
                row.holder = None
                if row.pending is None:
                    rows = row.table.rows
                    row.committed = None
                    if rows.get(row.key) is row:
                        del rows[row.key]
                else:
                    if row.table.name in self.db.watched and row.committed is None:
                        self.db.watched[row.table.name].append(row.pending)
                    row.committed = row.pending


@dataclass
class Database:
    """One service's database."""

    name: str
    loop: SeededLoop
    random: Random
    tables: dict[str, Table] = field(default_factory=dict)
    sequences: dict[str, int] = field(default_factory=dict)
    sessions: dict["Session", None] = field(default_factory=dict)
    advisory: dict[int, dict["Session", int]] = field(default_factory=dict)
    running: dict[int, Transaction] = field(default_factory=dict)
    subscribers: dict[str, list[Callable[[], None]]] = field(default_factory=dict)
    watched: dict[str, list[Values]] = field(default_factory=dict)
    """Tables whose inserted rows are all kept for the judge, in commit order."""
    next_xid: int = 1000
    up: bool = True

    def put(self, table: str, key: Any, values: Values) -> None:
        """Add a committed row without a transaction, as initial data."""
        row = Row(self.tables[table], key)
        row.committed = values
        self.tables[table].rows[key] = row

    def nextval(self, name: str) -> int:
        """The next number of a sequence; a rollback does not return it."""
        number = self.sequences.get(name, 0) + 1
        self.sequences[name] = number
        return number

    def snapshot(self) -> str:
        """Like ``pg_current_snapshot()::text``."""
        running = sorted(self.running)
        least = running[0] if running else self.next_xid
        return f"{least}:{self.next_xid}:{','.join(map(str, running))}"

    def notify(self, channel: str) -> None:
        """Notify the listening sessions."""
        for subscriber in self.subscribers.get(channel, ()):
            self.loop.happen(0.0002 * (1 + self.random.random()), subscriber)

    def crash(self) -> None:
        """End all sessions; committed data stay."""
        for session in list(self.sessions):
            session.end()

    def forget(self) -> None:
        """Release all data, once nothing reads them any more."""
        for table in self.tables.values():
            table.rows.clear()
        for session in self.sessions:
            session.waiters.clear()
        self.sessions.clear()
        self.subscribers.clear()

    def clock(self, often: float = 1.0) -> float:
        """Like `clock_timestamp()`: each reading is later; rarely by much, as on a busy host.

        `often` makes that more frequent, where a statement reads the clock for each of many rows.
        """
        loop, random = self.loop, self.random.random
        loop.now += 0.3 * random() if random() < self.stalls * often else 1e-6
        return loop.now

    stalls: float = 0.01
    """How often noticeable time passes between two clock readings of one statement."""


def visible(xid: int, snapshot: str) -> bool:
    """Like `pg_visible_in_snapshot`."""
    least, next_one, running = snapshot.split(":")
    if xid < int(least):
        return True
    return xid < int(next_one) and str(xid) not in running.split(",")


def columns(values: Mapping[str, Any], names: Iterable[str]) -> tuple[Any, ...]:
    """Some columns of a row."""
    return tuple(values[name] for name in names)
