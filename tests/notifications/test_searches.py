"""Notices of what saved searches have found: grouped, and taken back while they are unread."""

from typing import Any
from uuid import UUID, uuid4

from hirewire.contracts.auth import UserBlocked
from hirewire.contracts.vacancies import SearchMatched, SearchMatchWithdrawn
from hirewire.kit.clock import now
from hirewire.messaging.testing import recorded
from hirewire.messaging.transaction import Transactions
from hirewire.notifications.searches import background
from tests.notifications.conftest import Board

ONE, OTHER = uuid4(), uuid4()


def found(board: Board, vacancy: UUID, *searches: UUID) -> SearchMatched:
    return SearchMatched(
        user_id=board.anna,
        vacancy_id=vacancy,
        company_id=board.company,
        search_ids=list(searches),
    )


def lost(
    board: Board, vacancy: UUID | None, *searches: UUID, reason: str = "vacancy_closed"
) -> SearchMatchWithdrawn:
    return SearchMatchWithdrawn(
        user_id=board.anna, vacancy_id=vacancy, search_ids=list(searches), reason=reason
    )


async def notices(board: Board) -> list[tuple[UUID, int, str | None, bool]]:
    """Search, count, title and whether it is read, the oldest first."""
    kinds: list[dict[str, Any]] = await board.notices(board.anna)
    return [
        (UUID(one["searchId"]), one["count"], one["vacancyTitle"], one["read"])
        for one in reversed(kinds)
        if one["kind"] == "saved_search" and one["side"] == "applicant"
    ]


async def test_what_a_search_finds_is_one_notice_until_it_is_read(board: Board) -> None:
    second, third = uuid4(), uuid4()
    await board.consume(found(board, board.vacancy, ONE, OTHER))
    assert sorted(await notices(board)) == sorted(
        [(ONE, 1, "Cook", False), (OTHER, 1, "Cook", False)]
    )
    assert len(await recorded(board.service.engine, "notice.created")) == 2
    await board.consume(found(board, second, ONE), found(board, third, ONE))
    assert (ONE, 3, None, False) in await notices(board)
    assert len(await recorded(board.service.engine, "notice.created")) == 2
    # again: counted already
    await board.consume(found(board, second, ONE))
    assert (ONE, 3, None, False) in await notices(board)

    await board.call(board.anna, "POST", "/read-about", {"searchId": str(ONE)})
    assert {one[0]: one[3] for one in await notices(board)} == {ONE: True, OTHER: False}
    await board.consume(found(board, uuid4(), ONE), found(board, third, ONE))
    of_one = [one for one in await notices(board) if one[0] == ONE]
    assert of_one == [(ONE, 3, None, True), (ONE, 1, None, False)]
    assert await board.notices(board.carla) == []


async def test_what_vanishes_before_it_is_read_is_taken_back(board: Board) -> None:
    second = uuid4()
    await board.consume(found(board, board.vacancy, ONE), found(board, second, ONE))
    await board.consume(lost(board, second, ONE))
    assert await notices(board) == [(ONE, 1, None, False)]
    await board.consume(lost(board, second, ONE), lost(board, board.vacancy, ONE))
    assert await notices(board) == []
    # it comes back before anybody has read it
    await board.consume(found(board, board.vacancy, ONE))
    assert await notices(board) == [(ONE, 1, "Cook", False)]
    # once it is read, neither its end nor its return is counted
    await board.call(board.anna, "POST", "/read-about", {"kind": "saved_search"})
    await board.consume(lost(board, board.vacancy, ONE), found(board, board.vacancy, ONE))
    assert await notices(board) == [(ONE, 1, "Cook", True)]


async def test_alerts_that_are_ended(board: Board) -> None:
    await board.consume(*(found(board, uuid4(), ONE, OTHER) for _ in range(3)))
    await board.consume(lost(board, None, ONE, reason="alerts_off"))
    assert await notices(board) == [(OTHER, 3, None, False)]
    # they are switched on again
    await board.consume(found(board, board.vacancy, ONE))
    assert (ONE, 1, "Cook", False) in await notices(board)


async def test_an_older_event_that_arrives_late_changes_nothing(board: Board) -> None:
    first = board.sent(found(board, board.vacancy, ONE, OTHER))
    await board.consume(lost(board, board.vacancy, ONE))
    await board.consume(lost(board, None, OTHER))
    await board.consume(first, first)
    assert await notices(board) == []


async def test_blocked_people_and_old_finds(board: Board) -> None:
    await board.consume(UserBlocked(user_id=board.anna, blocked=True, at=now()))
    await board.consume(found(board, board.vacancy, ONE))
    assert await board.rows("select 1 from notice where kind = 'saved_search'") == []
    await board.consume(UserBlocked(user_id=board.anna, blocked=False, at=now()))
    await board.consume(found(board, board.vacancy, ONE))
    assert len(await board.rows("select 1 from found_vacancy")) == 1
    async with board.service.engine.begin() as connection:
        await connection.exec_driver_sql("update found_vacancy set at = now() - interval '1 year'")
    assert await background.step(Transactions(board.service.engine, "notifications")) is False
    assert await board.rows("select 1 from found_vacancy") == []
