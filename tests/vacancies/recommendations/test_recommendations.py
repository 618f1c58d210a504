"""Who fits what, from outside: events in, events out, and what both sides read."""

from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest

from hirewire.contracts.profiles import ResumeSnapshot, ResumeUpdated
from hirewire.messaging.testing import Recorded, consume, delivery, recorded
from hirewire.vacancies.recommendations.background import steps
from hirewire.vacancies.recommendations.facts import demand_of, offer_of
from hirewire.vacancies.recommendations.rules import judge
from tests.vacancies.conftest import Person

RESUME: dict[str, Any] = {
    "title": "Backend developer",
    "status": "published",
    "visibility": "recommended",
    "area": "Omsk",
    "experienceMonths": 30,
    "skills": [{"name": "питон", "level": 4}, {"name": "SQL"}],
    "languages": [{"language": "английский", "level": "B2"}],
}
PLAIN = {
    "requirements": [{"skill": "SQL"}, {"skill": "PostgreSQL", "kind": "nice"}],
    "languages": [],
    "salary": None,
}


def resume_event(
    resume: UUID, version: int | None, action: str = "updated", **changes: Any
) -> ResumeUpdated:
    snapshot = ResumeSnapshot.model_validate(RESUME | changes)
    return ResumeUpdated(
        user_id=UUID(int=resume.int ^ 1),
        resume_id=resume,
        action=action,
        version=version,
        resume=None if action == "deleted" else snapshot,
    )


class Board:
    """A service whose own events reach it, as over a broker."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.consumed: set[UUID] = set()

    async def consume_own(self) -> None:
        """Consume the vacancies' own events that were not consumed yet."""
        for row in await recorded(self.person.service.engine):
            if row.type.startswith("vacancy.") and row.id not in self.consumed:
                self.consumed.add(row.id)
                await consume(
                    self.person.service.messaging.consumer,
                    delivery(row.event, id=row.id, sequence=row.sequence),
                )

    async def publish(self, **changes: Any) -> str:
        id = await self.person.vacancy(**changes)
        await self.person.call("POST", f"/vacancies/{id}/publish")
        await self.consume_own()
        return id

    async def publish_resume(
        self, resume: UUID, version: int | None, *args: Any, **changes: Any
    ) -> None:
        event = resume_event(resume, version, *args, **changes)
        await consume(self.person.service.messaging.consumer, event)

    async def fits(self, vacancy: str) -> dict[str, float]:
        page = await self.person.call("GET", f"/vacancies/{vacancy}/recommendations?limit=100")
        return {item["resumeId"]: item["score"] for item in page["items"]}

    async def events(self) -> list[Recorded]:
        rows = await recorded(self.person.service.engine)
        return [row for row in rows if row.type.startswith("recommendation.")]


@pytest.fixture
async def board(anna: Person) -> Board:
    await anna.hire()
    return Board(anna)


async def test_a_changed_resume_meets_the_open_vacancies_with_reasons(board: Board) -> None:
    id, resume = await board.publish(**PLAIN), uuid4()
    await board.publish_resume(resume, 1, skills=[{"name": "Gardening"}])
    assert await board.fits(id) == {}
    await board.publish_resume(
        resume, 2, skills=[{"name": "sql"}, {"name": "Postgres", "level": 3}]
    )
    [item] = (await board.person.call("GET", f"/vacancies/{id}/recommendations"))["items"]
    assert (item["resumeId"], item["resumeVersion"]) == (str(resume), 2)
    assert sum(one["points"] for one in item["reasons"]) == pytest.approx(item["score"], abs=1e-4)
    sql = next(one for one in item["reasons"] if one["about"] == "SQL")
    assert (sql["verdict"], sql["must"], sql["pointer"]) == ("met", True, "/skills/0")
    [event] = await board.events()
    assert event.type == "recommendation.created"
    assert (event.body["vacancyId"], event.body["resumeId"]) == (id, str(resume))
    assert event.body["score"] == item["score"]


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


async def test_a_published_vacancy_meets_the_visible_resumes(board: Board) -> None:
    visible, hidden, draft = uuid4(), uuid4(), uuid4()
    await board.publish_resume(visible, 1)
    await board.publish_resume(hidden, 1, status="hidden")
    await board.publish_resume(draft, 1, status="draft")
    id = await board.publish(**PLAIN)
    assert set(await board.fits(id)) == {str(visible)}
    await board.publish_resume(hidden, 2)
    assert set(await board.fits(id)) == {str(visible), str(hidden)}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"skills": [{"name": "Gardening"}]}, "no_longer_fits"),
        ({"status": "hidden"}, "resume_hidden"),
        ({"visibility": "no_one"}, "resume_hidden"),
    ],
)
async def test_what_fits_no_more_is_withdrawn(
    board: Board, change: dict[str, Any], why: str
) -> None:
    id, resume = await board.publish(**PLAIN), uuid4()
    await board.publish_resume(resume, 1)
    await board.publish_resume(resume, 2, **change)
    assert await board.fits(id) == {}
    await board.publish_resume(resume, 3)
    assert set(await board.fits(id)) == {str(resume)}
    created, withdrawn, again = await board.events()
    assert (withdrawn.type, withdrawn.body["reason"]) == ("recommendation.withdrawn", why)
    assert created.body["recommendationId"] == again.body["recommendationId"]


async def test_a_company_does_not_meet_what_is_hidden_from_it(board: Board) -> None:
    resume, elsewhere = uuid4(), str(uuid4())
    company = (await board.person.call("GET", "/employer-profile"))["companyId"]
    id = await board.publish(**PLAIN)
    for version, hidden, met in ((1, [], 1), (2, [elsewhere, company], 0), (3, [elsewhere], 1)):
        await board.publish_resume(resume, version, hiddenFrom=hidden)
        assert len(await board.fits(id)) == met


@pytest.mark.parametrize("action", ["pause", "close"])
async def test_a_vacancy_that_is_not_open_meets_nobody(board: Board, action: str) -> None:
    id, resume = await board.publish(**PLAIN), uuid4()
    await board.publish_resume(resume, 1)
    await board.person.call("POST", f"/vacancies/{id}/{action}")
    await board.consume_own()
    assert [e.body.get("reason") for e in await board.events()] == [None, "vacancy_closed"]
    await board.publish_resume(uuid4(), 1)
    assert len(await board.events()) == 2


async def test_a_deleted_resume_is_gone_for_good(board: Board) -> None:
    id, resume = await board.publish(**PLAIN), uuid4()
    await board.publish_resume(resume, 2)
    await board.publish_resume(resume, 3, "deleted")
    await board.publish_resume(resume, 4)
    assert await board.fits(id) == {}
    assert [e.body.get("reason") for e in await board.events()] == [None, "resume_deleted"]


async def test_older_versions_and_repeats_change_nothing(board: Board) -> None:
    id, resume = await board.publish(**PLAIN), uuid4()
    await board.publish_resume(resume, 5)
    for version in (4, 5, None):
        await board.publish_resume(resume, version, skills=[{"name": "Gardening"}])
    assert set(await board.fits(id)) == {str(resume)}
    assert len(await board.events()) == 1


async def test_in_one_batch_the_newest_counts_and_vacancies_meet_resumes(board: Board) -> None:
    id, resume, other = await board.person.vacancy(**PLAIN), uuid4(), uuid4()
    await board.person.call("POST", f"/vacancies/{id}/publish")
    [row] = [r for r in await recorded(board.person.service.engine) if r.type[:8] == "vacancy."]
    await consume(
        board.person.service.messaging.consumer,
        resume_event(resume, 1, skills=[{"name": "Gardening"}]),
        resume_event(other, 1),
        delivery(row.event, id=row.id, sequence=row.sequence),
        resume_event(resume, 2),
        resume_event(other, 2, status="hidden"),
    )
    assert set(await board.fits(id)) == {str(resume)}


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


async def test_what_was_there_before_is_compared_too(board: Board) -> None:
    """Also what was compared by other rules, and only that."""
    id, resume = await board.publish(**PLAIN), uuid4()
    await board.publish_resume(resume, 1)
    engine = board.person.service.engine
    transactions = board.person.service.messaging.transactions
    assert [count async for count in steps(transactions)] == []
    for statement in (
        "delete from recommendation",
        "update comparable set ruleset = 'older' where kind = 'vacancy'",
        "delete from comparable where kind = 'resume'",
    ):
        async with engine.begin() as connection:
            await connection.exec_driver_sql(statement)
    assert await board.fits(id) == {}
    assert [count async for count in steps(transactions)] == [1, 1]
    assert set(await board.fits(id)) == {str(resume)}


@pytest.mark.parametrize(
    "change",
    [
        "jsonb_set(snapshot, '{hiddenFrom}', to_jsonb(array[$1]))",
        """jsonb_set(snapshot, '{status}', '"draft"')""",
    ],
)
async def test_a_match_that_is_behind_shows_nothing_hidden(board: Board, change: str) -> None:
    """Two handlers consume it: the match may be withdrawn later than the resume is hidden."""
    id, resume = await board.publish(**PLAIN), uuid4()
    await board.publish_resume(resume, 1)
    assert set(await board.fits(id)) == {str(resume)}
    company = (await board.person.call("GET", "/employer-profile"))["companyId"]
    async with board.person.service.engine.begin() as connection:
        await connection.exec_driver_sql(
            f"update resume set snapshot = {change} where $1::text <> ''", (company,)
        )
    assert await board.fits(id) == {}
    assert (await board.person.call("GET", "/recommendations"))["items"] == []


SOME = ["SQL", "Python", "Java", "Git", "PHP", "C++"]


async def test_after_any_history_it_is_as_if_all_were_compared_again(board: Board) -> None:
    random = Random(7)
    resumes = {uuid4(): 0 for _ in range(8)}
    snapshots: dict[UUID, dict[str, Any]] = {}
    vacancies: dict[str, dict[str, Any]] = {}

    def asked() -> dict[str, Any]:
        chosen = random.sample(SOME, random.randint(1, 3))
        kinds = [random.choice(["must", "nice"]) for _ in chosen]
        requirements = [
            {"skill": skill, "kind": kind, "level": None}
            for skill, kind in zip(chosen, kinds, strict=True)
        ]
        return PLAIN | {"requirements": requirements}

    for _ in range(80):
        dice = random.random()
        if dice < 0.6:
            resume = random.choice(list(resumes))
            resumes[resume] += 1
            skills = [{"name": s} for s in random.sample(SOME, random.randint(1, 4))]
            status = random.choice(["published", "published", "hidden"])
            await board.publish_resume(resume, resumes[resume], skills=skills, status=status)
            snapshots[resume] = RESUME | {"skills": skills, "status": status}
        elif dice < 0.78 or len(vacancies) < 4:
            changes = asked()
            vacancies[await board.publish(**changes)] = changes
        elif dice < 0.95:
            id, changes = random.choice(list(vacancies)), asked()
            await board.person.call("PATCH", f"/vacancies/{id}", changes)
            vacancies[id] = changes
            await board.consume_own()
        else:
            id = random.choice(list(vacancies))
            await board.person.call("POST", f"/vacancies/{id}/close")
            del vacancies[id]
            await board.consume_own()
    matched = 0
    for id in vacancies:
        row = await board.person.call("GET", f"/vacancies/{id}")
        demand = demand_of(
            row
            | {
                "employment_type": row["employmentType"],
                "work_format": row["workFormat"],
                "company_id": row["companyId"],
            }
        )
        exact = {
            str(resume): judge(demand, offer_of(snapshot))
            for resume, snapshot in snapshots.items()
            if snapshot["status"] == "published"
        }
        expected = {resume: found.score for resume, found in exact.items() if found.fits}
        assert await board.fits(id) == expected
        matched += len(expected)
    assert matched > 3


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


async def test_what_was_looked_at_is_seen_and_no_more(board: Board) -> None:
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


async def test_who_is_invited_is_marked_so_and_leads_to_the_application(board: Board) -> None:
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
