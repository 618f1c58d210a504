"""How the pages handle newer, older and broken responses of services."""

import json
from typing import Any
from uuid import UUID

import httpx
import pytest
from pydantic import JsonValue, ValidationError
from starlette.types import Receive, Scope, Send

from hirewire.assembly import load_settings
from hirewire.kit.errors import Unavailable
from hirewire.launcher.process import free_port
from hirewire.web.api.answers import Answer, Missing, SignInFirst
from hirewire.web.api.client import with_query
from hirewire.web.api.models.base import Items
from hirewire.web.api.models.profiles import Resume
from hirewire.web.api.models.vacancies import (
    SHOWN_SKILLS,
    CardWithSkills,
    Reason,
    Requirement,
    Vacancy,
)
from hirewire.web.api.services import Reply, Services
from hirewire.web.api.vacancies import Vacancies
from hirewire.web.app import create_web
from hirewire.web.pages.openapi import calls
from hirewire.web.problems import Problem
from hirewire.web.upstream import Upstream
from tests.web.conftest import reply, serving

_ID = UUID(int=7)
VACANCY = {
    "id": "1",
    "companyId": "2",
    "companyName": "Acme",
    "status": "published",
    "title": "Cook",
    "publishedAt": "2026-01-01T22:30:00Z",
}
"""The minimal vacancy."""


def said(content: Any) -> Reply:
    return Reply("vacancies", 200, "application/json", json.dumps(content).encode())


def test_unknown_members_are_ignored_and_missing_ones_have_defaults() -> None:
    found = said({"items": [VACANCY | {"colour": "blue"}], "total": 1}).parsed(Items[Vacancy])
    [one] = found.items
    assert (one.title, one.requirements, one.salary, found.next) == ("Cook", (), None, None)
    whole = VACANCY | {"requirements": [{"skill": "Python", "since": 3}]}
    assert said(whole).parsed(Vacancy).requirements == (Requirement(skill="Python"),)
    other = one.with_members({"title": "Waiter"})
    assert other == one.model_copy(update={"title": "Waiter"}) != one
    with pytest.raises(ValidationError, match="frozen"):
        one.title = "Waiter"  # type: ignore[misc]


@pytest.mark.parametrize(
    "content",
    [
        *([], None, "Cook", {}, {"items": None}, {"items": [{"id": "1"}]}),
        {"items": [VACANCY | {"title": None}]},
        {"items": [VACANCY | {"requirements": "Python"}]},
        {"items": [VACANCY | {"publishedAt": "yesterday"}]},
        {"items": [VACANCY | {"validThrough": "2026-02-30"}]},
    ],
)
def test_a_malformed_response_is_an_error(
    content: object, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Unavailable):
        said(content).parsed(Items[Vacancy])
    assert "Cook" not in capsys.readouterr().out, "its content does not reach the log"


def test_a_list_reads_the_first_skills_of_a_resume_and_counts_the_others() -> None:
    skills = [{"name": f"Skill {n}", "level": 1} for n in range(SHOWN_SKILLS)]
    rest: list[JsonValue] = [{"name": "SQL"}, None]
    for sent, more in ((skills, 0), (skills[:2], 0), (skills + rest, 2), ([], 0)):
        card = said({"skills": sent}).parsed(CardWithSkills)
        assert [one.name for one in card.skills] == [
            f"Skill {n}" for n in range(min(len(sent), SHOWN_SKILLS))
        ]
        assert card.moreSkills == more
    for broken in ("Python", [None], None):
        with pytest.raises(Unavailable):
            said({"skills": broken}).parsed(CardWithSkills)


def test_a_refusal_has_no_data() -> None:
    refused: Answer[Resume] = Answer(409, refusal={"detail": "No.", "errors": "none", "x": 1})
    assert (refused.is_good, refused.problem.detail, refused.errors) == (False, "No.", {})
    with pytest.raises(Missing):
        _ = refused.data
    assert Reason(part="skill", verdict="met").points == 0


def test_parameters_that_are_none_are_omitted() -> None:
    assert with_query("/x", {"after": None}) == "/x"
    assert (
        with_query("/x", [("q", "a b&c"), ("q", "ё"), ("after", None)]) == "/x?q=a+b%26c&q=%D1%91"
    )


def test_an_openapi_document_of_any_form_is_shown() -> None:
    odd: list[dict[str, JsonValue]] = [{}, {"paths": []}]
    odd.append({"paths": {"/x": {"get": None}}, "components": 1})
    for document in odd:
        assert calls(document) == []
    [call] = calls({"paths": {"/x": {"post": {"parameters": [{"name": "q", "in": "query"}]}}}})
    assert (call.method, call.parameters, call.fields) == ("POST", ["q"], [])


class Answering:
    """A service that always gives the same response, and records the paths."""

    def __init__(self) -> None:
        self.status, self.body = 200, b"{}"
        self.seen: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.seen.append(scope["path"])
            kind = (b"content-type", b"application/json")
            await reply(send, self.body, kind, status=self.status)


async def test_every_response_of_a_service_becomes_a_result_or_an_exception() -> None:
    service, port = Answering(), free_port()
    upstream = Upstream("vacancies", f"http://127.0.0.1:{port}")
    client = Vacancies(Services({"vacancies": upstream}), token="t", address="192.0.2.1")
    async with serving(service, port):
        service.body = json.dumps(VACANCY).encode()
        assert (await client.vacancy("1")).data.title == "Cook"
        for body in (b"{", b"<p>", b"", b"\xff", b"[" * 100_000):
            service.body = body
            with pytest.raises(Unavailable):
                await client.vacancy("1")
            assert (await client.delete_search(_ID)).is_good, "its body is not read"
        for status, error in ((500, Unavailable), (503, Unavailable), (401, SignInFirst)):
            service.status = status
            with pytest.raises(error):
                await client.vacancy("1")
        service.status, service.body = 409, b"[" * 100_000
        refused = await client.vacancy("1")
        assert (refused.status, refused.problem.detail, refused.found) == (409, "", None)
        service.body = b'{"detail": "No.", "errors": [{"pointer": "#/title", "code": "missing"}]}'
        assert (await client.vacancy("1")).errors == {"title": Problem("missing")}
    await upstream.close()


async def test_a_page_of_a_malformed_answer_says_that_the_service_is_away() -> None:
    service, ports = Answering(), [free_port() for _ in range(4)]
    settings = load_settings(
        {}, web_port=ports[0], auth_port=ports[1], profiles_port=ports[2], vacancies_port=ports[3]
    )
    app = create_web(settings)
    async with (
        serving(service, ports[3]),
        serving(app, ports[0]),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{ports[0]}", timeout=20) as client,
    ):
        app.state.starting_until = 0.0
        cookies = {"hirewire_access": "x.e30.y"}
        service.body = b'{"items": [{"id": 1}], "detail": 5}'
        for path in ("/vacancies", f"/vacancies/{_ID}", f"/companies/{_ID}"):
            page = await client.get(path, headers={"accept": "text/html"})
            assert (page.status_code, page.headers["retry-after"]) == (503, "5"), path
        page = await client.get("/")
        assert page.status_code == 200
        assert "temporarily unavailable" in page.text
        client.cookies.update(cookies)
        for path in ("/employer", f"/employer/vacancies/{_ID}/board", f"/applications/{_ID}"):
            page = await client.get(path, headers={"accept": "text/html"})
            assert page.status_code == 503, path
        service.status = 404
        for path in (f"/employer/vacancies/{_ID}/board", f"/applications/{_ID}", "/me/nothing"):
            page = await client.get(path, headers={"accept": "text/html"})
            assert (page.status_code, "Page not found" in page.text) == (404, True), path
