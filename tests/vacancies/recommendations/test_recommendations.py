"""Matching from the outside: events in, events out."""

from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest

from hirewire.messaging.testing import consume, delivery, recorded
from hirewire.vacancies.recommendations.background import steps
from hirewire.vacancies.recommendations.facts import demand_of, offer_of
from hirewire.vacancies.recommendations.rules import judge
from tests.vacancies.recommendations.boards import PLAIN, RESUME, Board, board, resume_event

__all__ = ["board"]


async def test_a_changed_resume_is_matched_with_open_vacancies_and_reasons(board: Board) -> None:
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


async def test_reasons_name_what_is_close_and_keep_wishes_apart(board: Board) -> None:
    id, resume = await board.publish(**PLAIN | {"area": "Omsk"}), uuid4()
    await board.publish_resume(resume, 1, skills=[{"name": "sql"}, {"name": "MySQL"}])
    [item] = (await board.person.call("GET", f"/vacancies/{id}/recommendations"))["items"]
    close = next(one for one in item["reasons"] if one["about"] == "PostgreSQL")
    assert (close["verdict"], close["closeTo"], close["pointer"]) == (
        "partly",
        "MySQL",
        "/skills/1",
    )
    assert 0 < close["points"] < close["most"]
    others = [one for one in item["reasons"] if one["about"] != "PostgreSQL"]
    assert {one["closeTo"] for one in others} == {None}
    kinds = {one["part"]: one["kind"] for one in item["reasons"]}
    assert kinds["skill"] == "ability"
    assert {kinds[part] for part in kinds.keys() & {"area", "salary", "work_format"}} == {
        "preference"
    }


async def test_a_reason_says_how_titles_differ_and_names_the_licence_of_a_title(
    board: Board,
) -> None:
    asked = PLAIN | {"title": "Старший водитель категории C", "requirements": []}
    id, resume = await board.publish(**asked), uuid4()
    await board.publish_resume(resume, 1, title="Водитель категории C", skills=[])
    [item] = (await board.person.call("GET", f"/vacancies/{id}/recommendations"))["items"]
    licence, occupation = (
        next(one for one in item["reasons"] if one["part"] == part)
        for part in ("skill", "occupation")
    )
    assert (licence["about"], licence["verdict"], licence["pointer"]) == (
        "водительские права категории C",
        "met",
        "/title",
    )
    assert (occupation["verdict"], occupation["differs"]) == ("partly", "level")
    assert sum(one["points"] for one in item["reasons"]) == pytest.approx(item["score"], abs=1e-4)


async def test_a_published_vacancy_is_matched_with_visible_resumes(board: Board) -> None:
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
async def test_a_recommendation_that_no_longer_matches_is_withdrawn(
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


async def test_a_resume_hidden_from_a_company_is_not_recommended_to_it(board: Board) -> None:
    resume, elsewhere = uuid4(), str(uuid4())
    company = (await board.person.call("GET", "/employer-profile"))["companyId"]
    id = await board.publish(**PLAIN)
    for version, hidden, met in ((1, [], 1), (2, [elsewhere, company], 0), (3, [elsewhere], 1)):
        await board.publish_resume(resume, version, hiddenFrom=hidden)
        assert len(await board.fits(id)) == met


@pytest.mark.parametrize("action", ["pause", "close"])
async def test_a_vacancy_that_is_not_open_is_not_matched(board: Board, action: str) -> None:
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


async def test_in_one_batch_the_newest_version_counts_and_both_sides_are_matched(
    board: Board,
) -> None:
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


async def test_earlier_data_is_compared_too(board: Board) -> None:
    """Including data compared by other rules, and only that."""
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


async def test_one_document_that_cannot_be_compared_stops_no_others(board: Board) -> None:
    id, *resumes = await board.publish(**PLAIN), *(uuid4() for _ in range(3))
    for resume in resumes:
        await board.publish_resume(resume, 1)
    async with board.person.service.engine.begin() as connection:
        await connection.exec_driver_sql("delete from recommendation")
        await connection.exec_driver_sql("delete from comparable where kind = 'resume'")
        await connection.exec_driver_sql(
            "update resume set snapshot = jsonb_set(snapshot, '{languages}', '7') "
            "where resume_id = $1",
            (resumes[1],),
        )
    async for _ in steps(board.person.service.messaging.transactions):
        pass
    assert set(await board.fits(id)) == {str(resumes[0]), str(resumes[2])}


@pytest.mark.parametrize(
    "change",
    [
        "jsonb_set(snapshot, '{hiddenFrom}', to_jsonb(array[$1]))",
        """jsonb_set(snapshot, '{status}', '"draft"')""",
    ],
)
async def test_an_outdated_match_shows_nothing_hidden(board: Board, change: str) -> None:
    """Two handlers consume the event: the match may be withdrawn after the resume is hidden."""
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


async def test_any_history_gives_the_same_result_as_comparing_everything_again(
    board: Board,
) -> None:
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
