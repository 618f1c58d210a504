"""The speed of the vacancy list as a page: rendered by the server, and shown in a browser.

The services `vacancies` and `web` run as processes over a board of 100,000 vacancies. Server time
is from the request to the last byte, on one connection. Browser times are from Chromium's own trace
of a first visit (see `web_vitals.py`).
"""

import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy.engine import make_url

from bench import web_vitals
from bench.board import board
from bench.measure import Figure, Options, percentile
from bench.places import Bench
from bench.search import Many
from hirewire.launcher.process import free_port, make_folder, spawn, stop

SIZE, QUICK_SIZE = 100_000, 2_000
READS, QUICK_READS = 400, 40
VISITS, QUICK_VISITS = 9, 2


async def run(bench: Bench, options: Options) -> list[Figure]:
    """The list with a query and without, and the start page."""
    size = options.count(SIZE, QUICK_SIZE)
    pair = await bench.pair("pages")
    figures: list[Figure] = []
    async with board(pair.reader_url, "pages_vacancies") as made:
        many = Many(made)
        await many.grow(size)
        prefix = make_url(pair.reader_url).set(database="pages")
        address = prefix.render_as_string(hide_password=False)
        async with serving(address, bench.broker_url) as url:
            for what, searched in (("with a query", True), ("without a query", False)):
                taken = await _read(url, many, options.count(READS, QUICK_READS), searched=searched)
                figures += [
                    Figure(f"list {what}, {size:,}: p50", [percentile(taken, 0.5)], "ms"),
                    Figure("… p95", [percentile(taken, 0.95)], "ms", at_most=40),
                ]
            pages = await _addresses(url)
            seen = await web_vitals.visits(
                list(pages.values()), options.count(VISITS, QUICK_VISITS)
            )
    for what, address in pages.items():
        figures += web_vitals.figures(f"first visit, phone: {what}", seen[address])
    return figures


async def _addresses(url: str) -> dict[str, str]:
    """The pages that a first-time visitor opens."""
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        found = (await client.get("/api/vacancies/vacancies?limit=1")).json()["items"][0]["id"]
    return {
        "start": f"{url}/",
        "list": f"{url}/vacancies?q=data",
        "vacancy": f"{url}/vacancies/{found}",
    }


@asynccontextmanager
async def serving(database_url: str, broker_url: str) -> AsyncIterator[str]:
    """`vacancies` and `web`, once the index is built; yields the address of `web`."""
    with tempfile.TemporaryDirectory(prefix="hirewire-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        make_folder(folder / "search", for_others=False)
        ports = {name: free_port() for name in ("web", "vacancies")}
        kept = {k: v for k, v in os.environ.items() if not k.startswith("HIREWIRE_")}
        environment = kept | {
            "HIREWIRE_DATABASE_URL": database_url,
            "HIREWIRE_BROKER_URL": broker_url,
            "HIREWIRE_SEARCH_DIR": str(folder / "search"),
            "HIREWIRE_LOG_LEVEL": "warning",
            **{f"HIREWIRE_{name.upper()}_PORT": str(port) for name, port in ports.items()},
        }
        with open(folder / "log", "wb") as log:
            processes = [
                spawn(command, env=environment, output=log)
                for command in (
                    [sys.executable, "-m", "hirewire", "serve", "vacancies", "--role", "api"],
                    [sys.executable, "-m", "hirewire", "serve", "web"],
                )
            ]
        url = f"http://127.0.0.1:{ports['web']}"
        try:
            await _ready(url, folder / "log")
            yield url
        finally:
            for process in processes:
                await stop(process, (signal.SIGTERM, 20))


async def _ready(url: str, log: Path) -> None:
    deadline = time.monotonic() + 180
    async with httpx.AsyncClient(timeout=30) as client:
        while time.monotonic() < deadline:
            with suppress(httpx.HTTPError):
                if (await client.get(f"{url}/vacancies?q=data")).status_code == 200:
                    return
            await asyncio.sleep(0.5)
    raise RuntimeError(f"the pages are not served: {log.read_text()[-2000:]}")


async def _read(url: str, many: Many, count: int, *, searched: bool) -> list[float]:
    taken = []
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        for _ in range(count + 10):
            filters = many.query().filters
            query: dict[str, Any] = {"q": filters.text} if searched else {}
            query |= {name: list(values) for name, values in filters.values.items()}
            started = time.perf_counter()
            answer = await client.get("/vacancies", params=query)
            taken.append((time.perf_counter() - started) * 1000)
            answer.raise_for_status()
    return taken[10:]
