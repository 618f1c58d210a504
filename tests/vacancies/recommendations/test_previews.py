"""The preview of a change equals the effect of the change."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from hirewire.messaging.testing import consume
from tests.vacancies.conftest import Person
from tests.vacancies.recommendations.boards import PLAIN, Board, board, resume_event

__all__ = ["board"]

MUSTS = [{"skill": "SQL"}, {"skill": "Java"}, {"skill": "PHP", "kind": "nice"}]


async def people(board: Board) -> None:
    for names in (["SQL"], ["SQL", "PHP"], ["SQL", "Java"], ["SQL", "Java", "PHP"], ["Java"]):
        await board.publish_resume(uuid4(), 1, skills=[{"name": name} for name in names])


async def test_the_previewed_cost_of_a_requirement_is_its_actual_cost(board: Board) -> None:
    await people(board)
    id = await board.publish(**PLAIN | {"requirements": MUSTS})
    priced = await board.person.call("POST", f"/vacancies/{id}/price", {})
    assert priced["candidates"] == len(await board.fits(id)) == 2
    for nth, cost in enumerate(priced["requirements"]):
        fewer = [*MUSTS[:nth], *MUSTS[nth + 1 :]]
        softer = [*MUSTS[:nth], MUSTS[nth] | {"kind": "nice"}, *MUSTS[nth + 1 :]]
        for changed, promised in ((fewer, cost["without"]), (softer, cost["asNice"])):
            body = {"requirements": changed}
            before = await board.person.call("POST", f"/vacancies/{id}/price", body)
            await board.person.call("PATCH", f"/vacancies/{id}", body)
            await board.consume_own()
            assert promised == before["candidates"] == len(await board.fits(id))
    assert priced["requirements"][1] == {"skill": "Java", "kind": "must", "without": 4, "asNice": 4}


async def test_a_requirement_that_excludes_everyone_is_named_with_its_count(board: Board) -> None:
    await people(board)
    id = await board.publish(**PLAIN | {"requirements": MUSTS})
    company = (await board.person.call("GET", f"/vacancies/{id}"))["companyId"]
    away = {"area": "Tomsk", "workFormats": ["remote"], "languages": []}
    await board.publish_resume(uuid4(), 1, skills=[{"name": "SQL"}], **away)
    await board.publish_resume(
        uuid4(), 1, skills=[{"name": "SQL"}], hiddenFrom=[company]
    )  # is not counted
    await board.publish_resume(uuid4(), 1, skills=[{"name": "SQL"}], status="draft")
    asked = {
        "requirements": [{"skill": "cobol"}, {"skill": "питон"}, {"skill": "SQL"}],
        "area": "Omsk",
        "workFormat": "on_site",
        "languages": [{"language": "English", "level": "C1"}],
    }
    priced = await board.person.call("POST", f"/vacancies/{id}/price", asked)
    assert (priced["candidates"], priced["resumes"]) == (0, 6)
    assert all((one["without"], one["asNice"]) == (0, 0) for one in priced["requirements"])
    named = [(one["part"], one["about"], one["resumes"]) for one in priced["exclusions"]]
    assert sorted(named[:2]) == [("skill", "cobol", 6), ("skill", "питон", 6)]
    assert sorted(named[2:], key=str) == sorted(
        [
            ("language", "English", 5),
            ("skill", "SQL", 1),
            ("area", None, 1),
            ("work_format", None, 1),
        ],
        key=str,
    )
    assert [count for *_, count in named] == sorted((c for *_, c in named), reverse=True)
    pay = {"salary": {"max": 10, "currency": "RUB"}}
    dear = {"salary": {"amount": 100, "currency": "RUB"}}
    await board.publish_resume(uuid4(), 1, skills=[{"name": "SQL"}], **dear)
    priced = await board.person.call(
        "POST", f"/vacancies/{id}/price", {"requirements": [{"skill": "SQL"}]} | pay
    )
    assert {"part": "salary", "about": None, "resumes": 1} in priced["exclusions"]


async def test_the_previewed_reach_of_a_change_is_its_actual_reach(
    board: Board, boris: Person
) -> None:
    for musts in (["SQL"], ["SQL", "Java"], ["Java"], ["Java", "PHP"], ["SQL", "Java", "Git"]):
        await board.publish(**PLAIN | {"requirements": [{"skill": skill} for skill in musts]})
    resume = uuid4()

    async def publish(version: int, **changes: Any) -> set[UUID]:
        event = resume_event(resume, version, **changes).model_copy(update={"user_id": boris.id})
        await consume(board.person.service.messaging.consumer, event)
        page = await boris.call("GET", "/recommended?limit=100")
        return {item["vacancyId"] for item in page["items"]}

    before = await publish(1, skills=[{"name": "sql"}])
    more = {"skills": [{"name": "sql"}, {"name": "java"}]}
    preview = await boris.call("POST", "/reach", {"resumeId": str(resume), "changes": more})
    after = await publish(2, **more)
    assert (preview["now"], preview["then"]) == (len(before), len(after)) == (1, 3)
    assert (set(preview["gained"]), preview["lost"]) == (after - before, [])
    assert {one["skill"]: one["opens"] for one in preview["suggestions"]} == {"PHP": 1, "Git": 1}


@pytest.mark.parametrize("skills", [[{"name": ""}], [{"name": "SQL", "level": 9}], "SQL"])
async def test_invalid_previews_are_refused(board: Board, skills: Any) -> None:
    body = {"resumeId": str(uuid4()), "changes": {"skills": skills}}
    await board.person.call("POST", "/reach", body, expect=422)


async def test_only_the_owner_gets_a_preview(board: Board, boris: Person) -> None:
    resume, id = uuid4(), await board.publish(**PLAIN)
    await board.publish_resume(resume, 1)
    await boris.call("POST", "/reach", {"resumeId": str(resume)}, expect=404)
    await boris.hire("Other")
    await boris.call("POST", f"/vacancies/{id}/price", {}, expect=404)
