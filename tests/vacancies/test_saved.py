"""Vacancies that people save: each sees their own only."""

from typing import Any
from uuid import uuid4

import pytest

from hirewire.vacancies.saved import commands
from tests.builders import eventually
from tests.vacancies.conftest import Person


async def published(employer: Person, title: str) -> str:
    id = await employer.vacancy(title=title)
    await employer.call("POST", f"/vacancies/{id}/publish")
    return id


async def saved(person: Person, query: str = "") -> list[tuple[str, str]]:
    """The titles and statuses of a person's saved vacancies."""
    page = await person.call("GET", f"/saved{query}")
    return [(one["vacancy"]["title"], one["vacancy"]["status"]) for one in page["items"]]


async def marks(person: Person, query: str = "") -> dict[str, Any]:
    page = await person.call("GET", f"/vacancies{query}")
    return {one["title"]: one["saved"] for one in page["items"]}


async def test_a_person_saves_vacancies_and_nobody_else_sees_it(
    anna: Person, boris: Person
) -> None:
    await anna.hire()
    ids = {title: await published(anna, title) for title in ("Cook", "Baker", "Clerk")}
    for title in ("Cook", "Clerk", "Cook"):
        await boris.call("PUT", f"/vacancies/{ids[title]}/saved", expect=204)
    assert await saved(boris) == [("Clerk", "published"), ("Cook", "published")]
    first = await boris.call("GET", "/saved?limit=1")
    assert first["items"][0]["vacancy"]["companyName"] == "Acme"
    assert first["items"][0]["vacancy"]["description"] is None
    assert await saved(boris, f"?limit=1&after={first['next']}") == [("Cook", "published")]
    await boris.call("GET", "/saved?after=nowhere", expect=422)

    # the cards show it to this person only: from the index, from the tables, and on the page
    mine = {"Cook": True, "Baker": False, "Clerk": True}
    assert await marks(boris) == mine

    async def is_found() -> bool:
        return await marks(boris, "?sort=date") == mine

    await eventually(is_found)
    assert (await boris.call("GET", f"/vacancies/{ids['Cook']}"))["saved"] is True
    assert await saved(anna) == []
    assert await marks(anna) == dict.fromkeys(ids, False)
    nobody = await anna.service.client.get("/api/vacancies/vacancies")
    assert {one["saved"] for one in nobody.json()["items"]} == {None}

    # another person's removal does not affect them, and removing twice is no error
    await anna.call("DELETE", f"/vacancies/{ids['Cook']}/saved", expect=204)
    assert len(await saved(boris)) == 2
    for _ in range(2):
        await boris.call("DELETE", f"/vacancies/{ids['Cook']}/saved", expect=204)
    assert await saved(boris) == [("Clerk", "published")]


async def test_closed_vacancies_stay_saved_and_invisible_ones_cannot_be_saved(
    anna: Person, boris: Person
) -> None:
    await anna.hire()
    id, draft = await published(anna, "Cook"), await anna.vacancy()
    for unseen in (draft, uuid4()):
        problem = await boris.call("PUT", f"/vacancies/{unseen}/saved", expect=404)
        assert problem["type"].endswith("not-found")
    await anna.call("PUT", f"/vacancies/{draft}/saved", expect=404)
    await boris.call("PUT", f"/vacancies/{id}/saved", expect=204)
    await anna.call("POST", f"/vacancies/{id}/close")
    assert await saved(boris) == [("Cook", "closed")]
    await anna.call("POST", f"/vacancies/{id}/archive")
    assert await saved(boris) == [("Cook", "archived")]
    await anna.call("PUT", f"/vacancies/{id}/saved", expect=404)
    async with anna.service.messaging.transactions() as tx:
        await tx.exec_driver_sql("delete from vacancy where id = $1", (id,))
    assert await saved(boris) == []


async def test_the_number_of_saved_vacancies_is_limited(
    anna: Person, boris: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "MOST_SAVED", 2)
    await anna.hire()
    ids = [await published(anna, f"Cook {n}") for n in range(3)]
    for id in ids[:2]:
        await boris.call("PUT", f"/vacancies/{id}/saved", expect=204)
    problem = await boris.call("PUT", f"/vacancies/{ids[2]}/saved", expect=409)
    assert problem["type"].endswith("too-many-saved")
    await boris.call("PUT", f"/vacancies/{ids[0]}/saved", expect=204)
    await anna.call("PUT", f"/vacancies/{ids[2]}/saved", expect=204)
