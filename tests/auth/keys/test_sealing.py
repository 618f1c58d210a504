"""Signing keys stand encrypted in the database, whatever version stored them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from joserfc.jwk import OKPKey
from structlog.testing import capture_logs

from hirewire.assembly import application, load_settings
from hirewire.auth import signing
from hirewire.auth.signing import PURPOSE
from hirewire.kit.secrets import CannotOpen, is_current, unseal, use_keys
from hirewire.kit.settings import SettingsError
from tests.auth.conftest import Auth, MovedClock
from tests.auth.keys.test_rotation import accepted, kid_of_login
from tests.services import SECRET_KEY

OTHER = "another-key-of-tests-0123456789-abc"
ALL = "select kid, private_jwk, public_jwk, sealed from signing_key order by not_before"


@pytest.fixture(autouse=True)
def fresh_process() -> Iterator[None]:
    signing.opened.cache_clear()
    yield
    use_keys(SECRET_KEY)
    signing.opened.cache_clear()


def restart(keys: str) -> None:
    """Go on as a new process with these secret keys would."""
    use_keys(keys)
    signing.opened.cache_clear()


async def as_older_version(auth: Auth) -> dict[str, Any]:
    """Store the key as an older version made it; returns the private key."""
    [(_, _, _, sealed)] = await auth.rows(ALL)
    private: dict[str, Any] = json.loads(unseal(sealed, PURPOSE))
    async with auth.service.engine.begin() as tx:
        await tx.exec_driver_sql(
            "update signing_key set private_jwk = $1::jsonb, public_jwk = null, sealed = null",
            (json.dumps(private),),
        )
    return private


async def published(auth: Auth) -> list[dict[str, str]]:
    found: list[dict[str, str]] = (await auth.client.get("/.well-known/jwks.json")).json()["keys"]
    return found


async def test_no_private_part_can_be_read(auth: Auth) -> None:
    [(kid, private, public, sealed)] = await auth.rows(ALL)
    whole = json.loads(unseal(sealed, PURPOSE))
    assert private is None
    assert set(public) == {"kty", "crv", "x"}
    assert whole["d"].encode() not in sealed
    assert whole["d"] not in str(await auth.rows("select signing_key::text from signing_key"))
    assert OKPKey.import_key(whole).thumbprint() == kid


async def test_public_keys_need_no_secret(auth: Auth) -> None:
    before = await published(auth)
    restart(OTHER)
    assert await published(auth) == before != []
    assert await auth.client.get("/.well-known/oauth-authorization-server")


async def test_a_readable_key_of_an_older_version_is_encrypted_and_then_removed(
    auth: Auth, clock: MovedClock
) -> None:
    await auth.register()
    private = await as_older_version(auth)
    before = await published(auth)
    kid, _ = await kid_of_login(auth)
    assert await auth.ensure_key() is None
    [(_, plain, public, sealed)] = await auth.rows(ALL)
    assert json.loads(unseal(sealed, PURPOSE)) == private
    assert plain == private, "an older process beside this one still signs"
    assert "d" not in public
    clock.forward(minutes=29)
    await auth.ensure_key()
    assert (await auth.rows(ALL))[0][1] == private
    clock.forward(minutes=2)
    await auth.ensure_key()
    assert await auth.rows(f"select kid, private_jwk is null from ({ALL})") == [(kid, True)]
    assert await published(auth) == before
    assert (await kid_of_login(auth))[0] == kid


async def test_another_secret_key_encrypts_again(auth: Auth) -> None:
    await auth.register()
    kid, _ = await kid_of_login(auth)
    [(_, _, _, before)] = await auth.rows(ALL)
    restart(f"{OTHER},{SECRET_KEY}")
    assert (await kid_of_login(auth))[0] == kid
    assert await auth.ensure_key() is None
    [(_, _, _, after)] = await auth.rows(ALL)
    assert after != before
    assert is_current(after)
    restart(OTHER)
    assert (await kid_of_login(auth))[0] == kid
    await auth.ensure_key()
    assert (await auth.rows(ALL))[0][3] == after, "encrypted again for nothing"


async def test_a_lost_secret_key_costs_no_more_than_a_new_login(
    auth: Auth, clock: MovedClock
) -> None:
    await auth.register()
    tokens = await auth.login()
    kid, old_token = await kid_of_login(auth)
    restart(OTHER)
    assert (await auth.try_login()).status_code == 503
    with capture_logs() as logs:
        made = await auth.ensure_key()
    assert made not in (None, kid)
    [error] = [entry["event"] for entry in logs if entry["log_level"] == "error"]
    assert "HIREWIRE_SECRET_KEY" in error
    # at once, and nobody is locked out
    assert (await auth.refresh(tokens["refreshToken"])).status_code == 200
    assert (await kid_of_login(auth))[0] == made
    # tokens of the lost key are accepted until they expire
    assert [key["kid"] for key in await published(auth)] == [kid, made]
    assert await accepted(auth, old_token)
    with capture_logs() as logs:
        assert await auth.ensure_key() is None
    assert [entry for entry in logs if entry["log_level"] == "error"] == []
    # found again, the old secret key opens what it had encrypted
    restart(f"{OTHER},{SECRET_KEY}")
    assert (await kid_of_login(auth))[0] == made
    # rotation goes on
    clock.forward(days=30)
    assert await auth.ensure_key() not in (None, made, kid)
    clock.forward(days=4)
    await auth.ensure_key()
    assert kid not in [key["kid"] for key in await published(auth)]


async def test_processes_with_different_secret_keys_do_not_stop_each_other(auth: Auth) -> None:
    """As while a mistaken setting is rolled out: each signs with what it can open."""
    await auth.register()
    first, _ = await kid_of_login(auth)
    restart(OTHER)
    second = await auth.ensure_key()
    for keys, kid in ((SECRET_KEY, first), (OTHER, second)) * 2:
        restart(keys)
        assert await auth.ensure_key() is None
        signed_by, token = await kid_of_login(auth)
        assert signed_by == kid
        assert await accepted(auth, token)


async def test_a_key_is_opened_once_in_a_process(
    auth: Auth, monkeypatch: pytest.MonkeyPatch
) -> None:
    await auth.register()
    await auth.login()

    def refuse(*_: object) -> str:
        raise CannotOpen("opened again")

    monkeypatch.setattr(signing, "unseal", refuse)
    for _ in range(3):
        await auth.login()
    maximum = signing.opened.cache_info().maxsize
    assert maximum is not None
    assert maximum < 100


def test_auth_does_not_start_without_a_secret_key() -> None:
    settings = load_settings({"HIREWIRE_DATABASE_URL": "postgresql://127.0.0.1:1/x"})
    with pytest.raises(SettingsError, match="HIREWIRE_SECRET_KEY"):
        application("auth", settings)
