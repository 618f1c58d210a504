"""The stages, the conversation, and external events that end an application."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from hirewire.contracts.vacancies import VacancyClosed
from hirewire.messaging.testing import consume, delivery, recorded
from hirewire.vacancies.applications import commands, ending
from hirewire.vacancies.posting import commands as posting
from hirewire.vacancies.tables import application, application_move
from tests.builders import blocked
from tests.vacancies.applications.conftest import Board


async def test_an_application_can_go_through_all_stages_to_hired(board: Board) -> None:
    id = (await board.apply())["id"]
    for stage in ("consider", "interview", "phone_interview", "offer", "hired"):
        moved = await board.move(id, stage)
        assert moved["stage"] == stage
    assert (moved["allowedStages"], moved["allowedActions"]) == ([], [])
    assert (moved["open"], moved["contactsOpen"]) == (False, True)
    assert [(line["fromStage"], line["toStage"]) for line in moved["history"]] == [
        (None, "response"),
        ("response", "consider"),
        ("consider", "interview"),
        ("interview", "phone_interview"),
        ("phone_interview", "offer"),
        ("offer", "hired"),
    ]
    assert [line["userId"] for line in moved["history"]] == [None] + [str(board.boss.id)] * 5
    assert await board.steps() == [
        (None, "response", "sent"),
        ("response", "consider", "in_progress"),
        ("consider", "interview", "invited"),
        ("interview", "phone_interview", "invited"),
        ("phone_interview", "offer", "offer"),
        ("offer", "hired", "hired"),
    ]
    for stage in ("response", "hired", "discard_by_employer"):
        answer = await board.move(id, stage, expect=409)
        assert (answer["type"].split(":")[-1], answer["allowed"]) == ("move-not-allowed", [])
    await board.vera.call("POST", f"/applications/{id}/withdraw", expect=409)


async def test_actions_an_employer_cannot_take(board: Board) -> None:
    id = (await board.apply())["id"]
    for stage in ("response", "hired", "discard_by_applicant", "discard_vacancy_closed"):
        answer = await board.move(id, stage, expect=409)
        assert answer["allowed"] == [
            "consider",
            "phone_interview",
            "assessment",
            "interview",
            "offer",
            "discard_by_employer",
        ]
    assert len(await board.published()) == 1


async def test_the_applicant_sees_no_stage_and_no_private_word(board: Board) -> None:
    id = (await board.apply())["id"]
    await board.move(id, "consider", comment="looks weak")
    before = await board.vera.call("GET", f"/applications/{id}")
    await board.move(id, "assessment", comment="try a test")
    silent = await board.vera.call("GET", f"/applications/{id}")
    assert silent == before
    await board.move(id, "interview", comment="Come on Monday", commentShared=True)
    seen = await board.vera.call("GET", f"/applications/{id}")
    assert seen["applicantState"] == "invited"
    assert [(line["applicantState"], line["comment"]) for line in seen["history"]] == [
        ("sent", None),
        ("in_progress", None),
        ("invited", "Come on Monday"),
    ]
    for secret in ("weak", "a test", "assessment", "interview", "consider", str(board.boss.id)):
        assert secret not in str(seen)
    listed = await board.vera.call("GET", "/applications")
    assert listed["items"] == [seen]
    own = await board.boss.call("GET", f"/applications/{id}")
    assert [line["comment"] for line in own["history"]][1:] == [
        "looks weak",
        "try a test",
        "Come on Monday",
    ]


async def test_a_rejection_needs_a_reason(board: Board) -> None:
    id = (await board.apply())["id"]
    moved = await board.move(id, "discard_by_employer", reason="salary", comment="too dear")
    assert moved["reason"] == "salary"
    seen = await board.vera.call("GET", f"/applications/{id}")
    assert (seen["applicantState"], seen["reason"]) == ("declined", "salary")
    assert seen["history"][-1]["reason"] == "salary"
    assert seen["history"][-1]["comment"] is None
    assert (await board.published())[-1]["reason"] == "salary"


async def test_withdrawing(board: Board) -> None:
    id = (await board.apply())["id"]
    await board.move(id, "offer")
    seen = await board.vera.call("POST", f"/applications/{id}/withdraw", {"comment": "Moving away"})
    assert (seen["applicantState"], seen["allowedActions"]) == ("withdrawn", [])
    received = await board.boss.call("GET", f"/applications/{id}")
    assert received["stage"] == "discard_by_applicant"
    assert received["history"][-1]["comment"] == "Moving away"
    assert received["history"][-1]["userId"] is None
    await board.move(id, "consider", expect=409)
    assert (await board.steps())[-1] == ("offer", "discard_by_applicant", "withdrawn")


async def test_invalid_moves_are_refused(board: Board) -> None:
    path = f"/applications/{(await board.apply())['id']}/stage"
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"stage": "gone"}, "#/stage"),
        ({}, "#/stage"),
        ({"stage": "consider", "reason": "salary"}, "#/reason"),
        ({"stage": "discard_by_employer", "reason": "age"}, "#/reason"),
        ({"stage": "consider", "comment": ""}, "#/comment"),
        ({"stage": "consider", "comment": "x" * 2001}, "#/comment"),
        ({"stage": "consider", "commentShared": "yes"}, "#/commentShared"),
    ]
    for body, pointer in wrong:
        answer = await board.boss.call("POST", path, body, expect=422)
        assert [error["pointer"] for error in answer["errors"]] == [pointer]


async def test_concurrent_moves_are_atomic(board: Board) -> None:
    """Withdrawing and hiring exclude each other, whichever is first."""
    id = (await board.apply())["id"]
    await board.move(id, "offer")
    client, service = board.boss.service.client, board.boss.service
    path = f"/api/vacancies/applications/{id}"
    answers = await asyncio.gather(
        client.post(f"{path}/withdraw", headers=service.as_user(board.vera.id)),
        client.post(
            f"{path}/stage", json={"stage": "hired"}, headers=service.as_user(board.boss.id)
        ),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    steps = await board.steps()
    assert len(steps) == 3
    assert all(before[1] == after[0] for before, after in zip(steps, steps[1:], strict=False))


async def test_the_two_sides_write_to_each_other(board: Board) -> None:
    id = (await board.apply())["id"]
    path = f"/applications/{id}/messages"
    written = await board.boss.call("POST", path, {"text": " Hello "}, expect=201)
    assert (written["text"], written["side"], written["mine"]) == ("Hello", "employer", True)
    for text in ("Hi", "When?"):
        await board.vera.call("POST", path, {"text": text}, expect=201)
    first = await board.boss.call("GET", f"{path}?limit=2")
    rest = await board.boss.call("GET", f"{path}?limit=2&after={first['next']}")
    assert [(m["text"], m["mine"]) for m in first["items"] + rest["items"]] == [
        ("When?", False),
        ("Hi", False),
        ("Hello", True),
    ]
    assert rest["next"] is None
    assert str(board.vera.id) not in str(first)


async def test_messages_of_each_side_are_limited_per_day(board: Board) -> None:
    app = board.boss.service.app
    app.state.settings = app.state.settings.model_copy(update={"messages_per_day": 2})
    path = f"/applications/{(await board.apply())['id']}/messages"
    for _ in range(2):
        await board.boss.call("POST", path, {"text": "Hi"}, expect=201)
    answer = await board.boss.call("POST", path, {"text": "Hi"}, expect=429)
    assert answer["type"].endswith("too-many-messages")
    await board.vera.call("POST", path, {"text": "The other side may still answer"}, expect=201)
    other = f"/applications/{(await board.invite(resumeId=str((await board.somebody())[1])))['id']}"
    await board.boss.call("POST", f"{other}/messages", {"text": "Hi"}, expect=201)
    async with board.boss.service.engine.begin() as tx:
        await tx.exec_driver_sql(
            "update application_message set sent_at = now() - interval '1 day'"
        )
    await board.boss.call("POST", path, {"text": "Hi"}, expect=201)


async def test_a_message_repeated_is_one(board: Board) -> None:
    path = f"/applications/{(await board.apply())['id']}/messages"
    for _ in range(2):
        await board.vera.call("POST", path, {"text": "Hi"}, expect=201, **{"Idempotency-Key": "m"})
    assert len((await board.vera.call("GET", path))["items"]) == 1


async def test_invalid_messages_are_refused(board: Board) -> None:
    path = f"/applications/{(await board.apply())['id']}/messages"
    for text in ("", "  ", "x" * 5001, "a\x00", 7, None):
        await board.vera.call("POST", path, {"text": text}, expect=422)
    await board.vera.call("GET", f"{path}?after=WyJhIl0", expect=422)


async def test_a_closed_conversation_is_read_only(board: Board) -> None:
    id = (await board.apply())["id"]
    path = f"/applications/{id}/messages"
    await board.vera.call("POST", path, {"text": "Hi"}, expect=201)
    await board.move(id, "discard_by_employer")
    for person in (board.boss, board.vera):
        answer = await person.call("POST", path, {"text": "But"}, expect=409)
        assert answer["type"].endswith("move-not-allowed")
        assert len((await person.call("GET", path))["items"]) == 1


async def test_closing_a_vacancy_answers_everybody(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ending, "CHUNK", 2)
    mine = (await board.apply())["id"]
    await board.move(mine, "interview")
    path = f"/vacancies/{board.vacancy}/applications"
    for _ in range(3):
        person, resume = await board.somebody()
        last = await person.call("POST", path, {"resumeId": str(resume)}, expect=201)
    await board.move(last["id"], "discard_by_employer")
    kept, board.vacancy = board.vacancy, await board.open_vacancy()
    elsewhere = (await board.apply())["id"]
    board.vacancy = kept
    count = len(await board.published())
    await board.close("cancelled")
    events = (await board.published())[count:]
    assert len(events) == 3
    assert {(e["stage"], e["applicantState"], e["reason"]) for e in events} == {
        ("discard_vacancy_closed", "closed", "cancelled")
    }
    assert sorted(e["previousStage"] for e in events) == ["interview", "response", "response"]
    seen = await board.vera.call("GET", f"/applications/{mine}")
    assert (seen["applicantState"], seen["reason"]) == ("closed", "cancelled")
    assert (seen["history"][-1]["side"], seen["history"][-1]["userId"]) == ("system", None)
    assert (await board.vera.call("GET", f"/applications/{elsewhere}"))["open"] is True
    cause = (await recorded(board.boss.service.engine, "vacancy.closed"))[0].id
    rows = (await recorded(board.boss.service.engine, "application.stage_changed"))[count:]
    assert {row.headers.get("causationid") for row in rows} == {str(cause)}


async def test_consuming_it_again_changes_nothing(board: Board) -> None:
    await board.apply()
    await board.close()
    events = await board.published()
    assert events[-1]["stage"] == "discard_vacancy_closed"
    await board.consume_own("vacancy.closed")
    [row] = await recorded(board.boss.service.engine, "vacancy.closed")
    assert isinstance(row.event, VacancyClosed)
    await consume(board.boss.service.messaging.consumer, delivery(row.event, sequence=9))
    assert await board.published() == events


async def test_an_invitation_cannot_be_accepted_once_the_vacancy_is_closed(board: Board) -> None:
    """Even before the service has consumed the event."""
    id = (await board.invite())["id"]
    await board.boss.call("POST", f"/vacancies/{board.vacancy}/pause")
    await board.boss.call("POST", f"/vacancies/{board.vacancy}/close")
    answer = await board.vera.call("POST", f"/applications/{id}/accept", expect=409)
    assert answer["type"].endswith("vacancy-not-open")
    await board.consume_own("vacancy.closed")
    assert (await board.vera.call("GET", f"/applications/{id}"))["applicantState"] == "closed"


async def test_an_application_before_the_closing_is_answered(board: Board) -> None:
    """Closing waits for an application in progress: none is entered unnoticed."""
    service = board.boss.service
    async with service.messaging.transactions() as tx:
        await commands.submit(tx, board.vera.id, UUID(board.vacancy), board.resume, None)
        closing = asyncio.create_task(
            board.boss.call("POST", f"/vacancies/{board.vacancy}/close", None)
        )
        await blocked(service.engine, closing)
    await closing
    await board.consume_own("vacancy.closed")
    [one] = (await board.vera.call("GET", "/applications"))["items"]
    assert one["applicantState"] == "closed"


async def test_an_application_during_the_closing_is_refused_or_closed(board: Board) -> None:
    """The event may be consumed before a late application is entered: nothing would close it."""
    company = UUID((await board.boss.call("GET", f"/vacancies/{board.vacancy}"))["companyId"])
    async with board.boss.service.messaging.transactions() as tx:
        await posting.move(tx, company, UUID(board.vacancy), "close", reason="filled")
        applying = asyncio.create_task(board.apply(expect=409))
        await blocked(board.boss.service.engine, applying)
    assert (await applying)["type"].endswith("vacancy-not-open")


async def test_many_apply_while_it_is_closed_and_none_stays_open(board: Board) -> None:
    await board.apply()
    people = [await board.somebody() for _ in range(4)]
    service = board.boss.service
    path = f"/api/vacancies/vacancies/{board.vacancy}"
    posts = [
        service.client.post(
            f"{path}/applications",
            json={"resumeId": str(resume)},
            headers=service.as_user(person.id),
        )
        for person, resume in people
    ]
    closing = service.client.post(f"{path}/close", headers=service.as_user(board.boss.id))
    answers = await asyncio.gather(*posts[:2], closing, *posts[2:])
    assert {answer.status_code for answer in answers} <= {200, 201, 409}
    await board.consume_own("vacancy.closed")
    async with service.engine.connect() as connection:
        stages = [row.stage for row in await connection.execute(select(application.c.stage))]
    applied = [answer for answer in answers if answer.status_code == 201]
    assert stages == ["discard_vacancy_closed"] * (1 + len(applied))


async def test_deleting_a_resume_withdraws_its_applications(board: Board) -> None:
    id = (await board.apply())["id"]
    before = board.vacancy
    board.vacancy = await board.open_vacancy()
    declined = (await board.invite())["id"]
    await board.vera.call("POST", f"/applications/{declined}/withdraw")
    other, resume = await board.somebody()
    kept = await other.call(
        "POST", f"/vacancies/{before}/applications", {"resumeId": str(resume)}, expect=201
    )
    count = len(await board.published())
    await board.say(board.vera, board.resume, 2)
    assert len(await board.published()) == count
    for version in (9, 9, 10):
        await board.delete(board.vera, board.resume, version)
    [event] = (await board.published())[count:]
    assert (event["applicationId"], event["stage"]) == (id, "discard_by_applicant")
    assert event["reason"] == "resume_deleted"
    seen = await board.vera.call("GET", f"/applications/{id}")
    assert (seen["applicantState"], seen["history"][-1]["side"]) == ("withdrawn", "system")
    assert seen["resume"] is None
    assert (await board.boss.call("GET", f"/applications/{id}"))["resume"] is None
    assert (await other.call("GET", f"/applications/{kept['id']}"))["open"] is True


async def test_an_application_before_the_resume_is_deleted_is_withdrawn(board: Board) -> None:
    """Consuming the deletion waits for an application in progress."""
    async with board.boss.service.messaging.transactions() as tx:
        await commands.submit(tx, board.vera.id, UUID(board.vacancy), board.resume, None)
        deleting = asyncio.create_task(board.delete(board.vera, board.resume))
        await blocked(board.boss.service.engine, deleting)
    await deleting
    [one] = (await board.vera.call("GET", "/applications"))["items"]
    assert one["applicantState"] == "withdrawn"


async def test_the_latest_part_of_a_long_history_is_shown(board: Board) -> None:
    id = (await board.apply())["id"]
    await board.move(id, "consider")
    async with board.boss.service.engine.begin() as connection:
        [line] = (
            await connection.execute(
                select(application_move).where(application_move.c.to_stage == "consider")
            )
        ).mappings()
        again = {name: value for name, value in line.items() if name != "position"}
        await connection.execute(application_move.insert(), [again] * 150)
    assert len((await board.boss.call("GET", f"/applications/{id}"))["history"]) == 100
    seen = await board.vera.call("GET", f"/applications/{id}")
    assert [one["applicantState"] for one in seen["history"]] == ["in_progress"]


async def test_applications_are_counted_by_vacancy_and_stage(board: Board) -> None:
    made = await board.apply()
    for _ in range(2):
        person, resume = await board.somebody()
        body = {"resumeId": str(resume)}
        path = f"/vacancies/{board.vacancy}/applications"
        await person.call("POST", path, body, expect=201)
    other = await board.open_vacancy()
    await board.vera.call(
        "POST", f"/vacancies/{other}/applications", {"resumeId": str(board.resume)}, expect=201
    )
    await board.move(made["id"], "interview")

    counted = (await board.boss.call("GET", "/applications/counts"))["items"]
    assert {(one["vacancyId"], one["stage"]): one["count"] for one in counted} == {
        (board.vacancy, "response"): 2,
        (board.vacancy, "interview"): 1,
        (other, "response"): 1,
    }
    of_one = (await board.boss.call("GET", f"/applications/counts?vacancy={other}"))["items"]
    assert of_one == [{"vacancyId": other, "stage": "response", "count": 1, "unread": 1}]

    query = f"/applications?role=employer&resume={board.resume}"
    hers = (await board.boss.call("GET", query))["items"]
    assert {one["vacancyId"] for one in hers} == {board.vacancy, other}
    assert {one["resumeId"] for one in hers} == {str(board.resume)}
