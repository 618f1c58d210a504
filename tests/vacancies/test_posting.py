"""Vacancies: their states, access to them, and their events."""

import asyncio
import base64
import json
from datetime import timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event

from hirewire.kit import clock
from hirewire.vacancies.posting import commands
from tests.vacancies.conftest import VACANCY, Person

ACTIONS = ("publish", "pause", "close", "reopen", "archive")
WAYS = {
    "draft": [],
    "published": ["publish"],
    "paused": ["publish", "pause"],
    "closed": ["publish", "close"],
    "archived": ["publish", "close", "archive"],
}


FOLLOWING = {
    ("draft", "publish"): "published",
    ("published", "pause"): "paused",
    ("published", "close"): "closed",
    ("paused", "publish"): "published",
    ("paused", "close"): "closed",
    ("closed", "reopen"): "paused",
    ("closed", "archive"): "archived",
}
ALLOWED = {
    "draft": ["edit", "publish", "copy"],
    "published": ["edit", "pause", "close", "copy"],
    "paused": ["edit", "publish", "close", "copy"],
    "closed": ["reopen", "archive", "copy"],
    "archived": ["copy"],
}


async def test_data_is_stored_as_sent(anna: Person) -> None:
    await anna.hire()
    made = await anna.call("POST", "/vacancies", VACANCY, expect=201)
    assert {name: made[name] for name in VACANCY} == VACANCY
    assert (made["status"], made["version"], made["companyName"]) == ("draft", 1, "Acme")
    assert made["allowedActions"] == ALLOWED["draft"]


@pytest.mark.parametrize("action", ACTIONS)
async def test_every_transition_from_every_status(anna: Person, action: str) -> None:
    await anna.hire()
    for status, way in WAYS.items():
        id = await anna.vacancy()
        for step in way:
            await anna.call("POST", f"/vacancies/{id}/{step}")
        before = await anna.call("GET", f"/vacancies/{id}")
        assert (before["status"], before["allowedActions"]) == (status, ALLOWED[status])
        following = FOLLOWING.get((status, action))
        expected = 200 if following else 409
        answer = await anna.call("POST", f"/vacancies/{id}/{action}", expect=expected)
        after = await anna.call("GET", f"/vacancies/{id}")
        if following:
            assert answer == after | {"saved": None}, "a change does not look whether it is saved"
            assert (after["status"], after["version"]) == (following, before["version"] + 1)
        else:
            assert answer["type"].endswith("move-not-allowed")
            assert answer["allowed"] == ALLOWED[status]
            assert after == before


@pytest.mark.parametrize("status", ["closed", "archived"])
async def test_a_closed_vacancy_cannot_be_edited(anna: Person, status: str) -> None:
    await anna.hire()
    id = await anna.vacancy()
    for step in WAYS[status]:
        await anna.call("POST", f"/vacancies/{id}/{step}")
    refused = await anna.call("PATCH", f"/vacancies/{id}", {"title": "x"}, expect=409)
    assert refused["allowed"] == ALLOWED[status]


async def test_each_concurrent_change_is_one_version(anna: Person) -> None:
    await anna.hire()
    id = await anna.vacancy()
    await anna.call("POST", f"/vacancies/{id}/publish")
    titles = [f"Title {n}" for n in range(8)]
    answers = await asyncio.gather(
        *(anna.call("PATCH", f"/vacancies/{id}", {"title": title}) for title in titles)
    )
    assert sorted(answer["version"] for answer in answers) == list(range(3, 11))
    bodies = [body for type, body in await anna.events() if type == "vacancy.updated"]
    assert [body["version"] for body in bodies] == list(range(3, 11))
    by_version = {answer["version"]: answer["title"] for answer in answers}
    assert {body["version"]: body["title"] for body in bodies} == by_version


async def test_null_clears_a_field_and_omitted_fields_stay(anna: Person) -> None:
    await anna.hire()
    id = await anna.vacancy()
    cleared = dict.fromkeys(VACANCY.keys() - {"title"})
    changed = await anna.call("PATCH", f"/vacancies/{id}", cleared)
    empty: dict[str, Any] = {"requirements": [], "languages": [], "responseLetterRequired": False}
    assert {name: changed[name] for name in VACANCY} == VACANCY | cleared | empty
    again = await anna.call("PATCH", f"/vacancies/{id}", cleared)
    assert again["version"] == changed["version"] == 2
    await anna.call("PATCH", f"/vacancies/{id}", {"title": None}, expect=422)


async def test_one_statement_changes_any_set_of_fields(anna: Person) -> None:
    await anna.hire()
    id = await anna.vacancy()
    updates: set[str] = set()

    def note(_: object, __: object, statement: str, *___: object) -> None:
        if statement.startswith(("UPDATE vacancy", "UPDATE company")):
            updates.add(statement)

    event.listen(anna.service.engine.sync_engine, "before_cursor_execute", note)
    kept = VACANCY
    for changes in ({"title": "A", "area": "Riga"}, {"salary": None}, {"area": None, "title": "B"}):
        changed = await anna.call("PATCH", f"/vacancies/{id}", changes)
        kept = kept | changes
        assert {name: changed[name] for name in VACANCY} == kept
    assert len(updates) == 1
    updates.clear()
    company = {"site": "https://acme.example/", "description": "We make things."}
    for name, value in company.items():
        await anna.call("PATCH", "/employer-profile", {name: value})
    changed = await anna.call("PATCH", "/employer-profile", {"companyName": "Acme & Co"})
    assert {name: changed[name] for name in company} == company
    assert len([statement for statement in updates if statement.startswith("UPDATE company")]) == 1


async def test_what_applicants_can_see_is_published_as_events(anna: Person) -> None:
    company = (await anna.hire())["companyId"]
    id = await anna.vacancy()
    await anna.call("PATCH", f"/vacancies/{id}", {"title": "Draft still"})
    await anna.call("POST", f"/vacancies/{id}/publish")
    await anna.call("PATCH", f"/vacancies/{id}", {"title": "Another"})
    await anna.call("PATCH", f"/vacancies/{id}", {"title": "Another"})
    await anna.call("POST", f"/vacancies/{id}/pause")
    await anna.call("PATCH", f"/vacancies/{id}", {"area": "Tomsk"})
    await anna.call("POST", f"/vacancies/{id}/publish")
    await anna.call("POST", f"/vacancies/{id}/close", {"reason": "cancelled"})
    common = {"vacancyId": id, "companyId": company}
    assert await anna.events() == [
        ("vacancy.published", common | {"version": 3, "title": "Draft still"}),
        ("vacancy.updated", common | {"version": 4, "title": "Another"}),
        ("vacancy.paused", common | {"version": 5}),
        ("vacancy.published", common | {"version": 7, "title": "Another"}),
        ("vacancy.closed", common | {"version": 8, "reason": "cancelled"}),
    ]


async def test_another_companys_vacancy_cannot_be_touched(anna: Person, boris: Person) -> None:
    await anna.hire()
    await boris.hire("Other")
    id = await anna.vacancy()
    await boris.call("GET", f"/vacancies/{id}", expect=404)
    await anna.call("POST", f"/vacancies/{id}/publish")
    seen = await boris.call("GET", f"/vacancies/{id}")
    assert seen["allowedActions"] == []
    await boris.call("PATCH", f"/vacancies/{id}", {"title": "x"}, expect=404)
    for action in ACTIONS:
        await boris.call("POST", f"/vacancies/{id}/{action}", expect=404)
    assert (await boris.call("GET", "/vacancies?mine=true"))["items"] == []
    [own] = (await anna.call("GET", "/vacancies?mine=true"))["items"]
    assert own["id"] == id


async def test_the_list_is_open_to_all_and_shows_what_is_open(anna: Person) -> None:
    await anna.hire()
    client = anna.service.client
    ids = [await anna.vacancy(title=f"Developer {n}") for n in range(5)]
    for id in ids:
        await anna.call("POST", f"/vacancies/{id}/publish")
    await anna.vacancy(title="A draft")
    await anna.call("POST", f"/vacancies/{ids[0]}/close")

    async def listed(query: str) -> list[str]:
        answer = await client.get(f"/api/vacancies/vacancies{query}")
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]]

    assert await listed("") == ids[:0:-1]
    assert (await client.get("/api/vacancies/vacancies?mine=true")).status_code == 401
    assert (await client.get("/api/vacancies/vacancies?q=%00")).status_code == 422
    closed = await client.get(f"/api/vacancies/vacancies/{ids[0]}")
    assert closed.json()["status"] == "closed"


async def test_pages_are_whole_while_vacancies_are_published(anna: Person) -> None:
    await anna.hire()
    ids = [await anna.vacancy() for _ in range(7)]
    for id in ids:
        await anna.call("POST", f"/vacancies/{id}/publish")
    seen: list[str] = []
    url = "/api/vacancies/vacancies?limit=2"
    while url:
        answer = await anna.service.client.get(url)
        seen += [item["id"] for item in answer.json()["items"]]
        more = await anna.vacancy()
        await anna.call("POST", f"/vacancies/{more}/publish")
        url = answer.links.get("next", {}).get("url", "")
    assert seen == ids[::-1]


async def test_publishing_needs_a_description(anna: Person) -> None:
    await anna.hire()
    id = await anna.vacancy(description=None)
    refused = await anna.call("POST", f"/vacancies/{id}/publish", expect=409)
    assert refused["errors"] == [
        {
            "pointer": "#/description",
            "detail": "required for a published vacancy",
            "code": "required_to_publish",
            "params": {},
        }
    ]
    assert await anna.events() == []


async def test_publishing_needs_a_future_last_day(anna: Person) -> None:
    await anna.hire()
    id = await anna.vacancy()
    async with anna.service.messaging.transactions() as tx:
        await tx.exec_driver_sql("update vacancy set valid_through = current_date - 2")
    refused = await anna.call("POST", f"/vacancies/{id}/publish", expect=409)
    [error] = refused["errors"]
    assert (error["pointer"], error["code"]) == ("#/validThrough", "in_the_past")
    await anna.call("PATCH", f"/vacancies/{id}", {"validThrough": None})
    await anna.call("POST", f"/vacancies/{id}/publish")


@pytest.mark.parametrize("zone", ["Etc/GMT+12", "Pacific/Kiritimati"])
async def test_days_are_those_of_the_boards_time_zone(
    anna: Person, boris: Person, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time zones twelve hours behind and fourteen ahead: at any moment one has another day."""
    monkeypatch.setattr(clock, "_zone", ZoneInfo(zone))
    today = clock.now().astimezone(ZoneInfo(zone)).date()
    yesterday = today - timedelta(days=1)
    await anna.hire()
    await anna.call("POST", "/vacancies", VACANCY | {"validThrough": str(yesterday)}, expect=422)
    id = await anna.vacancy(validThrough=str(today))
    await anna.call("POST", f"/vacancies/{id}/publish")
    async with anna.service.messaging.transactions() as tx:
        assert not await commands.close_expired(tx, limit=10)
    await boris.call(
        "POST", f"/vacancies/{id}/applications", {"resumeId": str(uuid4())}, expect=404
    )
    async with anna.service.messaging.transactions() as tx:
        await tx.exec_driver_sql("update vacancy set valid_through = $1", (yesterday,))
    await boris.call(
        "POST", f"/vacancies/{id}/applications", {"resumeId": str(uuid4())}, expect=409
    )
    async with anna.service.messaging.transactions() as tx:
        assert await commands.close_expired(tx, limit=10)


async def test_a_description_is_stored_sanitized(anna: Person) -> None:
    await anna.hire()
    html = "<p onclick=x>Hi<script>alert(1)</script> <a href='javascript:y'>z</a></p>"
    id = await anna.vacancy(description=html)
    made = await anna.call("GET", f"/vacancies/{id}")
    clean = '<p>Hi <a rel="noopener noreferrer nofollow">z</a></p>'
    assert made["description"] == clean
    same = await anna.call("PATCH", f"/vacancies/{id}", {"description": clean})
    assert same["version"] == 1


async def test_a_repeat_under_one_key_makes_one_draft(anna: Person) -> None:
    await anna.hire()
    key = {"Idempotency-Key": "draft-1"}
    first = await anna.call("POST", "/vacancies", VACANCY, expect=201, **key)
    assert await anna.call("POST", "/vacancies", VACANCY, expect=201, **key) == first
    await anna.call("POST", "/vacancies", VACANCY | {"title": "Other"}, expect=422, **key)
    assert len((await anna.call("GET", "/vacancies?mine=true"))["items"]) == 1


async def test_the_public_list_includes_the_owners_actions(anna: Person, boris: Person) -> None:
    await anna.hire()
    id = await anna.vacancy()
    await anna.call("POST", f"/vacancies/{id}/publish")
    for who, allowed in ((anna, ALLOWED["published"]), (boris, [])):
        [item] = (await who.call("GET", "/vacancies"))["items"]
        assert item["allowedActions"] == allowed


async def test_a_made_up_cursor_is_refused(anna: Person) -> None:
    await anna.hire()
    places = [
        [],
        ["x"],
        ["2026-01-01T00:00:00+00:00"],
        ["2026-01-01T00:00:00", str(uuid4())],
        ["0001-01-01T00:00:00+14:00", str(uuid4())],
        ["2026-01-01T00:00:00+00:00", "7"],
        ["time", str(2**63 - 1), str(uuid4())],
        ["time", "253402300800000000", str(uuid4())],
    ]
    for place in places:
        after = base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")
        for query in ("", "mine=true&"):
            answer = await anna.call("GET", f"/vacancies?{query}after={after}", expect=422)
            assert answer["type"].endswith("bad-cursor"), place


BAD: list[tuple[dict[str, Any], str]] = [
    ({"title": ""}, "#/title"),
    ({"salary": {"min": 5, "max": 1, "currency": "RUB"}}, "#/salary"),
    ({"salary": {"currency": "RUB"}}, "#/salary"),
    ({"salary": {"min": 1, "currency": "euro"}}, "#/salary/currency"),
    ({"salary": {"min": 1, "currency": "XXY"}}, "#/salary/currency"),
    ({"salary": {"min": "1", "currency": "RUB"}}, "#/salary/min"),
    ({"salary": {"min": -1, "currency": "RUB"}}, "#/salary/min"),
    ({"salary": {"min": 1, "currency": "RUB", "unit": "DECADE"}}, "#/salary/unit"),
    ({"salary": {"min": 1, "currency": "RUB", "gross": "yes"}}, "#/salary/gross"),
    ({"title": None}, "#/title"),
    ({"title": "x" * 201}, "#/title"),
    ({"title": 5}, "#/title"),
    ({"title": "a\x00b"}, "#"),
    ({"description": "<script>x</script>"}, "#/description"),
    ({"description": "x" * 50_001}, "#/description"),
    ({"description": "<br>" * 1001}, "#/description"),
    ({"area": ["Omsk"]}, "#/area"),
    ({"workFormat": "moon"}, "#/workFormat"),
    ({"employmentType": "full_time"}, "#/employmentType"),
    ({"languages": [{"language": "English", "level": "D1"}]}, "#/languages/0/level"),
    ({"languages": [{"language": "English"}, {"language": "english"}]}, "#/languages"),
    ({"requirements": [{"skill": "Go"}, {"skill": "go"}]}, "#/requirements"),
    ({"requirements": [{"skill": "Go"}] * 101}, "#/requirements"),
    ({"requirements": [{"skill": "x", "level": 6}]}, "#/requirements/0/level"),
    ({"requirements": [{"skill": "x", "level": True}]}, "#/requirements/0/level"),
    ({"requirements": [{"skill": "x\x00"}]}, "#/requirements/0"),
    ({"responseLetterRequired": 1}, "#/responseLetterRequired"),
    ({"validThrough": 4070908800}, "#/validThrough"),
    ({"validThrough": "2099-02-30"}, "#/validThrough"),
    ({"validThrough": "2099-01-01T00:00:00"}, "#/validThrough"),
    ({"companyId": "x"}, "#/companyId"),
    ({"experience": "lots"}, "#/experience"),
    ({"validThrough": "2001-01-01"}, "#/validThrough"),
    ({"requirements": [{"skill": "x", "kind": "maybe"}]}, "#/requirements/0/kind"),
    ({"status": "published"}, "#/status"),
]


async def test_bad_input_names_the_field(anna: Person) -> None:
    await anna.hire()
    id = await anna.vacancy()
    for change, pointer in BAD:
        made = await anna.call("POST", "/vacancies", VACANCY | change, expect=422)
        changed = await anna.call("PATCH", f"/vacancies/{id}", change, expect=422)
        for answer in (made, changed):
            assert pointer in [error["pointer"] for error in answer["errors"]], change
    [kept] = (await anna.call("GET", "/vacancies?mine=true"))["items"]
    assert (kept["id"], kept["version"]) == (id, 1)


async def test_closing_takes_a_reason_of_the_list(anna: Person) -> None:
    await anna.hire()
    id = await anna.vacancy()
    await anna.call("POST", f"/vacancies/{id}/publish")
    bad: list[object] = [{"reason": "bored"}, {"reason": None}, {"why": "filled"}, []]
    for body in bad:
        await anna.call("POST", f"/vacancies/{id}/close", body, expect=422)
    assert (await anna.call("GET", f"/vacancies/{id}"))["status"] == "published"
