"""The security log: what it notes, for whom, and for how long."""

from typing import Any, get_args

import httpx

from hirewire.auth import limits
from hirewire.auth.security_log.background import forget_step
from hirewire.auth.security_log.rules import What
from hirewire.web.i18n.labels import LABELS
from tests.auth.conftest import PASSWORD, Auth, MovedClock

LINUX = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
NEW = "a new horse battery"


def bearer(tokens: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['accessToken']}"}


async def page(auth: Auth, tokens: dict[str, Any], query: str = "") -> dict[str, Any]:
    answer = await auth.client.get(f"/api/auth/security-log{query}", headers=bearer(tokens))
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    found: dict[str, Any] = answer.json()
    return found


async def acts(auth: Auth, tokens: dict[str, Any]) -> list[str]:
    return [one["what"] for one in (await page(auth, tokens, "?limit=100"))["items"]]


async def fail(auth: Auth, client: httpx.AsyncClient, times: int, email: str) -> None:
    for _ in range(times):
        answer = await auth.try_login(email, "not the password", client=client)
        assert answer.status_code == 401


async def test_acts_stand_with_device_and_coarse_network(auth: Auth) -> None:
    await auth.register()
    async with auth.from_address("203.0.113.77") as phone:
        body = {"email": "anna@example.org", "password": PASSWORD}
        agent = {"User-Agent": LINUX}
        there = (await phone.post("/api/auth/login", json=body, headers=agent)).json()
        await phone.post("/api/auth/logout", headers=bearer(there) | agent)
        await phone.post("/api/auth/logout", headers=bearer(there) | agent)
    tokens = await auth.login()
    here, out, there_in = (await page(auth, tokens))["items"]
    assert (here["what"], here["device"], here["network"]) == (
        *("signed_in_elsewhere", "python-httpx", "127.0.0.0/24"),
    )
    for one, what in ((out, "signed_out"), (there_in, "signed_in")):
        said = (one["what"], one["device"], one["network"])
        assert said == (what, "Firefox · Linux", "203.0.113.0/24")
    stored = await auth.rows("select e::text from security_event as e")
    assert not [row for (row,) in stored if "203.0.113.77" in row or "Gecko" in row]


async def test_what_ends_sessions_and_changes_the_password_is_noted(
    auth: Auth, clock: MovedClock
) -> None:
    await auth.register()
    mine, *_ = [await auth.login() for _ in range(3)]
    headers = bearer(mine)
    sessions = (await auth.client.get("/api/auth/sessions", headers=headers)).json()["items"]
    for _ in range(2):
        await auth.client.delete(f"/api/auth/sessions/{sessions[0]['id']}", headers=headers)
    assert not sessions[0]["current"]
    await auth.client.delete("/api/auth/sessions", headers=headers)
    body = {"current": "wrong", "password": NEW}
    assert (await auth.client.post("/api/auth/password", json=body, headers=headers)).is_error
    body["current"] = PASSWORD
    answer = await auth.client.post("/api/auth/password", json=body, headers=headers)
    assert answer.status_code == 204
    stolen = mine["refreshToken"]
    mine = (await auth.refresh(stolen)).json()
    clock.forward(seconds=11)
    for _ in range(2):
        assert (await auth.refresh(stolen)).status_code == 401
    tokens = await auth.login(password=NEW)
    assert await acts(auth, tokens) == [
        *("signed_in", "refresh_reused", "password_changed", "sign_in_failed"),
        *("other_sessions_ended", "session_ended", "signed_in", "signed_in", "signed_in"),
    ]
    answer = await auth.client.get("/api/auth/security-log", headers=bearer(mine))
    assert answer.status_code == 401, "an ended session must not read on"


async def test_failures_are_noted_once_for_a_network_and_when_they_lock(
    auth: Auth, clock: MovedClock
) -> None:
    await auth.register()
    async with auth.from_address("203.0.113.9") as attacker:
        await fail(auth, attacker, limits.FAILURES_OF_PAIR, "anna@example.org")
        assert (await auth.try_login(client=attacker)).status_code == 429
    tokens = await auth.login()
    assert await acts(auth, tokens) == ["signed_in", "sign_in_locked", "sign_in_failed"]
    clock.forward(minutes=16)
    await auth.try_login(password="wrong again")
    newest = await auth.rows("select what from security_event order by at desc limit 1")
    assert newest == [("sign_in_failed",)]


async def test_unknown_addresses_cost_the_same_and_leave_nothing(auth: Auth) -> None:
    """Otherwise the time of an answer would show whether there is an account."""
    await auth.register()
    rows = []
    async with auth.from_address("203.0.113.9") as attacker:
        for email in ("anna@example.org", "nobody@example.org"):
            before = (await auth.rows("select count(*) from security_event"))[0][0]
            await fail(auth, attacker, limits.FAILURES_OF_PAIR, email)
            rows.append((await auth.rows("select count(*) from security_event"))[0][0] - before)
    assert rows == [2, 2]
    await forget_step(auth.service.messaging.transactions)
    assert await auth.rows("select count(*), count(user_id) from security_event") == [(2, 2)]


async def test_an_attack_from_many_networks_does_not_fill_the_log(auth: Auth) -> None:
    await auth.register()
    for n in range(limits.FAILURES_OF_PAIR + 5):
        async with auth.from_address(f"198.51.{n}.9") as attacker:
            await fail(auth, attacker, 1, "anna@example.org")
    noted = await acts(auth, await auth.login())
    assert noted.count("sign_in_failed") == limits.FAILURES_OF_PAIR


async def test_pages_are_complete_and_only_ones_own(auth: Auth, clock: MovedClock) -> None:
    await auth.register()
    await auth.register("other@example.org")
    for _ in range(4):
        tokens = await auth.login()
        await auth.login("other@example.org")
    seen: list[str] = []
    query = "?limit=3"
    while query:
        found = await page(auth, tokens, query)
        seen += [one["id"] for one in found["items"]]
        query = f"?limit=3&after={found['next']}" if found["next"] else ""
    own = "select e.id::text from security_event e join user_account u on u.id = e.user_id "
    own += "where u.email = 'anna@example.org' order by e.at desc"
    assert seen == [id for (id,) in await auth.rows(own)]
    assert len(seen) == 4
    wrong = await auth.client.get("/api/auth/security-log?after=e30", headers=bearer(tokens))
    assert wrong.status_code == 422
    assert (await auth.client.get("/api/auth/security-log")).status_code == 401
    clock.forward(days=364)
    await forget_step(auth.service.messaging.transactions)
    assert await auth.rows("select count(*) from security_event") == [(8,)]
    clock.forward(days=2)
    await forget_step(auth.service.messaging.transactions)
    assert await auth.rows("select count(*) from security_event") == [(0,)]


def test_every_act_has_a_label() -> None:
    assert {f"act_{what}" for what in get_args(What)} <= LABELS.keys()
    labelled = {name for name in LABELS if name.startswith("act_")} - {"act_other"}
    assert labelled == {f"act_{what}" for what in get_args(What)}
