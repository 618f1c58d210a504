"""Known faults of the core, put back on purpose: the simulation must find each of them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from hirewire.messaging import consumer, database, fences, inbox, outbox, relay, retries
from hirewire.messaging.broker import Outcome
from hirewire.messaging.consumer import Batch, Consumer
from simulate.postgres.catalogue import statement
from simulate.postgres.engine import Transaction, Waits
from simulate.postgres.publishing import count_up, log_event

Change = tuple[Any, str, Any]
"""Where, which name, and what takes its place."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault, and how to put it back."""

    about: str
    changes: Callable[[], list[Change]]

    @contextmanager
    def put_back(self) -> Iterator[None]:
        """The core has it while the block runs."""
        changed = [(place, name, getattr(place, name), new) for place, name, new in self.changes()]
        try:
            for place, name, _, new in changed:
                setattr(place, name, new)
            yield
        finally:
            for place, name, old, _ in changed:
                setattr(place, name, old)


FAULTS: dict[str, Fault] = {}


def fault(name: str, about: str) -> Callable[[Callable[[], list[Change]]], None]:
    """Enter a fault."""

    def enter(changes: Callable[[], list[Change]]) -> None:
        FAULTS[name] = Fault(about, changes)

    return enter


@fault("ack-first", "the consumer acks before the commit")
def _() -> list[Change]:
    async def handle_and_ack(self: Any, batch: Batch) -> None:
        await self._broker.ack(batch.deliveries[-1])
        await self._handle(batch)
        self._heard = True

    return [(Consumer, "_handle_and_ack", handle_and_ack)]


@fault("nack-confirmed", "a refused message counts as confirmed")
def _() -> list[Change]:
    right = relay.Relay._send

    async def send(self: Any, rows: Any) -> Sequence[Outcome]:
        outcomes = await right(self, rows)
        return [Outcome.CONFIRMED if o is Outcome.REFUSED else o for o in outcomes]

    return [(relay.Relay, "_send", send)]


@fault("two-leaders", "every replica's relay publishes")
def _() -> list[Change]:
    right = relay.Relay._lead

    async def lead(self: Any) -> Any:
        await right(self)
        return self._connection

    return [(relay.Relay, "_lead", lead)]


@fault("position-first", "an event's position is drawn before its key's counter is locked")
def _() -> list[Change]:
    one, many = outbox._FLUSH_ONE + "-- position first", outbox._FLUSH + "-- position first"

    @statement(one)
    def flush_one(tx: Transaction, event: Any) -> Waits:
        position = tx.db.nextval("position")
        sequence = yield from count_up(tx, event[2], 1)
        yield from log_event(tx, position, tuple(event), sequence)
        return 1

    @statement(many)
    def flush(tx: Transaction, columns: Any) -> Waits:
        events = list(zip(*columns, strict=True))
        positions = [tx.db.nextval("position") for _ in events]
        for position, event in zip(positions, events, strict=True):
            sequence = yield from count_up(tx, event[2], 1)
            yield from log_event(tx, position, event, sequence)
        return len(events)

    return [(outbox, "_FLUSH_ONE", one), (outbox, "_FLUSH", many)]


@fault("track-not-locked", "a retry does not lock its key")
def _() -> list[Change]:
    text = retries._LOCK_TRACK.replace("for update", "")

    @statement(text, returns="sequence")
    def read_track(tx: Transaction, track: Any) -> list[tuple[int]]:
        values = tx.get("progress", tuple(track))
        return [] if values is None else [(values["sequence"] or 0,)]

    return [(retries, "_LOCK_TRACK", text)]


@fault("message-not-locked", "a retry does not lock its message")
def _() -> list[Change]:
    async def locked(tx: Any, claimed: Any) -> bool:
        return True

    return [(retries, "_locked", locked)]


@fault("fence-overtakes", "a barrier does not wait for what is unsent")
def _() -> list[Change]:
    text = fences._UNSENT + "-- none"

    @statement(text, returns="id stuck")
    def none(tx: Transaction, parameters: Any) -> list[Any]:
        return []

    return [(fences, "_UNSENT", text)]


@fault("two-of-a-key", "several events of one key are under way at once")
def _() -> list[Change]:
    def next_chunk(self: Any, most: int) -> list[Any]:
        rows: list[Any] = []
        while self._ready and len(rows) < most:
            key = self._ready.popleft()
            rows.append(self._lines[key].popleft())
            if self._lines[key]:
                self._ready.append(key)
        return rows

    def sent(self: Any, keys: Any) -> None:
        for key in keys:
            self._positions[key].pop(0)

    return [(relay._Hand, "next_chunk", next_chunk), (relay._Hand, "sent", sent)]


@fault("no-parking", "followers do not wait behind a failed message")
def _() -> list[Change]:
    right = inbox.enter

    async def enter(tx: Any, units: Any) -> Any:
        return [
            (unit, inbox.Standing(standing.previous, 0))
            for unit, standing in await right(tx, units)
        ]

    return [(inbox, "enter", enter)]


@fault("no-inbox", "repeats are not recognised")
def _() -> list[Change]:
    text = inbox._ENTER + "-- again"

    @statement(text, returns="event_id subscription source key previous open")
    def enter(tx: Transaction, parameters: Any) -> Waits:
        from simulate.postgres.consuming import advance_tracks, inbox_row
        from simulate.postgres.shared import insert_new

        ids, names, *tracks, _ = parameters
        for id, name in zip(ids, names, strict=True):
            yield from insert_new(tx, "inbox", (id, name), inbox_row(id, name, tx))
        return (yield from advance_tracks(tx, *tracks))

    return [(inbox, "_ENTER", text)]


@fault("nobody-promoted", "what waits behind a failed message is not let go on")
def _() -> list[Change]:
    async def close_track(tx: Any, track: Any, sequence: Any) -> None:
        await tx.exec_driver_sql(retries._CLOSE_TRACK, (*track, sequence))

    return [(retries, "close_track", close_track)]


@fault("commit-unseen", "nobody looks whether a COMMIT was one")
def _() -> list[Change]:
    return [(database.CheckedConnection, "execute", asyncpg.Connection.execute)]


@fault("savepoint-kept", "events of a savepoint that was rolled back are recorded")
def _() -> list[Change]:
    def ignore(*_: Any) -> None:
        pass

    return [(outbox, "_on_rollback_to_savepoint", ignore)]


@fault("ordinary-is-away", "a handler's ordinary error counts as the database being away")
def _() -> list[Change]:
    kinds = (database.DatabaseUnavailable, OSError)
    return [(consumer, "DatabaseUnavailable", kinds)]


@fault("failure-unnoticed", "a batch that failed is looked at when another arrives")
def _() -> list[Change]:
    def ignore(*_: Any) -> None:
        pass

    return [(consumer.Consumer, "_note_failure", ignore)]


@fault("followers-pass", "a refused event does not hold back those of its key")
def _() -> list[Change]:
    def failed(self: Any, keys: Any) -> None:
        self.sent(keys)

    return [(relay._Hand, "failed", failed)]
