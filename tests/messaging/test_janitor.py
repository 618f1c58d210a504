"""Retention: whole days go, and what is open or unsent stays however old."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from hirewire.messaging.ids import new_id
from hirewire.messaging.janitor import DAYS_AHEAD, Janitor, width_of
from hirewire.messaging.outbox import record
from hirewire.messaging.testing import delivery, hear
from tests.messaging.conftest import Noted, Place
from tests.messaging.test_consumer import Reader, notes, place_with_notes

__all__ = ["place_with_notes"]

OLD = datetime.now(UTC) - timedelta(days=40)


def id_of(moment: datetime) -> UUID:
    """A UUIDv7 of that time."""
    time = int(moment.timestamp() * 1000) << 80
    return UUID(int=time | (new_id().int & (2**80 - 1)))


async def number(place: Place, query: str) -> int:
    async with place.engine.connect() as connection:
        found: int = (await connection.exec_driver_sql(query)).scalar_one()
        return found


async def counts(place: Place) -> tuple[int, int]:
    return (
        await number(place, "select count(*) from messaging.log"),
        await number(place, "select count(*) from messaging.inbox"),
    )


async def days_since(place: Place, moment: datetime) -> None:
    """Make days as they would be here had the service run since then."""
    async with place.engine.begin() as connection:
        for parent, column in (("log", "id"), ("inbox", "event_id")):
            await connection.exec_driver_sql(
                "select messaging.add_part($1, $2, d, d + interval '1 day') from generate_series("
                "date_trunc('day', $3::timestamptz, 'UTC'), (select min(starts) - interval '1 day' "
                "from messaging.part where parent = $1), interval '1 day') d",
                (parent, column, moment),
            )


async def record_then(place: Place, moment: datetime, text: str, *, sent: bool) -> None:
    """An event as it was recorded at that time."""
    async with place.transactions()() as tx:
        id = record(tx, Noted(page=uuid4(), text=text))
    async with place.engine.begin() as connection:
        await connection.exec_driver_sql(
            "update messaging.log set id = $2 where id = $1", (id, then := id_of(moment))
        )
        if sent:
            await connection.exec_driver_sql("delete from messaging.outbox where id = $1", (id,))
        else:
            await connection.exec_driver_sql(
                "update messaging.outbox set id = $2 where id = $1", (id, then)
            )


@pytest.fixture
def janitor(place_with_notes: Place) -> Janitor:
    return Janitor(
        service="writer",
        transactions=place_with_notes.transactions(),
        retention=timedelta(days=30),
    )


async def run(janitor: Janitor) -> None:
    while await janitor.step():
        pass


async def test_old_days_go_whole_and_nothing_else(
    place_with_notes: Place, janitor: Janitor
) -> None:
    place, reader = place_with_notes, Reader(place_with_notes)
    reader.broken = {"bad"}
    await days_since(place, OLD)
    await record_then(place, OLD, "sent", sent=True)
    await record_then(place, OLD + timedelta(days=2), "unsent", sent=False)
    await record_then(place, datetime.now(UTC), "new", sent=True)
    await hear(
        reader.consumer,
        delivery(Noted(page=uuid4(), text="good"), id=id_of(OLD)),
        delivery(Noted(page=uuid4(), text="bad"), id=id_of(OLD)),
        delivery(Noted(page=uuid4(), text="new")),
    )
    assert await counts(place) == (3, 3)
    days = await number(place, "select count(*) from messaging.part")
    await run(janitor)
    assert await counts(place) == (2, 1)
    assert (await reader.counts())["retrying"] == 1
    assert await number(place, "select count(*) from messaging.part") < days
    reader.broken.clear()
    await reader.try_again()
    assert await notes(place.engine) == ["good", "new", "bad"]


async def test_the_inbox_outlives_the_log(place_with_notes: Place, janitor: Janitor) -> None:
    """What any service's log can still send again is recognised here."""
    place = place_with_notes
    just_past = datetime.now(UTC) - timedelta(days=31, hours=1)
    await days_since(place, just_past)
    await record_then(place, just_past, "old", sent=True)
    await hear(Reader(place).consumer, delivery(Noted(page=uuid4()), id=id_of(just_past)))
    await run(janitor)
    assert await counts(place) == (0, 1)


async def test_strangers_ids_go_a_little_at_a_time(
    place_with_notes: Place, janitor: Janitor
) -> None:
    place = place_with_notes
    async with place.engine.begin() as connection:
        await connection.exec_driver_sql(
            "insert into messaging.inbox (event_id, subscription, heard_at) "
            "select overlay(gen_random_uuid()::text placing "
            "(array['00000000', 'ffffffff'])[n % 2 + 1] from 1)::uuid, 'reader.notes', "
            "now() - interval '31 days' from generate_series(1, 2500) n"
        )
    await hear(Reader(place).consumer, delivery(Noted(page=uuid4()), id=uuid4()))
    assert await janitor.step() is True
    assert 1 < await number(place, "select count(*) from messaging.inbox") < 2500
    await run(janitor)
    assert await counts(place) == (0, 1)


async def test_days_to_come_are_there_before_they_are_needed(
    place_with_notes: Place, janitor: Janitor
) -> None:
    """And what a leaping clock brought before its day was made moves into it."""
    place = place_with_notes
    ahead = datetime.now(UTC) + timedelta(days=DAYS_AHEAD + 3)
    leapt = id_of(ahead)
    await hear(Reader(place).consumer, delivery(Noted(page=uuid4()), id=leapt))
    assert await number(place, "select count(*) from messaging.inbox_between") == 1
    async with place.engine.begin() as connection:
        await connection.exec_driver_sql("select messaging.add_parts($1, 1)", (DAYS_AHEAD + 5,))
    assert await number(place, "select count(*) from messaging.inbox_between") == 0
    await hear(Reader(place).consumer, delivery(Noted(page=uuid4()), id=leapt))
    assert await counts(place) == (0, 1)


@pytest.mark.parametrize(("days", "width"), [(1, 1), (30, 1), (41, 2), (3650, 92)])
def test_a_long_retention_has_wider_parts(days: int, width: int) -> None:
    assert width_of(timedelta(days=days)) == width
