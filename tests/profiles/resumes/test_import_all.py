"""Imports of all resumes that a person has elsewhere: an answer for each row, nothing twice."""

import asyncio
from typing import Any

from tests.profiles.conftest import Person

DOCUMENT: dict[str, Any] = {
    "basics": {"name": "Anna Lee", "label": "Cook", "location": {"city": "Omsk"}},
    "work": [{"name": "Cafe", "position": "Cook", "startDate": "2020-01", "endDate": "2021"}],
    "education": [{"institution": "School", "area": "Cooking"}],
    "skills": [{"name": "Soups", "level": "Expert"}],
}


def row(key: str, **changes: object) -> dict[str, object]:
    return {"externalId": key, "document": DOCUMENT, "changes": changes}


async def send(person: Person, rows: list[Any]) -> Any:
    return await person.call("POST", "/resumes/import-all", {"resumes": rows})


def outcomes(answer: Any) -> list[str]:
    return [one["outcome"] for one in answer["rows"]]


async def test_resumes_are_created_once_with_what_a_document_cannot_say(anna: Person) -> None:
    rows = [
        row("a", status="published", employmentTypes=["FULL_TIME"]),
        row("b", status="hidden", title="Chef", visibility="link"),
        {"externalId": "c", "document": DOCUMENT | {"work": [{"startDate": "soon"}]}},
    ]
    answer = await send(anna, rows)
    assert (answer["created"], [one["status"] for one in answer["rows"]]) == (
        *(3, ["published", "hidden", "draft"]),
    )
    assert [one["pointer"] for one in answer["rows"][2]["leftOut"]] == ["#/work/0/startDate"]
    first, second, _ = [await anna.call("GET", f"/resumes/{one['id']}") for one in answer["rows"]]
    assert (first["title"], first["employmentTypes"], first["area"]) == (
        *("Cook", ["FULL_TIME"], "Omsk"),
    )
    assert [job["company"] for job in first["experience"]] == ["Cafe"]
    assert [study["organization"] for study in first["education"]] == ["School"]
    assert (second["title"], second["linkKey"] is not None) == ("Chef", True)
    events = [one.body for one in await anna.events()]
    assert [(e["action"], e["version"], e["resume"]["status"]) for e in events] == [
        *(("created", 1, "published"), ("created", 1, "hidden"), ("created", 1, "draft"))
    ]
    exported = await anna.call("GET", f"/resumes/{first['id']}/export")
    assert exported["skills"] == DOCUMENT["skills"]

    await anna.call("PATCH", f"/resumes/{first['id']}", {"title": "Mine"})
    again = await send(anna, [row("a", title="Theirs"), row("d")])
    assert outcomes(again) == ["unchanged", "created"]
    assert (await anna.call("GET", f"/resumes/{first['id']}"))["title"] == "Mine"


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


async def test_wrong_rows_do_not_stop_the_others(anna: Person, boris: Person) -> None:
    rows: list[Any] = [
        row("a"),
        {"externalId": "b", "document": {"basics": {}}},
        {"externalId": "c", "document": DOCUMENT | {"x": "\x00"}},
        row("d", status="published", title=None),
        row("e", status="gone", colour=1),
        row("a"),
        7,
        {"externalId": "f", "document": DOCUMENT | {"x": deep(900)}},
    ]
    answer = await send(anna, rows)
    assert outcomes(answer) == ["created", *["failed"] * 7]
    wrong = [
        {(one["pointer"], one["code"]) for one in line["problem"]["errors"]}
        for line in answer["rows"][1:]
    ]
    assert wrong[0] == {("#/document", "not_a_resume")}
    assert wrong[1] == {("#/document/x", "unsupported_character")}
    assert wrong[2] == {("#/title", "required_to_publish")}
    assert wrong[3] == {
        ("#/changes/status", "literal_error"),
        ("#/changes/colour", "extra_forbidden"),
    }
    assert wrong[4] == {("#/externalId", "listed_twice")}
    assert wrong[5] == {("#", "model_type")}
    assert {code for _, code in wrong[6]} == {"too_deep"}
    assert len((await anna.call("GET", "/resumes"))["items"]) == 1
    assert outcomes(await send(boris, [row("a")])) == ["created"]


async def test_imports_at_once_keep_the_limit_and_double_nothing(anna: Person) -> None:
    rows = [row(str(n)) for n in range(45)]
    answers = await asyncio.gather(*(send(anna, rows) for _ in range(3)))
    assert sorted(one["created"] for one in answers) == [0, 0, 45]
    over = await send(anna, [row(f"more {n}") for n in range(7)])
    assert outcomes(over) == [*["created"] * 5, "failed", "failed"]
    assert over["rows"][6]["problem"]["code"] == "too_many_items"
    assert len(await anna.events()) == 50
    await anna.call("DELETE", f"/resumes/{over['rows'][0]['id']}", expect=204)
    assert outcomes(await send(anna, [row("more 0")])) == ["created"]
