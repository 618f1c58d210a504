"""Pictures of the style guide, and how much two of them differ.

`./dev styleguide` writes those that the tests expect.
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
"""A channel's difference (of 255) from which a pixel counts as another one: edges of letters may
be smoothed in another way by another version of the browser."""
MOST = 0.01
"""The share of other pixels from which a picture is another one."""


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
    # What floats above the page would be on the pictures of what is below it.
    await page.evaluate("document.querySelector('body > .tabs-bottom').hidden = true")
    for section in await page.locator("main section[id]").all():
        name = await section.get_attribute("id")
        yield f"{name}-{variant.name}", await section.screenshot(animations="disabled")
    await context.close()


async def _with_fonts(route: Route) -> None:
    """Let text wait for its font: else a picture of a busy moment has another one."""
    answer = await route.fetch()
    style = (await answer.text()).replace("font-display: optional", "font-display: block")
    assert "font-display: block" in style
    await route.fulfill(response=answer, body=style)


def difference(expected: bytes, found: bytes) -> float:
    """The share of pixels that are visibly other ones; 1.0 for pictures of other sizes."""
    one, other = _pixels(expected), _pixels(found)
    if one.shape != other.shape:
        return 1.0
    return float((np.abs(one - other).max(axis=2) > VISIBLE).mean())


def _pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(png)).convert("RGB"), int)
