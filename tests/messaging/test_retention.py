"""Retention: whole days are dropped, and unresolved or unsent messages stay at any age."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from hirewire.messaging.consuming import dead_letters
from hirewire.messaging.database import connect
from hirewire.messaging.ids import new_id
from hirewire.messaging.maintenance.retention import DAYS_AHEAD, INBOX_LONGER, Retention, width_of
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.retry import Reject
from hirewire.messaging.testing import consume, delivery, recorded
from tests.messaging.conftest import Noted, Place
from tests.messaging.readers import Reader, notes, place_with_notes
from tests.messaging.scripted import rows

__all__ = ["place_with_notes"]

OLD = datetime.now(UTC) - timedelta(days=40)


def id_of(moment: datetime) -> UUID:
    """A UUIDv7 of that time."""
    time = int(moment.timestamp() * 1000) << 80
    return UUID(int=time | (new_id().int & (2**80 - 1)))


def time_of(id: UUID) -> datetime:
    """The creation time of a UUIDv7, in seconds."""
    return datetime.fromtimestamp((id.int >> 80) // 1000, UTC)


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
    """Create the days that would exist if the service had run since then."""
    async with place.engine.begin() as connection:
        for parent, column in (("log", "id"), ("inbox", "event_id")):
            await connection.exec_driver_sql(
                "select messaging.add_part($1, $2, d, d + interval '1 day') from generate_series("
                "date_trunc('day', $3::timestamptz, 'UTC'), (select min(starts) - interval '1 day' "
                "from messaging.part where parent = $1), interval '1 day') d",
                (parent, column, moment),
            )


async def record_then(place: Place, moment: datetime, text: str, *, sent: bool) -> None:
    """An event as it would have been recorded at that time."""
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
def retention(place_with_notes: Place) -> Retention:
    return Retention(
        service="writer",
        transactions=place_with_notes.transactions(),
        retention=timedelta(days=30),
    )


async def run(retention: Retention) -> None:
    while await retention.step():
        pass


async def test_old_days_are_dropped_as_a_whole_and_nothing_else(
    place_with_notes: Place, retention: Retention
) -> None:
    place, reader = place_with_notes, Reader(place_with_notes)
    reader.broken = {"bad"}
    await days_since(place, OLD)
    await record_then(place, OLD, "sent", sent=True)
    await record_then(place, OLD + timedelta(days=2), "unsent", sent=False)
    await record_then(place, datetime.now(UTC), "new", sent=True)
    await consume(
        reader.consumer,
        delivery(Noted(page=uuid4(), text="good"), id=id_of(OLD)),
        delivery(Noted(page=uuid4(), text="bad"), id=id_of(OLD)),
        delivery(Noted(page=uuid4(), text="new")),
    )
    assert await counts(place) == (3, 3)
    days = await number(place, "select count(*) from messaging.part")
    await run(retention)
    assert await counts(place) == (2, 1)
    assert (await reader.counts())["retrying"] == 1
    assert await number(place, "select count(*) from messaging.part") < days
    reader.broken.clear()
    await reader.try_again()
    assert await notes(place.engine) == ["good", "new", "bad"]


async def test_the_inbox_outlives_the_log(place_with_notes: Place, retention: Retention) -> None:
    """Every event that any service's log can still send again is recognised here."""
    place = place_with_notes
    just_past = datetime.now(UTC) - timedelta(days=31, hours=1)
    await days_since(place, just_past)
    await record_then(place, just_past, "old", sent=True)
    await consume(Reader(place).consumer, delivery(Noted(page=uuid4()), id=id_of(just_past)))
    await run(retention)
    assert await counts(place) == (0, 1)


async def test_a_day_is_dropped_when_all_of_it_is_expired(place_with_notes: Place) -> None:
    """The retention ends at noon of a day: of the current one in the log, of another one in the
    inbox.
    """
    place = place_with_notes
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    noon = today - timedelta(days=29, hours=12)
    evening, a_day = noon + timedelta(hours=6), timedelta(days=1)
    await days_since(place, OLD)
    for day in (evening - a_day, evening):
        await record_then(place, day, "sent", sent=True)
        past = id_of(day - INBOX_LONGER)
        await consume(Reader(place).consumer, delivery(Noted(page=uuid4()), id=past))
    transactions, retention = place.transactions(), datetime.now(UTC) - noon
    await run(Retention(service="writer", transactions=transactions, retention=retention))
    for table, id, kept in (("log", "id", evening), ("inbox", "event_id", evening - INBOX_LONGER)):
        found = await rows(place.engine, f"select {id} from messaging.{table}")
        assert [time_of(UUID(str(id))) for (id,) in found] == [kept]


async def test_of_unresolved_messages_only_old_discarded_ones_are_deleted(
    place_with_notes: Place, retention: Retention
) -> None:
    place, reader = place_with_notes, Reader(place_with_notes)
    reader.mood = {"retrying": ValueError(), **dict.fromkeys(("dead", "gone", "kept"), Reject())}
    sent = {text: delivery(Noted(page=uuid4(), text=text)) for text in reader.mood}
    await consume(reader.consumer, *sent.values())
    ids = {text: UUID(one.headers["id"]) for text, one in sent.items()}
    async with reader.transactions() as tx:
        for text in ("gone", "kept"):
            await dead_letters.discard(tx, ids[text], why="a test", by="me")
    async with place.engine.begin() as connection:
        await connection.exec_driver_sql(
            "update messaging.open_message set arrived_at = $2, "
            "settled_at = case when event_id = $1 then $2 else settled_at end",
            (ids["gone"], OLD),
        )
    await run(retention)
    found = await rows(place.engine, "select event_id, state from messaging.open_message")
    states = {"retrying": "retrying", "dead": "dead", "kept": "discarded"}
    assert {UUID(str(id)): state for id, state in found} == {ids[t]: states[t] for t in states}


async def test_ids_of_external_publishers_are_deleted_in_batches(
    place_with_notes: Place, retention: Retention
) -> None:
    place = place_with_notes
    async with place.engine.begin() as connection:
        await connection.exec_driver_sql(
            "insert into messaging.inbox (event_id, subscription, heard_at) "
            "select overlay(gen_random_uuid()::text placing "
            "(array['00000000', 'ffffffff'])[n % 2 + 1] from 1)::uuid, 'reader.notes', "
            "now() - interval '31 days' from generate_series(1, 2500) n"
        )
    await consume(Reader(place).consumer, delivery(Noted(page=uuid4()), id=uuid4()))
    assert await retention.step() is True
    assert 1 < await number(place, "select count(*) from messaging.inbox") < 2500
    await run(retention)
    assert await counts(place) == (0, 1)


async def test_future_days_are_created_in_time(
    place_with_notes: Place, retention: Retention
) -> None:
    """Rows that a clock in the future created before their day existed are moved into it."""
    place = place_with_notes
    ahead = datetime.now(UTC) + timedelta(days=DAYS_AHEAD + 3)
    leapt = id_of(ahead)
    await consume(Reader(place).consumer, delivery(Noted(page=uuid4()), id=leapt))
    assert await number(place, "select count(*) from messaging.inbox_between") == 1
    async with place.engine.begin() as connection:
        await connection.exec_driver_sql("select messaging.add_parts($1, 1)", (DAYS_AHEAD + 5,))
    assert await number(place, "select count(*) from messaging.inbox_between") == 0
    await consume(Reader(place).consumer, delivery(Noted(page=uuid4()), id=leapt))
    assert await counts(place) == (0, 1)


async def test_sent_events_of_a_day_kept_for_an_unsent_one_are_deleted(
    place_with_notes: Place, retention: Retention
) -> None:
    """Otherwise a repair would send events again whose handling the subscribers have forgotten."""
    place = place_with_notes
    await days_since(place, OLD)
    for nth in range(3):
        await record_then(place, OLD, f"sent {nth}", sent=True)
    await record_then(place, OLD, "unsent", sent=False)
    await run(retention)
    assert await number(place, "select count(*) from messaging.log") == 1
    assert await number(
        place, "select count(*) from messaging.log join messaging.outbox using (id)"
    )
    async with place.engine.begin() as connection:
        await connection.exec_driver_sql("delete from messaging.outbox")
    await run(retention)
    assert await counts(place) == (0, 0)


async def test_events_with_ids_outside_all_days_are_deleted_too(
    place_with_notes: Place, retention: Retention
) -> None:
    """A clock that was far off created them: they are deleted by the time of their recording."""
    place = place_with_notes
    far = [datetime(1999, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)]
    for moment in (*far, datetime.now(UTC) - timedelta(days=200)):
        await record_then(place, moment, "old", sent=True)
        await record_then(place, moment, "unsent", sent=False)
    async with place.engine.begin() as connection:
        await connection.exec_driver_sql(
            "update messaging.log set recorded_at = now() - interval '31 days'"
        )
    await record_then(place, far[1], "new", sent=True)
    await run(retention)
    assert await number(place, "select count(*) from messaging.log") == 4
    assert (
        await number(place, "select count(*) from messaging.log join messaging.outbox using (id)")
        == 3
    )


class Leapt(datetime):
    """The clock of a host that is 400 days ahead."""

    @classmethod
    def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
        return datetime.now(UTC) + timedelta(days=400)


async def fill(place: Place) -> None:
    await days_since(place, OLD)
    for days in (1, 20, 35):
        await record_then(place, datetime.now(UTC) - timedelta(days=days), "sent", sent=True)
        old = id_of(datetime.now(UTC) - timedelta(days=days))
        await consume(Reader(place).consumer, delivery(Noted(page=uuid4()), id=old))
    await consume(Reader(place).consumer, delivery(Noted(page=uuid4()), id=uuid4()))


async def test_a_host_whose_clock_is_wrong_removes_nothing(
    place_with_notes: Place, retention: Retention, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = place_with_notes
    await fill(place)
    with monkeypatch.context() as patched:
        patched.setattr("hirewire.messaging.maintenance.retention.datetime", Leapt)
        for _ in range(50):  # without the check it would drop and create days endlessly
            await retention.step()
    assert await counts(place) == (3, 4)
    await run(retention)
    assert await counts(place) == (2, 3)


async def test_after_both_clocks_jump_nothing_is_deleted_for_a_day(
    place_with_notes: Place, retention: Retention
) -> None:
    """For the tables, a jump of the clocks looks as if all rows were so much older."""
    place = place_with_notes
    await run(retention)
    await fill(place)

    async def pass_time(text: str) -> None:
        async with place.engine.begin() as connection:
            await connection.exec_driver_sql(
                f"update messaging.retention set ran_at = ran_at - interval '{text}'"
            )

    await pass_time("400 days")
    await run(retention)
    assert await counts(place) == (3, 4)
    for _ in range(11):
        await pass_time("2 hours")
        await run(retention)
        assert await counts(place) == (3, 4)
    await pass_time("40 hours")  # a pause counts as at most two hours of work
    await run(retention)
    assert await counts(place) == (2, 3)
    await pass_time("-3 days")
    await days_since(place, OLD)
    await record_then(place, OLD, "sent", sent=True)
    await run(retention)
    assert await counts(place) == (3, 3)


async def test_retention_blocked_by_a_dump_blocks_nobody(
    place_with_notes: Place, retention: Retention
) -> None:
    """Neither adding nor dropping a day blocks others; afterwards both are done."""
    place = place_with_notes
    await days_since(place, OLD)
    async with place.engine.begin() as connection:
        for parent in ("log", "inbox"):
            await connection.exec_driver_sql(
                "delete from messaging.part where name in (select name from messaging.part "
                "where parent = $1 order by starts desc limit 2)",
                (parent,),
            )
            for name in await missing_parts(connection, parent):
                await connection.exec_driver_sql(f"drop table messaging.{name}")
    days = await number(place, "select count(*) from messaging.part")
    dump = await connect(place.url, application="tests")
    writer = await connect(place.url, application="tests")
    await writer.execute("set lock_timeout = '1ms'")
    async with dump.transaction():
        await dump.execute("lock table messaging.log, messaging.inbox in access share mode")
        working = asyncio.create_task(run(retention))
        inserts = 0
        while not working.done():
            await writer.execute(
                "insert into messaging.inbox (event_id, subscription) "
                "values (gen_random_uuid(), 'reader.notes')"
            )
            inserts += 1
            await asyncio.sleep(0)
        await working
        assert inserts
        assert await number(place, "select count(*) from messaging.part") == days
    await dump.close()
    await writer.close()
    await run(retention)
    names = "select count(*) from messaging.part where starts < now() - interval '34 days'"
    assert await number(place, names) == 0
    ahead = (
        "select extract(day from min(e) - now()) from "
        "(select max(ends) as e from messaging.part group by parent) p"
    )
    assert await number(place, ahead) >= DAYS_AHEAD - 1


async def missing_parts(connection: AsyncConnection, parent: str) -> list[str]:
    """Tables of days that are no longer listed."""
    found = await connection.exec_driver_sql(
        "select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid "
        "where i.inhparent = ('messaging.' || $1)::regclass and c.relname ~ '_[0-9]{8}$' "
        "and c.relname not in (select name from messaging.part)",
        (parent,),
    )
    return [row.relname for row in found]


async def test_unused_keys_are_deleted_and_their_counters_never_go_back(
    place_with_notes: Place, retention: Retention
) -> None:
    """The counter of a returning key continues above its old value, and so does every new key's."""
    place, old, used = place_with_notes, uuid4(), uuid4()
    reader = Reader(place)

    async def note(page: UUID, count: int) -> list[int]:
        async with place.transactions()() as tx:
            for _ in range(count):
                record(tx, Noted(page=page))
        found = [row for row in await recorded(place.engine) if row.key == str(page)]
        return [row.sequence for row in found]

    assert await note(old, 7) == [1, 2, 3, 4, 5, 6, 7]
    assert await note(used, 2) == [1, 2]
    await consume(reader.consumer, delivery(Noted(page=old), sequence=7))
    reader.broken = {"bad"}
    await consume(reader.consumer, delivery(Noted(page=used, text="bad"), sequence=1))
    async with place.engine.begin() as connection:
        for table, column in (("counter", "used_on"), ("progress", "moved_on")):
            await connection.exec_driver_sql(
                f"update messaging.{table} set {column} = current_date - 33"
            )
    assert await note(used, 1) == [1, 2, 3]
    await run(retention)
    assert await number(place, "select count(*) from messaging.progress") == 1
    assert await number(place, "select count(*) from messaging.counter") == 1
    assert await note(used, 2) == [1, 2, 3, 4, 5]
    assert (await note(old, 2))[-2:] == [8, 9]
    assert await note(uuid4(), 1) == [8]
    assert await note(used, 1) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(("days", "width"), [(1, 1), (30, 1), (41, 2), (3650, 92)])
def test_a_long_retention_has_wider_partitions(days: int, width: int) -> None:
    assert width_of(timedelta(days=days)) == width
