"""The style guide looks as approved: pixels, accessibility, and completeness."""

import os
import re
from io import BytesIO

import pytest
from axe_playwright_python.async_playwright import Axe
from PIL import Image, ImageDraw

from hirewire.web.pages.assets import ICONS, JOINED, STATIC, icon
from tests.journeys.browsing import browsing
from tests.web.conftest import Front
from tests.web.pictures import FOLDER, MOST, VARIANTS, Variant, difference, taken

WRITE = os.environ.get("HIREWIRE_WRITE_PICTURES") == "1"
RUSSIAN_J = "new KeyboardEvent('keydown', {key: '\\u043e', bubbles: true})"
"""The key "j" on a Russian layout."""


CUT = """[...document.querySelectorAll("article, .card, .cards > li")].flatMap((card) =>
  [...card.querySelectorAll(":scope :is(.pill, .score, a, button)")]
    .filter((one) => one.getBoundingClientRect().right > card.getBoundingClientRect().right)
    .map((one) => one.outerHTML))"""


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda one: one.name)
async def test_components_look_as_approved(front: Front, chromium: str, variant: Variant) -> None:
    url = f"http://127.0.0.1:{front.port}"
    async with browsing(chromium) as browser:
        pictures = {name: png async for name, png in taken(browser, url, variant)}
    if WRITE:
        FOLDER.mkdir(exist_ok=True)
        for old in FOLDER.glob(f"*-{variant.name}.png"):
            old.unlink()
        for name, png in pictures.items():
            (FOLDER / f"{name}.png").write_bytes(png)
    kept = {path.stem: path.read_bytes() for path in FOLDER.glob(f"*-{variant.name}.png")}
    assert kept.keys() == pictures.keys(), "sections came or went: ./dev styleguide"
    other = {
        name: round(share, 4)
        for name, png in pictures.items()
        if (share := difference(kept[name], png)) > MOST
    }
    assert not other, "they look otherwise than approved; if that is meant: ./dev styleguide"


def test_a_changed_colour_or_size_is_noticed() -> None:
    [png, *_] = [path.read_bytes() for path in sorted(FOLDER.glob("buttons-*.png"))]
    assert difference(png, png) == 0
    image = Image.open(BytesIO(png)).convert("RGB")
    width, height = image.size
    ImageDraw.Draw(image).rectangle((20, 20, 20 + width // 5, 20 + height // 4), fill="#c92a2a")
    assert difference(png, _png(image)) > MOST
    assert difference(png, _png(image.crop((0, 0, width, height - 1)))) == 1.0


def _png(image: Image.Image) -> bytes:
    into = BytesIO()
    image.save(into, "PNG")
    return into.getvalue()


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda one: one.name)
async def test_it_is_accessible(front: Front, chromium: str, variant: Variant) -> None:
    async with browsing(chromium) as browser:
        context = await browser.new_context(
            base_url=f"http://127.0.0.1:{front.port}",
            locale=variant.language,
            color_scheme=variant.scheme,
            viewport={"width": variant.width, "height": 900},
        )
        page = await context.new_page()
        await page.goto("/styleguide")
        found = await Axe().run(page)
        wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        cut = await page.evaluate(CUT)
        figures = await page.locator(".jobs td.number").all_inner_texts()
    assert wide <= 0, "it scrolls sideways"
    assert cut == [], "they stick out of their cards"
    assert any(re.fullmatch(r"(1,000|1\xa0000)\+", one.strip()) for one in figures), figures
    assert [
        (one["id"], node["html"][:120])
        for one in found.response["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ] == []


async def test_shortcuts_work_and_can_be_switched_off(front: Front, chromium: str) -> None:
    async with browsing(chromium) as browser:
        page = await browser.new_page(base_url=f"http://127.0.0.1:{front.port}")
        await page.emulate_media(forced_colors="active")
        await page.goto("/styleguide")
        lines = await page.locator(".tabs a").evaluate_all(
            "all => all.map((one) => getComputedStyle(one).borderBottomColor)"
        )
        assert lines[0] != lines[1], "where one is, in colours of one's own"
        at = "document.activeElement.closest('[data-list] > *')?.matches(':first-child')"
        await page.keyboard.press("j")
        assert await page.evaluate(at) is True
        await page.evaluate(f"document.dispatchEvent({RUSSIAN_J})")
        assert await page.evaluate(at) is False
        await page.keyboard.press("k")
        assert await page.evaluate(at) is True
        await page.keyboard.press("/")
        assert await page.evaluate("document.activeElement.type") == "search"
        await page.keyboard.type("/j?")
        assert (await page.locator("main input[type=search]").first.input_value()).endswith("/j?")
        await page.evaluate("document.activeElement.blur()")
        await page.keyboard.press("?")
        dialog = page.locator("dialog#keys")
        assert await dialog.is_visible()
        await dialog.locator("[name=shortcuts]").uncheck()
        await page.keyboard.press("Escape")
        assert not await dialog.is_visible()
        await page.reload()
        await page.keyboard.press("?")
        assert not await dialog.is_visible(), "off stays off"
        await page.locator("footer [data-keys]").click()
        assert await dialog.is_visible()


async def test_joined_files_are_kept_and_revalidated(front: Front) -> None:
    html = (await front.client.get("/styleguide")).text
    for name, kind in (("hirewire.css", "text/css"), ("hirewire.js", "text/javascript")):
        [address] = re.findall(rf'"(/static/{re.escape(name)}\?v=[0-9a-f]+)"', html)
        first = await front.client.get(address)
        assert first.headers["content-type"].startswith(kind)
        assert "immutable" in first.headers["cache-control"]
        again = await front.client.get(address, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    styles = JOINED["hirewire.css"]().decode()
    assert "/*" not in styles
    for address in re.findall(r'url\("([^"]+)"\)', styles):
        font = await front.client.get(address)
        assert font.status_code == 200, address
        assert "immutable" in font.headers["cache-control"], address


def test_only_icons_of_the_set_are_used() -> None:
    with pytest.raises(FileNotFoundError, match="no-such"):
        icon("no-such")
    named = re.compile(r"""(?:icon|empty)\(["']([a-z0-9-]+)["']""")
    texts = [path.read_text("utf-8") for path in (STATIC.parent / "templates").rglob("*.html")]
    used = {name for text in texts for name in named.findall(text)}
    assert used <= {path.stem for path in ICONS.glob("*.svg")}


WEB = STATIC.parent
GUIDE = "styleguide"
BUILT = ("hue-", "swatch-", "htmx-")
"""Prefixes of class names that are composed in a source, or that htmx sets."""


def test_unused_styles_and_icons_are_found() -> None:
    """Icons, values of Open Props, tokens and classes; planted unused ones are found."""
    styles = {path: path.read_text("utf-8") for path in STATIC.glob("css/**/*.css")}
    real = "\n".join(text for path, text in styles.items() if path.stem != GUIDE)
    assert _unused_classes(real, without=GUIDE) == set(), "only the style guide uses them"
    assert _unused_classes(f"{real}\n.swatches {{}}", without=GUIDE) == {"swatches"}
    icons = {path.stem for path in ICONS.glob("*.svg")}
    assert _unused_icons(icons) == set()
    assert _unused_icons(icons | {"anvil"}) == {"anvil"}
    joined_styles = "\n".join(styles.values())
    assert _unused_classes(joined_styles) == set()
    assert _unused_classes(f"{joined_styles}\n.anvil:hover > .card {{}}") == {"anvil"}
    used = set(re.findall(r"var\((--[a-z0-9-]+)", joined_styles))
    defined = {path: _defined(path.read_text("utf-8")) for path in STATIC.glob("vendor/*/*.css")}
    assert [path.name for path, names in defined.items() if not names & used] == []
    tokens = _defined(styles[STATIC / "css" / "tokens.css"])
    assert tokens - used == set()
    assert _defined(":root { --anvil: 1px; }") - used == {"--anvil"}


async def test_it_shows_every_component(front: Front) -> None:
    """Each component file with half or more of its classes, and classes that pages share."""
    html = (await front.client.get("/styleguide")).text
    shown = set(re.findall(r"[a-z][\w-]*", " ".join(re.findall(r'class="([^"]*)"', html))))
    for path in STATIC.glob("css/components/*.css"):
        classes = set(re.findall(r"\.([a-z][\w-]*)", path.read_text("utf-8")))
        assert len(classes & shown) * 2 >= len(classes), f"{path.name}: {classes - shown}"
    parts = {"board", "who", "foot", "move-menu", "decline", "stages", "people", "all-read", "jobs"}
    parts |= {"tabs-bottom", "decision", "person-facts", "composer", "about", "event"}
    assert parts - shown == set()


def _defined(styles: str) -> set[str]:
    return set(re.findall(r"(--[a-z0-9-]+):", styles))


def _unused_icons(icons: set[str]) -> set[str]:
    return icons - _strings(_expressions())


def _unused_classes(styles: str, without: str = "-") -> set[str]:
    """Classes of the styles that no source uses; sources in `without` do not count."""
    plain = re.sub(r"/\*.*?\*/", "", styles, flags=re.DOTALL)
    selectors = [one for one in re.findall(r"([^{};]+)\{", plain) if one.strip()[:1] != "@"]
    styled = {name for one in selectors for name in re.findall(r"\.([a-z][\w-]*)", one)}
    templates = _sources("templates/**/*.html", without)
    programs = _sources("**/*.py", without)
    attributes = re.findall(
        r'class="((?:\{\{.*?\}\}|\{%.*?%\}|[^"])*)"', templates + programs, re.DOTALL
    )
    written = {name for one in attributes for name in re.findall(r"[a-z][\w-]*", one)}
    chosen = _strings(_expressions(without) + _sources("static/js/*.js") + programs)
    blocks = set(re.findall(r"\{% block width %\}(\w+)", templates))
    return {name for name in styled - written - chosen - blocks if not name.startswith(BUILT)}


def _expressions(without: str = "-") -> str:
    texts = _sources("templates/**/*.html", without)
    return "\n".join(re.findall(r"\{\{.*?\}\}|\{%.*?%\}", texts, re.DOTALL))


def _sources(pattern: str, without: str = "-") -> str:
    return "\n".join(path.read_text("utf-8") for path in WEB.glob(pattern) if path.stem != without)


def _strings(source: str) -> set[str]:
    return set(re.findall(r"""["']([a-z][\w-]*)["']""", source))


def test_styles_use_tokens_only() -> None:
    """Colours and sizes are named in tokens.css; initials and toasts have colours of their own,
    which nothing else uses.
    """
    own = {"avatars.css", "messages.css"}
    defined = set(re.findall(r"(--[a-z0-9-]+):", JOINED["hirewire.css"]().decode()))
    wrong = []
    for path in [*STATIC.glob("css/components/*.css"), *STATIC.glob("css/pages/*.css")]:
        text = re.sub(r"/\*.*?\*/", "", path.read_text("utf-8"), flags=re.DOTALL)
        colours = re.findall(r"#[0-9a-f]{3,8}\b(?=[;,)\s])", text)
        wrong += [f"{path.name}: {one}" for one in colours if path.name not in own]
        wrong += [f"{path.name}: {line}" for line in text.splitlines() if line.count(";") > 1]
        names = set(re.findall(r"var\((--[a-z0-9-]+)", text))
        wrong += [f"{path.name}: {name} is no token" for name in sorted(names - defined)]
    assert wrong == []
