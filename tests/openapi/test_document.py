"""The OpenAPI documents, and the response of every service to requests that violate them."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from pydantic import TypeAdapter, ValidationError

from hirewire.assembly import service
from hirewire.kit.models import PARTIAL_DATE, Body, WebLink
from hirewire.kit.service import create_app
from hirewire.kit.settings import Settings
from tests.profiles.conftest import Person

NAMES = ["auth", "profiles", "vacancies", "notifications"]


def document(name: str) -> dict[str, Any]:
    """Built without a database."""
    settings = Settings(database_url="postgresql://nobody@127.0.0.1:1/none")
    return create_app(service(name), settings).openapi()


def operations(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document(name)["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


@pytest.mark.parametrize("name", NAMES)
def test_no_schema_is_named_by_its_module(name: str) -> None:
    """Two models of one name would get module prefixes, and schema names are part of the API."""
    assert [one for one in document(name)["components"]["schemas"] if "__" in one] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_refusal_is_a_problem(name: str) -> None:
    described = list(operations(name))
    assert described
    for what, operation in described:
        answers = operation["responses"]
        expected = {"422", "503"}
        if "requestBody" in operation:
            expected |= {"400", "413"}
        if operation.get("security"):
            expected |= {"401"}
        assert expected <= answers.keys(), what
        for status, answer in answers.items():
            if status >= "400":
                assert list(answer["content"]) == ["application/problem+json"], what
            assert answer["description"], what


@pytest.mark.parametrize("name", NAMES)
def test_routes_that_require_sign_in_are_documented(name: str) -> None:
    found = document(name)
    assert found["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    said = {what: one.get("security") for what, one in operations(name)}
    needed: Any = [{"bearer": []}]
    open_to_all = [{}, *needed]
    some: dict[str, dict[str, Any]] = {
        "auth": {
            "get /api/auth/me": needed,
            "post /api/auth/logout": open_to_all,
            "post /api/auth/login": None,
        },
        "profiles": {
            "get /api/profiles/me": needed,
            "get /api/profiles/shared/{key}": open_to_all,
        },
        "vacancies": {
            "post /api/vacancies/vacancies": [*needed, {"apiKey": ["vacancies:write"]}],
            "get /api/vacancies/vacancies": open_to_all,
        },
        "notifications": {"get /api/notifications/notices": needed},
    }
    assert said.items() >= some[name].items()


def test_responses_other_than_json_have_their_media_type() -> None:
    kinds = {
        what: sorted(answer["content"])
        for name in NAMES
        for what, one in operations(name)
        for status, answer in one["responses"].items()
        if status == "200" and sorted(answer["content"]) != ["application/json"]
    }
    assert kinds == {
        "get /api/profiles/candidates/{resume_id}/pdf": ["application/pdf"],
        "get /api/auth/exports/{id}/files/{number}": ["application/octet-stream"],
        "get /api/notifications/exports/{id}/files/{number}": ["application/octet-stream"],
        "get /api/profiles/exports/{id}/files/{number}": ["application/octet-stream"],
        "get /api/profiles/resumes/{id}/export": ["application/json", "application/pdf"],
        "get /api/vacancies/companies/{id}/logo": ["image/webp"],
        "get /api/vacancies/exports/{id}/files/{number}": ["application/octet-stream"],
        "get /api/vacancies/feeds/vacancies.{kind}": [
            "application/atom+xml",
            "application/rss+xml",
        ],
        "get /api/vacancies/calendar/{secret}.ics": ["text/calendar"],
        "get /api/vacancies/interviews/{id}/calendar.ics": ["text/calendar"],
        "get /api/vacancies/feeds/sitemap.xml": ["application/xml"],
        "get /api/vacancies/feeds/sitemaps/{n}.xml": ["application/xml"],
        "get /api/vacancies/feeds/jobs.xml": ["application/xml"],
    }


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/api/profiles/resumes", "GET, POST"),
        ("PUT", f"/api/profiles/resumes/{UUID(int=7)}", "DELETE, GET, PATCH"),
        ("OPTIONS", "/api/profiles/me", "GET, PATCH"),
        ("PATCH", "/api/profiles/resumes/import", "POST"),
        ("GET", "/api/profiles/resumes/import", "POST"),
        ("POST", "/health/live", "GET"),
    ],
)
async def test_a_wrong_method_gets_the_list_of_allowed_ones(
    anna: Person, method: str, path: str, allowed: str
) -> None:
    answer = await anna.service.client.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_unknown_members_are_limited_and_do_not_hide_other_errors(anna: Person) -> None:
    body = {f"{n:03}{'x' * 1000}": n for n in range(150)} | {"relocation": 7, "title": ""}
    errors = (await anna.call("POST", "/resumes", body, expect=422))["errors"]
    unknown = [one for one in errors if one["detail"] == "Extra inputs are not permitted"]
    assert len(unknown) == 5
    assert all(len(one["pointer"]) <= 200 for one in unknown)
    assert {one["pointer"] for one in errors} >= {"#/relocation", "#/title"}


class Kinds(Body):
    number: int = 0
    maybe: int | None = None
    many: list[bool] = []
    part: float | None = None


@pytest.mark.parametrize(
    "wrong",
    [
        *({"number": value} for value in (True, "5", None, 1.5)),
        *({"maybe": value} for value in (False, "")),
        *({"many": [value]} for value in (0, 1, "true", "yes")),
        *({"part": value} for value in (True, "1.5")),
    ],
)
def test_values_of_another_type_are_not_converted(wrong: Any) -> None:
    with pytest.raises(ValidationError, match=r"must be a number|must be true or false|valid int"):
        Kinds.model_validate(wrong)
    right = Kinds.model_validate({"number": 5.0, "maybe": None, "many": [True], "part": 1})
    assert right.model_dump() == {"number": 5, "maybe": None, "many": [True], "part": 1.0}


@pytest.mark.parametrize("field", ["skills", "salary"])
async def test_values_in_parts_of_a_body_are_not_converted(anna: Person, field: str) -> None:
    parts: dict[str, Any] = {
        "skills": [{"name": "Python", "level": True}],
        "salary": {"amount": False, "currency": "RUB"},
    }
    body = {"title": "Developer", field: parts[field]}
    [error] = (await anna.call("POST", "/resumes", body, expect=422))["errors"]
    assert error["pointer"].startswith(f"#/{field}/")
    assert error["detail"] == "must be a number"


def test_text_schemas_exclude_nul() -> None:
    schema = document("profiles")["components"]["schemas"]["NewResume"]["properties"]
    assert schema["title"]["pattern"].startswith(r"^[^\x00]*")
    parameters = document("vacancies")["paths"]["/api/vacancies/companies"]["get"]["parameters"]
    [query] = [one for one in parameters if one["name"] == "q"]
    assert query["schema"]["pattern"] == r"^[^\x00]*$"


def test_patterns_of_days_and_links() -> None:
    for day in ("1900", "2100-12", "2024-02-29", "2000-02-29", "2023-04-30"):
        assert re.search(PARTIAL_DATE, day), day
    for day in ("", "1899", "2023-13", "2023-02-29", "1900-02-29", "2023-04-31", "2023-1", "2101"):
        assert not re.search(PARTIAL_DATE, day), day
    said = TypeAdapter(WebLink).json_schema()
    assert (said["format"], said["maxLength"]) == ("iri", 1999)
