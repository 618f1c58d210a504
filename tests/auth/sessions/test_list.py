"""The list of sessions, and their end."""

from typing import Any
from uuid import uuid4

import httpx

from tests.auth.conftest import PASSWORD, Auth, MovedClock

LINUX = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"


def bearer(tokens: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['accessToken']}"}


async def listed(auth: Auth, tokens: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await auth.client.get("/api/auth/sessions", headers=bearer(tokens))
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def delete(auth: Auth, tokens: dict[str, Any], path: str = "") -> httpx.Response:
    return await auth.client.delete(f"/api/auth/sessions{path}", headers=bearer(tokens))


async def test_sessions_have_device_coarse_network_and_times(auth: Auth, clock: MovedClock) -> None:
    await auth.register()
    async with auth.from_address("203.0.113.77") as phone:
        body = {"email": "anna@example.org", "password": PASSWORD}
        await phone.post("/api/auth/login", json=body, headers={"User-Agent": LINUX})
    clock.forward(minutes=5)
    tokens = await auth.login()
    clock.forward(minutes=5)
    await auth.register("other@example.org")
    await auth.login("other@example.org")
    tokens = (await auth.refresh(tokens["refreshToken"])).json()
    here, there = await listed(auth, tokens)
    assert (here["current"], there["current"]) == (True, False)
    assert (there["device"], there["network"]) == ("Firefox · Linux", "203.0.113.0/24")
    assert here["device"] == "python-httpx"
    assert there["startedAt"] == there["usedAt"] < here["startedAt"] < here["usedAt"]
    assert "203.0.113.77" not in str([here, there])
    stored = await auth.rows("select t::text from session as t")
    assert not [row for (row,) in stored if "203.0.113.77" in row or "Gecko" in row]


async def test_one_session_ends(auth: Auth) -> None:
    await auth.register()
    first, second = await auth.login(), await auth.login()
    other = next(one for one in await listed(auth, first) if not one["current"])
    for _ in range(2):
        assert (await delete(auth, first, f"/{other['id']}")).status_code == 204
    assert len(await listed(auth, first)) == 1
    assert (await auth.refresh(second["refreshToken"])).status_code == 401
    assert (await auth.refresh(first["refreshToken"])).status_code == 200


async def test_all_others_end(auth: Auth) -> None:
    await auth.register()
    mine, *others = [await auth.login() for _ in range(3)]
    await auth.register("other@example.org")
    foreign = await auth.login("other@example.org")
    assert (await delete(auth, mine)).status_code == 204
    assert [one["current"] for one in await listed(auth, mine)] == [True]
    for tokens in others:
        assert (await auth.refresh(tokens["refreshToken"])).status_code == 401
    assert (await auth.refresh(foreign["refreshToken"])).status_code == 200


async def test_sessions_of_others_are_not_found(auth: Auth) -> None:
    await auth.register()
    await auth.register("other@example.org")
    mine, foreign = await auth.login(), await auth.login("other@example.org")
    [theirs] = await listed(auth, foreign)
    for id in (theirs["id"], uuid4()):
        assert (await delete(auth, mine, f"/{id}")).status_code == 404
    assert (await auth.refresh(foreign["refreshToken"])).status_code == 200


async def test_an_ended_session_ends_no_others(auth: Auth) -> None:
    """Its access token is still valid for some minutes."""
    await auth.register()
    stolen, mine = await auth.login(), await auth.login()
    await delete(auth, mine)
    assert (await auth.me(stolen["accessToken"])).status_code == 200
    assert (await delete(auth, stolen)).status_code == 401
    assert (await auth.client.get("/api/auth/sessions", headers=bearer(stolen))).status_code == 401
    assert (await auth.refresh(mine["refreshToken"])).status_code == 200


async def test_unused_sessions_are_not_listed(auth: Auth, clock: MovedClock) -> None:
    await auth.register()
    await auth.login()
    clock.forward(days=31)
    await auth.ensure_key()
    assert len(await listed(auth, await auth.login())) == 1


async def test_without_a_token_it_is_refused(auth: Auth) -> None:
    for method, path in (("GET", ""), ("DELETE", ""), ("DELETE", f"/{uuid4()}")):
        assert (await auth.client.request(method, f"/api/auth/sessions{path}")).status_code == 401
