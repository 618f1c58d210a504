"""Registering with an address that has an account: who learns of it."""

import asyncio
from collections import Counter

import httpx

from hirewire.auth import registering
from tests.auth.conftest import PASSWORD, Auth, MovedClock
from tests.auth.postbox import Postbox, plain

URL = "/api/auth/register"
MOST = registering.TAKEN_ANSWERS
SUBJECT = "You already have an account"


async def register(client: httpx.AsyncClient, email: str, key: str = "") -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    return await client.post(URL, json={"email": email, "password": PASSWORD}, headers=headers)


async def test_a_network_learns_of_five_addresses_an_hour(auth: Auth, clock: MovedClock) -> None:
    for n in range(MOST + 2):
        await auth.register(f"p{n}@example.org")
    async with (
        auth.from_address("203.0.113.9") as prober,
        auth.from_address("198.51.100.1") as other,
    ):
        for n in range(MOST):
            assert (await register(prober, f"p{n}@example.org")).status_code == 409
        known = await register(prober, f"p{MOST}@example.org")
        unknown = await register(prober, "nobody@example.org")
        assert (known.status_code, unknown.status_code) == (429, 429)
        assert known.json().keys() == unknown.json().keys()
        assert known.json()["code"] == unknown.json()["code"] == "too_many_registrations"
        assert 0 < int(known.headers["retry-after"]) <= 3600
        assert (await register(other, "p0@example.org")).status_code == 409
        assert (await register(other, "new@example.org")).status_code == 201
        clock.forward(minutes=61)
        assert (await register(prober, "nobody@example.org")).status_code == 201


async def test_a_burst_learns_no_more(auth: Auth) -> None:
    for n in range(8):
        await auth.register(f"p{n}@example.org")
    async with auth.from_address("203.0.113.9") as prober:
        emails = [f"{kind}{n}@example.org" for n in range(8) for kind in "pf"]
        answers = await asyncio.gather(*(register(prober, email) for email in emails))
    found = Counter(answer.status_code for answer in answers)
    assert found[409] == MOST
    assert found.keys() <= {409, 429, 201}
    counted = "select count(*) from mail_request where purpose = 'email_taken'"
    assert await auth.rows(counted) == [(MOST,)]


async def test_the_owner_gets_one_mail_a_day(
    auth: Auth, postbox: Postbox, clock: MovedClock
) -> None:
    await auth.register("Anna@example.org")
    async with auth.from_address("203.0.113.9") as prober:
        answers = [await register(prober, "anna@EXAMPLE.org") for _ in range(MOST + 2)]
        assert [answer.status_code for answer in answers] == [409] * MOST + [429] * 2
        [mail] = await postbox.mails("Anna@example.org")
        assert mail["Subject"] == SUBJECT
        text = " ".join(plain(mail).split())
        assert "python-httpx, network 203.0.113.0/24, " in text
        assert "/signin" in text
        clock.forward(hours=25)
        assert (await register(prober, "anna@example.org")).status_code == 409
    assert [mail["Subject"] for mail in await postbox.mails("Anna@example.org")] == [SUBJECT] * 2
    noted = "select count(*) from security_event where what = 'registration_tried'"
    assert await auth.rows(noted) == [(MOST + 1,)]


async def test_a_repeat_of_ones_own_request_is_no_attempt(auth: Auth, postbox: Postbox) -> None:
    async with auth.from_address("203.0.113.9") as client:
        first, again = [await register(client, "anna@example.org", "my-key") for _ in range(2)]
        assert (first.status_code, again.status_code) == (201, 201)
        assert await postbox.mails() == []
        # The key of a refused request is free: later it may belong to another one.
        refused = [await register(client, "anna@example.org", "second") for _ in range(2)]
        assert [answer.status_code for answer in refused] == [409, 409]
        assert (await register(client, "boris@example.org", "second")).status_code == 201
