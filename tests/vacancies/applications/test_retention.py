"""Old applications: applicants are asked, then a company keeps an anonymised line."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from hirewire.contracts.auth import UserRetentionNotified
from hirewire.messaging.testing import consume, recorded
from hirewire.vacancies.retention import background, commands
from tests import clocks
from tests.clocks import Clock
from tests.vacancies.applications.conftest import Board

MONTHS = 12


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return clocks.moved(monkeypatch)


async def _ask(board: Board) -> list[dict[str, Any]]:
    """Run the task until nobody is left to ask; the notices."""
    more = True
    while more:
        async with board.boss.service.messaging.transactions() as tx:
            more = await commands.ask_next(tx, MONTHS)
    return await board.published("applications.retention_due")


async def _anonymise(board: Board) -> None:
    more = True
    while more:
        async with board.boss.service.messaging.transactions() as tx:
            more = await commands.anonymise_next(tx, MONTHS)


async def _mail_queued(board: Board, notice: dict[str, Any], at: datetime) -> None:
    event = UserRetentionNotified(notice_id=UUID(notice["noticeId"]), user_id=board.vera.id, at=at)
    await consume(board.boss.service.messaging.consumer, event)


async def _ended(board: Board) -> str:
    """An application with a letter, a message, and comments of both sides, that ended."""
    id = str((await board.apply(letter="My letter"))["id"])
    await board.vera.call("POST", f"/applications/{id}/messages", {"text": "Hello"}, expect=201)
    await board.move(id, "consider", comment="A note about Vera")
    await board.move(id, "discard_by_employer", comment="Sorry, Vera", commentShared=True)
    return id


async def test_asked_and_anonymised_after_two_weeks(board: Board, clock: Clock) -> None:
    id = await _ended(board)
    still_open = await board.open_vacancy()
    body = {"resumeId": str(board.resume)}
    made = await board.vera.call("POST", f"/vacancies/{still_open}/applications", body, expect=201)
    clock.ahead = timedelta(days=360)
    assert await _ask(board) == []
    clock.ahead = timedelta(days=370)
    [notice] = await _ask(board)
    assert notice["userId"] == str(board.vera.id)
    assert len(await _ask(board)) == 1
    clock.ahead += timedelta(days=60)
    await _anonymise(board)
    assert (await board.vera.call("GET", f"/applications/{id}"))["letter"] == "My letter"

    await _mail_queued(board, notice, clock.now())
    [asked] = (await board.vera.call("GET", "/retention"))["items"]
    assert (asked["id"], asked["companyName"]) == (id, "Acme")
    clock.ahead += timedelta(days=14, hours=23)
    await _anonymise(board)
    assert (await board.vera.call("GET", f"/applications/{id}"))["letter"] == "My letter"
    await _mail_queued(board, notice, clock.now())  # repeated: it does not begin again
    clock.ahead += timedelta(hours=2)
    await _anonymise(board)

    await board.vera.call("GET", f"/applications/{id}", expect=404)
    line = await board.boss.call("GET", f"/applications/{id}")
    assert (line["stage"], line["letter"], line["resume"]) == ("discard_by_employer", None, None)
    assert [one["toStage"] for one in line["history"]] == [
        "response",
        "consider",
        "discard_by_employer",
    ]
    assert not [one for one in line["history"] if one["comment"] or one["userId"]]
    assert line["resumeId"] != str(board.resume)
    assert (await board.boss.call("GET", f"/applications/{id}/messages"))["items"] == []
    [event] = await board.published("application.anonymised")
    assert event == {
        "applicationId": id,
        "resumeId": str(board.resume),
        "userId": str(board.vera.id),
    }
    [left] = (await board.vera.call("GET", "/applications"))["items"]
    assert left["id"] == made["id"], "an open one stays"
    clock.ahead += timedelta(days=800)
    assert len(await _ask(board)) == 1, "nobody is left to ask about it"
    assert (await board.boss.call("GET", "/retention"))["items"] == []


async def test_keeping_extends(board: Board, clock: Clock) -> None:
    id = await _ended(board)
    clock.ahead = timedelta(days=370)
    [notice] = await _ask(board)
    await _mail_queued(board, notice, clock.now() - timedelta(days=1))  # its clock is a day late
    clock.ahead += timedelta(days=14, hours=23)
    await _anonymise(board)
    await board.boss.call("POST", "/retention/keep", expect=204)  # of nobody else
    assert len((await board.vera.call("GET", "/retention"))["items"]) == 1
    await board.vera.call("POST", "/retention/keep", expect=204)
    assert (await board.vera.call("GET", "/retention"))["items"] == []
    clock.ahead += timedelta(days=30)
    await _anonymise(board)
    assert (await board.vera.call("GET", f"/applications/{id}"))["letter"] == "My letter"
    clock.ahead += timedelta(days=370)
    await _anonymise(board)
    kept = await board.vera.call("GET", f"/applications/{id}")
    assert kept["letter"] == "My letter", "an old mail does not count"
    notices = await _ask(board)
    assert len(notices) == 2
    await _mail_queued(board, notices[-1], clock.now())
    clock.ahead -= timedelta(minutes=1)  # another process, whose clock is slower
    await board.vera.call("POST", "/retention/keep", expect=204)
    assert (await board.vera.call("GET", "/retention"))["items"] == []


async def test_without_the_setting_nothing_happens(board: Board, clock: Clock) -> None:
    await _ended(board)
    clock.ahead = timedelta(days=10_000)
    transactions = board.boss.service.messaging.transactions
    assert not await background.ask_step(transactions)
    assert not await background.anonymise_step(transactions)
    assert await recorded(board.boss.service.engine, "applications.retention_due") == []
