"""Scheduled events: recorded when due, once, by any replica."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from cronsim import CronSimError

from hirewire.messaging.envelope import Context
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.publishing.schedule import Recurring, Scheduler, cancel, schedule
from hirewire.messaging.testing import recorded
from hirewire.messaging.transaction import context
from tests.messaging.conftest import Noted, Place

PAST = datetime(2020, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def scheduler(place: Place, *recurring: Recurring) -> Scheduler:
    return Scheduler(service="writer", transactions=place.transactions(), recurring=recurring)


async def texts(place: Place) -> list[str]:
    return [row.body["text"] for row in await recorded(place.engine)]


async def pass_time(place: Place, time: timedelta) -> None:
    """Let time pass by moving the due times of scheduled events."""
    async with place.engine.begin() as tx:
        await tx.exec_driver_sql(
            "update messaging.scheduled set due_at = due_at - $1::interval", (time,)
        )
        await tx.exec_driver_sql(
            "update messaging.recurring set next_at = next_at - $1::interval", (time,)
        )


async def test_an_event_is_recorded_when_its_time_has_come(place: Place) -> None:
    page = uuid4()
    transactions = place.transactions()
    async with transactions() as tx:
        await schedule(tx, Noted(page=page, text="later"), at=datetime.now(UTC) + HOUR)
        await schedule(tx, Noted(page=page, text="at once"), at=PAST)
        record(tx, Noted(page=page, text="now"))
    async with transactions() as tx:  # scheduled events hold nothing back
        record(tx, Noted(page=page, text="next"))
    await scheduler(place).step()
    assert await texts(place) == ["now", "next", "at once"]
    await pass_time(place, HOUR)
    await scheduler(place).step()
    await scheduler(place).step()
    assert await texts(place) == ["now", "next", "at once", "later"]
    assert [row.sequence for row in await recorded(place.engine)] == [1, 2, 3, 4]


async def test_many_are_recorded_in_the_order_of_their_times(place: Place) -> None:
    page = uuid4()
    async with place.transactions()() as tx:
        for nth in range(450):
            at = PAST + timedelta(seconds=(nth * 7) % 450)
            await schedule(tx, Noted(page=page, text=f"{(nth * 7) % 450:03}"), at=at)
    first, second = scheduler(place), scheduler(place)

    async def work(one: Scheduler) -> None:
        while await one.step():
            pass

    await work(first)
    await work(second)
    assert await texts(place) == [f"{nth:03}" for nth in range(450)]


async def test_scheduling_is_transactional_and_keeps_the_trace_context(place: Place) -> None:
    async def fail() -> None:
        async with place.transactions()() as tx:
            await schedule(tx, Noted(page=uuid4(), text="never"), at=PAST)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    token = context.set(Context("story-1", "cause-1"))
    async with place.transactions()() as tx:
        await schedule(tx, Noted(page=uuid4(), text="kept"), at=PAST)
    context.reset(token)
    await scheduler(place).step()
    [row] = await recorded(place.engine)
    assert (row.body["text"], row.headers["correlationid"]) == ("kept", "story-1")
    assert row.headers["causationid"] == "cause-1"


async def test_a_scheduled_event_can_be_cancelled_once(place: Place) -> None:
    async with place.transactions()() as tx:
        id = await schedule(tx, Noted(page=uuid4()), at=PAST)
    async with place.transactions()() as tx:
        assert await cancel(tx, id)
        assert not await cancel(tx, id)
    await scheduler(place).step()
    assert await recorded(place.engine) == []


async def test_two_schedulers_record_each_event_once(place: Place) -> None:
    async with place.transactions()() as tx:
        for nth in range(300):
            await schedule(tx, Noted(page=uuid4(), text=f"{nth}"), at=PAST)

    async def work() -> None:
        one = scheduler(place)
        for _ in range(4):
            await one.step()

    await asyncio.gather(*(work() for _ in range(4)))
    assert sorted(map(int, await texts(place))) == list(range(300))


async def test_scheduled_events_unknown_to_this_version_are_held(place: Place) -> None:
    async with place.transactions()() as tx:
        await schedule(tx, Noted(page=uuid4(), text="good"), at=PAST)
        for type in ("test.of_a_newer_version", "test.noted"):
            await tx.exec_driver_sql(
                "insert into messaging.scheduled (id, due_at, type, body, correlation_id) "
                "values (gen_random_uuid(), '2020-01-01Z', $1, '{\"page\": 1}', 'c')",
                (type,),
            )
    await scheduler(place).step()
    assert not await scheduler(place).step()
    assert await texts(place) == ["good"]
    async with place.transactions()() as tx:
        held = (await tx.exec_driver_sql("select type, error from messaging.scheduled")).all()
    assert {row.type: row.error.partition(":")[0] for row in held} == {
        "test.of_a_newer_version": "KeyError",
        "test.noted": "page",
    }


async def test_times_at_the_limits_of_the_calendar_cause_no_failure(place: Place) -> None:
    async with place.transactions()() as tx:
        for at in (datetime.min, datetime.max):
            await schedule(tx, Noted(page=uuid4(), text="odd"), at=at.replace(tzinfo=UTC))
        await schedule(tx, Noted(page=uuid4(), text="due"), at=PAST)
    await scheduler(place).step()
    assert sorted(await texts(place)) == ["due", "odd"]


async def test_a_time_needs_its_zone(place: Place) -> None:
    async with place.transactions()() as tx:
        with pytest.raises(ValueError, match="zone"):
            await schedule(tx, Noted(page=uuid4()), at=datetime(2030, 1, 1))


def daily(text: str = "tick", cron: str = "0 3 * * *") -> Recurring:
    page = uuid4()
    return Recurring("writer.daily", cron, lambda at: Noted(page=page, text=f"{text} {at:%H:%M}"))


async def test_a_recurring_event_is_recorded_once_a_time(place: Place) -> None:
    replicas = [scheduler(place, daily()) for _ in range(3)]
    await asyncio.gather(*(one.step() for one in replicas))
    assert await texts(place) == []
    for day in (1, 2):
        await pass_time(place, timedelta(days=1))
        await asyncio.gather(*(one.step() for one in replicas))
        await replicas[0].step()
        assert len(await texts(place)) == day


async def test_missed_times_are_recorded_once(place: Place) -> None:
    await scheduler(place, daily()).step()
    await pass_time(place, timedelta(days=30))
    for _ in range(3):
        await scheduler(place, daily()).step()
    assert len(await texts(place)) == 1


async def test_a_changed_expression_applies_from_now_on(place: Place) -> None:
    await scheduler(place, daily()).step()
    await pass_time(place, timedelta(days=30))
    await scheduler(place, daily(cron="0 4 * * *")).step()
    assert await texts(place) == []
    await pass_time(place, timedelta(days=1))
    await scheduler(place, daily(cron="0 4 * * *")).step()
    assert len(await texts(place)) == 1


def test_times_follow_the_zones_clock() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    one = Recurring("x", "30 2 * * *", lambda _: Noted(page=uuid4()), "Europe/Berlin")
    saturday = datetime(2026, 3, 28, 12, tzinfo=berlin)
    first = one.after(saturday)  # the night in which 02:30 does not exist
    second = one.after(first)
    assert first.astimezone(UTC) == datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert second == datetime(2026, 3, 30, 2, 30, tzinfo=berlin)


def test_a_wrong_expression_or_zone_is_refused_at_once() -> None:
    with pytest.raises(CronSimError):
        Recurring("x", "61 * * * *", lambda _: Noted(page=uuid4()))
    with pytest.raises(ZoneInfoNotFoundError):
        Recurring("x", "0 0 * * *", lambda _: Noted(page=uuid4()), "Mars/Olympus")
