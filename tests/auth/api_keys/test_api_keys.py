"""API keys: made, listed, rotated, revoked, exchanged by the gateway, and left behind."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx

from hirewire.auth.api_keys import background, commands, rules
from hirewire.contracts.vacancies import EmployerProfileCreated, EmployerStated
from hirewire.kit import api_keys, personal_tokens
from hirewire.messaging.broker import Delivery
from hirewire.messaging.testing import consume, recorded
from tests.auth.conftest import PASSWORD, Auth, MovedClock
from tests.auth.postbox import Postbox
from tests.auth.sessions.test_list import bearer

PATTERN = r"hwk_[0-9A-Za-z]{36}"
BODY: dict[str, Any] = {
    "name": "Our site",
    "scopes": ["vacancies:write", "vacancies:read"],
    "days": 30,
    "password": PASSWORD,
}
KEYS = "/api/auth/api-keys"


async def employer(
    auth: Auth, email: str = "anna@example.org", company: UUID | None = None
) -> tuple[UUID, UUID, dict[str, Any]]:
    """Somebody who acts for a company: their id, the company's, their tokens."""
    id, company = await auth.register(email), company or uuid4()
    event = EmployerProfileCreated(user_id=id, company_id=company, phone=None)
    await consume(auth.service.messaging.consumer, event)
    return id, company, await auth.login(email)


async def make(auth: Auth, tokens: dict[str, Any], **given: object) -> httpx.Response:
    return await auth.client.post(KEYS, json=BODY | given, headers=bearer(tokens))


async def listed(auth: Auth, tokens: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await auth.client.get(KEYS, headers=bearer(tokens))
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def rotate(auth: Auth, tokens: dict[str, Any], id: str, **given: object) -> httpx.Response:
    body = {"password": PASSWORD} | given
    return await auth.client.post(f"{KEYS}/{id}/rotate", json=body, headers=bearer(tokens))


async def exchanged(auth: Auth, key: str, asked: int = 1) -> httpx.Response:
    return await auth.client.post("/internal/api-key", json={"key": key, "asked": asked})


async def works(auth: Auth, key: str) -> bool:
    answer = await exchanged(auth, key)
    assert answer.status_code in (200, 401)
    return answer.status_code == 200


async def test_a_key_is_shown_once_and_all_who_act_for_the_company_are_notified(
    auth: Auth, postbox: Postbox
) -> None:
    _, company, anna = await employer(auth)
    _, _, boris = await employer(auth, "boris@example.org", company)
    _, _, eve = await employer(auth, "eve@example.org")
    answer = await make(auth, anna)
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    made = answer.json()
    assert re.fullmatch(PATTERN, made["key"])
    [one] = await listed(auth, boris)
    assert (one["name"], one["scopes"]) == ("Our site", ["vacancies:read", "vacancies:write"])
    assert (one["createdBy"], one["requestsPerMinute"]) == ("anna@example.org", 600)
    assert (one["usedAt"], one["rotating"]) == (None, False)
    assert await listed(auth, eve) == []
    stored = str(await auth.rows("select k::text, s::text from api_key k, api_key_secret s"))
    assert made["key"] not in stored
    assert made["key"][4:34] not in stored
    for who in ("anna@example.org", "boris@example.org"):
        texts = "\n".join(await postbox.texts(who))
        assert "“Our site”" in texts
        assert "by anna@example.org" in texts
    assert "Our site" not in "\n".join(await postbox.texts("eve@example.org"))
    logs = [await auth.client.get("/api/auth/security-log", headers=bearer(t)) for t in (anna, eve)]
    assert [log.json()["items"][0]["what"] for log in logs] == ["api_key_made", "signed_in"]
    mistakes: list[dict[str, object]]
    mistakes = [{"scopes": []}, {"scopes": ["auth:read"]}, {"days": 0}, {"name": " "}]
    for wrong in mistakes:
        assert (await make(auth, anna, **wrong)).status_code == 422
    assert (await make(auth, anna, password="wrong")).status_code == 422


async def test_only_sessions_of_employers_manage_keys(auth: Auth) -> None:
    _, _, anna = await employer(auth)
    made = (await make(auth, anna)).json()
    await auth.register("nobody@example.org")
    nobody = await auth.login("nobody@example.org")
    _, _, eve = await employer(auth, "eve@example.org")
    access = (await exchanged(auth, made["key"])).json()["accessToken"]
    calls = (("GET", "", None), ("POST", "", BODY), ("DELETE", f"/{made['id']}", None))
    for method, path, body in (*calls, ("POST", f"/{made['id']}/rotate", {"password": PASSWORD})):
        answers = []
        for token in (nobody["accessToken"], access, made["key"]):
            headers = {"Authorization": f"Bearer {token}"}
            answer = await auth.client.request(method, KEYS + path, json=body, headers=headers)
            answers.append((answer.status_code, answer.json()["code"]))
        expected = [(403, "no_company"), (403, "not_for_api_keys"), (401, "api_key_here")]
        assert answers == expected, path
    for answer in (
        await rotate(auth, eve, made["id"]),
        await auth.client.delete(f"{KEYS}/{made['id']}", headers=bearer(eve)),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "api_key_not_found")
    patched = await auth.client.patch(
        f"{KEYS}/{made['id']}", json={"scopes": ["applications:read"]}, headers=bearer(anna)
    )
    assert patched.status_code in (404, 405)
    for path in ("/api/auth/me", "/api/auth/sessions", "/api/auth/tokens"):
        answer = await auth.client.get(path, headers={"Authorization": f"Bearer {access}"})
        assert (answer.status_code, answer.json()["code"]) == (403, "not_for_api_keys")
    assert await works(auth, made["key"])


async def test_who_acts_for_a_company_is_said_by_our_own_service_alone(auth: Auth) -> None:
    id = await auth.register()
    event = EmployerProfileCreated(user_id=id, company_id=uuid4(), phone=None)
    external = Delivery(body=event.body(), routing_key="employer.profile.created")
    await consume(auth.service.messaging.consumer, external)
    answer = await make(auth, await auth.login())
    assert (answer.status_code, answer.json()["code"]) == (403, "no_company")
    stated = EmployerStated(
        user_id=id, company_id=event.company_id, company_name="Acme"
    )  # of before this version
    await consume(auth.service.messaging.consumer, stated)
    other = EmployerProfileCreated(user_id=id, company_id=uuid4(), phone=None)
    await consume(auth.service.messaging.consumer, other)
    assert await auth.rows("select company_id from company_member") == [(event.company_id,)]


async def test_two_secrets_work_while_a_key_is_rotated(auth: Auth, clock: MovedClock) -> None:
    _, _, anna = await employer(auth)
    made = (await make(auth, anna, requestsPerMinute=7)).json()
    first = made["key"]
    answer = await rotate(auth, anna, made["id"], days=60, overlapHours=2)
    assert answer.status_code == 201
    second = answer.json()
    assert (second["id"], second["name"]) == (made["id"], made["name"])
    assert second["scopes"] == made["scopes"]
    ends = datetime.fromisoformat(second["previousEndsAt"]) - datetime.now(UTC)
    assert timedelta(hours=1.9) < ends <= timedelta(hours=2)
    assert await works(auth, first)
    assert await works(auth, second["key"])
    assert [one["rotating"] for one in await listed(auth, anna)] == [True]
    third = (await rotate(auth, anna, made["id"], overlapHours=1)).json()
    assert not await works(auth, first)  # two at most
    assert await works(auth, second["key"])
    clock.forward(hours=1, seconds=1)
    assert not await works(auth, second["key"])
    assert (await exchanged(auth, third["key"])).json()["limit"] == 7
    anna = await auth.login()
    at_once = (await rotate(auth, anna, made["id"], overlapHours=0)).json()
    assert not await works(auth, third["key"])
    async with auth.service.messaging.transactions() as tx:
        await commands.forget_old(tx)
    assert await auth.rows("select count(*) from api_key_secret") == [(1,)]
    clock.forward(days=366)
    assert not await works(auth, at_once["key"])
    clock.forward(days=31)
    async with auth.service.messaging.transactions() as tx:
        await commands.forget_old(tx)
    assert await auth.rows("select count(*) from api_key") == [(0,)]


async def test_a_key_survives_its_maker_but_not_the_last_who_acts_for_the_company(
    auth: Auth,
) -> None:
    _, company, anna = await employer(auth)
    boris_id, _, boris = await employer(auth, "boris@example.org", company)
    made = (await make(auth, anna)).json()
    body = {"password": PASSWORD}
    erased = await auth.client.request("DELETE", "/api/auth/me", json=body, headers=bearer(anna))
    assert erased.status_code == 202
    assert await works(auth, made["key"])
    [one] = await listed(auth, boris)
    assert one["createdBy"] is None

    await _block(auth, boris_id, "now()")
    assert not await works(auth, made["key"])
    await _block(auth, boris_id, "null")
    assert await works(auth, made["key"])

    access = (await exchanged(auth, made["key"])).json()["accessToken"]
    again = await auth.client.request("DELETE", "/api/auth/me", json=body, headers=bearer(boris))
    assert again.status_code == 202
    assert not await works(auth, made["key"])
    [event] = await recorded(auth.service.engine, "api_key.revoked")
    assert (event.body["keyId"], event.body["companyId"]) == (made["id"], str(company))
    assert await auth.rows("select count(*) from api_key_secret") == [(0,)]
    assert (await auth.me(access)).json()["code"] in ("invalid_token", "not_for_api_keys")


async def _block(auth: Auth, id: UUID, at: str) -> None:
    why = "'x'" if at != "null" else "null"
    async with auth.service.engine.begin() as tx:
        await tx.exec_driver_sql(
            f"update user_account set blocked_at = {at}, blocked_why = {why} where id = $1", (id,)
        )


async def test_a_revoked_key_is_refused_everywhere(auth: Auth) -> None:
    _, _, anna = await employer(auth)
    made, other = (await make(auth, anna)).json(), (await make(auth, anna)).json()
    answer = await auth.client.delete(f"{KEYS}/{made['id']}", headers=bearer(anna))
    assert answer.status_code == 204
    assert not await works(auth, made["key"])
    assert await works(auth, other["key"])
    [event] = await recorded(auth.service.engine, "api_key.revoked")
    assert event.body["keyId"] == made["id"]
    gone = await auth.client.delete(f"{KEYS}/{made['id']}", headers=bearer(anna))
    assert gone.status_code == 404
    for wrong in (api_keys.new(), personal_tokens.new(), "hwk_", made["key"][:-1] + "é", ""):
        assert not await works(auth, wrong)


async def test_many_at_once_make_no_more_keys_than_allowed(auth: Auth) -> None:
    _, company, anna = await employer(auth)
    _, _, boris = await employer(auth, "boris@example.org", company)
    for _ in range(rules.MOST_KEYS - 2):
        assert (await make(auth, anna)).status_code == 201
    answers = await asyncio.gather(*(make(auth, who) for who in (anna, boris) * 3))
    assert sorted(one.status_code for one in answers) == [201, 201, 409, 409, 409, 409]
    assert {one.json()["code"] for one in answers if one.status_code == 409} == {"too_many_keys"}


async def test_a_company_is_mailed_once_before_a_key_expires(
    auth: Auth, postbox: Postbox, clock: MovedClock
) -> None:
    _, company, anna = await employer(auth)
    await employer(auth, "boris@example.org", company)
    await employer(auth, "eve@example.org")
    for name, days in (("A month", 30), ("A day", 1), ("A year", 366)):
        assert (await make(auth, anna, name=name, days=days)).status_code == 201
    # A secret that another one has replaced expires as it should.
    id = (await make(auth, anna, name="Replaced", days=1)).json()["id"]
    assert (await rotate(auth, anna, id, days=366, overlapHours=24)).status_code == 201

    async def warned(who: str = "anna@example.org") -> list[str]:
        await background.warn_step(auth.service.messaging.transactions)
        texts = [text for text in await postbox.texts(who) if "stops working on" in text]
        return [found[1] for text in texts if (found := re.search("“(.+?)”", text))]

    assert await warned() == []
    clock.forward(hours=19)  # in the last quarter of its day
    assert await warned() == ["A day"]
    clock.forward(days=21)
    assert await warned() == ["A day"]
    clock.forward(days=2)
    assert await warned() == await warned("boris@example.org") == ["A day", "A month"]
    assert await warned() == ["A day", "A month"], "once"
    assert await warned("eve@example.org") == []


async def test_gateways_together_get_no_more_than_the_limit(auth: Auth, clock: MovedClock) -> None:
    """A window may end in between: then a second one has given the rest."""
    _, _, anna = await employer(auth)
    key = (await make(auth, anna, requestsPerMinute=50)).json()["key"]
    seen: dict[float, list[int]] = {}
    clock.forward(days=0.5)  # the clock of this process does not count

    async def take(asked: int) -> int:
        answer = (await exchanged(auth, key, asked)).json()
        ends = round((datetime.now(UTC).timestamp() + answer["seconds"]) / 60)
        seen.setdefault(ends, []).append(answer["granted"])
        assert 0 < answer["seconds"] <= 60
        return int(answer["granted"])

    assert await take(20) == 5
    await asyncio.gather(*(take(20) for _ in range(60)))
    for granted in seen.values():
        assert sum(granted) <= 50
    if len(seen) == 1:
        assert sum(next(iter(seen.values()))) == 50
        assert await take(1) == 0 or len(seen) == 2
