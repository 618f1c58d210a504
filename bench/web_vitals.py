"""Web vitals of a first visit, from Chromium's own trace, as Lighthouse reads it.

A mid-range phone is emulated as Lighthouse does by default: processor four times slower, 150 ms
round trip, 1.6 Mbit/s down (https://github.com/GoogleChrome/lighthouse, docs/throttling.md). The
limits are Lighthouse's thresholds for "good".
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from playwright.async_api import Browser, Page, ViewportSize, async_playwright

from bench.measure import Figure

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
CATEGORIES = ["devtools.timeline", "loading", "blink.user_timing", "toplevel"]
PHONE: ViewportSize = {"width": 412, "height": 823}
SLOWER, ROUND_TRIP_MS, DOWN, UP = 4, 150, 1_638_400 / 8, 768_000 / 8
"""Factor; milliseconds; bytes per second."""
LONG_MS, TASK = 50.0, "ThreadControllerImpl::RunTask"


@dataclass(frozen=True)
class Visit:
    """One first visit. In milliseconds, except `shift` (a share of the viewport) and `bytes`."""

    first: float
    """First contentful paint."""
    largest: float
    """Largest contentful paint."""
    blocked: float
    """Total blocking time: the part beyond 50 ms of each task after the first paint."""
    shift: float
    """Cumulative layout shift."""
    bytes: float
    """Transferred bytes, files included."""


async def visits(urls: Sequence[str], count: int) -> dict[str, list[Visit]]:
    """Visit each address several times, in turn, each time with a fresh browser."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise RuntimeError("no browser: apt-get install chromium")
    seen: dict[str, list[Visit]] = {url: [] for url in urls}
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for _ in range(count):
            for url in urls:
                seen[url].append(await _visit(browser, url))
        await browser.close()
    return seen


def figures(what: str, seen: Sequence[Visit]) -> list[Figure]:
    """The table's lines for one page."""
    return [
        Figure(f"{what}: first paint", [one.first for one in seen], "ms", at_most=1800),
        Figure("… largest paint", [one.largest for one in seen], "ms", at_most=2500),
        Figure("… blocking time", [one.blocked for one in seen], "ms", at_most=200),
        Figure("… layout shift", [max(one.shift for one in seen)], "", at_most=0),
        Figure("… transferred", [max(one.bytes for one in seen) / 1000], "kB", at_most=60),
    ]


async def _visit(browser: Browser, url: str) -> Visit:
    context = await browser.new_context(viewport=PHONE, is_mobile=True, has_touch=True)
    page = await context.new_page()
    await page.goto("about:blank")
    session = await context.new_cdp_session(page)
    await session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    await session.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": ROUND_TRIP_MS,
            "downloadThroughput": DOWN,
            "uploadThroughput": UP,
        },
    )
    await browser.start_tracing(page=page, categories=CATEGORIES)
    await page.goto(url, wait_until="load")
    await page.wait_for_timeout(500)  # late paints and shifts count as well
    size = await _transferred(page)
    events = json.loads(await browser.stop_tracing())["traceEvents"]
    await context.close()
    return _read(events, url, size)


async def _transferred(page: Page) -> float:
    found = await page.evaluate(
        """[...performance.getEntriesByType("navigation"),
            ...performance.getEntriesByType("resource")]
            .reduce((sum, one) => sum + one.transferSize, 0)"""
    )
    return float(found)


def _read(events: list[dict[str, Any]], url: str, size: float) -> Visit:
    start = next(
        event
        for event in events
        if event["name"] == "navigationStart"
        and event["args"].get("data", {}).get("documentLoaderURL") == url
    )
    frame, process, began = start["args"]["frame"], start["pid"], start["ts"]

    def moments(name: str) -> list[float]:
        return [
            (event["ts"] - began) / 1000
            for event in events
            if event["name"] == name and event["args"].get("frame") == frame
        ]

    first, largest = moments("firstContentfulPaint"), moments("largestContentfulPaint::Candidate")
    shifts = [
        event["args"]["data"]["weighted_score_delta"]
        for event in events
        if event["name"] == "LayoutShift"
        and event["pid"] == process
        and not event["args"]["data"].get("had_recent_input")
    ]
    tasks = [
        event["dur"] / 1000
        for event in events
        if event["name"] == TASK
        and "dur" in event  # a task that still runs at the end of the trace has no duration
        and (event["pid"], event["tid"]) == (process, start["tid"])
        and (event["ts"] - began) / 1000 > first[0]
    ]
    blocked = sum(took - LONG_MS for took in tasks if took > LONG_MS)
    return Visit(first[0], max(largest), blocked, sum(shifts), size)
