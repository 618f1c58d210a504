"""Sign-in at a provider: who gets in, and what is refused."""

import asyncio

import pytest

from hirewire.auth import limits
from hirewire.auth.identities import commands
from hirewire.auth.openid.providers import provider_of
from tests.auth.conftest import PASSWORD, Auth, MovedClock
from tests.auth.identities.conftest import (
    ANNA,
    begin,
    brought,
    code_of,
    connect,
    counts,
    finish,
    sign_in,
    sign_up,
    verify,
)
from tests.auth.openid_provider import SECRET, FakeProvider
from tests.auth.postbox import sending
from tests.auth.sessions.test_list import bearer
from tests.auth.two_step.conftest import Anna


async def test_an_account_without_a_password_takes_none_until_a_link_sets_one(
    auth: Auth, fake: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = (await sign_in(auth, fake)).json()
    for password in ("", "None", PASSWORD):
        refused = await auth.try_login(password=password)
        assert code_of(refused) == (401, "wrong_credentials")
    body = {"current": "", "password": "another password"}
    changed = await auth.client.post("/api/auth/password", json=body, headers=bearer(tokens))
    body = {"password": ""}
    app = await auth.client.post("/api/auth/two-step", json=body, headers=bearer(tokens))
    for answer in (changed, app):
        assert answer.json()["errors"][0]["code"] == "no_password"
    hashed = await auth.rows("select password_hash from user_account")
    assert hashed == [(None,)]
    async with sending(auth, monkeypatch) as postbox:
        await auth.client.post("/api/auth/password/forgot", json={"email": "anna@example.org"})
        [token] = await postbox.tokens("/password/reset")
    body = {"token": token, "password": PASSWORD}
    assert (await auth.client.post("/api/auth/password/reset", json=body)).status_code == 204
    assert (await auth.me((await auth.login())["accessToken"])).json()["hasPassword"]
    assert (await sign_in(auth, fake)).status_code == 200


async def test_an_account_with_the_same_verified_address_is_connected(
    auth: Auth, fake: FakeProvider
) -> None:
    id = await auth.register("Anna@Example.org")
    await verify(auth, "Anna@example.org")
    fake.user["email"] = "aNNa@eXample.org"
    answer = await sign_in(auth, fake)
    assert (await auth.me(answer.json()["accessToken"])).json()["id"] == str(id)
    mails = await auth.rows("select kind from kit.mail order by id")
    assert ("identity_connected",) in mails
    fake.user |= {"email": "changed@example.org"}  # the subject decides from now on
    assert (await sign_in(auth, fake)).status_code == 200
    assert (await auth.login("anna@example.org"))["accessToken"]


async def test_an_address_connects_only_if_both_sides_have_verified_it(
    auth: Auth, fake: FakeProvider
) -> None:
    await auth.register()
    before = await counts(auth)
    assert code_of(await sign_in(auth, fake)) == (409, "connect_first")
    for unverified in (False, None, "no", "TRUE", 1, [True]):
        fake.user["email_verified"] = unverified
        answer = await sign_in(auth, fake)
        assert code_of(answer) == (409, "email_unverified_at_provider"), unverified
    fake.user["email"] = "new@example.org"
    assert code_of(await sign_in(auth, fake)) == (409, "email_unverified_at_provider")
    for none in (None, "", "no address", "x" * 300, 7):
        fake.user |= {"email": none, "email_verified": True}
        assert code_of(await sign_in(auth, fake)) == (409, "no_email_at_provider"), none
    assert await counts(auth) == before


async def test_a_recycled_address_does_not_take_over_an_account(
    auth: Auth, fake: FakeProvider
) -> None:
    await sign_in(auth, fake)
    fake.user["sub"] = "u2"  # somebody else has the address at the provider now
    assert code_of(await sign_in(auth, fake)) == (409, "connect_first")


async def test_callbacks_that_sign_nobody_in_are_limited_by_network(
    auth: Auth, fake: FakeProvider, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CALLBACKS_OF_NETWORK", 3)
    tokens = (await sign_in(auth, fake)).json()  # of somebody new: counted
    for _ in range(3):  # with success: not counted
        assert (await sign_in(auth, fake)).status_code == 200
        assert (await connect(auth, fake, tokens, password=None)).status_code == 204
    bodies = [brought(fake, await begin(auth)) | {"code": "wrong"} for _ in range(4)]
    answers = await asyncio.gather(*(finish(auth, body) for body in bodies))
    assert sorted(code_of(one)[0] for one in answers) == [410, 410, 429, 429]
    fake.calls.clear()
    right, linking = await sign_in(auth, fake), await connect(auth, fake, tokens, password=None)
    for answer in (right, linking):
        assert code_of(answer) == (429, "too_many_failures")
        assert 0 < int(answer.headers["retry-after"]) <= 900
    assert fake.calls.count("/token") == 0
    clock.forward(minutes=15, seconds=1)
    body = brought(fake, await begin(auth)) | {"code": "wrong"}
    assert code_of(await finish(auth, body)) == (410, "sign_in_refused")
    clock.forward(minutes=15)
    async with auth.service.messaging.transactions() as tx:
        await commands.prune(tx)
    assert await auth.rows("select 1 from provider_callback") == []


async def test_an_answer_works_once_in_the_browser_that_began(
    auth: Auth, fake: FakeProvider, clock: MovedClock, running: tuple[FakeProvider, FakeProvider]
) -> None:
    await sign_in(auth, fake)
    fake.calls.clear()
    mine = brought(fake, await begin(auth))
    foreign = brought(fake, await begin(auth))
    before = await counts(auth)
    wrong = [
        mine | {"attempt": foreign["attempt"]},
        mine | {"state": foreign["state"]},
        mine | {"state": ""},
        mine | {"attempt": mine["attempt"][:-8]},
        mine | {"attempt": ""},
    ]
    for body in wrong:
        assert code_of(await finish(auth, body)) == (410, "sign_in_expired"), body
    # Mix-up: the answer of one provider is sent to another one's address, or names another issuer.
    other = running[1]
    assert code_of(await finish(auth, mine, "/providers/other")) == (410, "sign_in_expired")
    for iss in (other.issuer, None, ""):
        answer = await finish(auth, mine | {"iss": iss})
        assert code_of(answer) == (403, "provider_not_trusted")
    assert fake.calls.count("/token") + other.calls.count("/token") == 0
    # A code that was meant for another attempt: the nonce is that of the other one.
    answer = await finish(auth, mine | {"code": foreign["code"]})
    assert code_of(answer) == (403, "provider_not_trusted")
    assert await counts(auth) == before
    assert (await finish(auth, mine)).status_code == 200
    assert code_of(await finish(auth, mine)) == (410, "sign_in_refused")  # replayed
    late = brought(fake, await begin(auth))
    clock.forward(minutes=10, seconds=1)
    assert code_of(await finish(auth, late)) == (410, "sign_in_expired")


async def test_a_provider_that_misbehaves_leaves_nothing(auth: Auth, fake: FakeProvider) -> None:
    before = await counts(auth)
    fake.asks_userinfo = True
    provider_of.cache_clear()
    for path in ("/token", "/keys", "/userinfo"):
        fake.reset()
        fake.statuses[path] = 500
        provider_of.cache_clear()
        assert code_of(await sign_in(auth, fake)) == (503, "provider_away"), path
    fake.reset()
    fake.changes["/userinfo"] = lambda user: user | {"sub": "another"}
    assert code_of(await sign_in(auth, fake)) == (403, "provider_not_trusted")
    fake.reset()
    fake.claims = {"nonce": "another"}
    assert code_of(await sign_in(auth, fake)) == (403, "provider_not_trusted")
    provider_of.cache_clear()
    fake.statuses["/.well-known/openid-configuration"] = 500
    answer = await auth.client.post("/api/auth/providers/example/begin")
    assert code_of(answer) == (503, "provider_away")
    provider_of.cache_clear()
    fake.reset()
    fake.changes["/.well-known/openid-configuration"] = lambda one: one | {"issuer": "x"}
    answer = await auth.client.post("/api/auth/providers/example/begin")
    assert code_of(answer) == (403, "provider_not_trusted")
    unknown = await auth.client.post("/api/auth/providers/unknown/begin")
    assert unknown.status_code == 404
    assert await counts(auth) == before


async def test_without_a_signing_key_nothing_is_made(
    keyless: Auth, running: tuple[FakeProvider, FakeProvider]
) -> None:
    provider_of.cache_clear()
    running[0].reset()
    running[0].user = dict(ANNA)
    state = keyless.service.app.state
    update = {"sign_in_providers": {"example": running[0].setting}}
    state.settings = state.settings.model_copy(update=update)
    assert (await sign_in(keyless, running[0])).status_code == 503
    assert (await counts(keyless))[:3] == (0, 0, 0)


async def test_nothing_secret_is_logged(
    auth: Auth, fake: FakeProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    body = brought(fake, await begin(auth))
    ticket = (await finish(auth, body)).json()["ticket"]
    await finish(auth, body)
    await sign_up(auth, ticket)
    said = capsys.readouterr()
    for secret in (body["code"], body["state"], body["attempt"], ticket, SECRET):
        assert secret not in said.out + said.err


async def test_two_step_sign_in_asks_for_a_code_here_too(
    auth: Auth, fake: FakeProvider, clock: MovedClock
) -> None:
    anna = await Anna.with_app(auth, clock)
    await verify(auth)
    before = (await counts(auth))[2]
    answer = await sign_in(auth, fake)
    assert code_of(answer) == (401, "second_factor_needed")
    assert "accessToken" not in answer.json()
    assert (await counts(auth))[2] == before
    entered = await anna.enter(answer.json()["ticket"], anna.code())
    assert entered.status_code == 200
    assert (await auth.me(entered.json()["accessToken"])).json()["email"] == "anna@example.org"
