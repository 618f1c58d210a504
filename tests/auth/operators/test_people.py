"""The operators' API: finding people and helping them; who may use it."""

import asyncio
from uuid import uuid4

import pytest

from hirewire.messaging.testing import bodies, recorded
from tests.auth.conftest import PASSWORD
from tests.auth.operators.conftest import BOSS, Office, office_of
from tests.auth.postbox import sending
from tests.builders import eventually

ACTS = (
    *("block", "unblock", "end-sessions", "reset-link", "verify", "make-admin", "remove-admin"),
)


async def test_people_are_found_by_address_and_id(office: Office) -> None:
    anna = await office.auth.register("Anna%20@Example.org")
    ben = await office.auth.register("ben@пример.рф")

    async def found(**params: str | int) -> list[str]:
        answer = await office.get("/people", **params)
        assert answer.headers["cache-control"] == "no-store"
        return [one["email"] for one in answer.json()["items"]]

    everybody = ["ben@пример.рф", "Anna%20@example.org", BOSS]
    assert await found() == everybody
    assert await found(q="anna%20") == await found(q=" ANNA") == [everybody[1]]
    assert await found(q="a%") == await found(q="nobody") == await found(q="_oss") == []
    assert await found(q=str(anna)) == [everybody[1]]
    assert await found(q=str(ben).upper()[:25]) in ([everybody[0]], everybody[:2])
    assert await found(role="admin") == [BOSS]
    assert await found(q="x" * 254) == []
    await office.do(anna, "block")
    assert await found(state="blocked") == [everybody[1]]
    assert await found(state="active") == [everybody[0], BOSS]

    first = (await office.get("/people", limit=2)).json()
    rest = (await office.get("/people", limit=2, after=first["next"])).json()
    assert [one["email"] for one in first["items"] + rest["items"]] == everybody
    assert rest["next"] is None
    assert (await office.get("/people", after="eA")).status_code == 422
    ids = {"ids": [str(ben), str(uuid4())]}
    answer = await office.auth.client.post(
        "/api/auth/admin/addresses", headers=office.headers, json=ids
    )
    assert answer.json() == {"items": [{"id": str(ben), "email": everybody[0]}]}


async def test_a_person_is_shown_with_the_state(office: Office) -> None:
    anna = await office.auth.register()
    await office.auth.login()
    one = (await office.get(f"/people/{anna}")).json()
    assert (one["sessions"], one["emailVerified"], one["blockedAt"]) == (1, False, None)
    await office.do(anna, "block", "  spam  ")
    one = (await office.get(f"/people/{anna}")).json()
    assert (one["sessions"], one["blockedBy"], one["blockedWhy"]) == (0, str(office.id), "spam")
    assert (await office.get(f"/people/{uuid4()}")).status_code == 404


async def test_help_is_given_and_noted(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    auth = office.auth
    anna = await auth.register()
    refresh = (await auth.login())["refreshToken"]
    assert (await office.do(anna, "verify", "seen the passport")).status_code == 204
    assert (await office.do(anna, "verify")).json()["code"] == "already_verified"
    assert (await office.do(anna, "end-sessions", "asked by phone")).status_code == 204
    assert (await auth.refresh(refresh)).status_code == 401
    async with sending(auth, monkeypatch) as postbox:
        assert (await office.do(anna, "reset-link", "lost the mail")).status_code == 204
        [token] = await postbox.tokens("/password/reset")
    body = {"token": token, "password": "quite another one"}
    answer = await auth.client.post("/api/auth/password/reset", json=body)
    assert answer.status_code == 204
    await auth.login(password="quite another one")
    assert await office.log() == [
        ("reset_link_sent", "lost the mail"),
        ("sessions_ended", "asked by phone"),
        ("address_verified", "seen the passport"),
    ]
    assert await office.log(user=str(anna), limit=1) == [("reset_link_sent", "lost the mail")]
    assert await office.log(user=str(uuid4())) == []


async def test_a_reason_is_required(office: Office) -> None:
    anna = await office.auth.register()
    for why in ("", "  x  ", "x" * 1001, None, 7):
        answer = await office.auth.client.post(
            f"/api/auth/admin/people/{anna}/block", headers=office.headers, json={"why": why}
        )
        assert answer.status_code == 422
    assert await office.log() == []


async def test_operators_make_and_remove_operators(office: Office) -> None:
    auth = office.auth
    anna = await auth.register()
    assert (await office.do(anna, "make-admin")).json()["code"] == "person_not_verified"
    await office.do(anna, "verify")
    before = (await auth.login())["accessToken"]
    assert (await office.do(anna, "make-admin")).status_code == 204
    assert (await office.do(anna, "make-admin")).json()["code"] == "already_admin"
    hers = Office(auth, anna, {"Authorization": f"Bearer {before}"})  # a token from before will do
    assert (await hers.get("/people")).status_code == 200
    # Both remove the other one at once: the second is none any more, and one is left.
    answers = await asyncio.gather(
        hers.do(office.id, "remove-admin"), office.do(anna, "remove-admin")
    )
    assert sorted(one.status_code for one in answers) in ([204, 401], [204, 403])
    left, gone = (hers, office) if answers[0].status_code == 204 else (office, hers)
    assert (await gone.get("/people")).status_code == 401  # all sessions have ended
    assert (await left.do(left.id, "remove-admin")).json()["code"] == "last_admin"
    deleting = await auth.client.request(
        "DELETE", "/api/auth/me", headers=left.headers, json={"password": PASSWORD}
    )
    assert (deleting.status_code, deleting.json()["code"]) == (409, "last_admin")
    assert (await left.do(gone.id, "remove-admin")).json()["code"] == "not_admin"
    roles = [
        (one["role"], one["previousRole"])
        for one in bodies(await recorded(auth.service.engine, "user.role_changed"))
    ]
    assert roles == [("admin", "applicant"), ("applicant", "admin")]


async def test_a_second_factor_can_be_required(office: Office) -> None:
    auth = office.auth
    refresh = (await auth.login(BOSS))["refreshToken"]
    state = auth.service.app.state
    state.settings = state.settings.model_copy(update={"operators_second_factor": "required"})
    answer = await office.get("/people")
    assert (answer.status_code, answer.json()["code"]) == (403, "operator_second_factor")
    # As a sign-in with a passkey or a code begins a session; a refresh keeps what it is.
    async with auth.service.engine.begin() as tx:
        await tx.exec_driver_sql("update session set is_strong = true")
    token = (await auth.refresh(refresh)).json()["accessToken"]
    strong = Office(auth, office.id, {"Authorization": f"Bearer {token}"})
    assert (await strong.get("/people")).status_code == 200


async def test_nobody_else_gets_in(office: Office) -> None:
    auth = office.auth
    anna = await auth.register()
    token = (await auth.login())["accessToken"]
    paths = [("GET", "/people"), ("GET", f"/people/{anna}"), ("GET", "/audit")]
    paths += [("POST", f"/people/{office.id}/{act}") for act in ACTS] + [("POST", "/addresses")]
    operator_paths = [
        path for path in auth.service.app.openapi()["paths"] if path.startswith("/api/auth/admin/")
    ]
    assert len(operator_paths) == len(paths)

    async def answers(headers: dict[str, str]) -> set[tuple[int, str]]:
        found = set()
        for method, path in paths:
            body: dict[str, object] = {"ids": []} if path == "/addresses" else {"why": "because"}
            answer = await auth.client.request(
                method,
                f"/api/auth/admin{path}",
                headers=headers,
                json=body if method == "POST" else None,
            )
            found.add((answer.status_code, answer.json()["code"]))
        return found

    assert await answers({}) == {(401, "unauthenticated")}
    assert await answers({"Authorization": f"Bearer {token}"}) == {(403, "not_an_operator")}
    other = await office_of(auth, "other@example.org")
    await office.do(other.id, "block")

    async def is_refused() -> bool:
        return await answers(other.headers) == {(401, "account_blocked")}

    await eventually(is_refused, what="a blocked operator is none")
    # An operator whose rights end in the database alone, in a session that goes on.
    async with auth.service.engine.begin() as tx:
        await tx.exec_driver_sql(
            "update user_account set blocked_at = now(), blocked_why = 'x' where blocked_at is null"
        )
    assert await answers(office.headers) == {(403, "not_an_operator")}
    async with auth.service.engine.begin() as tx:
        await tx.exec_driver_sql(
            "update user_account set role = 'applicant', blocked_at = null, blocked_by = null, "
            "blocked_why = null"
        )
    assert await answers(office.headers) == {(403, "not_an_operator")}
    assert PASSWORD not in str(await auth.rows("select * from kit.operator_act"))
