"""Signing in: the time of a login at `auth`, compared with that of argon2 alone.

A login and a verified password take turns, in their own processes, so that other load on the
machine affects both equally.
"""

import time

import httpx

from bench.live import platform
from bench.measure import Figure, Options, percentile
from bench.places import Bench
from hirewire.auth.credentials import hash_password, password_fits

PEOPLE = 20
PASSWORD = "a long and unusual password"
MOST = 1.2
"""The target: this many times the time of argon2, at the 95th percentile of both."""


async def run(_: Bench, options: Options) -> list[Figure]:
    """Logins one after the other, each followed by argon2 alone."""
    count = options.count(400, 60)
    logins, hashes, shares = [], [], []
    hashed = await hash_password(PASSWORD)
    async with platform() as url, httpx.AsyncClient(base_url=url, timeout=30) as client:
        people = [f"bench-{n}@signin.test" for n in range(PEOPLE)]
        for email in people:
            answer = await client.post(
                "/api/auth/register", json={"email": email, "password": PASSWORD}
            )
            answer.raise_for_status()
        for _round in range(options.rounds):
            login, alone = [], []
            for n in range(count):
                began = time.perf_counter()
                body = {"email": people[n % PEOPLE], "password": PASSWORD}
                answer = await client.post("/api/auth/login", json=body)
                login.append(time.perf_counter() - began)
                assert answer.status_code == 200, answer.text
                began = time.perf_counter()
                assert await password_fits(PASSWORD, hashed)
                alone.append(time.perf_counter() - began)
            logins.append(1000 * percentile(login, 0.95))
            hashes.append(1000 * percentile(alone, 0.95))
            shares.append(logins[-1] / hashes[-1])
    return [
        Figure("sign-in p95", logins, "ms"),
        Figure("argon2 alone p95", hashes, "ms"),
        Figure("… sign-in compared with it", shares, "×", at_most=MOST),
    ]
