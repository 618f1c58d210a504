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
