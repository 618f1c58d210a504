"""How quick the list of vacancies is as a page: made by the server, and seen in a browser.

The services `vacancies` and `web` run as processes over a board of 100,000 vacancies. Server time
is from the request to the last byte, on one connection; in the browser it is what Chromium's own
`PerformanceObserver` says of the first visit, with nothing in its cache.
"""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import async_playwright
from sqlalchemy.engine import make_url

from bench.matching import board
from bench.measure import Figure, Options, percentile
from bench.places import Bench
from bench.search import Many
from hirewire.launcher.process import free_port, make_folder, spawn, stop

SIZE, QUICK_SIZE = 100_000, 2_000
READS, QUICK_READS = 400, 40
VISITS, QUICK_VISITS = 15, 3
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
_OBSERVE = """
() => new Promise((done) => {
  const found = {shift: 0, painted: 0};
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) if (!one.hadRecentInput) found.shift += one.value;
  }).observe({type: "layout-shift", buffered: true});
  new PerformanceObserver((list) => {
    found.painted = list.getEntries().at(-1).startTime;
  }).observe({type: "largest-contentful-paint", buffered: true});
  setTimeout(() => {
    const parts = [...performance.getEntriesByType("navigation"),
      ...performance.getEntriesByType("resource")];
    found.bytes = parts.reduce((sum, one) => sum + one.transferSize, 0);
    done(found);
  }, 300);
})
"""


async def run(bench: Bench, options: Options) -> list[Figure]:
    """The list with words and without, and the start page."""
    size = options.count(SIZE, QUICK_SIZE)
    pair = await bench.pair("pages")
    figures: list[Figure] = []
    async with board(pair.reader_url, "pages_vacancies") as made:
        many = Many(made)
        await many.grow(size)
        prefix = make_url(pair.reader_url).set(database="pages")
        address = prefix.render_as_string(hide_password=False)
        async with serving(address, bench.broker_url) as url:
            for what, searched in (("with words", True), ("without words", False)):
                taken = await _read(url, many, options.count(READS, QUICK_READS), searched=searched)
                figures += [
                    Figure(f"list {what}, {size:,}: p50", [percentile(taken, 0.5)], "ms"),
                    Figure("… p95", [percentile(taken, 0.95)], "ms", at_most=40),
                ]
            seen = await _visit(url, options.count(VISITS, QUICK_VISITS))
    return [
        *figures,
        Figure("first visit of the list: painted", [one["painted"] for one in seen], "ms"),
        Figure("… bytes transferred", [max(one["bytes"] for one in seen) / 1000], "kB", at_most=60),
        Figure("… layout shift", [max(one["shift"] for one in seen)], "", at_most=0),
    ]


@asynccontextmanager
async def serving(database_url: str, broker_url: str) -> AsyncIterator[str]:
    """`vacancies` and `web`, once the index is made; the address of `web`."""
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
    raise RuntimeError(f"the pages do not come: {log.read_text()[-2000:]}")


async def _read(url: str, many: Many, count: int, *, searched: bool) -> list[float]:
    taken = []
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        for _ in range(count + 10):
            wanted = many.wanted()
            query: dict[str, Any] = {"q": wanted.text} if searched else {}
            query |= {name: list(values) for name, values in wanted.any_of.items()}
            started = time.perf_counter()
            answer = await client.get("/vacancies", params=query)
            taken.append((time.perf_counter() - started) * 1000)
            answer.raise_for_status()
    return taken[10:]


async def _visit(url: str, count: int) -> list[dict[str, float]]:
    """First visits, each in a browser of its own state."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise RuntimeError("no browser: apt-get install chromium")
    seen = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for _ in range(count):
            context = await browser.new_context()
            page = await context.new_page()
            await page.goto(f"{url}/vacancies?q=data", wait_until="load")
            seen.append(await page.evaluate(_OBSERVE))
            await context.close()
        await browser.close()
    return seen
