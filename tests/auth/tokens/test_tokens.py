"""Personal access tokens: made, listed, revoked, and exchanged by the gateway."""

import re
from typing import Any

import httpx
import pytest

from hirewire.auth.signing import access_token, current_key
from hirewire.auth.tokens import rules
from hirewire.auth.tokens.commands import forget_old
from hirewire.kit import personal_tokens
from tests.auth.conftest import PASSWORD, Auth, MovedClock
from tests.auth.sessions.test_list import bearer

PATTERN = r"hw_[0-9A-Za-z]{36}"
BODY: dict[str, Any] = {
    "name": "CI",
    "scopes": ["profiles:read", "auth:read"],
    "days": 30,
    "password": PASSWORD,
}


async def make(auth: Auth, tokens: dict[str, Any], **given: object) -> httpx.Response:
    return await auth.client.post("/api/auth/tokens", json=BODY | given, headers=bearer(tokens))


async def listed(auth: Auth, tokens: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await auth.client.get("/api/auth/tokens", headers=bearer(tokens))
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def exchanged(auth: Auth, token: str) -> httpx.Response:
    return await auth.client.post("/internal/personal-token", json={"token": token})


async def works(auth: Auth, token: str) -> bool:
    answer = await exchanged(auth, token)
    assert answer.status_code in (200, 401)
    return answer.status_code == 200


async def signed_in(auth: Auth, email: str = "anna@example.org") -> dict[str, Any]:
    await auth.register(email)
    return await auth.login(email)


async def test_a_token_is_shown_once_and_stored_as_a_hash(auth: Auth) -> None:
    tokens = await signed_in(auth)
    answer = await make(auth, tokens)
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    made = answer.json()
    assert re.fullmatch(PATTERN, made["token"])
    (one,) = await listed(auth, tokens)
    assert one == {name: value for name, value in made.items() if name != "token"}
    assert (one["name"], one["scopes"]) == ("CI", ["auth:read", "profiles:read"])
    (row,) = await auth.rows("select t::text from personal_token as t")
    assert made["token"] not in row[0]
    assert made["token"][3:33] not in row[0]
    mails = await auth.rows("select kind from kit.mail")
    assert [kind for (kind,) in mails].count("token_made") == 1
    log = await auth.client.get("/api/auth/security-log", headers=bearer(tokens))
    assert log.json()["items"][0]["what"] == "token_made"
    assert "token_made" not in str(await auth.rows("select body::text from messaging.log"))


async def test_it_is_exchanged_for_an_access_token_with_its_scopes_and_nothing_else(
    auth: Auth, clock: MovedClock
) -> None:
    tokens = await signed_in(auth)
    token = (await make(auth, tokens)).json()["token"]
    access = (await exchanged(auth, token)).json()["accessToken"]
    assert (await auth.me(access)).json()["email"] == "anna@example.org"
    headers = {"Authorization": f"Bearer {access}"}
    closed = {
        ("GET", "/api/auth/tokens"): None,
        ("POST", "/api/auth/tokens"): BODY,
        ("GET", "/api/auth/sessions"): None,
        ("DELETE", "/api/auth/sessions"): None,
        ("POST", "/api/auth/password"): {"current": "x", "password": "another password"},
        ("POST", "/api/auth/email/verification"): None,
        ("POST", "/api/auth/logout"): None,
    }
    for (method, path), body in closed.items():
        answer = await auth.client.request(method, path, json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "session_required"), path
        assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
    clock.forward(seconds=49)
    assert (await auth.me(access)).status_code == 200
    clock.forward(seconds=2)
    assert (await auth.me(access)).status_code == 401


async def test_every_route_of_auth_but_one_is_closed_to_tokens(auth: Auth) -> None:
    """Also those that later versions add: what is not listed as open is closed."""
    tokens = await signed_in(auth)
    scopes = ["auth:read", "profiles:read", "profiles:write", "vacancies:write"]
    token = (await make(auth, tokens, scopes=scopes)).json()["token"]
    access = (await exchanged(auth, token)).json()["accessToken"]
    document = (await auth.client.get("/openapi.json")).json()
    tried = 0
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if not operation.get("security") or path == "/api/auth/me":
                continue
            url = re.sub(r"\{\w+\}", "00000000-0000-0000-0000-000000000007", path)
            answer = await auth.client.request(
                method, url, json={}, headers={"Authorization": f"Bearer {access}"}
            )
            assert answer.status_code == 403, (method, path)
            tried += 1
    assert tried > 5


async def test_wrong_expired_revoked_and_cut_off_tokens_are_refused(
    auth: Auth, clock: MovedClock
) -> None:
    tokens = await signed_in(auth)
    made = (await make(auth, tokens, days=1)).json()
    token = made["token"]
    other = personal_tokens.new()
    wrong = token[:-1] + ("0" if token[-1] != "0" else "1")
    for bad in (other, wrong, token[:-1], token + "0", "hw_", "", token.lower(), f" {token}"):
        assert not await works(auth, bad), bad
    assert await works(auth, token)
    clock.forward(hours=23, minutes=59)
    assert await works(auth, token)
    clock.forward(minutes=2)
    assert not await works(auth, token)
    tokens = await auth.login()
    assert len(await listed(auth, tokens)) == 1
    second = (await make(auth, tokens)).json()
    deleted = await auth.client.delete(f"/api/auth/tokens/{second['id']}", headers=bearer(tokens))
    assert deleted.status_code == 204
    assert not await works(auth, second["token"])
    clock.forward(days=31)
    async with auth.service.messaging.transactions() as tx:
        await forget_old(tx)
    assert await listed(auth, await auth.login()) == []


async def test_only_its_owner_revokes_a_token(auth: Auth) -> None:
    anna, boris = await signed_in(auth), await signed_in(auth, "boris@example.org")
    made = (await make(auth, anna)).json()
    path = f"/api/auth/tokens/{made['id']}"
    assert (await auth.client.delete(path, headers=bearer(boris))).status_code == 404
    assert (await auth.client.delete(path)).status_code == 401
    assert await listed(auth, boris) == []
    assert await works(auth, made["token"])
    assert (await auth.client.delete(path, headers=bearer(anna))).status_code == 204
    assert (await auth.client.delete(path, headers=bearer(anna))).status_code == 404


async def test_a_stolen_session_makes_no_token(auth: Auth) -> None:
    tokens = await signed_in(auth)
    for password in ("", None, "wrong horse battery"):
        answer = await make(auth, tokens, password=password)
        assert answer.json()["errors"][0]["code"] == "wrong_password"
    assert await listed(auth, tokens) == []


async def test_an_ended_session_makes_no_token(auth: Auth) -> None:
    tokens = await signed_in(auth)
    await auth.client.post("/api/auth/logout", json={"refreshToken": tokens["refreshToken"]})
    assert (await make(auth, tokens)).status_code == 401
    assert await auth.rows("select 1 from personal_token") == []


async def test_role_and_address_are_those_of_now_and_a_deleted_owner_ends_it(auth: Auth) -> None:
    tokens = await signed_in(auth)
    token = (await make(auth, tokens)).json()["token"]
    async with auth.service.engine.begin() as connection:
        await connection.exec_driver_sql("update user_account set role = 'employer'")
    access = (await exchanged(auth, token)).json()["accessToken"]
    assert (await auth.me(access)).json()["role"] == "employer"
    async with auth.service.engine.begin() as connection:
        await connection.exec_driver_sql("delete from user_account")
    assert not await works(auth, token)
    assert (await auth.me(access)).status_code == 401


async def test_the_last_use_is_stored_once_an_hour(auth: Auth, clock: MovedClock) -> None:
    tokens = await signed_in(auth)
    token = (await make(auth, tokens)).json()["token"]
    assert (await listed(auth, tokens))[0]["usedAt"] is None
    await works(auth, token)
    first = (await listed(auth, tokens))[0]["usedAt"]
    clock.forward(minutes=59)
    await works(auth, token)
    tokens = await auth.login()
    assert (await listed(auth, tokens))[0]["usedAt"] == first
    clock.forward(minutes=1)
    await works(auth, token)
    assert (await listed(auth, await auth.login()))[0]["usedAt"] > first


BAD: list[dict[str, object]] = [
    {"name": " "},
    {"name": "x" * 101},
    {"scopes": []},
    {"scopes": ["auth:write"]},
    {"scopes": ["admin"]},
    {"scopes": ["auth:read"] * 11},
    {"scopes": "auth:read"},
    {"days": 0},
    {"days": 367},
    {"days": "30"},
    {"token": "hw_mine"},
]


async def test_bad_requests_are_refused(auth: Auth) -> None:
    tokens = await signed_in(auth)
    for given in BAD:
        assert (await make(auth, tokens, **given)).status_code == 422, given
    assert await listed(auth, tokens) == []


async def test_nobody_has_more_than_fifty(auth: Auth, monkeypatch: pytest.MonkeyPatch) -> None:
    assert rules.MOST_TOKENS == 50
    monkeypatch.setattr(rules, "MOST_TOKENS", 2)
    tokens = await signed_in(auth)
    answers = [(await make(auth, tokens)).status_code for _ in range(3)]
    assert answers == [201, 201, 409]
    assert len(await listed(auth, tokens)) == 2


async def test_a_session_token_has_no_scope_claim_and_an_empty_scope_opens_nothing(
    auth: Auth,
) -> None:
    id = await auth.register()
    async with auth.service.messaging.transactions() as tx:
        key = await current_key(tx)
    issuer = "http://127.0.0.1:8000"
    empty = access_token(
        *(key,), issuer=issuer, user_id=id, session_id=None, role="admin", email_verified=True
    )
    answer = await auth.me(empty)
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
    assert answer.json()["params"] == {"scope": "auth:read"}


def test_the_checksum_is_that_of_the_documented_form() -> None:
    assert personal_tokens.is_well_formed("hw_0000000000000000000000000000002C8GjS")
    tokens = {personal_tokens.new() for _ in range(200)}
    assert len(tokens) == 200
    for token in tokens:
        assert re.fullmatch(PATTERN, token)
        assert personal_tokens.is_well_formed(token)
        swapped = token[:3] + token[4] + token[3] + token[5:]
        assert token[3] == token[4] or not personal_tokens.is_well_formed(swapped)
