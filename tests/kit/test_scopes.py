"""What a token with a `scope` claim may do in a service; and that personal tokens do not get in."""

from uuid import uuid4

from fastapi.routing import APIRoute

from hirewire.kit import personal_tokens
from hirewire.kit.http import takes_caller
from hirewire.kit.openapi import _calls
from hirewire.profiles.app import SERVICE as PROFILES
from hirewire.vacancies.app import SERVICE as VACANCIES
from tests.services import Running, running

CLOSED = ("/api/vacancies/admin/", "/api/vacancies/calendar")
"""What operators do takes a session, and so does the address of a calendar, which is a secret."""
ID = "00000000-0000-0000-0000-000000000007"


async def status(service: Running, method: str, path: str, **claims: object) -> tuple[int, str]:
    headers = service.as_user(uuid4(), **claims)
    answer = await service.client.request(method, path, json={}, headers=headers)
    return answer.status_code, answer.json().get("code", "") if answer.content else ""


async def test_scopes_open_the_routes_of_their_service_and_kind(fresh_address: str) -> None:
    async with running(VACANCIES, fresh_address) as service:
        await _scopes_open_their_routes(service)
        await _personal_tokens_do_not_work_here(service)
        service.app.state.scoped = ["/api/vacancies/save"]  # no whole segment: nothing is open
        scope = "vacancies:read vacancies:write"
        answer = await status(service, "GET", "/api/vacancies/saved", scope=scope)
        assert answer == (403, "session_required")
        assert (await status(service, "GET", "/api/vacancies/saved"))[0] == 200


async def _scopes_open_their_routes(service: Running) -> None:
    read, write = "/api/vacancies/saved", f"/api/vacancies/vacancies/{ID}/saved"
    for scope in ("vacancies:read", "auth:read vacancies:read", "vacancies:read x"):
        assert (await status(service, "GET", read, scope=scope))[0] == 200
        assert (await status(service, "PUT", write, scope=scope)) == (403, "insufficient_scope")
    for scope in ("", "profiles:read", "vacancies:write", "vacancies:readx", "*", "VACANCIES:READ"):
        assert (await status(service, "GET", read, scope=scope)) == (403, "insufficient_scope")
    assert (await status(service, "PUT", write, scope="vacancies:write"))[0] == 404
    assert (await status(service, "GET", read))[0] == 200  # a session
    for wrong in (None, ["vacancies:read"], 1, {"vacancies:read": True}):
        assert (await status(service, "GET", read, scope=wrong)) == (401, "invalid_token")


async def _personal_tokens_do_not_work_here(service: Running) -> None:
    for path in ("/api/vacancies/saved", "/api/vacancies/skills?q=sql"):
        answer = await service.client.get(
            path, headers={"Authorization": f"Bearer {personal_tokens.new()}"}
        )
        assert (answer.status_code, answer.json()["code"]) == (401, "personal_token_here")
        assert "public address" in answer.json()["detail"]
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_public_routes_need_the_scope_too_if_a_token_is_sent(fresh_address: str) -> None:
    async with running(PROFILES, fresh_address) as service:
        answer = await status(service, "GET", "/api/profiles/shared/key", scope="vacancies:read")
        assert answer == (403, "insufficient_scope")
        answer = await status(service, "GET", "/api/profiles/shared/key", scope="profiles:read")
        assert answer[0] == 404
        refused = await service.client.get(
            "/api/profiles/me", headers=service.as_user(uuid4(), scope="auth:read")
        )
        assert refused.headers["www-authenticate"] == (
            'Bearer realm="hirewire", error="insufficient_scope", scope="profiles:read"'
        )
        assert refused.json()["params"] == {"scope": "profiles:read"}


def test_routes_are_open_to_tokens_or_closed_on_purpose() -> None:
    closed = {
        route.path
        for each in (PROFILES, VACANCIES)
        for router in each.routes
        for route in router.routes
        if isinstance(route, APIRoute) and takes_caller in _calls(route.dependant)
        if not any(route.path == one or route.path.startswith(f"{one}/") for one in each.scoped)
    }
    on_purpose = {path for path in closed if path.startswith(CLOSED)}
    assert closed - on_purpose == set()
