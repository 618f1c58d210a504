"""Refresh tokens are rotated at each use, and reuse ends the session."""

import asyncio
from collections import Counter

import pytest

from hirewire.auth.roles.commands import make_employer
from hirewire.auth.signing import session_of
from tests.auth.conftest import Auth, MovedClock


async def why_ended(auth: Auth) -> list[str | None]:
    """Why the sessions ended, in order."""
    rows = await auth.rows("select revoked_why from session order by started_at")
    return [why for (why,) in rows]


async def test_a_refresh_gives_a_new_pair_of_the_same_session(auth: Auth) -> None:
    id = await auth.register()
    first = await auth.login()
    answer = await auth.refresh(first["refreshToken"])
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    second = answer.json()
    assert set(second) == set(first)
    assert second["refreshToken"] != first["refreshToken"]
    assert session_of(second["accessToken"]) == session_of(first["accessToken"])
    assert (await auth.me(second["accessToken"])).json()["id"] == str(id)
    assert (await auth.refresh(second["refreshToken"])).status_code == 200


async def test_the_new_token_has_the_role_of_now(auth: Auth) -> None:
    id = await auth.register()
    tokens = await auth.login()
    async with auth.service.messaging.transactions() as tx:
        await make_employer(tx, id)
    answer = await auth.refresh(tokens["refreshToken"])
    headers = {"Authorization": f"Bearer {answer.json()['accessToken']}"}
    verifier = auth.service.app.state.verifier
    principal = await verifier.verify(headers["Authorization"].removeprefix("Bearer "))
    assert principal.role == "employer"


async def test_a_reused_token_ends_the_session(auth: Auth, clock: MovedClock) -> None:
    await auth.register()
    stolen = (await auth.login())["refreshToken"]
    other = (await auth.login())["refreshToken"]
    successor = (await auth.refresh(stolen)).json()["refreshToken"]
    clock.forward(seconds=11)
    answer = await auth.refresh(stolen)
    assert answer.status_code == 401
    assert answer.json()["type"].endswith("invalid-refresh-token")
    assert await why_ended(auth) == ["refresh token used twice", None]
    assert (await auth.refresh(successor)).status_code == 401
    assert (await auth.refresh(other)).status_code == 200


async def test_an_old_token_of_the_family_ends_it_too(auth: Auth, clock: MovedClock) -> None:
    await auth.register()
    first = token = (await auth.login())["refreshToken"]
    for _ in range(3):
        clock.forward(minutes=9)
        token = (await auth.refresh(token)).json()["refreshToken"]
    assert (await auth.refresh(first)).status_code == 401
    assert (await auth.refresh(token)).status_code == 401


async def test_a_double_submit_is_refused_but_ends_nothing(auth: Auth, clock: MovedClock) -> None:
    await auth.register()
    first = (await auth.login())["refreshToken"]
    second = (await auth.refresh(first)).json()["refreshToken"]
    clock.forward(seconds=9)
    answer = await auth.refresh(first)
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("refreshed-just-now")
    assert await why_ended(auth) == [None]
    assert (await auth.refresh(second)).status_code == 200


async def test_one_of_ten_concurrent_refreshes_gets_the_tokens(auth: Auth) -> None:
    await auth.register()
    token = (await auth.login())["refreshToken"]
    answers = await asyncio.gather(*(auth.refresh(token) for _ in range(10)))
    assert Counter(a.status_code for a in answers) == {200: 1, 409: 9}
    [winner] = [a.json() for a in answers if a.status_code == 200]
    assert (await auth.refresh(winner["refreshToken"])).status_code == 200


async def test_thirty_days_without_use_end_the_session(auth: Auth, clock: MovedClock) -> None:
    await auth.register()
    token = (await auth.login())["refreshToken"]
    clock.forward(days=29, hours=23)
    answer = await auth.refresh(token)
    assert answer.status_code == 200
    clock.forward(days=30)
    assert (await auth.refresh(answer.json()["refreshToken"])).status_code == 401
    assert await why_ended(auth) == [None]


async def test_ninety_days_end_the_session_however_often_it_is_refreshed(
    auth: Auth, clock: MovedClock
) -> None:
    await auth.register()
    token = (await auth.login())["refreshToken"]
    for _ in range(3):
        clock.forward(days=29, hours=20)
        await auth.ensure_key()
        answer = await auth.refresh(token)
        assert answer.status_code == 200
        token = answer.json()["refreshToken"]
    clock.forward(hours=13)
    await auth.ensure_key()
    assert (await auth.refresh(token)).status_code == 401


async def test_without_a_key_the_token_is_not_used_up(auth: Auth, clock: MovedClock) -> None:
    """A request that cannot be answered has no effect."""
    await auth.register()
    token = (await auth.login())["refreshToken"]
    kept = await auth.rows("select sign_until from signing_key")
    async with auth.service.engine.begin() as tx:
        await tx.exec_driver_sql("update signing_key set sign_until = now()")
    assert (await auth.refresh(token)).status_code == 503
    async with auth.service.engine.begin() as tx:
        await tx.exec_driver_sql("update signing_key set sign_until = $1", kept[0])
    assert (await auth.refresh(token)).status_code == 200


@pytest.mark.parametrize("token", ["", "nonsense", "a" * 200, "ёжик", "a.b.c"])
async def test_an_unknown_token_is_refused(refusing: Auth, token: str) -> None:
    answer = await refusing.refresh(token)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_an_access_token_cannot_be_used_for_a_refresh(auth: Auth) -> None:
    await auth.register()
    answer = await auth.refresh((await auth.login())["accessToken"])
    assert answer.status_code == 422
