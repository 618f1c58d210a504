"""Signing keys: created once, rotated with overlap, published to all services."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from joserfc import jws
from joserfc.jwk import OKPKey

from hirewire.auth.app import SERVICE
from hirewire.auth.keys.background import ROTATE_SIGNING_KEYS
from hirewire.auth.keys.commands import ensure_signing_key
from hirewire.contracts.auth import SigningKeyPublished
from hirewire.kit.service import repeat
from hirewire.kit.tokens import InvalidToken, Verifier
from hirewire.messaging.broker import open_broker
from hirewire.messaging.testing import recorded
from tests.auth.conftest import Auth, MovedClock
from tests.builders import eventually
from tests.services import running


async def published(auth: Auth) -> list[SigningKeyPublished]:
    """The events about keys."""
    rows = await recorded(auth.service.engine, "signing_key.published")
    return [row.event for row in rows if isinstance(row.event, SigningKeyPublished)]


async def kid_of_login(auth: Auth) -> tuple[str, str]:
    """The id of the key that signed a new access token, and the token."""
    token = (await auth.login())["accessToken"]
    return str(jws.extract_compact(token.encode()).headers()["kid"]), token


async def accepted(auth: Auth, token: str) -> bool:
    """Whether a service accepts the token that reads the keyring now."""
    fresh = Verifier(auth.service.engine, "http://127.0.0.1:8000")
    try:
        await fresh.verify(token)
    except InvalidToken:
        return False
    return True


async def test_a_key_is_stored_published_and_trusted_in_one_transaction(keyless: Auth) -> None:
    kid = await keyless.ensure_key()
    [event] = await published(keyless)
    assert event.kid == kid
    assert set(event.jwk) == {"kty", "crv", "x", "kid", "use", "alg"}
    assert OKPKey.import_key(event.jwk).thumbprint() == kid
    [(stored, not_before, not_after)] = await keyless.rows(
        "select kid, not_before, not_after from signing_key"
    )
    assert (stored, not_before, not_after) == (kid, event.not_before, event.not_after)
    ring = await keyless.rows("select kid, jwk::text, not_before, not_after from kit.signing_key")
    assert [(row[0], row[2], row[3]) for row in ring] == [(kid, not_before, not_after)]
    assert '"d"' not in ring[0][1]


async def test_a_valid_key_is_always_in_the_log(keyless: Auth, clock: MovedClock) -> None:
    kid = await keyless.ensure_key()
    again: list[str] = []
    for hours, expected in ((1, 0), (11.5, 1), (1, 1), (12, 2), (-20, 3)):
        clock.forward(hours=hours)
        assert await keyless.ensure_key() is None
        again = [event.kid for event in await published(keyless)][1:]
        assert again == [kid] * expected, hours
    async with keyless.service.engine.begin() as connection:
        await connection.exec_driver_sql("update signing_key set announced_at = null")
    assert await keyless.ensure_key() is None
    assert len(await published(keyless)) == len(again) + 2, "an older version made it"


async def test_a_rolled_back_key_was_never_published(keyless: Auth) -> None:
    async def fail() -> None:
        async with keyless.service.messaging.transactions() as tx:
            await ensure_signing_key(tx)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await published(keyless) == []
    assert await keyless.rows("select count(*) from kit.signing_key") == [(0,)]


async def test_replicas_that_start_together_make_one_key(keyless: Auth) -> None:
    made = await asyncio.gather(*(keyless.ensure_key() for _ in range(8)))
    assert len([kid for kid in made if kid]) == 1
    assert len(await published(keyless)) == 1


async def test_it_rotates_with_overlap(auth: Auth, clock: MovedClock) -> None:
    await auth.register()
    first, old_token = await kid_of_login(auth)
    clock.forward(days=29, hours=23)
    assert await auth.ensure_key() is None
    clock.forward(hours=1, minutes=1)
    second = await auth.ensure_key()
    assert second not in (None, first)
    assert await auth.ensure_key() is None
    # published, a day before its first use
    keys = (await auth.client.get("/.well-known/jwks.json")).json()["keys"]
    assert [key["kid"] for key in keys] == [first, second]
    assert list(dict.fromkeys(one.kid for one in await published(auth))) == [first, second]
    clock.forward(hours=23, minutes=59, seconds=30)
    kid, last_token = await kid_of_login(auth)
    assert kid == first
    clock.forward(seconds=31)
    kid, next_token = await kid_of_login(auth)
    assert kid == second
    # tokens of the old key are accepted until they expire, and no longer
    assert await accepted(auth, last_token)
    assert await accepted(auth, next_token)
    assert not await accepted(auth, old_token)
    clock.forward(minutes=9, seconds=40)
    assert not await accepted(auth, last_token)
    assert await accepted(auth, next_token)


async def test_expired_keys_are_deleted(auth: Auth, clock: MovedClock) -> None:
    clock.forward(days=30)
    second = await auth.ensure_key()
    clock.forward(days=4)
    assert await auth.ensure_key() is None
    assert await auth.rows("select kid from signing_key") == [(second,)]
    keys = (await auth.client.get("/.well-known/jwks.json")).json()["keys"]
    assert [key["kid"] for key in keys] == [second]


async def test_after_a_long_downtime_login_works_at_once(auth: Auth, clock: MovedClock) -> None:
    await auth.register()
    clock.forward(days=100)
    assert (await auth.try_login()).status_code == 503
    fresh = await auth.ensure_key()
    kid, token = await kid_of_login(auth)
    assert kid == fresh
    assert await accepted(auth, token)


async def test_the_task_creates_the_first_key_and_keeps_running(keyless: Auth) -> None:
    task = asyncio.create_task(repeat(ROTATE_SIGNING_KEYS, keyless.service.messaging.transactions))

    async def made() -> bool:
        return len(await published(keyless)) == 1

    await eventually(made, what="the first key")
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_running_service_creates_and_publishes_its_key(
    fresh_database: Callable[[], Awaitable[str]],
) -> None:
    broker = open_broker(await fresh_database(), client="auth")
    async with running(
        SERVICE, await fresh_database(), broker=broker, role="all", trust_test_key=False
    ) as service:
        auth = Auth(service)

        async def sent() -> bool:
            rows = await recorded(service.engine, "signing_key.published")
            return [row.sent for row in rows] == [True]

        await eventually(sent, what="the key to be published")
        await auth.register()
        assert (await auth.me((await auth.login())["accessToken"])).status_code == 200
