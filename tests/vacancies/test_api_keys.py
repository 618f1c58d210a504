"""API keys of companies: which calls they make, for which company, and who is named for them."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
from fastapi.routing import APIRoute

from hirewire.auth.app import SERVICE as AUTH
from hirewire.contracts.auth import ApiKeyRevoked
from hirewire.kit.http import takes_caller
from hirewire.kit.openapi import _calls
from hirewire.messaging.testing import consume
from hirewire.profiles.app import SERVICE as PROFILES
from hirewire.vacancies.app import SERVICE
from tests.builders import eventually
from tests.services import Running
from tests.vacancies.applications.conftest import Board, board
from tests.vacancies.conftest import VACANCY, Person
from tests.vacancies.test_holds import block

__all__ = ["board"]  # a fixture
ALL = " ".join(SERVICE.for_keys)


@dataclass(frozen=True)
class Key:
    """A key of a company."""

    service: Running
    company: str
    id: UUID
    scope: str = ALL

    async def ask(self, method: str, path: str, body: object = None, **more: str) -> httpx.Response:
        """Call a path below `/api/vacancies`."""
        claims = {"scope": self.scope, "company_id": self.company, "key_name": "Our ATS"}
        headers = self.service.as_user(self.id, **claims) | more
        url = f"/api/vacancies{path}"
        return await self.service.client.request(method, url, json=body, headers=headers)

    async def call(self, method: str, path: str, body: object = None, expect: int = 200) -> Any:
        """Call it; returns the answer."""
        answer = await self.ask(method, path, body)
        assert answer.status_code == expect, answer.text
        return answer.json()

    async def refusal(self, method: str, path: str, body: object = None) -> tuple[int, str]:
        """Call it; returns status and code of the refusal."""
        answer = await self.ask(method, path, body)
        return answer.status_code, answer.json()["code"]


async def key_of(person: Person, scope: str = ALL) -> Key:
    profile = await person.call("GET", "/employer-profile")
    return Key(person.service, profile["companyId"], uuid4(), scope)


async def test_a_key_publishes_changes_pauses_and_closes(anna: Person, boris: Person) -> None:
    await anna.hire()
    await boris.hire("Other")
    key = await key_of(anna)
    made = await key.call("POST", "/vacancies", VACANCY, 201)
    path = f"/vacancies/{made['id']}"
    assert made["companyId"] == key.company
    for action, status in (
        *(("publish", "published"), ("pause", "paused"), ("publish", "published")),
        *(("close", "closed"), ("reopen", "paused"), ("close", "closed"), ("archive", "archived")),
    ):
        assert (await key.call("POST", f"{path}/{action}"))["status"] == status
        if action == "pause":
            assert (await key.call("PATCH", path, {"title": "Cook"}))["title"] == "Cook"
    assert (await anna.call("GET", path))["apiKey"] == "Our ATS"
    assert (await boris.call("GET", path))["apiKey"] is None
    assert [one["id"] for one in (await key.call("GET", "/vacancies/overview"))["items"]] == [
        made["id"]
    ]
    again = {"Idempotency-Key": "one"}
    twice = [await key.ask("POST", "/vacancies", VACANCY, **again) for _ in range(2)]
    assert twice[0].json() == twice[1].json()
    assert twice[1].status_code == 201


async def test_a_key_follows_applications_and_is_named_for_what_it_does(board: Board) -> None:
    key = await key_of(board.boss)
    id = (await board.apply(letter="Hello"))["id"]
    [one] = (await key.call("GET", "/applications"))["items"]
    assert (one["id"], one["side"], one["letter"]) == (id, "employer", "Hello")
    assert (await key.call("GET", "/applications?role=applicant"))["items"] == [one]
    read = await key.call("GET", f"/applications/{id}")
    assert (read["stage"], read["unread"], read["viewedAt"]) == ("response", 1, None)
    assert (await key.call("GET", f"/applications/{id}/messages"))["items"] == []
    assert (await board.vera.call("GET", f"/applications/{id}"))["applicantState"] == "sent"
    await key.call("POST", f"/applications/{id}/stage", {"stage": "interview", "comment": "Good"})
    sent = await key.call("POST", f"/applications/{id}/messages", {"text": "Come on Monday"}, 201)
    assert (sent["mine"], sent["apiKey"]) == (True, "Our ATS")
    for person, name in ((board.boss, "Our ATS"), (board.vera, None)):
        shown = await person.call("GET", f"/applications/{id}")
        assert shown["history"][-1]["apiKey"] == name
        assert shown["history"][-1]["userId"] is None
        [message] = (await person.call("GET", f"/applications/{id}/messages"))["items"]
        assert (message["text"], message["apiKey"]) == ("Come on Monday", name)
        assert str(key.id) not in str((shown, message))
    counts = (await key.call("GET", "/applications/counts"))["items"]
    assert [(one["stage"], one["count"]) for one in counts] == [("interview", 1)]


async def test_another_companys_things_are_not_found(board: Board) -> None:
    other, _ = await board.somebody()
    await other.hire("Other")
    key = await key_of(other)
    application = (await board.apply())["id"]
    draft = await board.boss.vacancy()
    for method, path, body in (
        ("GET", f"/vacancies/{draft}", None),
        ("PATCH", f"/vacancies/{draft}", {"title": "X"}),
        *(
            ("POST", f"/vacancies/{id}/{action}", None)
            for id in (draft, board.vacancy)
            for action in ("publish", "pause", "close", "reopen", "archive")
        ),
        ("GET", f"/applications/{application}", None),
        ("GET", f"/applications/{application}/messages", None),
        ("POST", f"/applications/{application}/stage", {"stage": "interview"}),
        ("POST", f"/applications/{application}/messages", {"text": "Hi"}),
    ):
        assert (await key.refusal(method, path, body))[0] == 404, (method, path)
    assert (await key.call("GET", "/applications"))["items"] == []
    assert (await key.call("GET", "/vacancies/overview"))["items"] == []
    stranger = Key(key.service, str(uuid4()), uuid4())
    assert await stranger.refusal("POST", "/vacancies", VACANCY) == (403, "company_inactive")


async def test_only_listed_routes_with_their_scope_are_open(anna: Person) -> None:
    await anna.hire()
    key = await key_of(anna)
    id = await anna.vacancy()
    scopes = {route: scope for scope, routes in SERVICE.for_keys.items() for route in routes}
    bare = Key(key.service, key.company, key.id, "")
    for router in SERVICE.routes:
        for route in router.routes:
            if not isinstance(route, APIRoute) or takes_caller not in _calls(route.dependant):
                continue
            method = min(route.methods or ())
            path = route.path.removeprefix("/api/vacancies").replace("{id}", id)
            needed = scopes.pop(f"{method} {route.path}", None)
            expected = (403, "insufficient_scope" if needed else "not_for_api_keys")
            assert await bare.refusal(method, path, {}) == expected, (method, path)
            wrong = Key(key.service, key.company, key.id, ALL.replace(needed or "-", ""))
            assert await wrong.refusal(method, path, {}) == expected
    assert scopes == {}, "these routes do not exist"
    assert not any(service.for_keys for service in (AUTH, PROFILES))
    forged = anna.service.as_user(uuid4(), company_id=key.company, key_name="x")
    answer = await anna.service.client.get("/api/vacancies/applications", headers=forged)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


async def test_a_revoked_key_and_a_company_without_people_are_refused_at_once(
    anna: Person, boris: Person
) -> None:
    await anna.hire()
    key, other = await key_of(anna), await key_of(anna)
    event = ApiKeyRevoked(key_id=key.id, company_id=UUID(key.company), at=datetime.now(UTC))
    await consume(anna.service.messaging.consumer, event)
    await key.service.app.state.verifier.refusals.load()
    assert await key.refusal("GET", "/applications") == (401, "invalid_token")
    assert await other.call("POST", "/vacancies", VACANCY, 201)
    await block(anna, 1)
    for method, path, body in (("GET", "/applications", None), ("POST", "/vacancies", VACANCY)):
        assert await other.refusal(method, path, body) == (403, "company_inactive")
    await block(anna, 2, blocked=False, sequence=2)
    assert await other.call("POST", "/vacancies", VACANCY, 201)


async def test_nothing_is_made_for_a_company_whose_last_member_leaves_meanwhile(
    anna: Person,
) -> None:
    await anna.hire()
    key = await key_of(anna)
    id = await anna.vacancy()
    engine = anna.service.engine

    async def wait() -> bool:
        async with engine.connect() as connection:
            found = await connection.exec_driver_sql(
                "select count(*) from pg_stat_activity "
                "where datname = current_database() and wait_event_type = 'Lock'"
            )
            return bool(found.scalar_one() == len(calls))

    async with engine.begin() as leaving:  # as an erasure does
        await leaving.exec_driver_sql("select from company for update")
        await leaving.exec_driver_sql("delete from employer_profile")
        calls = [
            asyncio.ensure_future(key.refusal("POST", "/vacancies", VACANCY)),
            asyncio.ensure_future(key.refusal("PATCH", f"/vacancies/{id}", {"title": "Cook"})),
            asyncio.ensure_future(key.refusal("POST", f"/vacancies/{id}/publish")),
        ]
        await eventually(wait, what="all wait for the company")
    assert await asyncio.gather(*calls) == [(403, "company_inactive")] * 3
