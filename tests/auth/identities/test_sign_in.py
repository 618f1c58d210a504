"""Sign-in at a provider: who gets in, whose account is connected, and what is refused."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio

from hirewire.auth import limits
from hirewire.auth.identities import commands
from hirewire.auth.openid.providers import provider_of
from hirewire.kit.notices import notice
from tests.auth.conftest import PASSWORD, Auth, MovedClock
from tests.auth.openid_provider import SECRET, FakeProvider, fake_provider
from tests.auth.postbox import sending
from tests.auth.sessions.test_list import bearer
from tests.auth.two_step.conftest import Anna

ERASED = {"password": ""}
VERSION = notice(None).version
ANNA = {"sub": "u1", "email": "anna@example.org", "email_verified": True}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running() -> AsyncIterator[tuple[FakeProvider, FakeProvider]]:
    async with fake_provider() as one, fake_provider() as other:
        yield one, other


@pytest.fixture
def fake(running: tuple[FakeProvider, FakeProvider], auth: Auth) -> FakeProvider:
    """The provider `example`; `other` is a second one."""
    for one in running:
        one.reset()
        one.user, one.asks_userinfo = dict(ANNA), False
    provider_of.cache_clear()
    state = auth.service.app.state
    settings = {"example": running[0].setting, "other": running[1].setting}
    state.settings = state.settings.model_copy(update={"sign_in_providers": settings})
    return running[0]


async def begin(auth: Auth, path: str = "/providers/example", **more: Any) -> dict[str, str]:
    answer = await auth.client.post(f"/api/auth{path}/begin", **more)
    assert answer.status_code == 200, answer.text
    begun: dict[str, str] = answer.json()
    return begun


def brought(fake: FakeProvider, begun: dict[str, str]) -> dict[str, Any]:
    """What the browser brings back."""
    code, state = fake.code(begun["url"])
    return {"attempt": begun["attempt"], "state": state, "code": code, "iss": fake.issuer}


async def finish(
    auth: Auth, body: dict[str, Any], path: str = "/providers/example", **more: Any
) -> httpx.Response:
    return await auth.client.post(f"/api/auth{path}/finish", json=body, **more)


async def sign_in(auth: Auth, fake: FakeProvider) -> httpx.Response:
    """Sign in; somebody new agrees to the notice."""
    answer = await finish(auth, brought(fake, await begin(auth)))
    if answer.status_code == 401 and answer.json()["code"] == "consent_needed":
        return await sign_up(auth, answer.json()["ticket"])
    return answer


async def ask(auth: Auth, fake: FakeProvider) -> str:
    """The ticket of somebody new."""
    answer = await finish(auth, brought(fake, await begin(auth)))
    assert code_of(answer) == (401, "consent_needed")
    ticket: str = answer.json()["ticket"]
    return ticket


async def sign_up(
    auth: Auth, ticket: str, consent: str = VERSION, path: str = "/providers/example"
) -> httpx.Response:
    body = {"ticket": ticket, "consent": consent}
    return await auth.client.post(f"/api/auth{path}/sign-up", json=body)


async def connect(
    auth: Auth, fake: FakeProvider, tokens: dict[str, Any], password: str | None = PASSWORD
) -> httpx.Response:
    path, headers = "/identities/example", bearer(tokens)
    begun = await begin(auth, path, headers=headers, json={"password": password})
    return await finish(auth, brought(fake, begun), path, headers=headers)


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def verify(auth: Auth, email: str = "anna@example.org") -> None:
    async with auth.service.engine.begin() as connection:
        await connection.exec_driver_sql(
            "update user_account set email_verified_at = now() where email = $1", (email,)
        )


async def counts(auth: Auth) -> tuple[int, ...]:
    tables = ("user_account", "identity", "session", "messaging.log", "kit.mail")
    return tuple([(await auth.rows(f"select count(*) from {t}"))[0][0] for t in tables])


async def test_somebody_new_gets_an_account_with_a_verified_address(
    auth: Auth, fake: FakeProvider
) -> None:
    listed = await auth.client.get("/api/auth/providers")
    assert listed.json()["items"][0] == {"id": "example", "name": "Example ID"}
    begun = await begin(auth)
    query = parse_qs(urlsplit(begun["url"]).query)
    assert query["redirect_uri"] == ["http://127.0.0.1:8000/signin/from/example"]
    asked = await finish(auth, brought(fake, begun))
    assert code_of(asked) == (401, "consent_needed")
    assert (asked.json()["email"], "accessToken" in asked.json()) == ("anna@example.org", False)
    assert (await counts(auth))[:3] == (0, 0, 0)
    for consent, code in (("an older one", "consent_outdated"), ("", "consent_outdated")):
        assert code_of(await sign_up(auth, asked.json()["ticket"], consent)) == (409, code)
    answer = await sign_up(auth, asked.json()["ticket"])
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert await auth.rows("select version from consent") == [(VERSION,)]
    me = (await auth.me(answer.json()["accessToken"])).json()
    assert (me["email"], me["emailVerified"], me["hasPassword"]) == (
        "anna@example.org",
        True,
        False,
    )
    events = await auth.rows("select type from messaging.log where type = 'user.registered'")
    assert len(events) == 1
    again = await sign_in(auth, fake)
    assert (await auth.me(again.json()["accessToken"])).json()["id"] == me["id"]
    stored = str(await auth.rows("select t::text from identity as t"))
    assert begun["attempt"] not in stored


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


async def test_tickets_at_once_make_one_account(auth: Auth, fake: FakeProvider) -> None:
    tickets = [await ask(auth, fake) for _ in range(2)] * 2
    answers = await asyncio.gather(*(sign_up(auth, ticket) for ticket in tickets))
    assert sorted(one.status_code for one in answers) == [200, 410, 410, 410]
    assert (await counts(auth))[:3] == (1, 1, 1)
    bodies = [brought(fake, await begin(auth)) for _ in range(4)]
    answers = await asyncio.gather(*(finish(auth, body) for body in bodies))
    assert [one.status_code for one in answers] == [200] * 4
    assert (await counts(auth))[:3] == (1, 1, 5)


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


async def test_a_ticket_works_once_for_a_short_time_and_one_provider(
    auth: Auth, fake: FakeProvider, clock: MovedClock
) -> None:
    ticket = await ask(auth, fake)
    stored = str(
        await auth.rows("select t::text, encode(identity, 'escape') from sign_up_ticket t")
    )
    assert ticket not in stored
    assert "anna@" not in stored
    for foreign in (await sign_up(auth, ticket, path="/providers/other"), await sign_up(auth, "x")):
        assert code_of(foreign) == (410, "sign_in_expired")
    await auth.register()  # meanwhile: the address is somebody's who has not verified it
    assert code_of(await sign_up(auth, ticket)) == (409, "connect_first")
    fake.user |= {"sub": "u9", "email": "new@example.org"}
    late, used = await ask(auth, fake), await ask(auth, fake)
    clock.forward(minutes=9, seconds=59)
    assert (await sign_up(auth, used)).status_code == 200
    assert code_of(await sign_up(auth, used)) == (410, "sign_in_expired")
    clock.forward(seconds=2)
    assert code_of(await sign_up(auth, late)) == (410, "sign_in_expired")
    async with auth.service.messaging.transactions() as tx:
        await commands.prune(tx)
    assert await auth.rows("select 1 from sign_up_ticket") == []


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


async def test_a_signed_in_person_connects_and_disconnects(auth: Auth, fake: FakeProvider) -> None:
    await auth.register()
    tokens = await auth.login()
    fake.user["email"] = "private@example.net"
    assert (await connect(auth, fake, tokens)).status_code == 204
    assert (await connect(auth, fake, tokens)).status_code == 204  # repeated
    listed = await auth.client.get("/api/auth/identities", headers=bearer(tokens))
    [one] = listed.json()["items"]
    assert (one["name"], one["email"]) == ("Example ID", "private@example.net")
    me = (await auth.me((await sign_in(auth, fake)).json()["accessToken"])).json()
    assert me["email"] == "anna@example.org"

    await auth.register("boris@example.org")
    boris = await auth.login("boris@example.org")
    assert code_of(await connect(auth, fake, boris)) == (409, "identity_taken")
    path = f"/api/auth/identities/{one['id']}"
    assert (await auth.client.delete(path, headers=bearer(boris))).status_code == 404
    fake.user["sub"] = "u2"
    assert code_of(await connect(auth, fake, tokens)) == (409, "already_connected")
    assert (await auth.client.delete(path, headers=bearer(tokens))).status_code == 204
    assert (await auth.client.delete(path, headers=bearer(tokens))).status_code == 404
    mails = await auth.rows("select kind from kit.mail")
    assert {("identity_connected",), ("identity_disconnected",)} <= set(mails)
    log = await auth.client.get("/api/auth/security-log", headers=bearer(tokens))
    acts = [item["what"] for item in log.json()["items"]]
    assert acts[:2] == ["identity_disconnected", "signed_in"]


async def test_an_attempt_to_connect_is_that_of_one_person(auth: Auth, fake: FakeProvider) -> None:
    await auth.register()
    await auth.register("boris@example.org")
    anna, boris = await auth.login(), await auth.login("boris@example.org")
    path = "/identities/example"
    stolen = await auth.client.post(f"/api/auth{path}/begin", headers=bearer(anna), json={})
    assert stolen.json()["errors"][0]["code"] == "wrong_password"
    confirmed = {"headers": bearer(anna), "json": {"password": PASSWORD}}
    body = brought(fake, await begin(auth, path, **confirmed))
    assert code_of(await finish(auth, body, path, headers=bearer(boris))) == (
        410,
        "sign_in_expired",
    )
    assert code_of(await finish(auth, body)) == (410, "sign_in_expired")
    signing = brought(fake, await begin(auth))
    answer = await finish(auth, signing, path, headers=bearer(anna))
    assert code_of(answer) == (410, "sign_in_expired")
    assert (await finish(auth, body, path)).status_code == 401
    await auth.client.post("/api/auth/logout", json={"refreshToken": anna["refreshToken"]})
    assert (await finish(auth, body, path, headers=bearer(anna))).status_code == 401
    assert await auth.rows("select 1 from identity") == []


async def test_the_last_way_in_stays(auth: Auth, fake: FakeProvider) -> None:
    tokens = (await sign_in(auth, fake)).json()
    headers = bearer(tokens)
    begun = await begin(auth, "/identities/other", headers=headers, json={})  # without a password
    assert begun["url"]
    gone = await auth.client.request("DELETE", "/api/auth/me", headers=headers, json=ERASED)
    assert gone.json()["errors"][0]["code"] == "no_password"
    [one] = (await auth.client.get("/api/auth/identities", headers=headers)).json()["items"]
    path = f"/api/auth/identities/{one['id']}"
    refused = await auth.client.delete(path, headers=headers)
    assert code_of(refused) == (409, "last_way_in")
    async with auth.service.engine.begin() as connection:
        await connection.exec_driver_sql("update user_account set password_hash = 'x'")
    assert (await auth.client.delete(path, headers=headers)).status_code == 204


async def test_a_removed_provider_stops_working_and_can_be_disconnected(
    auth: Auth, fake: FakeProvider
) -> None:
    await auth.register()
    await verify(auth)
    tokens = (await sign_in(auth, fake)).json()
    late = brought(fake, await begin(auth))
    state = auth.service.app.state
    state.settings = state.settings.model_copy(update={"sign_in_providers": {}})
    assert (await finish(auth, late)).status_code == 404
    headers = bearer(tokens)
    [one] = (await auth.client.get("/api/auth/identities", headers=headers)).json()["items"]
    assert one["name"] == fake.issuer
    path = f"/api/auth/identities/{one['id']}"
    assert (await auth.client.delete(path, headers=headers)).status_code == 204


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
