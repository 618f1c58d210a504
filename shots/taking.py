"""Takes a picture of a page."""

from pathlib import Path

from playwright.async_api import Page

LONGEST = 12_000
"""Pixels. A browser gives up on a picture of hundreds of mails."""


async def take(page: Page, path: str, file: Path) -> None:
    """The page at this path."""
    await page.goto(path)
    await whole(page, file)


async def whole(page: Page, file: Path) -> None:
    """The whole page, in a window of its height: sticky elements are where they belong.

    Of a page that is longer than `LONGEST`, the first part.
    """
    size = page.viewport_size or {"width": 1200, "height": 900}
    height = int(await page.evaluate("document.documentElement.scrollHeight"))
    height = min(max(size["height"], height), LONGEST)
    await page.set_viewport_size({"width": size["width"], "height": height})
    await page.screenshot(path=file)
    await page.set_viewport_size(size)
