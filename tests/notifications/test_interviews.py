"""What people are notified of about interviews, and what is kept of these."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from hirewire.contracts.auth import UserErased
from hirewire.contracts.vacancies import (
    ApplicationAnonymised,
    InterviewAbandoned,
    InterviewCancelled,
    InterviewChosen,
    InterviewDeclined,
    InterviewProposed,
)
from hirewire.kit.clock import now
from hirewire.notifications.applications import rules
from tests.notifications.conftest import Board

START = datetime(2027, 1, 12, 9, tzinfo=UTC)
INTERVIEW = uuid4()
SHOWN = "2027-01-12T09:00:00Z"
APPLICANT, EMPLOYER = "applicant", "employer"


def ids(board: Board, version: int) -> dict[str, Any]:
    return {
        **board.ids,
        "interview_id": INTERVIEW,
        "employer_id": board.carla,
        "version": version,
    }


def proposed(board: Board, version: int, *, moved: bool = False) -> InterviewProposed:
    return InterviewProposed(
        **ids(board, version),
        time_zone="Europe/Berlin",
        minutes=45,
        slots=[START, START + timedelta(days=1)],
        called_off=START if moved else None,
    )


def chosen(board: Board, version: int) -> InterviewChosen:
    return InterviewChosen(
        **ids(board, version),
        time_zone="Europe/Berlin",
        minutes=45,
        starts_at=START,
        place="Main street 1",
    )


def cancelled(board: Board, version: int, side: str, reason: str) -> InterviewCancelled:
    return InterviewCancelled(**ids(board, version), side=side, reason=reason, called_off=START)


def abandoned(board: Board, version: int) -> InterviewAbandoned:
    return InterviewAbandoned(
        interview_id=INTERVIEW,
        application_id=board.application,
        vacancy_id=board.vacancy,
        company_id=board.company,
        employer_id=board.carla,
        version=version,
        time_zone="Europe/Berlin",
        minutes=45,
        called_off=START,
    )


async def stored(board: Board) -> list[Any]:
    async with board.service.engine.connect() as connection:
        return list(await connection.execute(text("select * from interview")))


async def test_each_side_is_notified_of_what_the_other_has_done(board: Board) -> None:
    await board.consume(board.submitted(), proposed(board, 1))
    assert await board.kinds(board.anna) == [("interview_proposed", None)]
    await board.consume(chosen(board, 2))
    assert await board.kinds(board.anna) == [("interview_chosen", None)], "the proposal is answered"
    for employer in (board.carla, board.dan):
        assert (await board.kinds(employer))[1:] == [("interview_chosen", None)]
    [one] = await board.notices(board.anna)
    assert (one["startsAt"], one["timeZone"], one["minutes"]) == (SHOWN, "Europe/Berlin", 45)
    assert one["interviewId"] == str(INTERVIEW)
    await board.consume(proposed(board, 3, moved=True))
    assert await board.kinds(board.anna) == [("interview_proposed", "moved")]
    assert (await board.kinds(board.carla))[1:] == [], "they have moved it"
    other_times = InterviewDeclined(**ids(board, 4), wants_other_times=True)
    await board.consume(other_times)
    assert (await board.kinds(board.carla))[1:] == [("interview_declined", "other_times")]
    await board.consume(proposed(board, 5), chosen(board, 6))
    await board.consume(cancelled(board, 7, "applicant", "called_off"))
    assert await board.kinds(board.anna) == [("interview_cancelled", "called_off")]
    [last, _] = await board.notices(board.dan)
    assert (last["kind"], last["detail"], last["startsAt"], last["timeZone"]) == (
        "interview_cancelled",
        "called_off",
        SHOWN,
        "Europe/Berlin",
    )
    [row] = await stored(board)
    assert (row.state, row.version, row.place) == ("cancelled", 7, "Main street 1")


async def test_what_has_been_read_stays_and_what_is_outdated_says_nothing(board: Board) -> None:
    await board.consume(board.submitted(), proposed(board, 1))
    [one] = await board.notices(board.anna)
    await board.call(board.anna, "PUT", f"/{one['id']}/read", expect=204)
    await board.consume(cancelled(board, 3, "employer", "called_off"))
    await board.consume(chosen(board, 2))
    assert await board.kinds(board.anna) == [
        ("interview_proposed", None),
        ("interview_cancelled", "called_off"),
    ]
    [row] = await stored(board)
    assert (row.state, row.version) == ("cancelled", 3)


@pytest.mark.parametrize(
    ("side", "reason", "was_agreed", "sides"),
    [
        ("applicant", "called_off", True, [APPLICANT, EMPLOYER]),
        ("employer", "called_off", False, [APPLICANT]),
        ("system", "application_ended", True, [APPLICANT, EMPLOYER]),
        ("applicant", "application_ended", True, [APPLICANT, EMPLOYER]),
        ("employer", "application_ended", False, []),
        ("system", "expired", False, []),
    ],
)
def test_whom_the_end_of_an_interview_concerns(
    side: str, reason: str, was_agreed: bool, sides: list[str]
) -> None:
    found = rules.of_cancelled(side, reason, was_agreed=was_agreed)
    assert [one.side for one in found] == sides


@pytest.mark.parametrize("erased_first", [True, False])
async def test_the_company_learns_that_an_erased_candidate_will_not_come(
    board: Board, erased_first: bool
) -> None:
    await board.consume(board.submitted(), proposed(board, 1), chosen(board, 2))
    erased = UserErased(user_id=board.anna, erasure_id=uuid4(), erased_at=now())
    gone = abandoned(board, 3)
    for event in (erased, gone) if erased_first else (gone, erased):
        await board.consume(event)
    for employer in (board.carla, board.dan):
        [one] = [one for one in await board.notices(employer) if one["interviewId"]]
        assert (one["kind"], one["detail"]) == ("interview_cancelled", "account_deleted")
        assert (one["startsAt"], one["resumeId"], one["resumeTitle"]) == (SHOWN, None, None)
    [row] = await stored(board)
    assert (row.state, row.user_id) == ("cancelled", None)
    async with board.service.engine.connect() as connection:
        for table in ("person", "application", "interview", "notice"):
            rows = await connection.execute(text(f"select t::text as line from {table} t"))
            assert str(board.anna) not in " ".join(row.line for row in rows), table


async def test_an_erased_employer_and_a_nameless_application_leave_no_id(board: Board) -> None:
    await board.consume(board.submitted(), proposed(board, 1), chosen(board, 2))
    await board.consume(UserErased(user_id=board.carla, erasure_id=uuid4(), erased_at=now()))
    [row] = await stored(board)
    assert row.employer_id is None
    gone = ApplicationAnonymised(
        application_id=board.application, resume_id=board.resume, user_id=board.anna
    )
    await board.consume(gone)
    assert await stored(board) == []
    await board.consume(chosen(board, 9))
    assert await stored(board) == []
    assert UUID(str(row.id)) == INTERVIEW
