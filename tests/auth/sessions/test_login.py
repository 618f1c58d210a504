"""Logging in: the tokens, and one refusal for every reason."""

import asyncio
import base64
import json
import logging
from typing import Any
from uuid import UUID, uuid4

import pytest
import structlog
from joserfc import jwt
from joserfc.jwk import KeySet

from hirewire.auth import credentials
from hirewire.messaging.testing import recorded
from tests.auth.conftest import PASSWORD, Auth, MovedClock
from tests.builders import counted
from tests.hashing import use_passwords


class Counted:
    """A real verifier that counts its calls."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, auth: Auth) -> None:
        self.hashes: list[str] = []
        self.connections: list[int] = []
        real = credentials._hasher.verify

        def verify(password: str, hash: str) -> bool:
            self.hashes.append(hash)
            self.connections.append(auth.service.engine.pool.checkedout())  # type: ignore[attr-defined]
            return real(password, hash)

        monkeypatch.setattr(credentials._hasher, "verify", verify)


async def test_tokens_of_a_login(auth: Auth) -> None:
    id = await auth.register()
    answer = await auth.try_login()
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    tokens = answer.json()
    assert set(tokens) == {"accessToken", "refreshToken", "tokenType", "expiresIn"}
    assert (tokens["tokenType"], tokens["expiresIn"]) == ("Bearer", 600)
    keys = KeySet.import_key_set((await auth.client.get("/.well-known/jwks.json")).json())
    decoded = jwt.decode(tokens["accessToken"], keys, algorithms=["EdDSA"])
    assert {k: v for k, v in decoded.header.items() if k != "kid"} == {
        "alg": "EdDSA",
        "typ": "at+jwt",
    }
    claims = decoded.claims
    usual = {"iss", "sub", "aud", "client_id", "iat", "exp", "jti", "sid", "role"}
    assert set(claims) == usual | {"email_verified"}
    assert claims["email_verified"] is False
    assert (claims["iss"], claims["aud"]) == ("http://127.0.0.1:8000", "hirewire")
    assert (claims["sub"], claims["role"]) == (str(id), "applicant")
    assert claims["exp"] - claims["iat"] == 600
    assert await auth.rows("select id, user_id from session") == [(UUID(claims["sid"]), id)]


async def test_two_logins_are_two_sessions(auth: Auth) -> None:
    await auth.register()
    one, other = await auth.login(), await auth.login()
    assert one["refreshToken"] != other["refreshToken"]
    assert one["accessToken"] != other["accessToken"]
    assert await auth.rows("select count(*) from session") == [(2,)]


async def test_refresh_tokens_are_not_stored(auth: Auth) -> None:
    await auth.register()
    token = (await auth.login())["refreshToken"]
    [(kept,)] = await auth.rows("select hash from refresh_token")
    assert len(kept) == 32
    assert token.encode() not in kept
    assert base64.urlsafe_b64decode(token + "=") != kept


@pytest.mark.parametrize("email", [" ANNA@example.ORG ", "anna@example.org"])
async def test_any_spelling_of_the_address(auth: Auth, email: str) -> None:
    await auth.register("Anna@Example.org")
    await auth.login(email)


async def test_a_domain_in_either_encoding(auth: Auth) -> None:
    await auth.register("anna@пример.рф")
    await auth.login("anna@xn--e1afmkfd.xn--p1ai")


async def test_wrong_password_and_unknown_address_are_indistinguishable(
    auth: Auth, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_passwords("real")
    await auth.register()
    verified = Counted(monkeypatch, auth)
    wrong = await auth.try_login(password="not the password")
    assert len(verified.hashes) == 1
    unknown = await auth.try_login("nobody@example.org")
    assert len(verified.hashes) == 2
    no_address = await auth.try_login("nobody at all", "")
    assert len(verified.hashes) == 3
    assert [a.status_code for a in (wrong, unknown, no_address)] == [401] * 3
    assert wrong.json() == unknown.json() == no_address.json()
    assert wrong.json()["type"].endswith("wrong-credentials")
    headers = [
        {k: v for k, v in a.headers.items() if k != "x-request-id"} for a in (wrong, unknown)
    ]
    assert headers[0] == headers[1]
    assert {h.rpartition("$")[0].rpartition("$")[0] for h in verified.hashes} == {
        "$argon2id$v=19$m=19456,t=2,p=1"
    }


async def test_no_connection_is_held_while_hashing(
    auth: Auth, monkeypatch: pytest.MonkeyPatch
) -> None:
    await auth.register()
    verified = Counted(monkeypatch, auth)
    await auth.login()
    assert verified.connections == [0]


async def test_a_login_costs_two_statements_before_the_hash_and_one_after_it(
    auth: Auth, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is a round trip, which the hash hides none of."""
    await auth.register()
    with counted(auth.service.engine) as statements:
        hashed_after: list[int] = []
        real = credentials._hasher.verify

        def verify(password: str, hash: str) -> bool:
            hashed_after.append(len(statements))
            return real(password, hash)

        monkeypatch.setattr(credentials._hasher, "verify", verify)
        await auth.login()
        assert (hashed_after, len(statements)) == ([2], 7), "the first has a new network"
        await auth.login()
        assert (hashed_after, len(statements)) == ([2, 9], 10), statements


async def test_a_password_that_changes_during_the_hash_does_not_log_in(
    auth: Auth, monkeypatch: pytest.MonkeyPatch
) -> None:
    await auth.register()
    stored = asyncio.Event()
    loop, real = asyncio.get_running_loop(), credentials._hasher.verify

    async def change() -> None:
        async with auth.service.engine.begin() as tx:
            await tx.exec_driver_sql("update user_account set password_hash = 'another'")
        stored.set()

    def verify(password: str, hash: str) -> bool:
        asyncio.run_coroutine_threadsafe(change(), loop).result(10)
        return real(password, hash)

    monkeypatch.setattr(credentials._hasher, "verify", verify)
    assert (await auth.try_login()).status_code == 401
    assert stored.is_set()
    assert await auth.rows("select count(*) from session") == [(0,)]


async def test_before_the_first_key_nobody_can_log_in(keyless: Auth) -> None:
    await keyless.register()
    for _ in range(12):
        answer = await keyless.try_login()
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
    await keyless.ensure_key()
    await keyless.login()


async def test_a_login_publishes_nothing(auth: Auth) -> None:
    await auth.register()
    before = len(await recorded(auth.service.engine))
    await auth.login()
    assert len(await recorded(auth.service.engine)) == before


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"email": "anna@example.org"}, "#/password"),
        ({"password": PASSWORD}, "#/email"),
        ({"email": "anna@example.org", "password": PASSWORD, "remember": True}, "#/remember"),
        ({"email": "a" * 255, "password": PASSWORD}, "#/email"),
        ({"email": "anna@example.org", "password": "a" * 1001}, "#/password"),
        ({"email": ["anna@example.org"], "password": PASSWORD}, "#/email"),
    ],
)
async def test_bad_fields_are_named(refusing: Auth, body: dict[str, Any], pointer: str) -> None:
    answer = await refusing.client.post("/api/auth/login", json=body)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_the_log_names_what_was_refused_and_who_changed_something(auth: Auth) -> None:
    """A sign-in, a refusal and a change name the user by id; reading does not."""
    user = str(await auth.register())
    with structlog.testing.capture_logs() as logs:
        await auth.try_login(password="wrong password!")
        tokens = await auth.login()
        await auth.me(tokens["accessToken"])
        headers = {"Authorization": f"Bearer {tokens['accessToken']}"}
        await auth.client.delete(f"/api/auth/sessions/{uuid4()}", headers=headers)
        await auth.client.post("/api/auth/logout", headers=headers)
        await auth.client.get("/api/auth/sessions", headers=headers)
        await auth.client.post("/api/auth/login", json={})
        await auth.client.get("/internal/messaging/overview")
    said = [line for line in logs if line["event"] == "request"]
    assert [(line.get("problem"), line.get("user")) for line in said] == [
        ("wrong_credentials", None),
        (None, user),
        (None, None),
        ("not_found", user),
        (None, user),
        ("unauthenticated", user),
        ("invalid", None),
        ("operators_only", None),
    ]


async def test_logs_hold_no_secret(
    auth: Auth, clock: MovedClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Over the whole life of a session, and at the lowest log level."""
    secrets = ["anna@example.org", PASSWORD, "wrong password!"]
    with caplog.at_level(logging.DEBUG), structlog.testing.capture_logs() as logs:
        await auth.register()
        await auth.client.post(
            "/api/auth/register", json={"email": "anna@example.org", "password": PASSWORD}
        )
        await auth.try_login(password="wrong password!")
        first = await auth.login()
        second = (await auth.refresh(first["refreshToken"])).json()
        clock.forward(minutes=1)
        assert (await auth.refresh(first["refreshToken"])).status_code == 401
        await auth.me(second["accessToken"])
        await auth.client.post("/api/auth/logout", json={"refreshToken": second["refreshToken"]})
        for tokens in (first, second):
            secrets += [tokens["accessToken"], tokens["refreshToken"]]
    text = json.dumps(logs, default=repr) + caplog.text
    assert sum(line["event"] == "request" for line in logs) == 8
    assert [secret for secret in secrets if secret in text] == []


async def test_logins_at_once_in_other_languages(auth: Auth) -> None:
    await auth.register()
    body = {"email": "anna@example.org", "password": PASSWORD}
    for _ in range(3):
        answers = await asyncio.gather(
            *(
                auth.client.post(
                    "/api/auth/login", json=body, headers={"Accept-Language": ("ru", "en")[n % 2]}
                )
                for n in range(6)
            )
        )
        assert [one.status_code for one in answers] == [200] * 6
    for language in ("ru", "en"):  # remembered for mails, from a known network too
        answer = await auth.client.post(
            "/api/auth/login", json=body, headers={"Accept-Language": language}
        )
        assert answer.status_code == 200
        assert await auth.rows("select language from user_account") == [(language,)]
