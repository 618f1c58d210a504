"""Helpers that several statements share."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from simulate.postgres.engine import Transaction, Values, Waits

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
"""Virtual time zero."""


def moment(seconds: float) -> datetime:
    """Virtual time as a timestamp."""
    return BEGINNING + timedelta(seconds=seconds)


def seconds_of(at: datetime | None) -> float | None:
    """A timestamp as virtual time."""
    return None if at is None else (at - BEGINNING).total_seconds()


def greatest(*values: Any) -> Any:
    """Like SQL's `greatest`: ignores nulls."""
    known = [value for value in values if value is not None]
    return max(known) if known else None


def upsert(
    tx: Transaction, table: str, key: Any, new: Values, change: Callable[[Values], Values]
) -> Waits:
    """``insert … on conflict do update``: returns the row's new values."""
    while True:
        row, free = yield from tx.put(table, key)
        if free:
            tx.write(row, new)
            return new
        old = yield from tx.lock(row)
        if old is not None:
            values = {**old, **change(old)}
            tx.write(row, values)
            return values


def insert_new(tx: Transaction, table: str, key: Any, new: Values) -> Waits:
    """``insert … on conflict do nothing``: returns whether it was new."""
    row, free = yield from tx.put(table, key)
    if free:
        tx.write(row, new)
    return free


def update(
    tx: Transaction,
    table: str,
    where: Callable[[Values], bool],
    change: Callable[[Values], Values | None],
) -> Waits:
    """Update, or delete where `change` returns None; returns the new rows (deleted ones: the old).

    The rows are those that the statement sees at its start; each is checked again once it is
    locked.
    """
    changed = []
    for row, seen in tx.see(table):
        if not where(seen):
            continue
        values = yield from tx.lock(row)
        if values is None or not where(values):
            continue
        new = change(values)
        tx.write(row, None if new is None else {**values, **new})
        changed.append(values if new is None else row.pending)
    return changed


def update_one(
    tx: Transaction,
    table: str,
    key: Any,
    change: Callable[[Values], Values | None],
    where: Callable[[Values], bool] = lambda _: True,
) -> Waits:
    """The same for one key: returns the new row (or the deleted one); None if there is none."""
    seen = tx.get(table, key)
    if seen is None or not where(seen):
        return None
    row = tx.db.tables[table].rows[key]
    values = yield from tx.lock(row)
    if values is None or not where(values):
        return None
    new = change(values)
    tx.write(row, None if new is None else {**values, **new})
    return values if new is None else row.pending


def update_each(
    tx: Transaction, table: str, changes: Iterable[tuple[Any, Callable[[Values], Values | None]]]
) -> Waits:
    """The same for several keys of the statement's snapshot; returns the number of rows."""
    found = [
        (tx.db.tables[table].rows[key], change)
        for key, change in changes
        if tx.get(table, key) is not None
    ]
    count = 0
    for row, change in found:
        values = yield from tx.lock(row)
        if values is not None:
            new = change(values)
            tx.write(row, None if new is None else {**values, **new})
            count += 1
    return count


def setting(new: Values) -> Callable[[Values], Values]:
    """A change that sets these values."""
    return lambda _: new


def locked(
    tx: Transaction,
    table: str,
    where: Callable[[Values], bool],
    order: Callable[[Values], Any],
    *,
    skip: bool = False,
    limit: int | None = None,
) -> Waits:
    """``select … order by … limit … for update``, optionally ``skip locked``: rows, in order."""
    found = [(row, seen) for row, seen in tx.see(table) if where(seen)]
    found.sort(key=lambda one: order(one[1]))
    rows: list[Values] = []
    for row, _ in found:
        if limit is not None and len(rows) >= limit:
            break
        if skip and row.holder not in (None, tx):
            continue
        values = yield from tx.lock(row)
        if values is not None and where(values):
            rows.append(values)
    return rows
