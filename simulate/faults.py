"""Known faults of the core, injected on purpose: the simulation must find each of them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from hirewire.messaging import database, transaction
from hirewire.messaging.broker import Outcome
from hirewire.messaging.consuming import batch_handler, claims, consumer, inbox, resolution
from hirewire.messaging.consuming.batches import Batch
from hirewire.messaging.consuming.consumer import Consumer
from hirewire.messaging.publishing import outbox
from hirewire.messaging.publishing.key_queues import KeyQueues
from hirewire.messaging.publishing.pipeline import Pipeline
from hirewire.messaging.publishing.relay import Relay
from hirewire.messaging.reconciliation import barriers
from simulate.postgres.catalogue import statement
from simulate.postgres.claiming import COLUMNS
from simulate.postgres.consuming import KEY_STATE, advance_ordering_keys, inbox_row
from simulate.postgres.engine import Transaction, Waits
from simulate.postgres.publishing import count_up, log_event
from simulate.postgres.shared import insert_new

Change = tuple[Any, str, Any]
"""Module or class, attribute, and its replacement."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault, and how to inject it."""

    about: str
    changes: Callable[[], list[Change]]

    @contextmanager
    def put_back(self) -> Iterator[None]:
        """Inject the fault while the block runs."""
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
    """Register a fault."""

    def enter(changes: Callable[[], list[Change]]) -> None:
        FAULTS[name] = Fault(about, changes)

    return enter


@fault("ack-first", "the consumer acks before the commit")
def _() -> list[Change]:
    async def handle_and_ack(self: Any, batch: Batch) -> None:
        await self._broker.ack(batch.deliveries[-1])
        await self.handler.handle(batch)
        self._backoff.reset()

    return [(Consumer, "_handle_and_ack", handle_and_ack)]


@fault("nack-confirmed", "a refused message counts as confirmed")
def _() -> list[Change]:
    right = Pipeline._send

    async def send(self: Any, rows: Any) -> tuple[Any, Sequence[Outcome]]:
        messages, outcomes = await right(self, rows)
        return messages, [Outcome.CONFIRMED if o is Outcome.REFUSED else o for o in outcomes]

    return [(Pipeline, "_send", send)]


@fault("two-leaders", "every replica's relay publishes")
def _() -> list[Change]:
    right = Relay._lead

    async def lead(self: Any) -> Any:
        await right(self)
        return self._session

    async def check(self: Any, session: Any) -> None:
        await session.check()

    return [(Relay, "_lead", lead), (Relay, "_check", check)]


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


@fault("key-not-locked", "a retry does not lock its key")
def _() -> list[Change]:
    right = resolution.reached

    async def reached(tx: Any, lane: str, places: Any, *, locked: bool) -> Any:
        return await right(tx, lane, places, locked=False)

    return [(resolution, "reached", reached)]


@fault("claim-not-checked", "a retry does not check that it still owns its claim")
def _() -> list[Change]:
    text = claims._LOCK + "-- whoever has it"

    @statement(text, returns=COLUMNS)
    def lock(tx: Transaction, parameters: Any) -> list[Any]:
        lane, ids, _ = parameters
        rows = [tx.get("open_message", (id, lane)) for id in ids]
        return [tuple(v[name] for name in COLUMNS.split()) for v in rows if v is not None]

    return [(claims, "_LOCK", text)]


@fault("barrier-overtakes", "a barrier does not wait for what is unsent")
def _() -> list[Change]:
    waits, note = barriers._WAITS + "-- never", barriers._NOTE_UNSENT + "-- none"

    @statement(waits, returns="exists")
    def never(tx: Transaction, parameters: Any) -> list[Any]:
        return [(False,)]

    @statement(note)
    def none(tx: Transaction, parameters: Any) -> int:
        return 0

    return [(barriers, "_WAITS", waits), (barriers, "_NOTE_UNSENT", note)]


@fault("two-of-a-key", "several chunks of one key are in flight at once")
def _() -> list[Change]:
    right = KeyQueues.next_chunk

    def next_chunk(self: Any, most: int, most_bytes: int) -> Any:
        rows = right(self, most, most_bytes)
        for key in dict.fromkeys(row["key"] for row in rows):
            if self._queues[key].rows and key not in self._ready:
                self._ready.append(key)
        return rows

    def arrive(self: Any, key: str, line: Any) -> None:
        line.under_way -= 1
        if line.rows and key not in self._ready:
            self._ready.append(key)
        elif not line.rows and not line.under_way:
            del self._queues[key]

    return [(KeyQueues, "next_chunk", next_chunk), (KeyQueues, "_arrive", arrive)]


@fault("no-parking", "followers do not wait behind a failed message")
def _() -> list[Change]:
    async def held_back(tx: Any, entered: Any) -> list[Any]:
        return []

    return [(inbox, "held_back", held_back)]


@fault("no-inbox", "repeats are not recognised")
def _() -> list[Change]:
    text = inbox._ENTER + "-- again"

    @statement(text, returns=KEY_STATE)
    def enter(tx: Transaction, parameters: Any) -> Waits:
        ids, names, *ordering_keys, _count, _origins = parameters
        for id, name in zip(ids, names, strict=True):
            yield from insert_new(tx, "inbox", (id, name), inbox_row(id, name, tx))
        return (yield from advance_ordering_keys(tx, *ordering_keys))

    return [(inbox, "_ENTER", text)]


@fault("nobody-promoted", "messages that wait behind a failed one are never released")
def _() -> list[Change]:
    text = resolution._PROMOTE + "-- nobody"

    @statement(text)
    def nobody(tx: Transaction, parameters: Any) -> int:
        return 0

    return [(resolution, "_PROMOTE", text)]


@fault("commit-unseen", "the response to COMMIT is not checked")
def _() -> list[Change]:
    return [(database.CheckedConnection, "execute", asyncpg.Connection.execute)]


@fault("savepoint-kept", "events of a savepoint that was rolled back are recorded")
def _() -> list[Change]:
    def ignore(*_: Any) -> None:
        pass

    return [(transaction, "_on_rollback_to_savepoint", ignore)]


@fault("ordinary-is-away", "a handler's ordinary error is taken for an unavailable database")
def _() -> list[Change]:
    kinds = (database.DatabaseUnavailable, OSError)
    return [(batch_handler, "DatabaseUnavailable", kinds)]


@fault("failure-unnoticed", "a failed batch is handled only when another one arrives")
def _() -> list[Change]:
    def ignore(*_: Any) -> None:
        pass

    return [(consumer.Consumer, "_note_failure", ignore)]


@fault("followers-pass", "a refused event does not hold back later events of its key")
def _() -> list[Change]:
    def stuck(self: Any, key: str) -> None:
        line = self._queues.get(key)
        if line is not None:
            self._arrive(key, line)

    return [(KeyQueues, "stuck", stuck)]
