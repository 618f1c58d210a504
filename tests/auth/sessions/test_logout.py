"""Logging out of one session with either token, any number of times."""

from hirewire.auth.signing import session_of
from hirewire.messaging.testing import recorded
from tests.auth.conftest import Auth, MovedClock
from tests.services import token_for

URL = "/api/auth/logout"


async def test_the_refresh_tokens_session_ends(auth: Auth) -> None:
    await auth.register()
    one, other = await auth.login(), await auth.login()
    for _ in range(2):
        answer = await auth.client.post(URL, json={"refreshToken": one["refreshToken"]})
        assert (answer.status_code, answer.content) == (204, b"")
    assert (await auth.refresh(one["refreshToken"])).status_code == 401
    assert (await auth.refresh(other["refreshToken"])).status_code == 200


async def test_a_used_token_still_logs_out(auth: Auth) -> None:
    await auth.register()
    first = await auth.login()
    second = (await auth.refresh(first["refreshToken"])).json()
    await auth.client.post(URL, json={"refreshToken": first["refreshToken"]})
    assert (await auth.refresh(second["refreshToken"])).status_code == 401


async def test_the_bearer_tokens_session_ends_and_no_other(auth: Auth) -> None:
    await auth.register()
    one, other = await auth.login(), await auth.login()
    headers = {"Authorization": f"Bearer {one['accessToken']}"}
    for content in (b"{}", b"null", b""):
        answer = await auth.client.post(
            URL, content=content, headers=headers | {"Content-Type": "application/json"}
        )
        assert answer.status_code == 204
    assert (await auth.refresh(one["refreshToken"])).status_code == 401
    assert (await auth.refresh(other["refreshToken"])).status_code == 200


async def test_an_expired_access_token_does_not_prevent_logout(
    auth: Auth, clock: MovedClock
) -> None:
    await auth.register()
    tokens = await auth.login()
    clock.forward(minutes=11)
    headers = {"Authorization": f"Bearer {tokens['accessToken']}"}
    body = {"refreshToken": tokens["refreshToken"]}
    assert (await auth.client.post(URL, json=body, headers=headers)).status_code == 204
    assert (await auth.refresh(tokens["refreshToken"])).status_code == 401


async def test_an_unknown_refresh_token_changes_nothing(auth: Auth) -> None:
    await auth.register()
    tokens = await auth.login()
    answer = await auth.client.post(URL, json={"refreshToken": "nonsense"})
    assert answer.status_code == 204
    assert (await auth.refresh(tokens["refreshToken"])).status_code == 200


async def test_without_any_valid_token_it_is_refused(auth: Auth) -> None:
    id = await auth.register()
    for headers in ({}, {"Authorization": f"Bearer {token_for(id)}"}, {"Authorization": "Bearer"}):
        answer = await auth.client.post(URL, headers=headers)
        assert answer.status_code == 401
        assert "www-authenticate" in answer.headers


async def test_the_end_of_a_session_is_an_event(auth: Auth) -> None:
    user = await auth.register()
    one, other, third = [await auth.login() for _ in range(3)]
    sessions = [session_of(tokens["accessToken"]) for tokens in (one, other, third)]
    for _ in range(2):  # it ends once
        await auth.client.post(URL, json={"refreshToken": one["refreshToken"]})
    headers = {"Authorization": f"Bearer {third['accessToken']}"}
    answer = await auth.client.delete("/api/auth/sessions", headers=headers)
    assert answer.status_code == 204
    ended = await recorded(auth.service.engine, "session.ended")
    assert [one.body["sessionId"] for one in ended] == [str(id) for id in sessions[:2]]
    assert {one.body["userId"] for one in ended} == {str(user)}
