"""Applications and invitations, and what each side sees of them."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from hirewire.contracts.profiles import ResumeUpdated, SnapshotSkill
from hirewire.messaging.testing import consume, recorded
from tests.vacancies.applications.conftest import Board
from tests.vacancies.conftest import Person


async def test_an_applicant_sees_the_state_of_the_application(board: Board) -> None:
    made = await board.apply(letter="  I like Go.  ")
    assert made["side"] == "applicant"
    assert made["letter"] == "I like Go."
    assert (made["vacancyTitle"], made["companyName"]) == ("Backend developer", "Acme")
    assert made["resume"] == {"title": "Developer", "area": "Omsk", "skills": ["Go"]}
    assert (made["stage"], made["applicantState"], made["open"]) == (None, "sent", True)
    assert (made["contactsOpen"], made["origin"]) == (True, "response")
    assert (made["allowedActions"], made["allowedStages"]) == (["withdraw", "message"], [])
    [line] = made["history"]
    assert (line["side"], line["applicantState"], line["userId"]) == (
        "applicant",
        "sent",
        str(board.vera.id),
    )
    assert await board.vera.call("GET", f"/applications/{made['id']}") == made


async def test_applying_is_two_events(board: Board) -> None:
    made = await board.apply()
    ids = {
        "applicationId": made["id"],
        "vacancyId": board.vacancy,
        "companyId": made["companyId"],
        "resumeId": str(board.resume),
        "userId": str(board.vera.id),
    }
    rows = [
        row
        for row in await recorded(board.boss.service.engine)
        if row.type.startswith("application.")
    ]
    assert [row.type for row in rows] == ["application.submitted", "application.stage_changed"]
    assert {row.key for row in rows} == {made["id"]}
    assert rows[0].body == ids | {"origin": "response", "submittedAt": made["createdAt"]}
    assert rows[1].body == ids | {
        "previousStage": None,
        "stage": "response",
        "applicantState": "sent",
        "reason": None,
    }


async def test_the_employers_first_look_is_seen(board: Board) -> None:
    id = (await board.apply())["id"]
    await board.vera.call("GET", f"/applications/{id}")
    [listed] = (await board.boss.call("GET", "/applications?role=employer"))["items"]
    assert listed["applicantState"] == "sent"
    first = await board.boss.call("GET", f"/applications/{id}")
    assert (first["side"], first["stage"], first["applicantState"]) == (
        "employer",
        "response",
        "viewed",
    )
    assert "discard_by_employer" in first["allowedStages"]
    assert first["allowedActions"] == ["move", "discard", "message"]
    again = await board.boss.call("GET", f"/applications/{id}")
    assert again["viewedAt"] == first["viewedAt"]
    seen = await board.vera.call("GET", f"/applications/{id}")
    assert (seen["applicantState"], seen["viewedAt"]) == ("viewed", first["viewedAt"])


async def test_an_employer_sees_nothing_of_the_person(board: Board) -> None:
    id = (await board.apply())["id"]
    text = str(await board.boss.call("GET", f"/applications/{id}"))
    assert str(board.vera.id) not in text


async def test_an_application_is_hidden_from_others(board: Board) -> None:
    id = (await board.apply())["id"]
    outsider, _ = await board.somebody()
    rival = Person(board.boss.service, uuid4())
    await rival.hire("Rival")
    for person in (outsider, rival):
        for method, path, body in (
            ("GET", "", None),
            ("POST", "/stage", {"stage": "consider"}),
            ("POST", "/accept", None),
            ("POST", "/withdraw", None),
            ("GET", "/messages", None),
            ("POST", "/messages", {"text": "Hi"}),
        ):
            await person.call(method, f"/applications/{id}{path}", body, expect=404)
        assert (await person.call("GET", "/applications"))["items"] == []
    assert (await rival.call("GET", "/applications?role=employer"))["items"] == []
    await outsider.call("GET", "/applications?role=employer", expect=403)
    await outsider.call("GET", f"/applications/{uuid4()}", expect=404)
    anonymous = await board.boss.service.client.get(f"/api/vacancies/applications/{id}")
    assert anonymous.status_code == 401


async def test_each_side_does_only_its_own(board: Board) -> None:
    id = (await board.apply())["id"]
    answer = await board.vera.call(
        "POST", f"/applications/{id}/stage", {"stage": "consider"}, expect=403
    )
    assert answer["type"].endswith("other-side")
    for action in ("accept", "withdraw"):
        await board.boss.call("POST", f"/applications/{id}/{action}", expect=403)


async def test_only_an_open_vacancy_takes_applications(board: Board) -> None:
    draft = await board.boss.vacancy()
    body = {"resumeId": str(board.resume)}
    for id in (draft, str(uuid4())):
        await board.vera.call("POST", f"/vacancies/{id}/applications", body, expect=404)
    for action in ("pause", "close", "archive"):
        await board.boss.call("POST", f"/vacancies/{board.vacancy}/{action}")
        answer = await board.apply(expect=409)
        assert answer["type"].endswith("vacancy-not-open")
        assert (await board.invite(expect=409))["type"].endswith("vacancy-not-open")
    assert await board.published() == []


async def test_the_last_day_of_a_vacancy_counts(board: Board) -> None:
    async with board.boss.service.engine.begin() as connection:
        await connection.exec_driver_sql("update vacancy set valid_through = '2026-01-01'")
    assert (await board.apply(expect=409))["type"].endswith("vacancy-not-open")


async def test_a_required_cover_letter_must_be_given(board: Board) -> None:
    board.vacancy = await board.open_vacancy(responseLetterRequired=True)
    for more in ({}, {"letter": None}):
        answer = await board.apply(expect=422, **more)
        assert answer["errors"][0]["pointer"] == "#/letter"
    assert (await board.apply(expect=422, letter="  "))["errors"][0]["pointer"] == "#/letter"
    assert (await board.apply(letter="Dear all"))["letter"] == "Dear all"


async def test_with_ones_own_resume_only(board: Board) -> None:
    _, other = await board.somebody()
    for resume in (other, uuid4()):
        await board.apply(expect=404, resumeId=str(resume))


@pytest.mark.parametrize("visibility", ["recommended", "no_one"])
async def test_not_with_a_deleted_resume(board: Board, visibility: str) -> None:
    """A resume that was hidden before keeps this state when it is deleted."""
    await board.say(board.vera, board.resume, 2, visibility=visibility)
    await board.delete(board.vera, board.resume)
    await board.apply(expect=404)
    await board.invite(expect=404)


async def test_a_hidden_resume_may_apply_but_not_be_invited(board: Board) -> None:
    await board.say(board.vera, board.resume, 2, visibility="no_one")
    await board.invite(expect=404)
    id = (await board.apply())["id"]
    assert (await board.boss.call("GET", f"/applications/{id}"))["resumeTitle"] == "Developer"
    await board.vera.call("POST", f"/applications/{id}/withdraw")
    own = await board.vera.call("GET", f"/applications/{id}")
    assert own["resumeTitle"] == "Developer"


@pytest.mark.parametrize("end", ["withdraw", "discard"])
async def test_an_ended_application_keeps_the_resume_as_it_was(board: Board, end: str) -> None:
    id = (await board.apply())["id"]
    path = f"/applications/{id}"
    await board.say(board.vera, board.resume, 2, title="Lead", visibility="no_one")
    assert (await board.boss.call("GET", path))["resumeTitle"] == "Lead", "while it is open"
    if end == "withdraw":
        await board.vera.call("POST", f"{path}/withdraw")
    else:
        await board.move(id, "discard_by_employer")
    await board.say(board.vera, board.resume, 3, title="Secret", area="Perm")
    kept = {"title": "Developer", "area": "Omsk", "skills": ["Go"]}
    assert (await board.boss.call("GET", path))["resume"] == kept
    [listed] = (await board.boss.call("GET", "/applications?role=employer"))["items"]
    assert listed["resume"] == kept
    assert (await board.vera.call("GET", path))["resumeTitle"] == "Secret"
    again = (await board.apply())["id"]
    assert (await board.boss.call("GET", f"/applications/{again}"))["resumeTitle"] == "Secret"
    await board.delete(board.vera, board.resume)
    assert (await board.boss.call("GET", path))["resume"] is None
    async with board.boss.service.engine.connect() as connection:
        rows = await connection.exec_driver_sql("select kept_resume from application")
        assert [row.kept_resume for row in rows] == [None, None]


async def test_an_invitation_shows_what_its_company_may_see_now(board: Board) -> None:
    made = await board.invite()
    path = f"/applications/{made['id']}"
    assert (await board.boss.call("GET", path))["resumeTitle"] == "Developer"
    await board.say(board.vera, board.resume, 2, hidden_from=[made["companyId"]])
    assert (await board.boss.call("GET", path))["resume"] is None
    await board.vera.call("POST", f"{path}/withdraw")
    assert (await board.boss.call("GET", path))["resume"] is None, "nothing was ever opened"


async def test_a_draft_is_neither_invited_nor_applied_with(board: Board) -> None:
    draft = uuid4()
    await board.say(board.vera, draft, 1, status="draft", title=None)
    answer = await board.apply(expect=409, resumeId=str(draft))
    assert answer["type"].endswith("resume-is-draft")
    assert answer["missing"] == ["title", "skills"]
    assert [one["pointer"] for one in answer["errors"]] == ["#/resumeId"] * 2
    await board.invite(expect=404, resumeId=str(draft))
    await board.say(board.vera, draft, 2, status="draft", skills=[SnapshotSkill(name="Go")])
    assert (await board.apply(expect=409, resumeId=str(draft)))["missing"] == []
    await board.say(board.vera, draft, 3, skills=[SnapshotSkill(name="Go")])
    await board.apply(resumeId=str(draft))


async def test_invitations_of_a_company_are_limited_per_day(board: Board) -> None:
    app = board.boss.service.app
    app.state.settings = app.state.settings.model_copy(update={"invitations_per_day": 2})
    others = [await board.somebody() for _ in range(4)]
    path = f"/api/vacancies/vacancies/{board.vacancy}/invitations"
    client, headers = board.boss.service.client, board.boss.service.as_user(board.boss.id)
    answers = await asyncio.gather(
        *(client.post(path, json={"resumeId": str(id)}, headers=headers) for _, id in others)
    )
    assert sorted(answer.status_code for answer in answers) == [201, 201, 429, 429]
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["type"].endswith("too-many-invitations")
    assert 86_000 < int(refused.headers["retry-after"]) <= 86_400
    async with board.boss.service.engine.begin() as tx:
        await tx.exec_driver_sql("update application set created_at = now() - interval '1 day'")
    await board.invite()
    await board.apply(expect=409)


async def test_a_resume_of_an_outsider_has_no_title(board: Board) -> None:
    resume = uuid4()
    bare = ResumeUpdated(user_id=board.vera.id, resume_id=resume, action="created")
    await consume(board.vera.service.messaging.consumer, bare)
    made = await board.apply(resumeId=str(resume))
    assert (made["resume"], made["resumeTitle"]) == (None, None)


async def test_nobody_applies_to_themselves(board: Board) -> None:
    own = uuid4()
    await board.say(board.boss, own, 1)
    body = {"resumeId": str(own)}
    for path in ("applications", "invitations"):
        answer = await board.boss.call(
            "POST", f"/vacancies/{board.vacancy}/{path}", body, expect=409
        )
        assert answer["type"].endswith("own-vacancy")


async def test_one_open_application_a_resume_and_vacancy(board: Board) -> None:
    id = (await board.apply())["id"]
    for answer in (await board.apply(expect=409), await board.invite(expect=409)):
        assert answer["type"].endswith("already-applied")
        assert answer["applicationId"] == id
    second = uuid4()
    await board.say(board.vera, second, 1)
    await board.apply(resumeId=str(second))
    await board.vera.call("POST", f"/applications/{id}/withdraw")
    again = await board.apply()
    assert again["id"] != id
    assert len(await board.published("application.submitted")) == 3


async def test_two_concurrent_applications_are_one(board: Board) -> None:
    path = f"/api/vacancies/vacancies/{board.vacancy}/applications"
    client, headers = board.vera.service.client, board.vera.service.as_user(board.vera.id)
    body = {"resumeId": str(board.resume)}
    answers = await asyncio.gather(
        *(client.post(path, json=body, headers=headers) for _ in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    [made] = [answer.json()["id"] for answer in answers if answer.status_code == 201]
    ids = {answer.json()["applicationId"] for answer in answers if answer.status_code == 409}
    assert ids == {made}
    assert len(await board.published("application.submitted")) == 1


async def test_a_repeated_request_is_the_same_application(board: Board) -> None:
    path, body = f"/vacancies/{board.vacancy}/applications", {"resumeId": str(board.resume)}
    key = {"Idempotency-Key": "k1"}
    first = await board.vera.call("POST", path, body, expect=201, **key)
    assert await board.vera.call("POST", path, body, expect=201, **key) == first
    assert len(await board.published()) == 1


async def test_an_invitation_is_accepted(board: Board) -> None:
    made = await board.invite(message="Come to us")
    id = made["id"]
    assert (made["side"], made["origin"], made["stage"]) == ("employer", "invitation", "response")
    assert (made["applicantState"], made["contactsOpen"]) == ("invited", False)
    assert made["allowedStages"] == ["discard_by_employer"]
    assert made["allowedActions"] == ["discard", "message"]
    assert await board.published("application.submitted") == []
    seen = await board.vera.call("GET", f"/applications/{id}")
    assert seen["allowedActions"] == ["accept", "withdraw", "message"]
    [message] = (await board.vera.call("GET", f"/applications/{id}/messages"))["items"]
    assert (message["text"], message["side"], message["mine"]) == ("Come to us", "employer", False)
    await board.move(id, "consider", expect=409)
    accepted = await board.vera.call("POST", f"/applications/{id}/accept", {"comment": "Gladly"})
    assert (accepted["applicantState"], accepted["contactsOpen"]) == ("in_progress", True)
    assert accepted["acceptedAt"] is not None
    again = await board.vera.call("POST", f"/applications/{id}/accept", expect=409)
    assert again["allowed"] == ["withdraw", "message"]
    [event] = await board.published("application.submitted")
    assert (event["origin"], event["applicationId"]) == ("invitation", id)
    assert event["submittedAt"] == accepted["acceptedAt"]
    assert await board.steps() == [
        (None, "response", "invited"),
        ("response", "response", "in_progress"),
    ]
    received = await board.boss.call("GET", f"/applications/{id}")
    assert received["history"][-1]["comment"] == "Gladly"
    await board.move(id, "interview")


async def test_an_invitation_is_declined_or_taken_back(board: Board) -> None:
    id = (await board.invite())["id"]
    declined = await board.vera.call("POST", f"/applications/{id}/withdraw", {"comment": "No"})
    assert (declined["applicantState"], declined["open"]) == ("withdrawn", False)
    await board.vera.call("POST", f"/applications/{id}/accept", expect=409)
    second = (await board.invite())["id"]
    await board.move(second, "discard_by_employer")
    assert (await board.vera.call("GET", f"/applications/{second}"))["reason"] == "other"
    assert await board.published("application.submitted") == []


async def test_who_hides_after_an_invitation_is_not_seen(board: Board) -> None:
    id = (await board.invite())["id"]
    await board.say(board.vera, board.resume, 2, visibility="no_one")
    assert (await board.boss.call("GET", f"/applications/{id}"))["resume"] is None
    await board.vera.call("POST", f"/applications/{id}/accept")
    assert (await board.boss.call("GET", f"/applications/{id}"))["resume"] is not None


async def test_only_the_vacancys_employer_invites(board: Board) -> None:
    path, body = f"/vacancies/{board.vacancy}/invitations", {"resumeId": str(board.resume)}
    await board.vera.call("POST", path, body, expect=403)
    rival = Person(board.boss.service, uuid4())
    await rival.hire("Rival")
    await rival.call("POST", path, body, expect=404)
    await board.invite(expect=404, resumeId=str(uuid4()))


async def test_a_company_sees_a_page_at_a_time(board: Board) -> None:
    ids = []
    for _ in range(5):
        person, resume = await board.somebody()
        path = f"/vacancies/{board.vacancy}/applications"
        made = await person.call("POST", path, {"resumeId": str(resume)}, expect=201)
        ids.append(made["id"])
    await board.move(ids[0], "consider")
    other = await board.open_vacancy()
    seen: list[str] = []
    path = "/applications?role=employer&limit=2"
    while path:
        page = await board.boss.call("GET", path)
        seen += [item["id"] for item in page["items"]]
        path = f"/applications?role=employer&limit=2&after={page['next']}" if page["next"] else ""
    assert seen == ids[::-1]

    async def count(query: str) -> int:
        page = await board.boss.call("GET", f"/applications?role=employer&{query}")
        return len(page["items"])

    assert await count("stage=consider") == 1
    assert await count(f"vacancy={board.vacancy}&stage=response") == 4
    assert await count(f"vacancy={other}") == 0


async def test_an_applicant_sees_their_own(board: Board) -> None:
    first = (await board.apply())["id"]
    before, board.vacancy = board.vacancy, await board.open_vacancy()
    second = (await board.apply())["id"]
    page = await board.vera.call("GET", "/applications")
    assert [item["id"] for item in page["items"]] == [second, first]
    assert {item["stage"] for item in page["items"]} == {None}
    page = await board.vera.call("GET", f"/applications?role=applicant&vacancy={before}")
    assert [item["id"] for item in page["items"]] == [first]
    assert (await board.boss.call("GET", "/applications"))["items"] == []


async def test_an_applicant_cannot_ask_for_stages(board: Board) -> None:
    """An empty result would reveal what the employer keeps private."""
    await board.vera.call("GET", "/applications?stage=consider", expect=422)


async def test_invalid_queries_are_refused(board: Board) -> None:
    for query in (
        "role=boss",
        "role=employer&stage=gone",
        "vacancy=1",
        "limit=0",
        "after=x",
        "after=WyJhIl0",
    ):
        await board.boss.call("GET", f"/applications?{query}", expect=422)


async def test_invalid_applications_are_refused(board: Board) -> None:
    wrong: list[dict[str, Any]] = [
        {"resumeId": "x"},
        {"letter": "a\x00b"},
        {"letter": "x" * 10_001},
        {"letter": 7},
        {"stage": "hired"},
    ]
    for more in wrong:
        await board.apply(expect=422, **more)
    assert await board.published() == []


async def test_skills_without_levels_are_listed(board: Board) -> None:
    await board.say(board.vera, board.resume, 2, skills=[SnapshotSkill(name="SQL")])
    made = await board.apply()
    assert made["resume"]["skills"] == ["SQL"]
    assert UUID(made["resumeId"]) == board.resume
