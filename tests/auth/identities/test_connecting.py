"""People with an account connect a provider, and disconnect it."""

from tests.auth.conftest import PASSWORD, Auth
from tests.auth.identities.conftest import begin, brought, code_of, connect, finish, sign_in, verify
from tests.auth.openid_provider import FakeProvider
from tests.auth.sessions.test_list import bearer

ERASED = {"password": ""}


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
