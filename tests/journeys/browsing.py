"""Users with a browser."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import uuid4

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import (
    Browser,
    ConsoleMessage,
    Page,
    ViewportSize,
    async_playwright,
    expect,
)

from tests.journeys.people import PASSWORD

FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--font-render-hinting=slight",  # the same as a browser with windows does
]
PHONE: ViewportSize = {"width": 390, "height": 800}
DESKTOP: ViewportSize = {"width": 1200, "height": 900}
AXE = Axe().axe_script
VIOLATIONS = {"resultTypes": ["violations"]}
OF_COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"]}
"""The axe rules that depend on colours; they are most of its work."""
UNTIL_STILL = """
Promise.all(document.getAnimations().filter(one => one.effect.getTiming().iterations < Infinity)
  .map(one => one.finished)).then(() => null)
"""
WITHIN_MS = 20_000
expect.set_options(timeout=WITHIN_MS)


_open = AsyncExitStack()
_browsers: dict[str, Browser] = {}


@asynccontextmanager
async def browsing(chromium: str) -> AsyncIterator[Browser]:
    """A browser without pages, and again so after the block.

    One process serves all tests: each user has a separate context, and a launch costs a second of a
    core.
    """
    browser = _browsers.get(chromium)
    if browser is None or not browser.is_connected():
        playwright = await _open.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        _open.push_async_callback(browser.close)
        _browsers[chromium] = browser
    try:
        yield browser
    finally:
        for context in browser.contexts:
            await context.close()


async def close_browsers() -> None:
    """Close the browsers that `browsing` has launched."""
    _browsers.clear()
    await _open.aclose()


class Somebody:
    """A person at a page. All errors of the page are recorded."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._said)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"{message.text} {message.location}")

    @classmethod
    async def arrive(cls, browser: Browser, url: str, language: str, **context: Any) -> "Somebody":
        """Open a separate browser context."""
        made = await browser.new_context(locale=language, base_url=url, **context)
        made.set_default_timeout(WITHIN_MS)
        return cls(await made.new_page())

    async def sign_up(self) -> None:
        """Register, and wait on the home page for the profile to appear."""
        page = self.page
        await page.goto("/signup")
        await page.fill("#email", f"{uuid4().hex}@example.org")
        await page.fill("#password", PASSWORD)
        await page.locator("[name=consent]").check()
        await page.locator("main form button:not([type])").click()
        await page.wait_for_url(re.compile("/me"))
        await expect(page.locator("#profile details")).to_be_visible()

    async def serious(self, options: dict[str, Any] | None = None) -> list[str]:
        """The serious and critical findings of axe on this page, with these options."""
        if not await self.page.evaluate("'axe' in window"):  # sending it costs as much as a check
            await self.page.evaluate(AXE)
        found = await self.page.evaluate(
            "options => axe.run(options).then(found => found.violations)",
            VIOLATIONS | (options or {}),
        )
        return [
            f"{self.page.url}: {one['id']}: {node['html'][:120]}"
            for one in found
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]

    async def serious_in_both(self) -> list[str]:
        """The same in the light scheme and, for colours only, in the dark one."""
        found = await self.serious()
        await self.page.emulate_media(color_scheme="dark")
        await self.page.evaluate(UNTIL_STILL)
        found += [f"dark: {one}" for one in await self.serious(OF_COLOURS)]
        await self.page.emulate_media(color_scheme="light")
        return found
