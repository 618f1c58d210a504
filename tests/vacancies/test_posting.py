"""Vacancies: their life, who sees and changes them, what is said of them."""

from typing import Any

import pytest

from hirewire.vacancies.posting.rules import MOVES, sanitised
from tests.vacancies.conftest import VACANCY, Person

ACTIONS = ("publish", "pause", "close", "archive")
WAYS = {
    "draft": [],
    "published": ["publish"],
    "paused": ["publish", "pause"],
    "closed": ["publish", "close"],
    "archived": ["publish", "close", "archive"],
}


async def test_what_is_sent_is_what_is_kept(anna: Person) -> None:
    await anna.hire()
    made = await anna.call("POST", "/vacancies", VACANCY, expect=201)
    assert {name: made[name] for name in VACANCY} == VACANCY
    assert (made["status"], made["version"], made["companyName"]) == ("draft", 1, "Acme")
    assert made["allowedActions"] == ["edit", "publish"]


@pytest.mark.parametrize("status", WAYS)
@pytest.mark.parametrize("action", ACTIONS)
async def test_every_move_from_every_status(anna: Person, status: str, action: str) -> None:
    await anna.hire()
    id = await anna.vacancy()
    for step in WAYS[status]:
        await anna.call("POST", f"/vacancies/{id}/{step}")
    following = MOVES[status].get(action)  # type: ignore[call-overload]
    answer = await anna.call("POST", f"/vacancies/{id}/{action}", expect=200 if following else 409)
    if following:
        assert answer["status"] == following
    else:
        assert action not in answer["allowed"]


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
    ids = [await anna.vacancy(title=f"Developer {n} 100%", area=f"City {n % 2}") for n in range(5)]
    for id in ids:
        await anna.call("POST", f"/vacancies/{id}/publish")
    await anna.vacancy(title="A draft")
    await anna.call("POST", f"/vacancies/{ids[0]}/close")

    async def listed(query: str) -> list[str]:
        answer = await client.get(f"/api/vacancies/vacancies{query}")
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]]

    assert await listed("") == ids[:0:-1]
    assert await listed("?area=City 1") == [ids[3], ids[1]]
    assert await listed("?q=DEVELOPER 2") == [ids[2]]
    assert await listed("?q=100%25") == ids[:0:-1]
    assert await listed("?q=100_") == []
    assert await listed("?workFormat=hybrid") == []
    assert (await client.get("/api/vacancies/vacancies?workFormat=moon")).status_code == 422
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
        {"pointer": "#/description", "detail": "needed for a published vacancy"}
    ]
    assert await anna.events() == []


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>Hello <b>you</b></p>", "<p>Hello <b>you</b></p>"),
        ("<script>alert(1)</script>ok", "ok"),
        ("<p onclick=x style='y'>a</p>", "<p>a</p>"),
        ('<a href="javascript:x">a</a>', '<a rel="noopener noreferrer nofollow">a</a>'),
        ("<img src=x onerror=alert(1)>b", "b"),
        ("<h1>big</h1>", "big"),
        ("1 < 2 & 3", "1 &lt; 2 &amp; 3"),
    ],
)
def test_descriptions_are_harmless(html: str, expected: str) -> None:
    assert sanitised(html) == expected


BAD: list[tuple[dict[str, Any], str]] = [
    ({"title": ""}, "#/title"),
    ({"salary": {"min": 5, "max": 1, "currency": "RUB"}}, "#/salary"),
    ({"salary": {"currency": "RUB"}}, "#/salary"),
    ({"salary": {"min": 1, "currency": "euro"}}, "#/salary/currency"),
    ({"experience": "lots"}, "#/experience"),
    ({"validThrough": "2001-01-01"}, "#/validThrough"),
    ({"requirements": [{"skill": "x", "kind": "maybe"}]}, "#/requirements/0/kind"),
    ({"status": "published"}, "#/status"),
]


@pytest.mark.parametrize(("change", "pointer"), BAD)
async def test_bad_input_names_the_field(
    anna: Person, change: dict[str, Any], pointer: str
) -> None:
    await anna.hire()
    answer = await anna.call("POST", "/vacancies", VACANCY | change, expect=422)
    assert pointer in [error["pointer"] for error in answer["errors"]]
