"""The services of a history: what they publish and consume, and how their handlers fail."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from functools import cache
from typing import cast
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from hirewire.messaging.envelope import Received
from hirewire.messaging.event import Event
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.retry import Later, Reject, RetrySchedule
from hirewire.messaging.subscriptions import Subscription, on, on_batch
from hirewire.messaging.transaction import Tx
from simulate.loop import HOST
from simulate.postgres.own import EFFECT, MADE, ONLY
from simulate.postgres.pooled import Tx as SimulatedTx
from simulate.world import World

RETRY = RetrySchedule(
    attempts=4, first=timedelta(seconds=0.05), factor=2.0, longest=timedelta(seconds=1)
)
AT_ONCE = RetrySchedule(attempts=4, first=timedelta(0))
"""The most attempts in a history: further waiting costs time and finds nothing more."""
MAY_DIE = frozenset({"dead", "reject", "caught", "gone"})
"""Behaviours of a handler after which a dead letter is correct."""


class Moved(Event, name="sim.moved", owner="writer", key="item"):
    """Something was moved."""

    item: str
    handling: str = "ok"


class Renamed(Event, name="sim.renamed", owner="writer", key="item"):
    """Something was renamed."""

    item: str
    handling: str = "ok"


class Echoed(Event, name="sim.echoed", owner="reader", key="item"):
    """The event that a handler publishes for a move."""

    item: str


OWNERS = {"sim.moved": "writer", "sim.renamed": "writer", "sim.echoed": "reader"}
CLASSES = {"moved": Moved, "renamed": Renamed}


class Boom(Exception):
    """A handler that fails."""


def write_event(tx: Tx, event: Event) -> UUID:
    """Record an event, and next to it a row that proves it."""
    id = record(tx, event)
    cast(SimulatedTx, tx).write(MADE, (id, event.key, event.name))
    return id


async def take_effect(tx: Tx, name: str, received: Received[Event]) -> None:
    """Write the effect of an event, then fail as the event demands."""
    world = World.current
    calls = world.attempts[name, received.id] = world.attempts.get((name, received.id), 0) + 1
    world.handling[name, received.id] = HOST.get()
    values = (received.id, name, received.key, received.sequence, received.late)
    if received.id.int & 3:
        cast(SimulatedTx, tx).write(EFFECT, values)
    else:  # the process may be killed here
        await tx.exec_driver_sql(EFFECT, values)
    handling = getattr(received.event, "handling", "ok")
    if handling != "ok" and not name.startswith("archive"):
        await _go_wrong(tx, handling, calls, received.id)
    world.handling.pop((name, received.id), None)


async def _go_wrong(tx: Tx, handling: str, calls: int, id: UUID) -> None:
    draw = id.int % 997
    few = 1 + draw % 3
    if handling == "slow":
        await asyncio.sleep(0.02 + draw / 1000)
    elif handling == "fail" and calls <= few:
        raise Boom("not this time")
    elif handling == "away" and calls <= few:
        raise (TimeoutError, FileNotFoundError, ConnectionRefusedError)[draw % 3]("elsewhere")
    elif handling == "gone":
        raise (TimeoutError, FileNotFoundError, ConnectionRefusedError)[draw % 3]("for ever")
    elif handling == "dead" and calls <= 6:
        raise Boom("not for a long time")
    elif handling == "reject" and calls <= 3:
        raise Reject("never")
    elif handling == "later" and calls <= few:
        raise Later(timedelta(seconds=0.1 + draw / 1000))
    elif handling == "cancelled" and calls <= few:
        raise asyncio.CancelledError
    elif handling == "caught":
        with suppress(IntegrityError):
            await tx.exec_driver_sql(ONLY)
    elif handling == "nested":
        with suppress(IntegrityError):
            async with tx.begin_nested():
                await tx.exec_driver_sql(ONLY)


def one(name: str, event: type[Event], **options: object) -> Subscription:
    """A handler of single events."""

    async def handle(tx: Tx, received: Received[Event]) -> None:
        await take_effect(tx, name, received)

    return on(event, handle, name=name, retry=AT_ONCE, **options)  # type: ignore[arg-type]


def many(name: str, event: type[Event]) -> Subscription:
    """A handler of batches."""

    async def handle(tx: Tx, batch: Sequence[Received[Event]]) -> None:
        for received in batch:
            await take_effect(tx, name, received)

    return on_batch(event, handle, name=name, retry=AT_ONCE)


async def _echo(tx: Tx, received: Received[Moved]) -> None:
    await take_effect(tx, "reader.echo", received)
    write_event(tx, Echoed(item=received.event.item))


@cache
def subscriptions_of(service: str) -> list[Subscription]:
    """The subscriptions of a service."""
    if service == "writer":
        return [one("writer.echoed", Echoed)]
    if service == "reader":
        return [
            on(Moved, _echo, name="reader.echo", retry=RETRY),
            one("reader.moved", Moved),
            many("reader.renamed", Renamed),
            one("reader.skip", Renamed, behind_failed="skip"),
        ]
    return [
        one("archive.moved", Moved, history=True),
        one("archive.renamed", Renamed, history=True),
    ]


SERVICES = ("writer", "reader")
REPLICAS = 2
