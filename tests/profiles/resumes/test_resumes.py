"""Resumes: every change is one version and one event, and access is limited to the owner."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from hirewire.contracts.profiles import ResumeUpdated
from hirewire.profiles.resumes import commands
from tests.profiles.conftest import Person

FULL: dict[str, Any] = {
    "title": "Python developer",
    "summary": "I, Anna Petrova, write services.",
    "area": "Saint Petersburg",
    "relocation": True,
    "employmentTypes": ["FULL_TIME"],
    "workFormats": ["remote", "hybrid"],
    "salary": {"amount": 300000, "currency": "RUB", "unit": "MONTH"},
    "skills": [{"name": "Python", "level": 4}, {"name": "SQL", "level": None}],
    "languages": [{"language": "English", "level": "B2"}],
    "certificates": [{"name": "PSM", "issuer": None, "date": None, "url": None}],
    "links": [{"url": "https://anna.example.org/", "label": None}],
    "visibility": "recommended",
    "hiddenFrom": [],
}


async def test_data_is_stored_as_sent(anna: Person) -> None:
    made = await anna.call("POST", "/resumes", FULL, expect=201)
    assert {name: made[name] for name in FULL} == FULL
    assert (made["version"], made["status"]) == (1, "draft")
    assert await anna.call("GET", f"/resumes/{made['id']}") == made


async def test_each_change_is_one_event_with_its_action(anna: Person) -> None:
    made = await anna.call("POST", "/resumes", FULL, expect=201)
    path = f"/resumes/{made['id']}"
    await anna.call("PATCH", path, {"title": "Senior developer"})
    job = {"company": "Acme", "position": "Developer", "start": "2020-01", "end": "2021-06"}
    job_id = (await anna.call("POST", f"{path}/experience", job, expect=201))["id"]
    await anna.call("PATCH", f"{path}/experience/{job_id}", {"end": None})
    study = {"organization": "ITMO", "startYear": 2010, "endYear": 2014}
    study_id = (await anna.call("POST", f"{path}/education", study, expect=201))["id"]
    await anna.call("PATCH", f"{path}/education/{study_id}", {"level": "Bachelor"})
    await anna.call("DELETE", f"{path}/education/{study_id}", expect=204)
    await anna.call("DELETE", f"{path}/experience/{job_id}", expect=204)
    await anna.call("DELETE", path, expect=204)
    await anna.call("GET", path, expect=404)
    events = await anna.events()
    assert [(e.body["action"], e.body["version"], e.sequence) for e in events] == [
        ("created", 1, 1),
        ("updated", 2, 2),
        ("experience_added", 3, 3),
        ("experience_updated", 4, 4),
        ("education_added", 5, 5),
        ("education_updated", 6, 6),
        ("education_removed", 7, 7),
        ("experience_removed", 8, 8),
        ("deleted", 9, 9),
    ]
    for event in events:
        assert (event.body["userId"], event.key) == (str(anna.id), made["id"])
        action = event.body["action"]
        items = event.body.keys() & {"experienceId", "educationId"}
        named = {name: event.body[name] for name in items}
        expected = {"experience": {"experienceId": job_id}, "education": {"educationId": study_id}}
        assert named == expected.get(action.partition("_")[0], {})
    assert "resume" not in events[-1].body
    assert events[2].body["resume"]["experience"][0]["company"] == "Acme"


async def test_the_snapshot_has_the_content_but_not_the_person(anna: Person) -> None:
    await anna.call("POST", "/resumes", FULL, expect=201)
    event = (await anna.events())[0]
    parsed = ResumeUpdated.model_validate(event.body).resume
    assert parsed is not None
    assert [skill.name for skill in parsed.skills] == ["Python", "SQL"]
    assert (parsed.area, parsed.relocation) == ("Saint Petersburg", True)
    assert parsed.salary is not None
    assert parsed.salary.amount == 300000
    for secret in ("Petrova", "anna.example.org", "PSM"):
        assert secret not in str(event.body)


async def test_the_snapshot_names_the_licences_of_certificates_and_nothing_else(
    anna: Person,
) -> None:
    names = ["Права кат. C,E № 77 Анна", "Мой любимый сертификат", "CSCS card"]
    body = FULL | {"certificates": [{"name": name} for name in names]}
    await anna.call("POST", "/resumes", body, expect=201)
    [event] = await anna.events()
    parsed = ResumeUpdated.model_validate(event.body).resume
    assert parsed
    assert parsed.licences == ["Driving licence category CE", "CSCS card"]
    assert "любимый" not in str(event.body)


async def test_an_update_without_differences_is_no_change(anna: Person) -> None:
    made = await anna.call("POST", "/resumes", FULL, expect=201)
    again = await anna.call("PATCH", f"/resumes/{made['id']}", FULL)
    assert again["version"] == 1
    assert len(await anna.events()) == 1


async def test_versions_are_dense_under_concurrent_changes(anna: Person) -> None:
    made = await anna.call("POST", "/resumes", FULL, expect=201)
    path = f"/resumes/{made['id']}"
    await asyncio.gather(*(anna.call("PATCH", path, {"title": f"T{n}"}) for n in range(20)))
    events = await anna.events()
    assert [event.body["version"] for event in events] == list(range(1, 22))
    assert [event.sequence for event in events] == list(range(1, 22))
    last = await anna.call("GET", path)
    assert events[-1].body["resume"]["title"] == last["title"]


async def test_another_persons_resume_is_not_found(anna: Person, boris: Person) -> None:
    made = await anna.call("POST", "/resumes", FULL, expect=201)
    path = f"/resumes/{made['id']}"
    job = {"position": "Developer", "start": "2020"}
    item = (await anna.call("POST", f"{path}/experience", job, expect=201))["id"]
    study = {"organization": "ITMO"}
    other = (await anna.call("POST", f"{path}/education", study, expect=201))["id"]
    for method, place, body in [
        ("GET", "", None),
        ("PATCH", "", {"title": "Mine"}),
        ("DELETE", "", None),
        ("GET", "/export", None),
        ("POST", "/experience", job),
        ("PATCH", f"/experience/{item}", {"position": "x"}),
        ("DELETE", f"/experience/{item}", None),
        ("POST", "/education", study),
        ("PATCH", f"/education/{other}", {"organization": "x"}),
        ("DELETE", f"/education/{other}", None),
    ]:
        await boris.call(method, path + place, body, expect=404)
    assert (await boris.call("GET", "/resumes"))["items"] == []
    assert (await anna.call("GET", path))["version"] == 3


async def test_publishing_needs_the_mandatory_fields(anna: Person) -> None:
    made = await anna.call("POST", "/resumes", {"title": "Developer"}, expect=201)
    path = f"/resumes/{made['id']}"
    assert made["completeness"]["missingMandatory"] == ["skills"]
    refused = await anna.call("PATCH", path, {"status": "published"}, expect=409)
    assert refused["errors"][0]["pointer"] == "#/skills"
    skills = [{"name": "Python"}]
    done = await anna.call("PATCH", path, {"status": "published", "skills": skills})
    assert "hide" in done["allowedActions"]
    refused = await anna.call("PATCH", path, {"skills": []}, expect=409)
    refused = await anna.call("PATCH", path, {"status": "draft"}, expect=409)
    assert refused["allowed"] == ["hidden"]
    assert (await anna.call("PATCH", path, {"status": "hidden"}))["version"] == 3


async def test_creating_can_be_repeated_safely(anna: Person) -> None:
    key = {"Idempotency-Key": "k-1"}
    answers = await asyncio.gather(
        *(anna.call("POST", "/resumes", FULL, expect=201, **key) for _ in range(5))
    )
    assert len({answer["id"] for answer in answers}) == 1
    assert len(await anna.events()) == 1
    reused = await anna.call("POST", "/resumes", {"title": "Other"}, expect=422, **key)
    assert reused["type"].endswith("idempotency-key-reused")


async def test_a_deleted_resume_leaves_nothing(anna: Person) -> None:
    made = await anna.call("POST", "/resumes", FULL, expect=201, **{"Idempotency-Key": "k"})
    await anna.call("DELETE", f"/resumes/{made['id']}", expect=204)
    async with anna.service.engine.connect() as connection:
        for table in ("resume", "experience", "education", "kit.idempotency"):
            count = await connection.exec_driver_sql(f"select count(*) from {table}")
            assert count.scalar_one() == 0, table


async def test_pages_list_each_resume_once_while_more_are_created(anna: Person) -> None:
    ids = [
        (await anna.call("POST", "/resumes", {"title": str(n)}, expect=201))["id"] for n in range(7)
    ]
    seen, after = [], ""
    while True:
        page = await anna.call("GET", f"/resumes?limit=3{after}")
        seen += [item["id"] for item in page["items"]]
        await anna.call("POST", "/resumes", {"title": "later"}, expect=201)
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert seen == ids[::-1]


@pytest.mark.parametrize("cursor", ["x", "W10", "e30", "WyJ4Il0", "%00"])
async def test_an_invalid_cursor_is_refused(anna: Person, cursor: str) -> None:
    await anna.call("GET", f"/resumes?after={cursor}", expect=422)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#/title"),
        ({"title": ""}, "#/title"),
        ({"title": "x" * 201}, "#/title"),
        ({"title": 5}, "#/title"),
        ({"title": "x", "skills": [{"name": "y", "level": 9}]}, "#/skills/0/level"),
        ({"title": "x", "skills": [{"name": "y\u0000"}]}, "#/skills/0"),
        ({"title": "x", "salary": {"amount": -1, "currency": "RUB"}}, "#/salary/amount"),
        ({"title": "x", "salary": {"amount": 1, "currency": "rubles"}}, "#/salary/currency"),
        ({"title": "x", "workFormats": ["moon"]}, "#/workFormats/0"),
        ({"title": "x", "languages": [{"language": "en", "level": "Z9"}]}, "#/languages/0/level"),
        ({"title": "x", "userId": str(uuid4())}, "#/userId"),
        ({"title": "x", "status": "erased"}, "#/status"),
    ],
)
async def test_bad_input_names_the_field(anna: Person, body: object, pointer: str) -> None:
    answer = await anna.call("POST", "/resumes", body, expect=422)
    assert pointer in [error["pointer"] for error in answer["errors"]]
    assert await anna.events() == []


@pytest.mark.parametrize(
    "job",
    [
        {"position": "x", "start": "2020-13"},
        {"position": "x", "start": "2021-02-30"},
        {"position": "x", "start": "2021-02", "end": "2020"},
        {"position": "x", "start": "yesterday"},
        {"start": "2020"},
    ],
)
async def test_bad_items_are_refused(anna: Person, job: object) -> None:
    made = await anna.call("POST", "/resumes", FULL, expect=201)
    await anna.call("POST", f"/resumes/{made['id']}/experience", job, expect=422)
    assert len(await anna.events()) == 1


async def test_a_body_over_the_limit_is_refused_announced_or_not(anna: Person) -> None:
    headers = anna.service.as_user(anna.id)
    url = "/api/profiles/resumes"

    async def chunks() -> Any:
        for _ in range(20):
            yield b"x" * 100_000

    for content in (b"x" * 1_100_000, chunks()):
        answer = await anna.service.client.post(url, content=content, headers=headers)
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"


async def test_two_at_once_do_not_go_over_the_limit(
    anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "MOST_RESUMES", 3)

    async def make() -> int:
        answer = await anna.service.client.post(
            "/api/profiles/resumes", json=FULL, headers=anna.service.as_user(anna.id)
        )
        return answer.status_code

    made = await asyncio.gather(*(make() for _ in range(8)))
    assert sorted(made) == [201] * 3 + [409] * 5


@pytest.mark.parametrize("path", ["/resumes", "/me"])
async def test_a_link_that_encoding_makes_too_long_is_refused(anna: Person, path: str) -> None:
    long = "https://example.org/" + "ы" * 600
    method, expect = ("POST", 422) if path == "/resumes" else ("PATCH", 422)
    answer = await anna.call(method, path, {"links": [{"url": long}]}, expect=expect)
    assert "at most 2000 characters" in str(answer["errors"])


async def test_a_body_of_thousands_of_unknown_members_is_one_mistake(anna: Person) -> None:
    body = {f"unknown{n}": n for n in range(20_000)}
    answer = await anna.call("POST", "/resumes", body, expect=422)
    assert [error["detail"] for error in answer["errors"]] == ["at most 200 members"]


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "example.org", "x"])
async def test_all_links_are_web_addresses(anna: Person, url: str) -> None:
    """Links, certificates and projects alike, written or imported."""
    for name in ("links", "certificates", "projects"):
        body = {"title": "x", name: [{"url": url} | ({} if name == "links" else {"name": "x"})]}
        answer = await anna.call("POST", "/resumes", body, expect=422)
        assert answer["errors"][0]["pointer"] == f"#/{name}/0/url"
    if ":" in url:
        document = {
            "basics": {"label": "Cook", "url": url, "profiles": [{"url": url}]},
            "certificates": [{"name": "x", "url": url}],
            "projects": [{"name": "x", "url": url}],
            "awards": [{"title": "x", "url": url}],
        }
        made = await anna.call("POST", "/resumes/import", document, expect=201)
        found = await anna.call("GET", f"/resumes/{made['id']}")
        assert url not in str(found)
