"""Old resumes: owners are asked, then resumes are deleted, never sooner than 14 days after."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from hirewire.contracts.auth import UserRetentionNotified
from hirewire.contracts.vacancies import ApplicationAnonymised
from hirewire.kit.retention import months_before
from hirewire.messaging.testing import consume, recorded
from hirewire.profiles.retention import background, commands
from tests import clocks
from tests.clocks import Clock
from tests.profiles.conftest import Person
from tests.profiles.readers.test_readers import applied, moved

MONTHS = 24
JOB = {"position": "Cook", "start": "2020"}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return clocks.moved(monkeypatch)


async def _resume(person: Person, title: str = "Cook") -> str:
    made = await person.call("POST", "/resumes", {"title": title}, expect=201)
    return str(made["id"])


async def _ask(person: Person) -> list[dict[str, Any]]:
    """Run the task until nobody is left to ask; the notices."""
    transactions = person.service.messaging.transactions
    more = True
    while more:
        async with transactions() as tx:
            more = await commands.ask_next(tx, MONTHS)
    rows = await recorded(person.service.engine, "resumes.retention_due")
    return [row.body for row in rows]


async def _delete(person: Person) -> int:
    """Run the task until nothing is left to delete; how many resumes were."""
    count = 0
    while True:
        async with person.service.messaging.transactions() as tx:
            if not await commands.delete_next(tx, MONTHS):
                return count
        count += 1


async def _mail_queued(person: Person, notice: dict[str, Any], at: datetime) -> None:
    event = UserRetentionNotified(notice_id=UUID(notice["noticeId"]), user_id=person.id, at=at)
    await consume(person.service.messaging.consumer, event)


async def test_asked_and_deleted_after_two_weeks(anna: Person, clock: Clock) -> None:
    old = [await _resume(anna), await _resume(anna, "Baker")]
    clock.ahead = timedelta(days=725)
    assert await _ask(anna) == []
    young = await _resume(anna, "Waiter")
    clock.ahead += timedelta(days=10)
    [notice] = await _ask(anna)
    assert notice.keys() == {"noticeId", "userId", "askedAt"}
    assert len(await _ask(anna)) == 1, "nobody is asked twice"
    assert (await anna.call("GET", "/retention"))["items"] == [], "the mail is not queued yet"

    clock.ahead += timedelta(days=30)
    assert await _delete(anna) == 0, "auth is down: no mail, no deletion"
    await _mail_queued(anna, notice, clock.now())
    asked = (await anna.call("GET", "/retention"))["items"]
    assert [one["id"] for one in asked] == old
    clock.ahead += timedelta(days=14, hours=23)
    assert await _delete(anna) == 0
    await _mail_queued(anna, notice, clock.now())  # repeated: it does not begin again
    clock.ahead += timedelta(hours=2)
    assert await _delete(anna) == 2
    left = (await anna.call("GET", "/resumes"))["items"]
    assert [one["id"] for one in left] == [young]
    gone = [e.body for e in await anna.events() if e.body["action"] == "deleted"]
    assert sorted(one["resumeId"] for one in gone) == sorted(old)


async def _touch(anna: Person, id: str, how: str) -> None:
    if how == "keep":
        await anna.call("POST", "/retention/keep", expect=204)
    elif how == "edit":
        await anna.call("PATCH", f"/resumes/{id}", {"summary": "Soups"})
    else:
        await anna.call("POST", f"/resumes/{id}/experience", JOB, expect=201)


async def test_touching_extends(anna: Person, clock: Clock) -> None:
    id = await _resume(anna)
    for nth, how in enumerate(("keep", "edit", "experience"), 1):
        clock.ahead += timedelta(days=740)
        notices = await _ask(anna)
        assert len(notices) == nth, "the time begins again"
        assert await _delete(anna) == 0, "an old mail does not count"
        await _mail_queued(anna, notices[-1], clock.now())
        clock.ahead += timedelta(days=14)
        await _touch(anna, id, how)
        assert (await anna.call("GET", "/retention"))["items"] == []
        clock.ahead += timedelta(days=30)
        assert await _delete(anna) == 0
        await _mail_queued(anna, notices[-1], clock.now())
        assert await _delete(anna) == 0


async def test_a_clock_that_is_a_day_off(anna: Person, clock: Clock) -> None:
    """Of `auth` when the mail is queued, and of `profiles` before and after a restart."""
    for shift in (-1, 0, 1):
        await _resume(anna, f"Cook {shift}")
        clock.ahead += timedelta(days=740)
        notice = (await _ask(anna))[-1]
        queued = clock.now()
        await _mail_queued(anna, notice, queued + timedelta(days=shift))
        clock.ahead += timedelta(days=14, hours=-1) + timedelta(days=1)  # a day ahead
        assert await _delete(anna) == 0, "fourteen days have not passed"
        clock.ahead += timedelta(days=2)
        assert await _delete(anna) == 1


async def test_kept_by_a_slower_clock(anna: Person, clock: Clock) -> None:
    await _resume(anna)
    clock.ahead = timedelta(days=740)
    [notice] = await _ask(anna)
    await _mail_queued(anna, notice, clock.now())
    clock.ahead -= timedelta(minutes=1)
    await _touch(anna, "", "keep")
    assert (await anna.call("GET", "/retention"))["items"] == []
    clock.ahead += timedelta(days=740)
    assert await _delete(anna) == 0, "an old mail does not count"
    assert len(await _ask(anna)) == 2


async def test_others_cannot_keep_or_see_it(anna: Person, boris: Person, clock: Clock) -> None:
    await _resume(anna)
    clock.ahead = timedelta(days=740)
    [notice] = await _ask(anna)
    await _mail_queued(anna, notice, clock.now())
    assert (await boris.call("GET", "/retention"))["items"] == []
    await boris.call("POST", "/retention/keep", expect=204)
    foreign = UserRetentionNotified(notice_id=uuid4(), user_id=anna.id, at=clock.now())
    await consume(boris.service.messaging.consumer, foreign)
    clock.ahead += timedelta(days=16)
    assert await _delete(anna) == 1


async def test_without_the_setting_nothing_happens(anna: Person, clock: Clock) -> None:
    await _resume(anna)
    clock.ahead = timedelta(days=10_000)
    transactions = anna.service.messaging.transactions
    assert not await background.ask_step(transactions)
    assert not await background.delete_step(transactions)
    assert await recorded(anna.service.engine, "resumes.retention_due") == []


@pytest.mark.parametrize(
    ("moment", "months", "expected"),
    [
        ("2026-11-29", 1, "2026-10-29"),
        ("2026-03-31", 1, "2026-02-28"),
        ("2028-02-29", 48, "2024-02-29"),
        ("2028-02-29", 12, "2027-02-28"),
        ("2026-01-15", 1, "2025-12-15"),
        ("2026-12-15", 12, "2025-12-15"),
    ],
)
def test_months(moment: str, months: int, expected: str) -> None:
    found = months_before(datetime.fromisoformat(moment), months)
    assert found == datetime.fromisoformat(expected)


async def test_a_resume_in_use_is_not_old(anna: Person, clock: Clock) -> None:
    id = await _resume(anna)
    application = applied(anna, id)
    await consume(anna.service.messaging.consumer, application)
    clock.ahead = timedelta(days=1000)
    assert await _ask(anna) == [], "the application is open"
    ended = moved(application, "discard_by_employer", "declined")
    await consume(anna.service.messaging.consumer, ended)
    assert await _ask(anna) == [], "it has just ended"
    anonymised = ApplicationAnonymised(
        application_id=application.application_id, resume_id=UUID(id), user_id=anna.id
    )
    await consume(anna.service.messaging.consumer, anonymised)
    async with anna.service.engine.connect() as connection:
        kept = await connection.exec_driver_sql("select count(*) from opened_application")
        assert kept.scalar_one() == 0, "the company's copy goes with the application"
    assert len(await _ask(anna)) == 1
