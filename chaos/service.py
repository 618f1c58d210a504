"""The services of the chaos suite: `python -m chaos.service writer|reader|newcomer PORT`.

They are ordinary Hirewire services, served as any other: relay, consumer, retries, retention,
internal API. The writer publishes some hundred times a second while its table `control` allows it.
The reader writes one row for each event that it consumes, and so does the newcomer, which is added
later. The mood of an event determines how its handler fails.
"""

import asyncio
import os
import random
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from sqlalchemy.exc import DBAPIError

from hirewire.kit.environment import load_settings
from hirewire.kit.service import PeriodicTask, Service, create_app
from hirewire.kit.telemetry import configure_logging
from hirewire.launcher.serving import Served, serve_applications
from hirewire.messaging.envelope import Received
from hirewire.messaging.event import Event
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.retry import Reject, RetrySchedule
from hirewire.messaging.subscriptions import on_batch
from hirewire.messaging.transaction import Transactions, Tx

PLACES = 300
HOT = "place hot"
POISON = "poison"
PARTITIONS = "CHAOS_PARTITIONS"
"""Environment variable: the number of queues over which the reader's replicas work in parallel."""
HANDLER_SECONDS = 3.0
"""The time limit of the handlers."""
SLOW_SECONDS = 120.0
RETRY = RetrySchedule(
    attempts=40, first=timedelta(seconds=0.2), factor=2, longest=timedelta(seconds=2)
)

WRITER_TABLES = """
create table control (running boolean not null, pause float8 not null, hot float8 not null,
    big float8 not null);
insert into control values (false, 0.02, 0, 0);
create table tally (place text primary key, nth bigint not null);
create table written (event_id uuid primary key, place text not null, nth bigint not null,
    mood text not null)
"""
READER_TABLES = """
create table control (fixed boolean not null);
insert into control values (true);
create table attempt (event_id uuid primary key, number bigint not null);
create table effect (n bigserial primary key, event_id uuid not null, place text not null,
    nth bigint not null, late boolean not null, process integer not null);
create index on effect (event_id);
create table state (place text primary key, nth bigint not null)
"""


class Happened(Event, name="chaos.happened", owner="writer", key="place"):
    """Something happened at a place, for the nth time there."""

    place: str
    nth: int
    mood: str = ""
    filler: str = ""


async def write_one(tx: Tx, place: str, mood: str = "", filler: int = 0) -> UUID:
    """The business transaction: a tally, and the event with `filler` additional bytes."""
    result = await tx.exec_driver_sql(
        "insert into tally as t values ($1, 1) on conflict (place) do update set nth = t.nth + 1 "
        "returning nth",
        (place,),
    )
    nth = result.scalar_one()
    id = record(tx, Happened(place=place, nth=nth, mood=mood, filler="x" * filler))
    await tx.exec_driver_sql("insert into written values ($1, $2, $3, $4)", (id, place, nth, mood))
    return id


async def load(transactions: Transactions) -> bool:
    """Write a few events if `control` allows it, and pause as it says."""
    async with transactions() as tx:
        control = (
            await tx.exec_driver_sql("select running, pause, hot, big from control for share")
        ).one()
        if control.running:
            numbers = random.sample(range(PLACES), random.randint(1, 4))
            places = [
                HOT if random.random() < control.hot else f"place {number:03}" for number in numbers
            ]
            for place in sorted(places):
                big = random.random() < control.big
                await write_one(tx, place, filler=random.randint(1, 4) * 1_000_000 if big else 0)
    await asyncio.sleep(control.pause)
    return True


async def effects(tx: Tx, received: Sequence[Received[Happened]]) -> None:
    """Write one row for each event, and the state of its newest version."""
    for one in received:
        if one.event.mood:
            await fail(tx, one)
    await tx.exec_driver_sql(
        "insert into effect (event_id, place, nth, late, process) "
        "select *, $5 from unnest($1::uuid[], $2::text[], $3::bigint[], $4::boolean[])",
        (
            [one.id for one in received],
            [one.event.place for one in received],
            [one.event.nth for one in received],
            [one.late for one in received],
            os.getpid(),
        ),
    )
    newest = {one.event.place: one.event.nth for one in received if not one.late}
    await tx.exec_driver_sql(
        "insert into state as s select * from unnest($1::text[], $2::bigint[]) "
        "on conflict (place) do update set nth = excluded.nth",
        (sorted(newest), [newest[place] for place in sorted(newest)]),
    )
    for one in received:
        if one.event.mood == "swallows":
            await swallow(tx, one)


async def swallow(tx: Tx, one: Received[Happened]) -> None:
    """Unless fixed: run a failing statement as the last one, and swallow its error."""
    if not (await tx.exec_driver_sql("select fixed from control")).scalar_one():
        with suppress(DBAPIError):
            await tx.exec_driver_sql("insert into attempt values ($1, 1)", (one.id,))


async def fail(tx: Tx, one: Received[Happened]) -> None:
    """Fail as the event's mood demands, unless it has been fixed since."""
    mood = one.event.mood
    fixed = (await tx.exec_driver_sql("select fixed from control")).scalar_one()
    if mood == POISON:
        if fixed:
            return
        os._exit(9)
    async with tx.engine.begin() as other:
        statement = (
            "insert into attempt as a values ($1, 1) on conflict (event_id) do update "
            "set number = a.number + 1 returning number"
        )
        attempt = (await other.exec_driver_sql(statement, (one.id,))).scalar_one()
    if mood == "kills" and attempt <= 2:
        os._exit(9)
    if mood == "freezes" and attempt == 1:
        os.kill(os.getpid(), signal.SIGSTOP)
    if mood == "holds" and attempt == 1:
        await asyncio.sleep(SLOW_SECONDS)
    if fixed:
        return
    if mood == "fails":
        raise RuntimeError("not fixed yet")
    if mood == "fails as if the database were away":
        raise ConnectionRefusedError("another server, not the database")
    if mood == "rejects":
        raise Reject("not before it is fixed")
    if mood == "slow":
        await asyncio.sleep(SLOW_SECONDS)


LIMIT = timedelta(seconds=HANDLER_SECONDS)
WRITER = Service(
    "writer", routes=(), publishes=(Happened,), background=(PeriodicTask("load", load, every=0.0),)
)
READER = Service(
    "reader",
    routes=(),
    subscriptions=(
        on_batch(Happened, effects, name="reader.effects", retry=RETRY, time_limit=LIMIT),
    ),
)
NEWCOMER = Service(
    "newcomer",
    routes=(),
    subscriptions=(
        on_batch(
            Happened, effects, name="newcomer.effects", retry=RETRY, history=True, time_limit=LIMIT
        ),
    ),
)
SERVICES = {"writer": WRITER, "reader": READER, "newcomer": NEWCOMER}


def main() -> None:
    """Serve one replica in the foreground."""
    name, port = sys.argv[1], int(sys.argv[2])
    count = os.environ.pop(PARTITIONS, "1")
    settings = load_settings()
    if count != "1":
        settings = settings.model_copy(update={"partitions": {"reader": int(count)}})
    configure_logging(settings, name)
    serve_applications([Served(name, create_app(SERVICES[name], settings), settings, port)])


if __name__ == "__main__":
    main()
