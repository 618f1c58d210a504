"""Imports of many vacancies: an answer for each row, nothing twice, and no way round a rule."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import update

from hirewire.vacancies.holds import hold_company
from hirewire.vacancies.tables import vacancy_import
from tests.vacancies.conftest import VACANCY, Person
from tests.vacancies.test_api_keys import key_of
from tests.vacancies.test_holds import block, take_down

Rows = list[Any]


def row(key: str, **changes: object) -> dict[str, object]:
    return VACANCY | {"externalId": key} | changes


async def send(person: Person, rows: Rows, *, publish: bool = True, expect: int = 200) -> Any:
    body = {"vacancies": rows, "publish": publish}
    return await person.call("POST", "/vacancies/import", body, expect=expect)


async def repeated(person: Person, rows: Rows) -> Any:
    body = {"vacancies": rows, "publish": True}
    key = {"Idempotency-Key": "import-1"}
    return await person.call("POST", "/vacancies/import", body, **key)  # type: ignore[arg-type]


def outcomes(answer: Any) -> list[str]:
    return [one["outcome"] for one in answer["rows"]]


def wrong(answer: Any, at: int) -> set[tuple[str, str]]:
    """The fields of a row that failed, with their codes."""
    problem = answer["rows"][at]["problem"]
    return {(one["pointer"], one["code"]) for one in problem["errors"]}


async def test_rows_are_created_updated_and_left_alone(anna: Person, boris: Person) -> None:
    await anna.hire()
    made = await send(anna, [row("a"), row("b", area="Tomsk")])
    assert (made["created"], outcomes(made)) == (2, ["created", "created"])
    first, second = made["rows"]
    shown = await anna.call("GET", f"/vacancies/{first['id']}")
    assert {name: shown[name] for name in VACANCY} == VACANCY
    assert (shown["status"], shown["version"]) == ("published", 1)
    assert [type for type, _ in await anna.events()] == ["vacancy.published"] * 2

    rows = [row("a"), {"externalId": "b", "title": "Cook", "address": "Lenina 1"}, row("c")]
    again = await send(anna, rows)
    assert outcomes(again) == ["unchanged", "updated", "created"]
    assert [one["id"] for one in again["rows"][:2]] == [first["id"], second["id"]]
    changed = await anna.call("GET", f"/vacancies/{second['id']}")
    assert (changed["title"], changed["area"], changed["version"]) == ("Cook", "Tomsk", 2)
    assert [type for type, _ in await anna.events()][2:] == ["vacancy.published", "vacancy.updated"]

    body = {"vacancies": [row("a", title="Cook"), row("d")], "update": False}
    kept = await anna.call("POST", "/vacancies/import", body)
    assert [(one["outcome"], one["status"]) for one in kept["rows"]] == [
        *(("unchanged", "published"), ("created", "draft"))
    ]
    assert (await anna.call("GET", f"/vacancies/{first['id']}"))["title"] == VACANCY["title"]

    await boris.hire("Other")
    assert outcomes(await send(boris, [row("a")])) == ["created"]


async def test_drafts_are_published_and_what_was_paused_or_closed_stays_so(anna: Person) -> None:
    await anna.hire()
    rows = [row(key) for key in ("draft", "paused", "closed")]
    made = await send(anna, rows, publish=False)
    assert [one["status"] for one in made["rows"]] == ["draft"] * 3
    assert await anna.events() == []
    _, paused, closed = (f"/vacancies/{one['id']}" for one in made["rows"])
    for path in (paused, closed):
        await anna.call("POST", f"{path}/publish")
    await anna.call("POST", f"{paused}/pause")
    await anna.call("POST", f"{closed}/close")
    again = await send(anna, rows)
    assert [(one["outcome"], one["status"]) for one in again["rows"]] == [
        *(("updated", "published"), ("unchanged", "paused"), ("unchanged", "closed"))
    ]
    changed = await send(anna, [row("paused", title="Cook"), row("closed", title="Cook")])
    assert outcomes(changed) == ["updated", "failed"]
    assert changed["rows"][1]["problem"]["code"] == "move_not_allowed"


async def test_wrong_rows_do_not_stop_the_others(anna: Person) -> None:
    await anna.hire()
    rows: Rows = [
        row("good"),
        row("long", title="x" * 201, salary={"min": 5, "max": 1, "currency": "RUB"}, colour=1),
        row("good"),
        "no object",
        VACANCY,
        row("nul\x00"),
        row("empty", description=None),
        row("last"),
        row("many", languages=[{"language": ""}] * 20),
    ]
    answer = await send(anna, rows)
    assert outcomes(answer) == ["created", *["failed"] * 6, "created", "failed"]
    assert (answer["created"], answer["failed"]) == (2, 7)
    assert wrong(answer, 1) >= {("#/title", "string_too_long"), ("#/colour", "extra_forbidden")}
    assert len(answer["rows"][8]["problem"]["errors"]) == 10
    assert wrong(answer, 2) == {("#/externalId", "listed_twice")}
    assert wrong(answer, 3) == {("#", "model_type")}
    assert wrong(answer, 4) == {("#/externalId", "missing")}
    assert wrong(answer, 6) == {("#/description", "required_to_publish")}
    assert [one["externalId"] for one in answer["rows"]] == [
        *("good", "long", "good", None, None, None, "empty", "last", "many")
    ]
    problem = answer["rows"][6]["problem"]
    assert (problem["status"], problem["type"]) == (409, "urn:hirewire:problem:incomplete")
    assert len((await anna.call("GET", "/vacancies/overview"))["items"]) == 2
    assert outcomes(await send(anna, [row("empty")])) == ["created"]
    refused = await send(anna, [row(str(n)) for n in range(501)], expect=422)
    assert refused["errors"][0]["pointer"] == "#/vacancies"


async def test_a_failed_update_changes_nothing(anna: Person) -> None:
    await anna.hire()
    await send(anna, [row("a", description=None)], publish=False)
    answer = await send(anna, [{"externalId": "a", "title": "Cook"}, row("b")])
    assert outcomes(answer) == ["failed", "created"]
    draft = await anna.call("GET", f"/vacancies/{(await ids(anna))['draft']}")
    assert (draft["title"], draft["version"]) == (VACANCY["title"], 1)
    assert [type for type, _ in await anna.events()] == ["vacancy.published"]


async def ids(person: Person) -> dict[str, str]:
    """The company's vacancies by status."""
    found = await person.call("GET", "/vacancies/overview")
    return {one["status"]: one["id"] for one in found["items"]}


async def test_imports_at_once_double_nothing(anna: Person) -> None:
    await anna.hire()
    rows = [row(str(n)) for n in range(30)]
    answers = await asyncio.gather(
        *(send(anna, rows) for _ in range(3)), *(repeated(anna, rows) for _ in range(3))
    )
    assert Counter(one["created"] for one in answers) in ({30: 1, 0: 5}, {30: 3, 0: 3})
    made = {one["id"] for answer in answers for one in answer["rows"]}
    assert len(made) == 30
    assert len(await anna.events()) == 30


async def test_an_import_is_no_way_round_a_rule(anna: Person, boris: Person) -> None:
    await anna.hire()
    bad = str((await send(anna, [row("bad")]))["rows"][0]["id"])
    await take_down(anna.service, bad)
    again = await send(anna, [row("again", title=VACANCY["title"].upper()), row("bad")])
    assert outcomes(again) == ["failed", "unchanged"]
    assert again["rows"][0]["problem"]["code"] == "taken_down_before"

    await boris.hire("Other")
    await send(boris, [row("draft")], publish=False)
    sender = replace(await key_of(boris), scope="vacancies:read")
    body = {"vacancies": [row("x")], "publish": True}
    assert await sender.refusal("POST", "/vacancies/import", body) == (403, "insufficient_scope")
    await block(boris, 1)
    sender = replace(sender, scope="vacancies:write")
    assert await sender.refusal("POST", "/vacancies/import", body) == (403, "company_inactive")


async def test_a_held_company_publishes_nothing(anna: Person) -> None:
    await anna.hire()
    await send(anna, [row("draft")], publish=False)
    async with anna.service.messaging.transactions() as tx:
        company = UUID((await anna.call("GET", "/employer-profile"))["companyId"])
        await hold_company(tx, company, "taken_down", True)
    answer = await send(anna, [row("draft"), row("new")])
    assert [one["problem"]["code"] for one in answer["rows"]] == ["held", "held"]
    assert outcomes(await send(anna, [row("new")], publish=False)) == ["created"]
    assert await anna.events() == []


async def test_rows_are_limited_for_each_company(anna: Person, boris: Person) -> None:
    settings = anna.service.app.state.settings
    anna.service.app.state.settings = settings.model_copy(update={"imported_rows_per_hour": 500})
    await anna.hire()
    await boris.hire("Other")
    await send(anna, [{}] * 300)
    await send(anna, [row("a")])
    async with anna.service.messaging.transactions() as tx:
        await tx.execute(
            update(vacancy_import)
            .where(vacancy_import.c.rows == 300)
            .values(at=vacancy_import.c.at - timedelta(minutes=50))
        )
    refused = await send(anna, [row(str(n)) for n in range(200)], expect=429)
    assert (refused["code"], 0 < refused["params"]["seconds"] <= 600) == ("too_many_rows", True)
    await send(anna, [{}] * 199)
    await send(boris, [row("a")])
    assert len((await anna.call("GET", "/vacancies/overview"))["items"]) == 1
