"""Users with a browser."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import uuid4

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import (
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    ViewportSize,
    async_playwright,
    expect,
)

from hirewire.auth.mails.letters import Kind, texts
from hirewire.web.i18n.words import words
from tests.journeys.people import PASSWORD

FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--font-render-hinting=slight",  # the same as a browser with windows does
]
PHONE: ViewportSize = {"width": 390, "height": 800}
DESKTOP: ViewportSize = {"width": 1200, "height": 900}
IN_EACH_LANGUAGE = (("en", DESKTOP), ("ru", PHONE))
"""The languages of the pages, each on another screen."""
AXE = Axe().axe_script
VIOLATIONS = {"resultTypes": ["violations"]}
OF_COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"]}
"""The axe rules that depend on colours; they are most of its work."""
UNTIL_STILL = """
Promise.allSettled(document.getAnimations()
  .filter(one => one.effect.getTiming().iterations < Infinity)
  .map(one => one.finished)).then(() => null)
"""
OF_ANOTHER_LANGUAGE = {"en": "[А-Яа-яЁё]+", "ru": "[A-Za-z]{2,}"}
"""Words that a page in this language has only in names."""
NAMES = {
    *("Hirewire", "ESCO", "Chrome", "HeadlessChrome", "Linux", "python", "httpx"),
    *("PDF", "ZIP", "JSON", "API", "README", "UTC", "ID", "https"),
}
SHOWN = """() => {
  const said = [document.title];
  const among = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let one = among.nextNode(); one; one = among.nextNode()) {
    const { parentElement } = one;
    const isOther = parentElement.closest("body [lang], code, script, style, textarea");
    if (!isOther && parentElement.checkVisibility()) said.push(one.data);
  }
  for (const name of ["placeholder", "title", "aria-label", "alt"]) {
    for (const one of document.querySelectorAll(`body [${name}]`)) {
      if (!one.closest("body [lang]")) said.push(one.getAttribute(name));
    }
  }
  return said.join("\\n");
}"""
"""All that a page shows in its own language."""
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


def translated(context: str | None, english: str) -> bool:
    """Whether a page has this text."""
    ru = words("ru")
    return (ru.in_context(context, english) if context else ru.text(english)) != english


class Somebody:
    """A person at a page. All errors of the page are recorded."""

    def __init__(self, page: Page, language: str = "en") -> None:
        self.page = page
        self.words = words(language[:2])
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._complained)

    def _complained(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"{message.text} {message.location}")

    @classmethod
    async def arrive(cls, browser: Browser, url: str, language: str, **context: Any) -> "Somebody":
        """Open a separate browser context."""
        made = await browser.new_context(locale=language, base_url=url, **context)
        made.set_default_timeout(WITHIN_MS)
        return cls(await made.new_page(), language)

    def said(self, english: str, context: str | None = None) -> str:
        """A text of the pages in this person's language."""
        assert translated(context, english), f"no page says: {english}"
        return self.words.in_context(context, english) if context else self.words.text(english)

    def mailed(self, kind: Kind) -> str:
        """The subject of a mail in this person's language."""
        return texts()[kind][self.words.lang]["subject"]

    async def press(self, english: str, role: Literal["button", "link"] = "button") -> None:
        """Press what has this text, and no more than this text."""
        found = self.page.get_by_role(role, name=self.said(english), exact=True).first
        await (self.open(found) if role == "link" else found.click())

    async def open(self, link: Locator) -> None:
        """Follow a link to another page, and wait for it."""
        before = self.page.url
        await link.click()
        await self.page.wait_for_url(lambda at: at != before)

    async def reads(self, english: str) -> None:
        """Wait until the page says this."""
        await expect(self.page.get_by_text(self.said(english)).first).to_be_visible()

    async def sign_in(self, email: str, password: str = PASSWORD, to: str = "/account") -> None:
        """Sign in with the password, and wait for the page that follows."""
        await self.page.goto(f"/signin?next={to}")
        await self.page.fill("#email", email)
        await self.page.fill("#password", password)
        await self.page.locator("main form button:not([type])").click()
        await self.page.wait_for_url(lambda at: urlsplit(at).path == to)

    async def faults(self, *names: str) -> list[str]:
        """Words of another language on this page, except these names; on a phone, axe's findings.

        The pages are the same on a desktop.
        """
        is_phone = (self.page.viewport_size or DESKTOP)["width"] == PHONE["width"]
        findings = await self.serious_in_both() if is_phone else []
        return [*await self.foreign_words(*names), *findings]

    async def foreign_words(self, *names: str) -> list[str]:
        """Words of another language on this page, except these names."""
        await self.page.wait_for_load_state("domcontentloaded")
        return self.foreign(await self.page.evaluate(SHOWN), *names)

    def foreign(self, text: str, *names: str) -> list[str]:
        """The words of another language in a text, except names and addresses."""
        text = re.sub(r"\S+@\S+|https?://\S+|\S+\.(example|json|txt|pdf)\b", " ", text)
        for name in names:
            text = text.replace(name, " ")
        return sorted(set(re.findall(OF_ANOTHER_LANGUAGE[self.words.lang], text)) - NAMES)

    async def sign_up(self) -> None:
        """Register, and wait on the home page for the profile to appear."""
        await self.register()
        await expect(self.page.locator("#profile details")).to_be_visible()

    async def register(self) -> None:
        """Register, and wait for the home page."""
        page = self.page
        await page.goto("/signup")
        await page.fill("#email", f"{uuid4().hex}@example.org")
        await page.fill("#password", PASSWORD)
        await page.locator("[name=consent]").check()
        await page.locator("main form button:not([type])").click()
        await page.wait_for_url(re.compile("/me"))

    async def serious(self, options: dict[str, Any] | None = None) -> list[str]:
        """The serious and critical findings of axe on this page, with these options."""
        if not await self.page.evaluate("'axe' in window"):  # sending it costs as much as a check
            await self.page.evaluate(AXE)
        await self.page.evaluate(UNTIL_STILL)  # what fades in has too little contrast meanwhile
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
        found += [f"dark: {one}" for one in await self.serious(OF_COLOURS)]
        await self.page.emulate_media(color_scheme="light")
        return found
