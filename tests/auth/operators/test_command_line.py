"""`hirewire admin`: operators made and removed from the command line."""

import asyncio

import pytest
from typer.testing import CliRunner

from hirewire.cli.admin import admin_app
from hirewire.messaging.testing import bodies, recorded
from tests.auth.conftest import Auth
from tests.auth.operators.conftest import BOSS, office_of
from tests.auth.postbox import sending
from tests.services import SECRET_KEY


async def test_operators_come_and_go(auth: Auth, monkeypatch: pytest.MonkeyPatch) -> None:
    url = auth.service.engine.url.set(drivername="postgresql")
    name = str(url.database).removesuffix("_auth")
    monkeypatch.setenv(
        "HIREWIRE_DATABASE_URL", url.set(database=name).render_as_string(hide_password=False)
    )
    monkeypatch.setenv("HIREWIRE_SECRET_KEY", SECRET_KEY)

    async def hirewire_admin(*arguments: str) -> tuple[int, str]:
        result = await asyncio.to_thread(lambda: CliRunner().invoke(admin_app, arguments))
        return result.exit_code, result.output

    assert await hirewire_admin("list") == (0, "no operators: hirewire admin create EMAIL\n")
    assert (await hirewire_admin("create", "nonsense"))[0] == 2
    async with sending(auth, monkeypatch) as postbox:
        code, said = await hirewire_admin("create", "chief@example.org", "--language", "ru")
        assert code == 0
        assert "a mail with a link to choose a password is on its way" in said
        [token] = await postbox.tokens("/password/reset", to="chief@example.org")
        [mail] = await postbox.mails("chief@example.org")
        assert mail["Subject"] == "Для вас создан аккаунт на Hirewire"
    assert "has not chosen a password" in (await hirewire_admin("list"))[1]
    body = {"token": token, "password": "quite a new one"}
    assert (await auth.client.post("/api/auth/password/reset", json=body)).status_code == 204
    access = (await auth.login("chief@example.org", "quite a new one"))["accessToken"]
    account = (await auth.me(access)).json()
    assert (account["role"], account["emailVerified"]) == ("admin", True)
    await auth.register()
    code, said = await hirewire_admin("create", "Anna@example.org")
    assert code == 1
    assert "verified address" in said
    with monkeypatch.context() as race:  # somebody registers the address just now

        async def sees_nobody(*_: object) -> None:
            return None

        race.setattr("hirewire.auth.operators.queries.by_address", sees_nobody)
        code, said = await hirewire_admin("create", "Anna@example.org")
    assert (code, "already registered" in said) == (1, True)
    office = await office_of(auth, BOSS)
    assert (await hirewire_admin("create", BOSS))[1].endswith("is an operator already.\n")
    assert (await hirewire_admin("list"))[1] == f"{BOSS}\nchief@example.org\n"
    assert (await hirewire_admin("remove", "nobody@example.org"))[0] == 1
    assert (await hirewire_admin("remove", BOSS, "--why", "left us"))[1].endswith("1 left\n")
    assert (await office.get("/people")).status_code == 401
    assert (await hirewire_admin("remove", "chief@example.org"))[1].endswith("operator is gone\n")
    assert await auth.rows(
        "select act, operator_id, why like '%@%' from kit.operator_act order by at"
    ) == [("admin_made", None, True), ("admin_removed", None, False), ("admin_removed", None, True)]
    roles = bodies(await recorded(auth.service.engine, "user.role_changed"))
    assert [one["role"] for one in roles] == ["admin", "applicant", "applicant"]
