"""Reopening or copying a closed vacancy."""

import asyncio
from datetime import timedelta
from typing import Any

from sqlalchemy import update

from hirewire.kit.clock import today
from hirewire.messaging.testing import recorded
from hirewire.vacancies.posting import background
from hirewire.vacancies.tables import vacancy
from tests.vacancies.applications.conftest import Board
from tests.vacancies.conftest import Person


async def state(who: Person, application: dict[str, Any]) -> str:
    found = await who.call("GET", f"/applications/{application['id']}")
    return str(found["applicantState"])


async def test_a_closed_vacancy_is_opened_again(board: Board) -> None:
    path = f"/vacancies/{board.vacancy}"
    waiting = await board.apply()
    await board.close("cancelled")
    closed = await board.boss.call("GET", path)
    assert closed["allowedActions"] == ["reopen", "archive", "copy"]
    opened = await board.boss.call("POST", f"{path}/reopen")
    assert (opened["status"], opened["closeReason"]) == ("paused", None)
    assert "edit" in opened["allowedActions"]
    [paused] = await recorded(board.boss.service.engine, "vacancy.paused")
    assert paused.body["version"] == opened["version"] == closed["version"] + 1
    await board.boss.call("POST", f"{path}/reopen", expect=409)
    await board.apply(expect=409)
    published = await board.boss.call("POST", f"{path}/publish")
    assert published["publishedAt"] == closed["publishedAt"]
    assert await state(board.vera, waiting) == "closed"


async def test_a_late_close_event_does_not_answer_applications_to_a_reopened_vacancy(
    board: Board,
) -> None:
    """The event of the closing may arrive late."""
    path = f"/vacancies/{board.vacancy}"
    before = await board.apply()
    await board.boss.call("POST", f"{path}/close", {"reason": "filled"})
    await board.boss.call("POST", f"{path}/reopen")
    await board.boss.call("POST", f"{path}/publish")
    person, resume = await board.somebody()
    body = {"resumeId": str(resume)}
    after = await person.call("POST", f"{path}/applications", body, expect=201)
    await board.consume_own("vacancy.closed")
    assert await state(board.vera, before) == "closed"
    assert await state(person, after) == "sent"
    await board.close()
    assert await state(person, after) == "closed"


async def test_reopening_removes_an_expired_last_day(board: Board) -> None:
    """Otherwise the vacancy would be closed again immediately."""
    path = f"/vacancies/{board.vacancy}"
    transactions = board.boss.service.messaging.transactions
    async with transactions() as tx:
        await tx.execute(update(vacancy).values(valid_through=today() - timedelta(days=3)))
    assert await background.step(transactions)
    assert (await board.boss.call("GET", path))["closeReason"] == "expired"
    opened = await board.boss.call("POST", f"{path}/reopen")
    assert (opened["status"], opened["validThrough"]) == ("paused", None)
    assert not await background.step(transactions)

    ahead = str(today() + timedelta(days=3))
    await board.boss.call("PATCH", path, {"validThrough": ahead})
    await board.close()
    opened = await board.boss.call("POST", f"{path}/reopen")
    assert opened["validThrough"] == ahead


async def test_a_copy_is_a_draft_with_all_but_the_last_day(board: Board) -> None:
    await board.close()
    await board.boss.call("POST", f"/vacancies/{board.vacancy}/archive")
    original = await board.boss.call("GET", f"/vacancies/{board.vacancy}")
    assert original["allowedActions"] == ["copy"]
    key = {"Idempotency-Key": "once"}
    path = f"/vacancies/{board.vacancy}/copy"
    copied = await board.boss.call("POST", path, expect=201, **key)
    again = await board.boss.call("POST", path, expect=201, **key)
    assert again["id"] == copied["id"] != original["id"]
    own = {"id", "status", "version", "closeReason", "createdAt", "updatedAt", "publishedAt"}
    own |= {"validThrough", "allowedActions", "saved"}
    same = {name: value for name, value in original.items() if name not in own}
    assert {name: copied[name] for name in same} == same
    assert (copied["status"], copied["version"], copied["validThrough"]) == ("draft", 1, None)
    await board.vera.call("POST", path, expect=403)


async def test_one_of_two_concurrent_requests_reopens_it(board: Board) -> None:
    await board.close()
    path = f"/api/vacancies/vacancies/{board.vacancy}/reopen"
    service = board.boss.service
    headers = service.as_user(board.boss.id)
    answers = await asyncio.gather(*(service.client.post(path, headers=headers) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409, 409]
    assert len(await recorded(service.engine, "vacancy.paused")) == 1
