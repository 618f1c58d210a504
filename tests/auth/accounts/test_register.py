"""Registering: what is created and refused, and what happens on repeats."""

import asyncio
import json
from collections import Counter
from uuid import UUID

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hirewire.auth import credentials
from hirewire.auth.registering import forget_old
from hirewire.contracts.auth import UserRegistered
from hirewire.messaging.testing import recorded
from tests.auth.conftest import PASSWORD, Auth, MovedClock
from tests.builders import counted

URL = "/api/auth/register"
ANNA = {"email": "Anna@Example.org", "password": PASSWORD}


async def registered(auth: Auth) -> list[UserRegistered]:
    """The registration events."""
    events = [row.event for row in await recorded(auth.service.engine, "user.registered")]
    return [event for event in events if isinstance(event, UserRegistered)]


async def test_an_account_is_created_and_published(keyless: Auth) -> None:
    """Registering needs no key, no broker and no other service."""
    answer = await keyless.client.post(URL, json=ANNA)
    assert answer.status_code == 201
    body = answer.json()
    assert body == {
        "id": body["id"],
        "email": "Anna@example.org",
        "role": "applicant",
        "emailVerified": False,
        "hasPassword": True,
    }
    [row] = await recorded(keyless.service.engine, "user.registered")
    assert set(row.body) == {"id", "email", "registeredAt"}
    assert (row.body["id"], row.body["email"]) == (body["id"], "Anna@example.org")
    assert (row.key, row.sequence, row.sent) == (body["id"], 1, False)
    [(id, kept, hashed, role, at)] = await keyless.rows(
        "select id, email, password_hash, role, registered_at from user_account"
    )
    assert (id, kept, role) == (UUID(body["id"]), "Anna@example.org", "applicant")
    assert hashed.startswith("$argon2id$")
    assert [event.registered_at for event in await registered(keyless)] == [at]


@pytest.mark.parametrize("again", ["Anna@Example.org", "anna@example.org", "ANNA@EXAMPLE.ORG"])
async def test_a_taken_address_is_refused_in_any_case(auth: Auth, again: str) -> None:
    await auth.register(ANNA["email"])
    answer = await auth.client.post(URL, json={"email": again, "password": "another password"})
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:hirewire:problem:email-taken",
        "title": "Conflict",
        "status": 409,
        "detail": "This email is already registered.",
        "code": "email_taken",
        "params": {},
    }
    assert len(await registered(auth)) == 1


async def test_one_of_twenty_concurrent_registrations_of_an_address_succeeds(auth: Auth) -> None:
    answers = await asyncio.gather(*(auth.client.post(URL, json=ANNA) for _ in range(20)))
    assert Counter(a.status_code for a in answers) == {201: 1, 409: 19}
    [event] = await registered(auth)
    [winner] = [a.json()["id"] for a in answers if a.status_code == 201]
    assert str(event.id) == winner
    assert await auth.rows("select count(*) from user_account") == [(1,)]


async def test_twenty_people_register_concurrently(auth: Auth) -> None:
    bodies = [{"email": f"p{n}@example.org", "password": PASSWORD} for n in range(20)]
    answers = await asyncio.gather(*(auth.client.post(URL, json=body) for body in bodies))
    assert [a.status_code for a in answers] == [201] * 20
    assert {str(e.id) for e in await registered(auth)} == {a.json()["id"] for a in answers}


async def test_registering_can_begin_a_session(auth: Auth) -> None:
    """With one hash instead of two; and only for who has just proved to know the password."""
    headers = {"Idempotency-Key": "0b1f-anna"}
    answer = await auth.client.post(URL, json=ANNA | {"signIn": True}, headers=headers)
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    session = answer.json().pop("session")
    assert (await auth.me(session["accessToken"])).json()["email"] == "Anna@example.org"
    refresh = {"refreshToken": session["refreshToken"]}
    assert (await auth.client.post("/api/auth/refresh", json=refresh)).status_code == 200
    [(what,)] = await auth.rows("select what from security_event")
    assert what == "signed_in"
    other = ANNA | {"signIn": True, "password": "another " + PASSWORD}
    repeated = await auth.client.post(URL, json=other, headers=headers)
    assert (repeated.status_code, "session" in repeated.json()) == (201, False)
    taken = await auth.client.post(URL, json=other)
    assert (taken.status_code, "session" in taken.json()) == (409, False)
    stored = await auth.rows("select answer::text from kit.idempotency")
    assert session["refreshToken"] not in str(stored)


async def test_a_repeat_with_its_key_gets_the_first_response(auth: Auth) -> None:
    headers = {"Idempotency-Key": "0b1f-anna"}
    first = await auth.client.post(URL, json=ANNA, headers=headers)
    again = await auth.client.post(URL, json=ANNA, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert len(await registered(auth)) == 1


async def test_repeats_at_once_with_one_key_make_one_account(auth: Auth) -> None:
    headers = {"Idempotency-Key": "0b1f-anna"}
    answers = await asyncio.gather(
        *(auth.client.post(URL, json=ANNA, headers=headers) for _ in range(10))
    )
    assert [a.status_code for a in answers] == [201] * 10
    assert len({a.json()["id"] for a in answers}) == 1
    assert len(await registered(auth)) == 1


async def test_a_key_used_for_another_body_is_refused(auth: Auth) -> None:
    headers = {"Idempotency-Key": "0b1f-anna"}
    await auth.client.post(URL, json=ANNA, headers=headers)
    other = {"email": "boris@example.org", "password": PASSWORD}
    answer = await auth.client.post(URL, json=other, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["type"].endswith("idempotency-key-reused")
    assert len(await registered(auth)) == 1


async def test_no_connection_is_held_while_hashing(
    auth: Auth, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[int] = []
    real = credentials._hasher.hash

    def watched(password: str) -> str:
        held.append(auth.service.engine.pool.checkedout())  # type: ignore[attr-defined]
        return real(password)

    monkeypatch.setattr(credentials._hasher, "hash", watched)
    await auth.register()
    assert held == [0]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"email": "nobody", "password": PASSWORD}, "#/email"),
        ({"email": f"{'a' * 300}@example.org", "password": PASSWORD}, "#/email"),
        ({"email": 7, "password": PASSWORD}, "#/email"),
        ({"email": None, "password": PASSWORD}, "#/email"),
        ({"password": PASSWORD}, "#/email"),
        ({"email": "anna@example.org"}, "#/password"),
        ({"email": "anna@example.org", "password": "short"}, "#/password"),
        ({"email": "anna@example.org", "password": "a" * 201}, "#/password"),
        ({"email": "anna@example.org", "password": "a" * 100_000}, "#/password"),
        ({"email": "anna@example.org", "password": ["a" * 10]}, "#/password"),
        ({"email": "anna@example.org", "password": "ANNA@example.org"}, "#/password"),
        ({"email": "anna@example.org", "password": PASSWORD, "role": "admin"}, "#/role"),
        ({"email": "anna@example.org", "password": PASSWORD, "é~/": 1}, "#/é~0~1"),
    ],
)
async def test_bad_fields_are_named_once(
    refusing: Auth, body: dict[str, object], pointer: str
) -> None:
    answer = await refusing.client.post(URL, json=body)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert PASSWORD not in answer.text


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 422),
        (b"{", 400),
        (b"[]", 422),
        (b'"anna"', 422),
        (b"null", 422),
        (b'{"email": "anna@example.org", "password": "\xff\xfe\xff\xfe\xff\xfe\xff\xfe"}', 400),
        (b'{"email": "anna@example.org", "password": "12345678\\u0000"}', 422),
        (b'{"email": "anna\\u0000@example.org", "password": "12345678"}', 422),
        (b'{"email": "anna@example.org", "password": "\\ud800 2345678"}', 422),
        (b'{"email": "anna@example.org", "password": "' + b"a" * 1_100_000 + b'"}', 413),
        (b"[" * 100_000, 400),
    ],
)
async def test_malformed_registrations_are_refused(
    refusing: Auth, content: bytes, status: int
) -> None:
    answer = await refusing.client.post(
        URL, content=content, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    email=st.one_of(st.text(max_size=300), st.emails()),
    password=st.text(st.characters(), max_size=220),
)
async def test_any_text_registers_or_is_refused_for_a_reason(
    keyless: Auth, email: str, password: str
) -> None:
    content = json.dumps({"email": email, "password": password})  # lone surrogates as escapes
    answer = await keyless.client.post(
        URL, content=content, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in (201, 409, 422), answer.text
    if answer.status_code == 422:
        assert all(error["detail"] for error in answer.json()["errors"])


async def test_registering_costs_four_statements(keyless: Auth) -> None:
    """One statement each for the account, its event, the secret and the mail."""
    await keyless.client.post(URL, json=ANNA | {"email": "first@example.org"})
    with counted(keyless.service.engine) as statements:
        answer = await keyless.client.post(URL, json=ANNA)
    assert answer.status_code == 201
    assert len(statements) == 4, statements


async def test_registrations_from_one_address_are_limited_per_hour(
    auth: Auth, clock: MovedClock
) -> None:
    """Failed registrations count too. The machine itself and other addresses are not limited."""
    async with (
        auth.from_address("203.0.113.9") as one,
        auth.from_address("203.0.113.10") as other,
    ):

        async def ask(client: httpx.AsyncClient, n: int) -> httpx.Response:
            body = {"email": f"p{n}@example.org", "password": PASSWORD}
            return await client.post(URL, json=body)

        first = await ask(one, 0)
        assert first.status_code == 201
        async with auth.service.engine.begin() as tx:
            await tx.exec_driver_sql(
                "insert into registration select '203.0.113.9', now() from generate_series(1, 58)"
            )
        assert (await ask(one, 0)).status_code == 409, "that it is taken counts as well"
        answer = await ask(one, 1)
        assert (answer.status_code, answer.json()["type"]) == (
            429,
            "urn:hirewire:problem:too-many-registrations",
        )
        assert 0 < int(answer.headers["retry-after"]) <= 3600
        assert (await ask(other, 2)).status_code == 201
        assert (await ask(auth.client, 3)).status_code == 201
        clock.forward(minutes=61)
        assert (await ask(one, 1)).status_code == 201
    async with auth.service.messaging.transactions() as tx:
        await forget_old(tx)
    assert await auth.rows("select network from registration") == [("203.0.113.9",)]
