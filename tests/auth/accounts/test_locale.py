"""Language, time zone and verification, as other services learn of them."""

from typing import Any

import pytest

from hirewire.messaging.testing import recorded
from tests.auth.conftest import PASSWORD, Auth
from tests.auth.postbox import sending

ANNA = {"email": "anna@example.org", "password": PASSWORD}
LOCALE, VERIFIED = "user.locale_changed", "user.email_verified"


async def said(auth: Auth, name: str = LOCALE) -> list[tuple[Any, ...]]:
    """What the events say, the oldest first."""
    bodies = [row.body for row in await recorded(auth.service.engine, name)]
    if name == VERIFIED:
        return [(body["userId"],) for body in bodies]
    return [(body["language"], body["timeZone"]) for body in bodies]


async def registered(auth: Auth, language: str | None = None, **more: str) -> dict[str, str]:
    """Register and log in; returns headers of this session, which prefer no language."""
    headers = {"Accept-Language": language} if language else {}
    answer = await auth.client.post("/api/auth/register", json=ANNA | more, headers=headers)
    assert answer.status_code == 201, answer.text
    return {"Authorization": f"Bearer {(await auth.login())['accessToken']}"}


async def patched(auth: Auth, headers: dict[str, str], body: object, status: int = 204) -> Any:
    answer = await auth.client.patch("/api/auth/me", json=body, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


async def test_what_is_known_at_the_registration_is_published(auth: Auth) -> None:
    await registered(auth, "ru", timeZone="Asia/Yekaterinburg")
    assert await said(auth) == [("ru", "Asia/Yekaterinburg")]
    assert await said(auth, VERIFIED) == []


async def test_nothing_is_published_of_what_is_not_known(auth: Auth) -> None:
    headers = await registered(auth)
    assert await said(auth) == []
    assert (await auth.client.get("/api/auth/me", headers=headers)).json()["language"] is None


async def test_a_change_is_published_and_a_repeated_one_is_not(auth: Auth) -> None:
    headers = await registered(auth, "ru")
    await patched(auth, headers, {"timeZone": "Europe/Moscow"})
    await patched(auth, headers, {"timeZone": "Europe/Moscow"})
    await patched(auth, headers, {"language": "en"})
    await patched(auth, headers, {})
    await patched(auth, headers, {"timeZone": None})
    moves = [("ru", None), ("ru", "Europe/Moscow"), ("en", "Europe/Moscow"), ("en", None)]
    assert await said(auth) == moves
    me = (await auth.client.get("/api/auth/me", headers=headers)).json()
    assert (me["language"], me["timeZone"]) == ("en", None)


async def test_a_sign_in_does_not_replace_a_language_that_was_chosen(auth: Auth) -> None:
    headers = await registered(auth, "ru")
    english, body = {"Accept-Language": "en"}, {"language": "ru"}
    await auth.client.post("/api/auth/login", json=ANNA, headers=english)
    assert await said(auth) == [("ru", None), ("en", None)]
    await patched(auth, headers, body)
    await auth.client.post("/api/auth/login", json=ANNA, headers=english)
    assert await said(auth) == [("ru", None), ("en", None), ("ru", None)]


@pytest.mark.parametrize(
    "zone", ["Mars/Olympus", "europe/moscow", "../../etc/passwd", "right/UTC", "localtime", "", "x"]
)
async def test_unknown_time_zones_are_refused(auth: Auth, zone: str) -> None:
    headers = await registered(auth)
    problem = await patched(auth, headers, {"timeZone": zone}, 422)
    codes = {"unknown_time_zone", "string_pattern_mismatch"}
    assert [one["pointer"] for one in problem["errors"]] == ["#/timeZone"]
    assert problem["errors"][0]["code"] in codes
    assert await said(auth) == []


async def test_an_ended_session_changes_nothing(auth: Auth) -> None:
    headers = await registered(auth)
    async with auth.service.engine.begin() as connection:
        await connection.exec_driver_sql(
            "update session set revoked_at = now(), revoked_why = 'x' where revoked_at is null"
        )
    await patched(auth, headers, {"language": "ru"}, 401)
    assert await said(auth) == []


async def test_a_verified_address_is_published_once(
    auth: Auth, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sending(auth, monkeypatch, ignored=()) as postbox:
        await registered(auth)
        [token] = await postbox.tokens("/email/verify")
    for _ in range(2):
        await auth.client.post("/api/auth/email/verify", json={"token": token})
    [(id,)] = await auth.rows("select id::text from user_account")
    assert await said(auth, VERIFIED) == [(id,)]
