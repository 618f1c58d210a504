"""Employers search the resumes of visible candidates."""

from typing import Any
from uuid import UUID, uuid4

from hirewire.contracts.profiles import (
    Money,
    ResumeSnapshot,
    ResumeUpdated,
    SnapshotExperience,
    SnapshotSkill,
)
from hirewire.messaging.testing import consume
from hirewire.vacancies.search.queries import visible_resumes
from tests.builders import eventually
from tests.vacancies.conftest import Person


async def say(anna: Person, id: UUID, version: int = 1, **fields: Any) -> None:
    """Consume a change of a candidate's resume."""
    given = {"status": "published", "visibility": "recommended"} | fields
    event = ResumeUpdated(
        user_id=uuid4(),
        resume_id=id,
        action="updated",
        version=version,
        resume=ResumeSnapshot(**given),
    )
    await consume(anna.service.messaging.consumer, event)


async def found(anna: Person, query: str = "") -> list[str]:
    page = await anna.call("GET", f"/resumes?{query}")
    return [item["resumeId"] for item in page["items"]]


async def test_an_employer_finds_visible_resumes(anna: Person, boris: Person) -> None:
    await anna.hire()
    python, go, hidden, draft = (uuid4() for _ in range(4))
    await say(
        anna,
        python,
        title="Разработчик Python",
        area="Омск",
        skills=[SnapshotSkill(name="Python", level=4)],
        salary=Money(amount=150_000, currency="RUB"),
        experience_months=40,
        experience=[SnapshotExperience(id=uuid4(), position="Аналитик", company="Acme")],
        work_formats=["remote", "hybrid"],
    )
    await say(anna, go, title="Go developer", area="Tomsk", work_formats=["remote"])
    await say(anna, hidden, title="Python", visibility="no_one")
    await say(anna, draft, title="Python", status="draft")

    async def both() -> bool:
        return set(await found(anna, "sort=date")) == {str(go), str(python)}

    await eventually(both)
    assert await found(anna, "q=разработчики") == [str(python)]
    assert await found(anna, "q=аналитика") == [str(python)]
    assert await found(anna, "q=acme") == []  # a workplace may reveal the person
    assert await found(anna, "skill=python&workFormat=hybrid") == [str(python)]
    assert await found(anna, "experience=between3And6") == [str(python)]
    assert await found(anna, "currency=RUB&salaryTo=160000") == [str(python)]
    assert await found(anna, "currency=RUB&salaryTo=140000") == []
    page = await anna.call("GET", "/resumes?q=python&facets=true")
    assert page["total"] == 1
    assert page["facets"]["area"] == [
        {"value": "geo:1496153", "label": "Omsk", "labelRu": "Омск", "count": 1}
    ]
    [item] = page["items"]
    assert item["titleMarked"] == "Разработчик <mark>Python</mark>"
    assert item["resume"]["skills"] == [{"name": "Python", "level": 4}]
    assert "company" not in str(item)
    await boris.call("GET", "/resumes", expect=403)

    await say(anna, python, 2, title="Python", visibility="no_one")
    await eventually(lambda: _is(anna, "q=python", []))


async def _is(anna: Person, query: str, expected: list[str]) -> bool:
    return await found(anna, query) == expected


async def _is_counted(anna: Person, query: str, expected: int) -> bool:
    """Whether the index has followed too: its stale results are removed from the list earlier."""
    answer = await anna.call("GET", f"/resumes?{query}")
    return bool(answer["total"] == expected)


async def test_no_part_of_a_search_response_reveals_a_hidden_resume(
    anna: Person, boris: Person
) -> None:
    """Neither a resume hidden from the company, nor one that was visible before."""
    company = UUID((await anna.hire())["companyId"])
    await boris.hire("Other")
    shown, hidden, gone = (uuid4() for _ in range(3))
    await say(anna, shown, title="Cook")
    await say(anna, hidden, title="Falconer", hidden_from=[company])
    await say(anna, gone, title="Thatcher")
    await eventually(lambda: _is(anna, "q=thatcher", [str(gone)]))
    await say(anna, gone, 2, title="Thatcher", visibility="no_one")
    await eventually(lambda: _is_counted(anna, "q=thatcher", 0))
    unknown = await anna.call("GET", "/resumes?q=qwzxfalcon")
    nobody = ("items", "total", "corrected")
    # the interpretation of a query typed on the wrong keyboard layout would reveal it as well
    for word in ("falconer", "thatcher", "афдсщтук"):
        answer = await anna.call("GET", f"/resumes?q={word}&facets=true")
        assert {name: answer[name] for name in nobody} == {name: unknown[name] for name in nobody}
        assert answer["tolerated"] == [word]
        assert answer["facets"]["area"] == []
    seen = await boris.call("GET", "/resumes?q=falconer")
    assert (seen["total"], seen["tolerated"]) == (1, [])


async def test_rows_are_read_as_their_company_may_see_them(anna: Person) -> None:
    """The index may lag: its stale results are removed according to the rows."""
    company = UUID((await anna.hire())["companyId"])
    ids = [uuid4() for _ in range(4)]
    changes: list[dict[str, Any]] = [
        {},
        {"hidden_from": [company]},
        {"status": "draft"},
        {"visibility": "no_one"},
    ]
    for id, change in zip(ids, changes, strict=True):
        await say(anna, id, title="Cook", **change)
    async with anna.service.messaging.transactions() as tx:
        assert set(await visible_resumes(tx, ids, company)) == {ids[0]}


async def widened(anna: Person, query: str) -> tuple[list[str], dict[str, Any]]:
    """The results of the words themselves, and those of widening with what they were found by."""
    page = await anna.call("GET", f"/resumes?widen=true&{query}")
    exact = [one["resumeId"] for one in page["items"] if one["widened"] is None]
    more = {one["resumeId"]: one["widened"] for one in page["items"] if one["widened"]}
    assert [one["resumeId"] for one in page["items"]] == [*exact, *more]
    if page["next"] is None and "after" not in query:
        assert (page["total"], page["widenedTotal"]) == (len(exact), len(more))
    return exact, more


async def test_few_resumes_are_followed_by_those_of_related_titles_and_skills(anna: Person) -> None:
    company = UUID((await anna.hire())["companyId"])
    ids = [uuid4() for _ in range(8)]
    russian, english, chemist, biologist, *_, baker = map(str, ids)
    chemistry, other = "organic chemistry", "inorganic chemistry"
    await say(anna, ids[0], title="Кладовщик", area="Omsk")
    await say(anna, ids[1], title="Warehouse worker", area="Omsk")
    await say(anna, ids[2], title="Teacher", skills=[SnapshotSkill(name=chemistry)])
    await say(anna, ids[3], title="Researcher", skills=[SnapshotSkill(name=other)])
    await say(anna, ids[4], title="Warehouse worker", hidden_from=[company])
    await say(anna, ids[5], title="Warehouse worker", status="draft")
    await say(anna, ids[6], title="Warehouse worker", visibility="no_one")
    await say(anna, ids[7], title="Baker", area="Omsk")
    await eventually(lambda: _is_counted(anna, "sort=date", 5))

    found_by = {"by": "title", "name": "Warehouse worker"}
    assert await widened(anna, "q=кладовщик") == ([russian], {english: found_by})
    found_by = {"by": "title", "name": "Кладовщик"}
    assert await widened(anna, "q=warehouse worker") == ([english], {russian: found_by})
    found_by = {"by": "skill", "name": other}
    assert await widened(anna, f"q={chemistry}") == ([chemist], {biologist: found_by})
    assert await widened(anna, 'q="Warehouse worker"') == ([english], {})
    assert await widened(anna, "q=кладовщик&area=Paris") == ([], {})
    assert await widened(anna, "q=") == ([baker, biologist, chemist, english, russian], {})
    assert await found(anna, "q=кладовщик") == [russian], "only on request"
    answer = await anna.call("GET", "/resumes?q=кладовщик&widen=true&facets=true")
    assert [one["count"] for one in answer["facets"]["area"]] == [1]

    page = await anna.call("GET", "/resumes?q=кладовщик&widen=true&limit=1")
    assert [one["resumeId"] for one in page["items"]] == [russian]
    last = await anna.call("GET", f"/resumes?q=кладовщик&widen=true&limit=1&after={page['next']}")
    assert [one["resumeId"] for one in last["items"]] == [english]
    assert last["next"] is None
    await anna.call("GET", f"/resumes?q=кладовщик&limit=1&after={page['next']}", expect=422)


async def test_widening_does_not_reveal_a_hidden_resume(anna: Person) -> None:
    company = UUID((await anna.hire())["companyId"])
    shown, hidden = uuid4(), uuid4()
    await say(anna, shown, title="Cook")
    await say(anna, hidden, title="Warehouse worker", hidden_from=[company])
    await eventually(lambda: _is_counted(anna, "sort=date", 1))
    assert await widened(anna, "q=кладовщик&facets=true") == ([], {})
    await say(anna, hidden, 2, title="Warehouse worker")
    await eventually(lambda: _is_counted(anna, "sort=date", 2))
    assert list((await widened(anna, "q=кладовщик"))[1]) == [str(hidden)]
