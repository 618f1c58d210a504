"""Limits for failed logins, and their effect on other people."""

import asyncio
from collections import Counter

import httpx

from hirewire.auth import limits
from tests.auth.conftest import Auth, MovedClock

PAIR = limits.FAILURES_OF_PAIR


async def fail(
    auth: Auth, times: int, email: str = "anna@example.org", client: httpx.AsyncClient | None = None
) -> None:
    """Enter this many failures, each of them admitted."""
    for _ in range(times):
        answer = await auth.try_login(email, "not the password", client=client)
        assert answer.status_code == 401


async def test_after_ten_failures_even_the_right_password_waits(
    auth: Auth, clock: MovedClock
) -> None:
    await auth.register()
    await fail(auth, PAIR)
    clock.forward(minutes=5)
    answer = await auth.try_login()
    assert answer.status_code == 429
    assert answer.json()["type"].endswith("too-many-failures")
    assert 590 < int(answer.headers["retry-after"]) <= 600
    clock.forward(seconds=int(answer.headers["retry-after"]))
    await auth.login()


async def test_an_unknown_address_is_limited_just_the_same(auth: Auth) -> None:
    await fail(auth, PAIR, "nobody@example.org")
    assert (await auth.try_login("nobody@example.org")).status_code == 429


async def test_the_account_owner_is_not_locked_out_on_other_networks(auth: Auth) -> None:
    await auth.register()
    async with auth.from_address("203.0.113.9") as attacker:
        await fail(auth, PAIR, client=attacker)
        assert (await auth.try_login(client=attacker)).status_code == 429
    await auth.login()


async def test_failures_of_one_account_do_not_lock_another_one(auth: Auth) -> None:
    await auth.register()
    await auth.register("boris@example.org")
    await fail(auth, PAIR)
    await auth.login("boris@example.org")


async def test_a_network_with_many_failures_still_lets_the_right_passwords_in(
    auth: Auth,
) -> None:
    """People who share a network with an attacker have three attempts instead of ten, and are not
    delayed by others.
    """
    assert (PAIR, limits.FAILURES_OF_NETWORK, limits.TRIES_FROM_BAD_NETWORK) == (10, 100, 3)
    for who in ("anna", "boris", "vera"):
        await auth.register(f"{who}@example.org")
    async with auth.from_address("203.0.113.9") as office:
        assert (await auth.try_login(client=office)).status_code == 200
        async with auth.service.engine.begin() as tx:
            await tx.exec_driver_sql(
                "insert into failed_login select '203.0.113.9', sha256(n::text::bytea), now() "
                "from generate_series(1, 5000) n"
            )
        assert (await auth.try_login("boris@example.org", client=office)).status_code == 200
        await fail(auth, 3, "vera@example.org", office)
        answer = await auth.try_login("vera@example.org", client=office)
        assert answer.status_code == 429, "three tries at most where so much fails"
        await fail(auth, PAIR - 1, client=office)
        answer = await auth.try_login(client=office)
        assert answer.status_code == 200, "who is known there has all ten"


async def test_an_account_is_guarded_across_networks(auth: Auth, clock: MovedClock) -> None:
    """After fifty failures from anywhere, the account accepts only networks its owner has used
    before.
    """
    assert limits.FAILURES_OF_ACCOUNT == 50
    await auth.register()
    await auth.login()
    for n in range(5):
        async with auth.from_address(f"198.51.100.{n}") as attacker:
            await fail(auth, PAIR, client=attacker)
    async with auth.from_address("198.51.100.77") as fresh:
        answer = await auth.try_login(client=fresh)
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0
        await auth.login()
        clock.forward(minutes=16)
        assert (await auth.try_login(client=fresh)).status_code == 200


async def test_guesses_from_many_networks_at_once_do_not_get_through(auth: Auth) -> None:
    await auth.register()

    async def guess(n: int) -> int:
        async with auth.from_address(f"198.51.100.{n}") as client:
            return (await auth.try_login(password=f"guess {n}", client=client)).status_code

    answers = await asyncio.gather(*(guess(n) for n in range(80)))
    assert Counter(answers) == {401: 50, 429: 30}


async def test_ipv6_neighbours_share_their_failures(auth: Auth) -> None:
    await auth.register()
    async with auth.from_address("2001:db8::1") as one, auth.from_address("2001:db8::2") as two:
        await fail(auth, PAIR, client=one)
        assert (await auth.try_login(client=two)).status_code == 429
    async with auth.from_address("2001:db8:0:1::1") as other:
        assert (await auth.try_login(client=other)).status_code == 200


async def test_concurrent_guesses_do_not_bypass_the_limit(auth: Auth) -> None:
    """Of forty parallel guesses, ten are tried and the others refused."""
    await auth.register()
    answers = await asyncio.gather(*(auth.try_login(password=f"guess {n}") for n in range(40)))
    assert Counter(a.status_code for a in answers) == {401: PAIR, 429: 40 - PAIR}


async def test_a_refused_try_does_not_lengthen_the_wait(auth: Auth, clock: MovedClock) -> None:
    await auth.register()
    await fail(auth, PAIR)
    clock.forward(minutes=14)
    for _ in range(3):
        assert (await auth.try_login()).status_code == 429
    clock.forward(minutes=1, seconds=1)
    await auth.login()


async def test_each_admitted_failure_is_stored_once_and_a_refused_one_is_not(auth: Auth) -> None:
    """Below the lowest limits an attempt is stored while the others are counted, above it after."""
    await auth.register()
    for n in range(1, PAIR + 3):
        await auth.try_login(password="not the password")
        assert await auth.rows("select count(*) from failed_login") == [(min(n, PAIR),)]


async def test_failures_are_stored_and_a_success_clears_them(auth: Auth) -> None:
    await auth.register()
    await fail(auth, PAIR - 1)
    await fail(auth, 3, "boris@example.org")
    assert await auth.rows("select count(*) from failed_login") == [(PAIR + 2,)]
    await auth.login()
    assert await auth.rows("select count(*) from failed_login") == [(3,)]
    await fail(auth, PAIR - 1)
    await auth.login()
