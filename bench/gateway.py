"""Calls through the public origin to a service and back: calls per second, and their latency.

`web` runs as a process, and so do a service that responds at once and 32 clients with one
connection each. Occasional large responses show whether they delay the next call.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx

from bench.measure import Figure, Options, percentile
from bench.places import Bench
from hirewire.launcher.process import free_port, spawn, stop

CLIENTS = 32
LARGE_BYTES = 1_000_000
SERVICE = """
import sys, uvicorn
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    body = b"x" * int(scope["query_string"] or b"100")
    await send({"type": "http.response.start", "status": 200, "headers": [
        (b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]})
    await send({"type": "http.response.body", "body": body})
uvicorn.run(app, port=int(sys.argv[1]), log_config=None, access_log=False, lifespan="off")
"""


async def run(_: Bench, options: Options) -> list[Figure]:
    """Small responses at full load, then large ones in between."""
    rates, tails = [], []
    async with _origin() as port:
        await _load(port, 1.0)
        for _round in range(options.rounds):
            seconds = options.count(10, 2)
            taken = await _load(port, seconds)
            rates.append(len(taken) / seconds)
            tails.append(1000 * percentile(taken, 0.99))
        small = await _between_large_ones(port, options.count(1_000, 50))
    return [
        Figure(f"calls through the origin, {CLIENTS} clients", rates, "/s"),
        Figure("… p99", tails, "ms"),
        Figure("small responses between large ones: p99", [1000 * percentile(small, 0.99)], "ms"),
        Figure("… most", [1000 * max(small)], "ms"),
    ]


async def _load(port: int, seconds: float) -> list[float]:
    """The latency of each call."""
    ends = time.perf_counter() + seconds
    taken = await asyncio.gather(*(_client(port, ends) for _ in range(CLIENTS)))
    return [one for some in taken for one in some]


async def _client(port: int, ends: float) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    taken = []
    while (began := time.perf_counter()) < ends:
        await _call(reader, writer, 100)
        taken.append(time.perf_counter() - began)
    writer.close()
    return taken


async def _call(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, size: int) -> None:
    writer.write(f"GET /api/auth/x?{size} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    await reader.readexactly(size)


async def _between_large_ones(port: int, count: int) -> list[float]:
    """The latency of small calls that come right after large ones."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    taken = []
    for _ in range(count):
        await _call(reader, writer, LARGE_BYTES)
        began = time.perf_counter()
        await _call(reader, writer, 100)
        taken.append(time.perf_counter() - began)
    writer.close()
    return taken


@asynccontextmanager
async def _origin() -> AsyncIterator[int]:
    """Start the service and `web`; yields the port of `web` when calls get through."""
    service, web = free_port(), free_port()
    kept = {k: v for k, v in os.environ.items() if not k.startswith("HIREWIRE_")}
    settings = {
        "HIREWIRE_AUTH_URL": f"http://127.0.0.1:{service}",
        "HIREWIRE_WEB_PORT": str(web),
        "HIREWIRE_LOG_LEVEL": "error",
    }
    running = [
        spawn([sys.executable, "-c", SERVICE, str(service)], env=kept),
        spawn([sys.executable, "-m", "hirewire", "serve", "web"], env=kept | settings),
    ]
    try:
        async with httpx.AsyncClient() as client, asyncio.timeout(60):
            while True:
                with suppress(httpx.HTTPError):
                    answer = await client.get(f"http://127.0.0.1:{web}/api/auth/x")
                    if answer.status_code == 200:
                        break
                await asyncio.sleep(0.1)
        yield web
    finally:
        for process in running:
            await stop(process, (signal.SIGTERM, 10))
