"""Draws the icons of the installed app from the logo: `python -m shots.icons`.

They are files of the repository, since a board has no browser to draw them with.
"""

import asyncio
from pathlib import Path

from playwright.async_api import async_playwright

STATIC = Path(__file__).parents[1] / "src" / "hirewire" / "web" / "static"
BLUE, WHITE = "#3f5be0", "#ffffff"
GLYPH = "M5 4v16M19 4v16M5 12h3.5l2-4 3 8 2-4H19"
"""As in icon.svg."""
# Name, size, share of the glyph, corners (share of the size), background
ICONS = (
    ("icon-192.png", 192, 0.64, 0.22, BLUE),
    ("icon-512.png", 512, 0.64, 0.22, BLUE),
    ("maskable-512.png", 512, 0.5, 0.0, BLUE),  # systems cut it: the inner 80% are safe
    ("apple-touch-icon.png", 180, 0.6, 0.0, BLUE),
    ("badge-96.png", 96, 0.9, 0.0, "none"),  # Android takes the shape alone
)


def drawing(size: int, share: float, corners: float, background: str) -> str:
    """The icon as SVG."""
    scale = size * share / 24
    place = (size - 24 * scale) / 2
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}">'
        f'<rect width="{size}" height="{size}" rx="{size * corners}" fill="{background}"/>'
        f'<path transform="translate({place} {place}) scale({scale})" d="{GLYPH}" fill="none" '
        f'stroke="{WHITE}" stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round"/>'
        "</svg>"
    )


async def main() -> None:
    """Draw all."""
    folder = STATIC / "icons"
    folder.mkdir(exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium")
        for name, size, share, corners, background in ICONS:
            page = await browser.new_page(viewport={"width": size, "height": size})
            svg = drawing(size, share, corners, background)
            await page.set_content(f"<style>body{{margin:0}}svg{{display:block}}</style>{svg}")
            await page.screenshot(path=folder / name, omit_background=True)
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
