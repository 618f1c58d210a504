"""The audit after a dump and restore, a promotion, or the restore of one database."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy.engine import make_url

from hirewire.launcher.postgres import EmbeddedPostgres
from hirewire.messaging import lineage
from hirewire.messaging.database import connect
from hirewire.messaging.schema import ensure_database, migrate
from hirewire.operators.auditing import Auditor, Report
from tests.messaging.conftest import Place
from tests.messaging.lives import (
    Two,
    burn_transactions,
    dump,
    prepare,
    promote,
    restore,
    standby_of,
    transaction_id,
)

PAGES = [uuid4() for _ in range(4)]


def numbers(report: Report) -> dict[str, int]:
    """The audit's counts of the writer's events at the reader."""
    account = report.accounts["writer"]
    line = account.lines["reader"]
    found = {state: count for state, count in line.counts.items() if count}
    phantoms = {"in no log": len(line.phantoms)} if line.phantoms else {}
    return {
        "recorded": account.recorded,
        "for nobody": account.without_subscribers,
        **found,
        **phantoms,
    }


@pytest.fixture
async def two(new_place: Callable[[], Awaitable[Place]], broker_database: str) -> Two:
    writer, reader = await new_place(), await new_place()
    await prepare(reader.url)
    both = Two(writer.url, reader.url, broker_database)
    await both.migrate()
    return both


@pytest.fixture
async def other_server(scratch: Path) -> AsyncIterator[EmbeddedPostgres]:
    """A separate cluster."""
    async with EmbeddedPostgres(scratch / f"server-{uuid4().hex[:8]}", durable=False) as server:
        yield server


async def database_on(server: EmbeddedPostgres, name: str) -> str:
    url = make_url(server.url()).set(database=name).render_as_string(hide_password=False)
    await ensure_database(url)
    return url


@pytest.mark.parametrize("counter", ["behind", "ahead"])
async def test_dump_and_restore_on_another_server(
    two: Two, other_server: EmbeddedPostgres, scratch: Path, counter: str
) -> None:
    """Its transaction ids differ; the audit is correct nevertheless."""
    if counter == "behind":
        await burn_transactions(two.urls["writer"], 30_000)
    else:
        until = await transaction_id(two.urls["writer"]) + 20_000
        await burn_transactions(other_server.url(), until)
    async with two.running():
        await two.note(PAGES, *(f"{n}" for n in range(19)))
        await two.has_consumed(19)
    file = scratch / f"{uuid4().hex}.dump"
    await dump(two.urls["writer"], file)
    two.urls["writer"] = await database_on(other_server, "writer")
    await restore(file, two.urls["writer"])
    adopted = await two.migrate()
    assert adopted["writer"].epoch > 0
    assert "another server" in str(adopted["writer"])
    assert adopted["reader"] == lineage.Adopted(0)
    async with two.running():
        report = await two.audit()
        assert report.clean, report
        assert numbers(report) == {"recorded": 19, "for nobody": 0, "handled": 19}
        await two.note(PAGES, "a", "b", "c", "d")
        await two.has_consumed(23)
        report = await two.audit()
        assert numbers(report) == {"recorded": 23, "for nobody": 0, "handled": 23}
        assert report.clean, report
        assert await two.pages() == dict(zip(PAGES, "abcd", strict=True))


async def test_a_promoted_standby_without_the_last_commits(
    new_place: Callable[[], Awaitable[Place]],
    other_server: EmbeddedPostgres,
    broker_database: str,
    scratch: Path,
) -> None:
    """The owner reuses sequence numbers that its subscribers have seen, and these events take
    effect. Events that only the subscribers know are named, with their handlers.
    """
    reader = await new_place()
    await prepare(reader.url)
    writer = await database_on(other_server, "writer")
    await migrate(writer)
    two = Two(writer, reader.url, broker_database)
    await two.migrate()
    async with two.running():
        await two.note(PAGES, *(f"{n}" for n in range(8)))
        await two.has_consumed(8)
        standby = await standby_of(other_server, scratch / f"standby-{uuid4().hex[:8]}")
        lost = await two.note(PAGES, *(f"lost {n}" for n in range(6)))
        await two.has_consumed(14)
    await other_server.stop()
    async with standby:
        two.urls["writer"] = standby.url("writer")
        with pytest.raises(lineage.InRecovery):
            await lineage.adopt_at(two.urls["writer"])
        await promote(standby)
        adopted = await lineage.adopt_at(two.urls["writer"])
        assert adopted.epoch > 0
        assert "timeline" in str(adopted)
        async with two.running():
            await two.note(PAGES, "new")
            await two.has_consumed(15)
            assert (await two.pages())[PAGES[0]] == "new"
            report = await two.audit()
            assert not report.clean
            assert numbers(report) == {
                "recorded": 9,
                "for nobody": 0,
                "handled": 9,
                "in no log": 6,
            }
            line = report.accounts["writer"].lines["reader"]
            assert [one.id for one in line.phantoms] == sorted(lost)
            assert {name for one in line.phantoms for name in one.subscriptions} == {"reader.pages"}
            assert line.late == 0
            auditor = Auditor(two.operators)
            assert await auditor.accept_phantoms(report, why="a test", by="somebody") == 6
            report = await two.audit()
            assert report.clean, report


async def test_a_subscriber_restored_alone_gets_its_missing_events(two: Two, scratch: Path) -> None:
    async with two.running():
        await two.note(PAGES, *(f"{n}" for n in range(8)))
        await two.has_consumed(8)
        file = scratch / f"{uuid4().hex}.dump"
        await dump(two.urls["reader"], file)
        ids = await two.note(PAGES, "a", "b", "c", "d")
        await two.has_consumed(12)
    # into itself: neither server nor database changes, only the tables do
    own = await connect(two.urls["reader"], application="tests")
    await own.execute("drop schema messaging, kit, public cascade; create schema public")
    await own.close()
    await restore(file, two.urls["reader"])
    adopted = await two.migrate()
    assert adopted["reader"].epoch > 0
    assert adopted["writer"].epoch == 0
    async with two.running():
        report = await two.audit()
        assert numbers(report) == {"recorded": 12, "for nobody": 0, "handled": 8, "missing": 4}
        assert report.accounts["writer"].lines["reader"].missing == sorted(ids)
        auditor = Auditor(two.operators)
        assert await auditor.repair(report, by="tests") == {"writer -> reader": 4}
        assert await auditor.repair(report, by="tests") == {"writer -> reader": 4}, "twice is once"
        report = await two.audit()
        assert report.clean, report
        assert await two.pages() == dict(zip(PAGES, "abcd", strict=True))
        assert two.repaired == set(ids), "as handlers see"


async def test_a_database_restored_in_place_needs_a_manual_epoch(two: Two) -> None:
    """Nothing reveals it, except that rows are missing."""
    async with two.running():
        await two.note(PAGES, *(f"{n}" for n in range(4)))
        await two.has_consumed(4)
        own = await connect(two.urls["writer"], application="tests")
        with pytest.raises(lineage.RelayRuns):
            await lineage.raise_by_hand(own, "writer", "tried while it runs")
        lost = await two.note(PAGES, "lost")
        await two.has_consumed(5)
    await own.execute("delete from messaging.log where id = any($1::uuid[])", lost)
    await own.execute("update messaging.counter set last = last - 1 where key = $1", str(PAGES[0]))
    adopted = await lineage.raise_by_hand(own, "writer", "copied back")
    await own.close()
    assert adopted.raised == "copied back"
    async with two.running():
        await two.note(PAGES, "new")
        await two.has_consumed(6)
        assert (await two.pages())[PAGES[0]] == "new"
        assert numbers(await two.audit())["in no log"] == 1
