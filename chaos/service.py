"""The two services of the chaos suite: `python -m chaos.service writer|reader PORT`.

Ordinary Hirewire services, served as any other: relay, consumer, retries, janitor, internal API.
The writer tells what happened, some hundred times a second, while its table `control` says so; the
reader writes one row for each event it hears.
"""

import asyncio
import os
import random
import sys
from collections.abc import Sequence

from hirewire.kit.service import Service, create_app
from hirewire.kit.settings import load_settings
from hirewire.kit.telemetry import configure_logging
from hirewire.launcher.serving import serve_application
from hirewire.messaging.envelope import Received
from hirewire.messaging.event import Event
from hirewire.messaging.outbox import Transactions, Tx, record
from hirewire.messaging.subscriptions import on_batch

PLACES = 300
POISON = "poison"

WRITER_TABLES = """
create table control (running boolean not null, pause float8 not null);
insert into control values (false, 0.02);
create table tally (place text primary key, nth bigint not null);
create table written (event_id uuid primary key, place text not null, nth bigint not null,
    mood text not null)
"""
READER_TABLES = """
create table effect (n bigserial primary key, event_id uuid not null, place text not null,
    nth bigint not null, late boolean not null);
create table state (place text primary key, nth bigint not null)
"""


class Happened(Event, name="chaos.happened", owner="writer", key="place"):
    """Something happened at a place, for the nth time there."""

    place: str
    nth: int
    mood: str = ""


async def write_one(tx: Tx, place: str, mood: str = "") -> None:
    """The business transaction: a tally, and the event."""
    result = await tx.exec_driver_sql(
        "insert into tally as t values ($1, 1) on conflict (place) do update set nth = t.nth + 1 "
        "returning nth",
        (place,),
    )
    nth = result.scalar_one()
    id = record(tx, Happened(place=place, nth=nth, mood=mood))
    await tx.exec_driver_sql("insert into written values ($1, $2, $3, $4)", (id, place, nth, mood))


async def load(transactions: Transactions) -> None:
    """Write for ever, while `control` says so."""
    while True:
        async with transactions() as tx:
            control = (await tx.exec_driver_sql("select running, pause from control")).one()
            if control.running:
                for place in sorted(random.sample(range(PLACES), random.randint(1, 4))):
                    await write_one(tx, f"place {place:03}")
        await asyncio.sleep(control.pause)


async def effects(tx: Tx, heard: Sequence[Received[Happened]]) -> None:
    """One row for each event, and the state by its newest version."""
    if any(one.event.mood == POISON for one in heard):
        os._exit(9)
    await tx.exec_driver_sql(
        "insert into effect (event_id, place, nth, late) "
        "select * from unnest($1::uuid[], $2::text[], $3::bigint[], $4::boolean[])",
        (
            [one.id for one in heard],
            [one.event.place for one in heard],
            [one.event.nth for one in heard],
            [one.late for one in heard],
        ),
    )
    newest: dict[str, int] = {}
    for one in heard:
        newest[one.event.place] = max(one.event.nth, newest.get(one.event.place, 0))
    await tx.exec_driver_sql(
        "insert into state as s select * from unnest($1::text[], $2::bigint[]) "
        "on conflict (place) do update set nth = greatest(s.nth, excluded.nth)",
        (sorted(newest), [newest[place] for place in sorted(newest)]),
    )


WRITER = Service("writer", routes=(), publishes=(Happened,), duties=(load,))
READER = Service(
    "reader", routes=(), subscriptions=(on_batch(Happened, effects, name="reader.effects"),)
)
SERVICES = {"writer": WRITER, "reader": READER}


def main() -> None:
    """Serve one replica in the foreground."""
    name, port = sys.argv[1], int(sys.argv[2])
    settings = load_settings()
    configure_logging(settings, name)
    serve_application(create_app(SERVICES[name], settings), settings, port=port)


if __name__ == "__main__":
    main()
