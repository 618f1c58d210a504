"""Signing in: the time of a login at the public origin, compared with that of argon2 alone.

A login and a verified password take turns, in their own processes, so that other load on the
machine affects both equally. The client only writes and reads bytes, as argon2 alone has no client
either: an HTTP library takes a millisecond for a call. Both keep the memory of a hash.
"""

import asyncio
import json
import time
from urllib.parse import urlsplit

import httpx

from bench.live import platform
from bench.measure import Figure, Options, percentile
from bench.places import Bench
from hirewire.auth.credentials import hash_password, keep_memory_of_hashes, password_fits
from hirewire.kit.settings import Settings

PEOPLE = 20
PASSWORD = "a long and unusual password"
MOST = 1.2
"""The target: this many times the time of argon2, at the 95th percentile of both."""


async def run(_: Bench, options: Options) -> list[Figure]:
    """Logins one after the other, each followed by argon2 alone."""
    count = options.count(400, 60)
    logins, hashes, shares = [], [], []
    keep_memory_of_hashes(Settings())
    hashed = await hash_password(PASSWORD)
    async with platform() as url:
        people = [f"bench-{n}@signin.test" for n in range(PEOPLE)]
        await _register(url, people)
        client = await _Client.to(url)
        for _round in range(options.rounds):
            login, alone = [], []
            for n in range(count):
                began = time.perf_counter()
                await client.login(people[n % PEOPLE])
                login.append(time.perf_counter() - began)
                began = time.perf_counter()
                assert await password_fits(PASSWORD, hashed)
                alone.append(time.perf_counter() - began)
            logins.append(1000 * percentile(login, 0.95))
            hashes.append(1000 * percentile(alone, 0.95))
            shares.append(logins[-1] / hashes[-1])
        client.close()
    return [
        Figure("sign-in p95", logins, "ms"),
        Figure("argon2 alone p95", hashes, "ms"),
        Figure("… sign-in compared with it", shares, "×", at_most=MOST),
    ]


async def _register(url: str, people: list[str]) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        for email in people:
            body = {"email": email, "password": PASSWORD}
            (await client.post("/api/auth/register", json=body)).raise_for_status()


class _Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def to(cls, url: str) -> "_Client":
        """A client of this origin."""
        host, port = urlsplit(url).hostname, urlsplit(url).port
        return cls(*await asyncio.open_connection(host, port))

    async def login(self, email: str) -> None:
        """Log in, and read the whole answer."""
        body = json.dumps({"email": email, "password": PASSWORD})
        self._writer.write(
            "POST /api/auth/login HTTP/1.1\r\nHost: bench\r\nUser-Agent: bench\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
        answer = json.loads(await self._reader.readexactly(int(length)))
        assert head.startswith(b"http/1.1 200"), (head, answer)
        assert answer["accessToken"], answer

    def close(self) -> None:
        """End the connection."""
        self._writer.close()
