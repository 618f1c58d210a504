"""Pictures of the style guide, and the difference between two of them.

`./dev styleguide` writes the pictures that the tests expect.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image
from playwright.async_api import Browser, Route

FOLDER = Path(__file__).parent / "styleguide"
VISIBLE = 40
"""The difference of a channel (of 255) from which a pixel counts as changed: another browser
version may smooth edges of letters differently.
"""
MOST = 0.01
"""The share of changed pixels from which a picture counts as changed."""


@dataclass(frozen=True)
class Variant:
    """A language, a colour scheme and a window."""

    name: str
    language: str
    scheme: Literal["light", "dark"]
    width: int


VARIANTS = (
    Variant("desktop-light-en", "en-GB", "light", 1100),
    Variant("phone-dark-ru", "ru-RU", "dark", 390),
)


async def taken(browser: Browser, url: str, variant: Variant) -> AsyncIterator[tuple[str, bytes]]:
    """The name and the PNG of each section of `/styleguide`."""
    context = await browser.new_context(
        base_url=url,
        locale=variant.language,
        color_scheme=variant.scheme,
        reduced_motion="reduce",
        viewport={"width": variant.width, "height": 900},
    )
    page = await context.new_page()
    await page.route("**/hirewire.css*", _with_fonts)
    await page.goto("/styleguide")
    await page.evaluate("document.fonts.ready")
    # elements that float above the page would cover what is below
    await page.evaluate("document.querySelector('body > .tabs-bottom').hidden = true")
    for section in await page.locator("main section[id]").all():
        name = await section.get_attribute("id")
        yield f"{name}-{variant.name}", await section.screenshot(animations="disabled")
    await context.close()


async def _with_fonts(route: Route) -> None:
    """Let text wait for its font: otherwise a busy moment gives another picture."""
    answer = await route.fetch()
    style = (await answer.text()).replace("font-display: optional", "font-display: block")
    assert "font-display: block" in style
    await route.fulfill(response=answer, body=style)


def difference(expected: bytes, found: bytes) -> float:
    """The share of visibly changed pixels; 1.0 for pictures of different sizes."""
    one, other = _pixels(expected), _pixels(found)
    if one.shape != other.shape:
        return 1.0
    return float((np.abs(one - other).max(axis=2) > VISIBLE).mean())


def _pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(png)).convert("RGB"), int)
