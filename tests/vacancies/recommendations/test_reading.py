"""What both sides read about their matches, and employers' decisions."""

from typing import Any
from uuid import uuid4

import pytest

from hirewire.messaging.testing import consume
from hirewire.vacancies.recommendations import queries
from tests.vacancies.conftest import Person
from tests.vacancies.recommendations.boards import PLAIN, Board, board, resume_event

__all__ = ["board"]


async def test_both_sides_read_the_same(board: Board, boris: Person) -> None:
    id = await board.publish(**PLAIN)
    event = resume_event(uuid4(), 1).model_copy(update={"user_id": boris.id})
    await consume(board.person.service.messaging.consumer, event)
    [seen] = (await boris.call("GET", "/recommended"))["items"]
    [item] = (await board.person.call("GET", f"/vacancies/{id}/recommendations"))["items"]
    assert (seen["vacancyId"], seen["companyName"], seen["title"]) == (
        id,
        "Acme",
        "Backend developer",
    )
    assert (seen["reasons"], seen["score"]) == (item["reasons"], item["score"])
    assert set(item["resume"]) & {"userId", "contacts", "fullName", "experience"} == set()


async def test_a_job_seeker_sees_how_each_of_their_resumes_fits_a_vacancy(
    board: Board, boris: Person
) -> None:
    id, draft = await board.publish(**PLAIN), await board.person.vacancy()
    good, poor, other = uuid4(), uuid4(), uuid4()
    for resume, skill in ((poor, "Gardening"), (good, "sql"), (other, "SQL")):
        event = resume_event(resume, 1, skills=[{"name": skill}])
        if resume != other:
            event = event.model_copy(update={"user_id": boris.id})
        await consume(board.person.service.messaging.consumer, event)
    asked = "&".join(f"resume={one}" for one in (poor, other, good, uuid4()))
    best, last = (await boris.call("GET", f"/vacancies/{id}/fits?{asked}"))["items"]
    assert (best["resumeId"], last["resumeId"]) == (str(good), str(poor))
    assert best["score"] > last["score"]
    [why] = [one for one in last["reasons"] if one["about"] == "SQL"]
    assert (why["verdict"], why["must"]) == ("conflict", True), "it is not recommended"
    await boris.call("GET", f"/vacancies/{draft}/fits?{asked}", expect=404)


async def test_the_best_of_their_resumes_is_the_same_alone_and_only_it_is_explained(
    board: Board, boris: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = await board.publish(**PLAIN)
    mine = [uuid4() for _ in range(4)]
    for resume, skills in zip(mine, (["Gardening"], ["SQL"], ["SQL", "Python"], []), strict=True):
        event = resume_event(resume, 1, skills=[{"name": name} for name in skills])
        event = event.model_copy(update={"user_id": boris.id})
        await consume(board.person.service.messaging.consumer, event)
    path = f"/vacancies/{id}/fits?" + "&".join(f"resume={one}" for one in mine)
    every = (await boris.call("GET", path))["items"]
    assert len(every) == len(mine)
    explain, explained = queries._reasons, []

    def noted(*given: Any) -> list[queries.Reason]:
        explained.append(given[-1].score)
        return explain(*given)

    monkeypatch.setattr(queries, "_reasons", noted)
    assert (await boris.call("GET", f"{path}&limit=1"))["items"] == every[:1]
    assert explained == [every[0]["score"]]
    assert (await boris.call("GET", f"{path}&limit=3"))["items"] == every[:3]
    for wrong in ("0", "51", "best"):
        await boris.call("GET", f"{path}&limit={wrong}", expect=422)


async def test_only_its_employer_reads_and_decides(board: Board, boris: Person) -> None:
    id, resume = await board.publish(**PLAIN), uuid4()
    await board.publish_resume(resume, 1)
    [item] = (await board.person.call("GET", f"/vacancies/{id}/recommendations"))["items"]
    assert item["state"] == "new"
    await boris.hire("Other")
    await boris.call("GET", f"/vacancies/{id}/recommendations", expect=404)
    path, seen = f"/recommendations/{item['id']}/state", {"state": "seen"}
    await boris.call("POST", path, seen, expect=404)
    await board.person.call("POST", path, seen, expect=204)
    await board.person.call("POST", path, {"state": "hired"}, expect=422)
    [item] = (await board.person.call("GET", f"/vacancies/{id}/recommendations"))["items"]
    assert item["state"] == "seen"
    dismissed = {"state": "dismissed", "reason": "far away"}
    await board.person.call("POST", path, dismissed, expect=204)
    assert await board.fits(id) == {}
    await board.publish_resume(resume, 2, status="hidden")
    await board.person.call("POST", path, seen, expect=409)
    await board.publish_resume(resume, 3)
    assert await board.fits(id) == {}
    assert [e.type for e in await board.events()] == [
        "recommendation.created",
        "recommendation.withdrawn",
    ]


async def test_the_list_is_paged_best_first(board: Board) -> None:
    id = await board.publish(**PLAIN)
    more = [{"name": name} for name in ("Postgres", "Gardening", "Python", "Java", "PHP")]
    for nth in range(5):
        await board.publish_resume(uuid4(), 1, skills=[{"name": "SQL"}, *more[:nth]])
    whole = list((await board.fits(id)).items())
    assert whole == sorted(whole, key=lambda one: -one[1])
    assert len(whole) > 2
    path, paged = f"/vacancies/{id}/recommendations?limit=2", []
    page = await board.person.call("GET", path)
    while True:
        paged += [item["resumeId"] for item in page["items"]]
        if page["next"] is None:
            break
        page = await board.person.call("GET", f"{path}&after={page['next']}")
    assert paged == [resume for resume, _ in whole]
    await board.person.call("GET", f"{path}&after=nonsense", expect=422)


async def test_a_company_reads_its_matches_of_all_vacancies_the_newest_first(board: Board) -> None:
    first = await board.publish(**PLAIN, title="Backend developer")
    second = await board.publish(**PLAIN, title="Senior backend developer")
    one, other = uuid4(), uuid4()
    await board.publish_resume(one, 1, "created")
    await board.publish_resume(other, 1, "created")

    page = await board.person.call("GET", "/recommendations?limit=3")
    rest = await board.person.call("GET", f"/recommendations?after={page['next']}")
    items = page["items"] + rest["items"]
    assert {(item["resumeId"], item["vacancyId"]) for item in items} == {
        (str(resume), vacancy) for resume in (one, other) for vacancy in (first, second)
    }
    made = [item["createdAt"] for item in items]
    assert made == sorted(made, reverse=True)
    assert {item["resumeId"] for item in items[:2]} == {str(other)}

    mine = await board.person.call("GET", f"/recommendations?resume={one}")
    assert sorted(item["vacancyTitle"] for item in mine["items"]) == [
        "Backend developer",
        "Senior backend developer",
    ]
    await board.person.call("GET", "/recommendations?after=bm8", expect=422)


async def test_a_viewed_match_is_marked_as_seen(board: Board) -> None:
    first = await board.publish(**PLAIN)
    second = await board.publish(**PLAIN)
    resume = uuid4()
    await board.publish_resume(resume, 1, "created")
    [item] = (await board.person.call("GET", f"/vacancies/{second}/recommendations"))["items"]
    kept = {"state": "shortlisted"}
    await board.person.call("POST", f"/recommendations/{item['id']}/state", kept, expect=204)
    await board.person.call("GET", f"/resumes/{resume}")
    states = {
        one["vacancyId"]: one["state"]
        for one in (await board.person.call("GET", f"/recommendations?resume={resume}"))["items"]
    }
    assert states == {first: "seen", second: "shortlisted"}


async def test_an_invited_candidate_is_marked_and_linked_to_the_application(board: Board) -> None:
    vacancy, resume = await board.publish(**PLAIN, responseLetterRequired=False), uuid4()
    await board.publish_resume(resume, 1, "created")
    path = f"/vacancies/{vacancy}/recommendations"
    [before] = (await board.person.call("GET", path))["items"]
    assert (before["state"], before["applicationId"]) == ("new", None)
    body = {"resumeId": str(resume)}
    made = await board.person.call("POST", f"/vacancies/{vacancy}/invitations", body, expect=201)
    [after] = (await board.person.call("GET", path))["items"]
    assert (after["state"], after["applicationId"]) == ("invited", made["id"])
    stage = {"stage": "discard_by_employer"}
    await board.person.call("POST", f"/applications/{made['id']}/stage", stage)
    [ended] = (await board.person.call("GET", path))["items"]
    assert ended["applicationId"] is None


async def test_a_company_from_which_a_resume_is_hidden_cannot_invite(board: Board) -> None:
    vacancy, resume = await board.publish(**PLAIN), uuid4()
    company = (await board.person.call("GET", "/employer-profile"))["companyId"]
    await board.publish_resume(resume, 1, "created", hiddenFrom=[company])
    body = {"resumeId": str(resume)}
    await board.person.call("POST", f"/vacancies/{vacancy}/invitations", body, expect=404)
    await board.publish_resume(resume, 2, hiddenFrom=[])
    await board.person.call("POST", f"/vacancies/{vacancy}/invitations", body, expect=201)
