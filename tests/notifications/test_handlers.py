"""What events become: notices to the right people, once, and none about the past."""

import asyncio
from dataclasses import replace
from uuid import uuid4

from hirewire.contracts.auth import AuthStated, UserBlocked, UserEmailChanged, UserStated
from hirewire.contracts.profiles import ProfilesStated, ResumeStated, ResumeUpdated
from hirewire.contracts.vacancies import (
    ApplicationAnonymised,
    ApplicationStated,
    EmployerProfileCreated,
    EmployerStated,
    VacanciesStated,
    VacancyClosed,
    VacancyPaused,
    VacancyPublished,
    VacancyStated,
    VacancyUpdated,
)
from hirewire.kit.clock import now
from hirewire.messaging.testing import consume, recorded
from tests.notifications.conftest import LONG_AGO, Board


async def test_a_response_from_the_first_step_to_the_last(board: Board) -> None:
    await board.consume(board.submitted(), board.moved(None, "response", "sent"))
    await board.consume(board.moved("response", "consider", "in_progress"))
    await board.consume(board.moved("consider", "assessment", "in_progress"))  # looks the same
    await board.consume(board.written("employer"), board.written("applicant"))
    await board.consume(board.moved("assessment", "interview", "invited"))
    await board.consume(board.moved("interview", "discard_by_applicant", "withdrawn"))
    assert await board.kinds(board.anna) == [
        ("application_moved", "in_progress"),
        ("message", None),
        ("application_moved", "invited"),
    ]
    for employer in (board.carla, board.dan):
        assert await board.kinds(employer) == [
            ("application_received", None),
            ("message", None),
            ("application_answered", "withdrawn"),
        ]
    [first] = (await board.notices(board.carla))[-1:]
    assert first | {"id": "", "at": ""} == {
        "id": "",
        "kind": "application_received",
        "at": "",
        "read": False,
        "count": 1,
        "side": "employer",
        "applicationId": str(board.application),
        "vacancyId": str(board.vacancy),
        "vacancyTitle": "Cook",
        "companyId": str(board.company),
        "companyName": "Acme",
        "resumeId": str(board.resume),
        "resumeTitle": "Chef",
        "interviewId": None,
        "searchId": None,
        "startsAt": None,
        "timeZone": None,
        "minutes": None,
        "detail": None,
    }
    events = [row.body for row in await recorded(board.service.engine, "notice.created")]
    assert len(events) == 9
    assert {event["userId"] for event in events} == {
        str(one) for one in (board.anna, board.carla, board.dan)
    }


async def test_an_invitation_is_accepted_or_declined(board: Board) -> None:
    await board.consume(board.moved(None, "response", "invited"))
    await board.consume(
        board.submitted("invitation"), board.moved("response", "response", "in_progress")
    )
    assert await board.kinds(board.anna) == [("invitation", None)]
    assert await board.kinds(board.carla) == [("application_answered", "accepted")]

    board.application = uuid4()
    await board.consume(board.resumed(2, "Secret plans", status="hidden"))
    await board.consume(board.moved(None, "response", "invited"))
    await board.consume(board.moved("response", "discard_by_applicant", "withdrawn"))
    declined = (await board.notices(board.carla))[0]
    assert (declined["kind"], declined["detail"]) == ("application_answered", "declined")
    assert declined["resumeTitle"] is None, "the company may not read a hidden resume"

    board.application = uuid4()
    await board.consume(board.moved(None, "response", "invited"))
    await board.consume(board.moved("response", "discard_by_employer", "declined"))
    assert (await board.kinds(board.anna))[-1] == ("application_moved", "declined")


async def test_a_closed_vacancy_is_one_notice_for_each_open_application(board: Board) -> None:
    await board.consume(board.submitted(), board.moved(None, "response", "sent"))
    closed = VacancyClosed(
        vacancy_id=board.vacancy, company_id=board.company, version=3, reason="filled"
    )
    await board.consume(closed)
    await board.consume(board.moved("response", "discard_vacancy_closed", "closed", "filled"))
    assert await board.kinds(board.anna) == [("vacancy_closed", "filled")]
    assert len(await board.notices(board.carla)) == 1


async def test_an_erased_account_is_no_withdrawal(board: Board) -> None:
    await board.consume(board.submitted(), board.moved(None, "response", "sent"))
    gone = board.moved("response", "discard_by_applicant", "withdrawn", "account_deleted")
    await board.consume(gone)
    assert await board.kinds(board.carla) == [("application_received", None)]


async def test_matches_of_one_act_are_one_notice(board: Board) -> None:
    more = [board.matched(resume=uuid4()) for _ in range(40)]
    first = board.matched()
    await board.consume(first, *more)
    [to_company] = await board.notices(board.carla)
    assert (to_company["kind"], to_company["count"]) == ("recommended_candidate", 41)
    assert (to_company["vacancyId"], to_company["resumeId"]) == (str(board.vacancy), None)
    assert len(await board.notices(board.anna)) == 41, "one for each resume"
    assert len(await recorded(board.service.engine, "notice.created")) == 2 + 41

    await board.consume(*(board.unmatched(one) for one in more))
    [to_company] = await board.notices(board.carla)
    assert to_company["count"] == 1
    [to_anna] = await board.notices(board.anna)
    assert (to_anna["count"], to_anna["resumeTitle"]) == (1, "Chef")
    await board.call(board.carla, "PUT", f"/{to_company['id']}/read", expect=204)
    await board.consume(board.matched(resume=uuid4()))
    assert [one["count"] for one in await board.notices(board.carla)] == [1, 1], "a new notice"
    await board.consume(board.unmatched(first))
    assert [one["read"] for one in await board.notices(board.carla)] == [False]
    assert str(board.resume) not in {one["resumeId"] for one in await board.notices(board.anna)}
    unread = await board.call(board.dan, "GET", "/unread")
    assert unread == {"count": 1}


async def test_a_match_that_arrives_after_its_withdrawal(board: Board) -> None:
    match = board.matched()
    created = board.sent(match)
    withdrawn = board.sent(board.unmatched(match))
    await board.consume(withdrawn)
    await board.consume(created)
    assert await board.notices(board.carla) == []
    await board.consume(board.matched())  # it matches again
    [one] = await board.notices(board.carla)
    await board.consume(board.matched())  # with another score
    assert await board.notices(board.carla) == [one]
    last = board.matched()
    await board.consume(board.unmatched(match), last, board.unmatched(last), board.matched())
    [again] = await board.notices(board.carla)
    assert (again["count"], again["read"]) == (1, False)


async def test_a_withdrawal_that_arrives_after_the_next_match(board: Board) -> None:
    match = board.matched()
    await board.consume(match)
    withdrawn = board.sent(board.unmatched(match))
    await board.consume(board.matched())
    await board.consume(withdrawn)
    assert [one["count"] for one in await board.notices(board.carla)] == [1]
    await board.consume(board.unmatched(match))
    assert await board.notices(board.carla) == []


async def test_the_past_makes_state_and_no_notice(empty: Board) -> None:
    board, past = empty, []
    for one in [*board.people(), board.submitted(), board.moved(None, "response", "sent")]:
        past.append(board.sent(one, at=LONG_AGO))
    for _ in range(300 // 3):
        board.application = uuid4()
        for one in (
            board.submitted(),
            board.moved(None, "response", "sent"),
            board.matched(resume=uuid4()),
        ):
            past.append(board.sent(one, at=LONG_AGO))
    await board.consume(*past)
    assert await board.rows("select count(*) from notice") == [(0,)]
    assert await board.rows("select count(*), sum(is_accepted::int) from application") == [
        (101, 101)
    ]
    assert await board.rows("select count(*) from person where email is not null") == [(3,)]
    assert await recorded(board.service.engine, "notice.created") == []
    await board.consume(board.moved("response", "consider", "in_progress"))
    await board.consume(board.moved("consider", "discard_by_employer", "declined"))
    assert await board.kinds(board.anna) == [
        ("application_moved", "in_progress"),
        ("application_moved", "declined"),
    ]
    assert (await board.notices(board.anna))[0]["vacancyTitle"] == "Cook"


async def test_notices_wait_until_it_is_known_who_there_is(empty: Board) -> None:
    """An event that is news arrives before those who are to read it."""
    board = empty
    async with board.service.engine.begin() as connection:
        await connection.exec_driver_sql("update beginning set complete_at = null")
    people = board.people()
    past = board.sent(board.written("applicant"), at=LONG_AGO)
    await board.consume(past, board.submitted(), board.matched())
    assert await board.notices(board.anna) == []

    async def waiting() -> list[tuple[str, int]]:
        found = await board.rows("select subscription, attempts from messaging.open_message")
        return sorted((name, attempts) for name, attempts in found)

    names = ["notifications.matches", "notifications.submitted"]
    assert await waiting() == [(name, 0) for name in names], "no attempt is spent"
    await board.consume(*people)
    for end in (
        AuthStated(subscriber="notifications", types=[]),
        VacanciesStated(subscriber="another", types=[]),
        VacanciesStated(subscriber="notifications", types=[]),
        ProfilesStated(subscriber="another", types=[]),
    ):
        await board.consume(end)
        assert await board.rows("select complete_at from beginning") == [(None,)]
    await board.consume(ProfilesStated(subscriber="notifications", types=[]))
    transactions = board.service.messaging.transactions
    async with transactions() as tx:
        await tx.exec_driver_sql("update messaging.open_message set next_attempt_at = now()")
    while await board.service.messaging.retries.step():
        pass
    assert await waiting() == []
    assert await board.kinds(board.dan) == [
        ("application_received", None),
        ("recommended_candidate", None),
    ]


async def test_what_the_logs_no_longer_have_is_stated(empty: Board) -> None:
    board = empty
    application = ApplicationStated(
        **board.ids,
        origin="response",
        submitted_at=now(),
        stage="consider",
        applicant_state="in_progress",
    )
    await board.consume(
        *(
            UserStated(
                user_id=who,
                email=f"{who}@example.org",
                blocked_at=at,
                verified_at=at,
                language="ru",
                time_zone="Asia/Omsk",
            )
            for who, at in ((board.carla, None), (board.dan, now()), (board.anna, None))
        ),
        *(
            EmployerStated(user_id=who, company_id=board.company, company_name="Acme")
            for who in (board.carla, board.dan)
        ),
        VacancyStated(
            vacancy_id=board.vacancy,
            company_id=board.company,
            version=3,
            title="Cook",
            status="published",
        ),
        ResumeStated(
            user_id=board.anna,
            resume_id=board.resume,
            version=4,
            title="Chef",
            status="hidden",
            visibility="recommended",
        ),
        application,
    )
    assert await board.notices(board.anna) == [], "it is no news"
    stored = "select language, time_zone, is_verified from person order by is_verified"
    assert await board.rows(stored) == [("ru", "Asia/Omsk", one) for one in (False, False, True)]
    await board.consume(board.resumed(3, "An older one"))  # of the log, consumed later
    ids = {"vacancy_id": board.vacancy, "company_id": board.company}
    await board.consume(VacancyPublished(**ids, version=2, title="An older one"))
    await board.consume(board.written("applicant"))
    await board.consume(board.moved("consider", "assessment", "in_progress"))
    await board.consume(board.moved("assessment", "discard_by_employer", "declined"))
    [to_carla] = await board.notices(board.carla)
    names = ("kind", "vacancyTitle", "companyName", "resumeTitle")
    assert [to_carla[one] for one in names] == ["message", "Cook", "Acme", "Chef"]
    assert await board.rows("select count(*) from notice where user_id = $1", board.dan) == [(0,)]
    assert await board.kinds(board.anna) == [("application_moved", "declined")]
    emails = await board.rows("select count(*) from person where email like '%@example.org'")
    assert emails == [(3,)]
    gone = ApplicationAnonymised(
        application_id=board.application, resume_id=board.resume, user_id=board.anna
    )
    await board.consume(gone, application)
    assert await board.rows("select user_id, resume_id from application") == [(None, None)]


async def test_an_event_makes_one_notice_for_each(board: Board) -> None:
    """Repeated, in two processes at once, and with an inbox that has forgotten it."""
    received = board.sent(board.submitted())
    consumer = board.service.messaging.consumer
    await asyncio.gather(*(consume(consumer, received) for _ in range(2)))
    async with board.service.engine.begin() as connection:
        await connection.exec_driver_sql("delete from messaging.inbox")
    await consume(consumer, received)
    assert await board.kinds(board.carla) == [("application_received", None)]
    assert len(await recorded(board.service.engine, "notice.created")) == 2


async def test_a_repeat_that_an_operator_asks_for_makes_no_notice_again(board: Board) -> None:
    """`events replay --again`: the same events, with other ids and without numbers."""
    events = [board.submitted(), board.moved(None, "response", "sent"), board.written("applicant")]
    events += [board.written("employer"), board.moved("response", "consider", "in_progress")]
    sent = [board.sent(one) for one in [*events, board.matched()]]
    await board.consume(*sent)
    [mine] = [one for one in await board.notices(board.anna) if one["kind"] == "message"]
    await board.call(board.anna, "PUT", f"/{mine['id']}/read", expect=204)
    before = [await board.notices(one) for one in (board.carla, board.anna)]
    for _ in range(2):
        again = []
        for one in sent:
            headers = {**one.headers, "id": str(uuid4()), "replayof": one.headers["id"]}
            headers.pop("sequence")
            again.append(replace(one, headers=headers, message_id=headers["id"]))
        await board.consume(*again)
    assert [await board.notices(one) for one in (board.carla, board.anna)] == before
    assert await board.rows("select stage from application") == [("consider",)]


async def test_nobody_is_notified_of_their_own_act_or_while_blocked(board: Board) -> None:
    company = EmployerProfileCreated(user_id=board.anna, company_id=board.company, phone=None)
    blocked = UserBlocked(user_id=board.dan, blocked=True, at=now())
    stranger = UserBlocked(user_id=uuid4(), blocked=True, at=now())  # not registered here yet
    await board.consume(company, blocked, stranger)
    await board.consume(board.submitted(), board.matched())
    assert await board.kinds(board.anna) == [("recommended_vacancy", None)]
    assert len(await board.notices(board.carla)) == 2
    assert await board.rows("select count(*) from notice where user_id = $1", board.dan) == [(0,)]
    await board.consume(UserBlocked(user_id=board.dan, blocked=False, at=now()))
    await board.consume(board.written("applicant"))
    assert await board.rows("select kind from notice where user_id = $1", board.dan) == [
        ("message",)
    ]


async def test_facts_before_their_people_and_late_ones(empty: Board) -> None:
    board = empty
    await board.consume(board.moved(None, "response", "invited"))
    await board.consume(UserEmailChanged(user_id=board.anna, email="b@example.org", at=now()))
    await board.consume(*board.people())
    assert await board.kinds(board.anna) == [("invitation", None)]
    assert await board.rows("select email from person where user_id = $1", board.anna) == [
        ("b@example.org",)
    ]
    ids = {"vacancy_id": board.vacancy, "company_id": board.company}
    await board.consume(VacancyPaused(**ids, version=5))
    await board.consume(VacancyUpdated(**ids, version=4, title="Head cook"))
    await board.consume(VacancyPublished(**ids, version=3, title="Cook"))
    assert await board.rows("select version, status, title from vacancy") == [
        (5, "paused", "Head cook")
    ]
    await board.consume(board.resumed(3, "Baker"), board.resumed(2, "Butcher"))
    assert await board.rows("select title from resume") == [("Baker",)]
    gone = ResumeUpdated(user_id=board.anna, resume_id=board.resume, action="deleted", version=4)
    await board.consume(board.submitted("invitation"), gone)
    await board.consume(board.resumed(5, "Back"))
    assert await board.rows("select title, is_deleted from resume") == [(None, True)]
    assert (await board.notices(board.carla))[0]["resumeTitle"] is None


async def test_a_step_that_arrives_after_a_later_one(board: Board) -> None:
    await board.consume(board.submitted(), board.moved(None, "response", "sent"))
    early = board.sent(board.moved("response", "interview", "invited"))
    await board.consume(board.moved("interview", "discard_by_employer", "declined"))
    await board.consume(early)
    assert await board.kinds(board.anna) == [("application_moved", "declined")]
    assert await board.rows("select stage from application") == [("discard_by_employer",)]


async def test_an_anonymised_application_belongs_to_nobody(board: Board) -> None:
    await board.consume(board.submitted(), board.moved(None, "response", "sent"))
    await board.consume(board.moved("response", "discard_by_employer", "declined"))
    late = board.sent(board.written("employer"))
    await board.consume(
        ApplicationAnonymised(
            application_id=board.application, resume_id=board.resume, user_id=board.anna
        )
    )
    await board.consume(late)
    assert await board.notices(board.anna) == []
    [left] = await board.notices(board.carla)
    assert (left["resumeId"], left["resumeTitle"]) == (None, None)
    assert await board.rows("select user_id, resume_id from application") == [(None, None)]
