"""Barriers: what they wait for, what they cover, and how long an audit waits for them."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from uuid import UUID, uuid4

import asyncpg
import pytest

from hirewire.messaging.database import connect
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.reconciliation import audit, barriers
from hirewire.messaging.testing import delivery
from hirewire.operators import auditing
from hirewire.operators.auditing import Auditor
from tests.messaging.conftest import Noted, Place
from tests.messaging.lives import ALWAYS, Two, prepare

PAGES = [uuid4() for _ in range(4)]


@pytest.fixture
async def two(new_place: Callable[[], Awaitable[Place]], broker_database: str) -> Two:
    writer, reader = await new_place(), await new_place()
    await prepare(reader.url)
    both = Two(writer.url, reader.url, broker_database)
    await both.migrate()
    return both


async def owner_of(place: Place) -> asyncpg.Connection:
    """The owner's database, with one subscriber."""
    connection = await connect(place.url, application="tests")
    await connection.execute(
        "insert into messaging.listener (type, service) values ('test.noted', 'reader')"
    )
    return connection


async def ask(place: Place) -> UUID:
    async with place.transactions()() as tx:
        return await barriers.ask(tx)


async def expected(place: Place, barrier: UUID) -> list[audit.Expected]:
    async with place.transactions()() as tx:
        return await audit.recorded_before(tx, barrier, since=ALWAYS, after=ALWAYS, limit=50_000)


async def test_a_barrier_waits_for_all_earlier_events(place: Place) -> None:
    """This includes transactions that committed after the barrier was requested, but before its
    snapshot; later events do not count.
    """
    connection = await owner_of(place)
    barrier = await ask(place)
    async with place.transactions()() as tx:
        first = record(tx, Noted(page=uuid4()))
    assert await barriers.due(connection, "writer") == []
    async with place.transactions()() as tx:
        later = record(tx, Noted(page=uuid4()))
    assert await barriers.due(connection, "writer") == []
    await connection.execute("delete from messaging.outbox where id = $1", first)
    [(id, messages)] = await barriers.due(connection, "writer")
    assert (id, [message.to for message in messages]) == (barrier, ["reader"])
    assert [one.id for one in await expected(place, barrier)] == [first]
    assert await connection.fetchval("select id from messaging.outbox") == later
    await connection.close()


async def test_a_barrier_is_sent_despite_refused_events_and_lists_them(place: Place) -> None:
    connection = await owner_of(place)
    page = uuid4()
    async with place.transactions()() as tx:
        for _ in range(10_001):
            record(tx, Noted(page=page))
    await connection.execute(
        "update messaging.outbox set next_attempt_at = now() + interval '1 hour' "
        "where position = (select min(position) from messaging.outbox)"
    )
    barrier = await ask(place)
    assert [id for id, _ in await barriers.due(connection, "writer")] == [barrier]
    found = await expected(place, barrier)
    assert len(found) == 10_001
    assert all(one.unsent for one in found)
    async with place.transactions()() as tx:
        known = await barriers.find(tx, barrier)
        assert known is not None
        assert known.unsent == 10_001
    await connection.close()


async def test_events_unsent_when_the_barrier_reached_a_queue_are_not_missing_there(
    place: Place,
) -> None:
    """The second queue gets the barrier later, when the event has been sent."""
    connection = await owner_of(place)
    await connection.execute(
        "insert into messaging.listener (type, service) values ('test.noted', 'slow')"
    )
    async with place.transactions()() as tx:
        stuck = record(tx, Noted(page=uuid4()))
    await connection.execute("update messaging.outbox set next_attempt_at = now()")
    barrier = await ask(place)
    await barriers.due(connection, "writer")
    await barriers.sent(connection, barrier, ["reader"])
    await connection.execute("delete from messaging.outbox")
    [(_, messages)] = await barriers.due(connection, "writer")
    assert [message.to for message in messages] == ["slow"]
    await barriers.sent(connection, barrier, ["slow"])
    assert [(one.id, one.unsent) for one in await expected(place, barrier)] == [(stuck, True)]
    await connection.close()


@pytest.mark.long
async def test_the_audit_ends_behind_lag(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lag is longer than the time between barriers; one consumed barrier is enough."""
    monkeypatch.setattr(auditing, "BARRIER_SECONDS", 0.2)
    async with two.running():
        two.pause = 0.01
        await two.note(PAGES, *(f"{n}" for n in range(300)))
        notices: list[str] = []

        async def traffic() -> None:
            while True:
                await two.note(PAGES, "more")
                await asyncio.sleep(0.005)

        writing = asyncio.create_task(traffic())
        report = await Auditor(two.operators, waiting=notices.append).audit(ALWAYS)
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        assert report.clean, report
        assert report.accounts["writer"].lines["reader"].counts["handled"] >= 300
        assert any("reader (" in text for text in notices)


async def test_an_idle_subscriber_does_not_block_the_audit_for_ever(two: Two) -> None:
    """It responds, its consumer is gone, and traffic continues: its queue grows, which is no
    progress. Nothing is missing, everything is in flight.
    """
    async with two.running(consuming=False):
        await two.note(PAGES, *(f"{n}" for n in range(20)))

        async def traffic() -> None:
            while True:
                await two.note(PAGES, "more")
                await asyncio.sleep(0.02)

        writing = asyncio.create_task(traffic())
        report = await two.audit(stall=3.0)
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        line = report.accounts["writer"].lines["reader"]
        assert line.counts["in flight"] == line.expected >= 20
        assert line.missing == []
        assert [text for text in report.problems if "no progress for" in text]
        assert not report.clean


async def test_an_unavailable_subscriber_is_awaited_briefly(two: Two) -> None:
    async with two.running():
        await two.note(PAGES, "one")
        two.operators.away.add("reader")
        report = await two.audit()
        line = report.accounts["writer"].lines["reader"]
        assert (line.counts["in flight"], line.missing) == (1, [])
        assert [text for text in report.problems if "reader does not respond" in text]
        two.operators.away.clear()
        assert (await two.audit()).clean


async def test_a_subscriber_that_is_no_service_here_does_not_end_the_audit(two: Two) -> None:
    """A service was renamed, and `migrate` has not run since: its events are in flight."""
    async with two.running():
        async with two.engines["writer"].begin() as connection:
            await connection.exec_driver_sql(
                "insert into messaging.listener (type, service) values ('test.noted', 'former')"
            )
        await two.note(PAGES, "one")
        report = await two.audit(stall=2.0)
        assert report.accounts["writer"].lines["reader"].counts["handled"] == 1
        assert report.accounts["writer"].lines["former"].counts["in flight"] == 1
        assert report.missing == 0
        assert [text for text in report.problems if "unknown subscriber: former" in text]


async def test_two_audits_at_once_and_one_in_the_middle_of_a_repair(two: Two) -> None:
    async with two.running():
        ids = await two.note(PAGES, *(f"{n}" for n in range(40)))
        await two.has_consumed(40)
        async with two.engines["reader"].begin() as connection:
            await connection.exec_driver_sql(
                "delete from messaging.inbox where event_id = any($1::uuid[])", (ids[:10],)
            )
        first, second = await asyncio.gather(two.audit(), two.audit())
        assert first.missing == second.missing == 10
        auditor = Auditor(two.operators)
        await asyncio.gather(
            auditor.repair(first, by="a"), auditor.repair(second, by="b"), two.note(PAGES, "x")
        )
        report = await two.audit()
        assert report.clean, report
        assert report.accounts["writer"].lines["reader"].counts["handled"] == 41


async def test_external_and_repeated_events_are_no_phantoms(two: Two) -> None:
    """The owner's log has neither of their ids. An event that claims to be the owner's own is a
    phantom.
    """
    claims, foreign, nameless, repeat = (delivery(Noted(page=PAGES[0])) for _ in range(4))
    foreign = replace(foreign, headers={**foreign.headers, "source": "/somebody"})
    nameless = replace(nameless, headers={**nameless.headers, "source": ""})
    repeat = replace(repeat, headers={**repeat.headers, "replayof": str(uuid4())})
    failed = delivery(Noted(page=PAGES[1], text="nonsense"))
    failed = replace(failed, headers={**failed.headers, "source": "/somebody"})
    two.failing = "nonsense"
    async with two.running():
        received = [foreign, nameless, repeat, claims, failed]
        await two.messaging["reader"].consumer.handle(received)
        report = await two.audit()
        [one] = report.accounts["writer"].lines["reader"].phantoms
        assert str(one.id) == claims.message_id
        assert not report.clean


async def test_an_event_that_had_another_owner_is_no_phantom(two: Two) -> None:
    """Its type has moved to another service; the log that has the event stayed where it was."""
    moved = delivery(Noted(page=PAGES[0]))
    async with two.running():
        await two.messaging["reader"].consumer.handle([moved])
        assert (await two.audit()).phantoms == 1
        async with two.engines["reader"].begin() as connection:
            await connection.exec_driver_sql(
                "insert into messaging.log (id, position, type, key, sequence, correlation_id, "
                "body) values ($1, 1, 'test.noted', 'k', 1, 'c', '{}')",
                (moved.message_id,),
            )
        assert (await two.audit()).phantoms == 0
