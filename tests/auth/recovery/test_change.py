"""A changed password."""

import asyncio
from uuid import UUID

import httpx
import pytest

from hirewire.auth import confirming, limits
from hirewire.auth.credentials import password_fits
from hirewire.auth.revoking import lock_tokens
from tests.auth.conftest import PASSWORD, Auth
from tests.auth.postbox import Postbox, plain
from tests.auth.recovery.test_recovery import is_dead, reset, token_of
from tests.auth.sessions.test_list import bearer
from tests.auth.tokens.test_tokens import make, signed_in, works
from tests.builders import eventually, lock_waits

NEW = "a new horse battery"


async def change(
    auth: Auth, access: str, current: str = PASSWORD, password: str = NEW
) -> httpx.Response:
    return await auth.client.post(
        "/api/auth/password",
        json={"current": current, "password": password},
        headers={"Authorization": f"Bearer {access}"},
    )


async def test_other_sessions_end_and_a_mail_is_sent(auth: Auth, postbox: Postbox) -> None:
    await auth.register()
    mine, other = await auth.login(), await auth.login()
    link = await token_of(postbox)
    assert (await change(auth, mine["accessToken"])).status_code == 204
    assert (await auth.refresh(mine["refreshToken"])).status_code == 200
    assert (await auth.refresh(other["refreshToken"])).status_code == 401
    assert (await auth.try_login()).status_code == 401
    await auth.login(password=NEW)
    notice = (await postbox.mails())[1]
    assert notice["Subject"] == "Your password has been changed"
    assert NEW not in plain(notice)
    assert is_dead(await reset(auth, link))


async def test_tokens_of_programs_stay_unless_their_owner_revokes_them(
    auth: Auth, postbox: Postbox
) -> None:
    tokens = await signed_in(auth)
    token = (await make(auth, tokens)).json()["token"]
    assert (await change(auth, tokens["accessToken"])).status_code == 204
    assert await works(auth, token)
    body = {"current": NEW, "password": NEW, "revokeTokens": True}
    for _ in range(2):  # the second time there are none
        answer = await auth.client.post("/api/auth/password", json=body, headers=bearer(tokens))
        assert answer.status_code == 204
    assert not await works(auth, token)
    subjects = [mail["Subject"] for mail in await postbox.mails()]
    assert subjects.count("All access tokens were revoked") == 1


async def test_a_reset_by_mail_revokes_the_tokens_of_programs(auth: Auth, postbox: Postbox) -> None:
    tokens = await signed_in(auth)
    token = (await make(auth, tokens)).json()["token"]
    boris = (await make(auth, await signed_in(auth, "boris@example.org"))).json()["token"]
    assert (await reset(auth, await token_of(postbox))).status_code == 204
    assert not await works(auth, token)
    assert await works(auth, boris)
    said = plain((await postbox.mails())[-1]).split()
    assert "access tokens for programs have been revoked" in " ".join(said)
    log = await auth.rows("select what from security_event where what = 'tokens_revoked'")
    assert len(log) == 1


async def test_a_token_that_is_made_during_a_reset_does_not_survive_it(
    auth: Auth, postbox: Postbox
) -> None:
    tokens = await signed_in(auth)
    link = await token_of(postbox)
    user_id = (await auth.me(tokens["accessToken"])).json()["id"]
    async with auth.service.messaging.transactions() as tx:
        await lock_tokens(tx, UUID(user_id))  # both wait here: the session was open when asked
        resetting = asyncio.create_task(reset(auth, link))
        await waiting(auth, 1)
        making = asyncio.create_task(make(auth, tokens))
        await waiting(auth, 2)
    assert (await resetting).status_code == 204
    assert (await making).status_code == 401
    assert await auth.rows("select 1 from personal_token") == []


async def waiting(auth: Auth, many: int) -> None:
    """Return once so many transactions wait for an advisory lock."""

    async def wait() -> bool:
        waits = await lock_waits(auth.service.engine)
        return len([one for one in waits if "advisory" in one]) >= many

    await eventually(wait, what=f"{many} transactions wait")


async def test_a_wrong_current_password_counts_as_a_failed_login(auth: Auth) -> None:
    await auth.register()
    access = (await auth.login())["accessToken"]
    for _ in range(limits.FAILURES_OF_PAIR):
        answer = await change(auth, access, "wrong")
        assert answer.status_code == 422
        [error] = answer.json()["errors"]
        assert (error["pointer"], error["code"]) == ("#/current", "wrong_password")
    answer = await change(auth, access)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_failures")
    assert (await auth.try_login()).status_code == 429


async def test_the_new_password_has_the_usual_requirements(auth: Auth) -> None:
    await auth.register()
    access = (await auth.login())["accessToken"]
    for password, code in (
        ("short", "string_too_short"),
        ("ANNA@example.org", "password_is_email"),
    ):
        answer = await change(auth, access, password=password)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["code"] == code
    await auth.login()


async def test_of_two_changes_at_once_one_succeeds(auth: Auth) -> None:
    await auth.register()
    sessions = [await auth.login(), await auth.login()]
    words = ["horse battery one", "horse battery two"]
    answers = await asyncio.gather(
        *(
            change(auth, tokens["accessToken"], password=word)
            for tokens, word in zip(sessions, words, strict=True)
        )
    )
    good, bad = sorted(answer.status_code for answer in answers)
    assert good == 204
    assert bad in (401, 422)  # the other session has ended, or the old password has changed
    [word] = [w for w, answer in zip(words, answers, strict=True) if answer.status_code == 204]
    await auth.login(password=word)


async def test_an_ended_session_cannot_change_it(auth: Auth) -> None:
    await auth.register()
    tokens = await auth.login()
    await auth.client.post("/api/auth/logout", json={"refreshToken": tokens["refreshToken"]})
    assert (await change(auth, tokens["accessToken"])).status_code == 401
    assert (await auth.client.post("/api/auth/password", json={})).status_code == 401


async def test_an_ended_session_does_nothing_that_it_had_begun(
    auth: Auth, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thief's request waits for the check of the old password while the owner sets a new one."""
    await auth.register()
    thief = {"Authorization": f"Bearer {(await auth.login())['accessToken']}"}

    async def changed_meanwhile(password: str, hashed: str | None) -> bool:
        monkeypatch.undo()
        owner = (await auth.login())["accessToken"]
        assert (await change(auth, owner)).status_code == 204
        return await password_fits(password, hashed)

    token = {"name": "backup", "scopes": ["auth:read"], "days": 9, "password": PASSWORD}
    for path, body in (("tokens", token), ("two-step", {"password": PASSWORD})):
        monkeypatch.setattr(confirming, "password_fits", changed_meanwhile)
        refused = await auth.client.post(f"/api/auth/{path}", json=body, headers=thief)
        assert refused.status_code == 401, (path, refused.text)
        owner = (await auth.login(password=NEW))["accessToken"]
        assert (await change(auth, owner, NEW, PASSWORD)).status_code == 204
        thief = {"Authorization": f"Bearer {(await auth.login())['accessToken']}"}
    for table in ("personal_token", "second_factor"):
        assert await auth.rows(f"select * from {table}") == []
