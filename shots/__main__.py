"""`./dev shots`: fills the running platform, acts as its users, and takes the screenshots."""

import argparse
import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, Page, async_playwright
from rich.console import Console

from hirewire.kit.clock import now
from hirewire.tools.sample_data.command import fill
from hirewire.tools.sample_data.filler import PASSWORD, Plan
from hirewire.tools.sample_data.people import DEFAULT_SEED, Person
from shots.accounts import prepare, take_accounts
from shots.mails import take_mails
from shots.operator import EMAIL as OPERATOR
from shots.operator import arrive
from shots.programs import connect, receiving
from shots.story import act
from shots.taking import take, whole

COUNT = 300
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")
WIDTHS = {"desktop": (1200, 900), "phone": (390, 844)}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
LANGUAGES = {"ru": "ru-RU", "en": "en-GB"}
console = Console(stderr=True, highlight=False)


async def main(url: str, folder: Path) -> int:
    """Returns 0 if all screenshots were taken."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        console.print("no browser: apt-get install chromium")
        return 2
    if await fill(url, COUNT, DEFAULT_SEED, console):
        return 1
    cast = await act(url, Plan(COUNT, COUNT, DEFAULT_SEED, now().date()))
    vacancy = cast.vacancy
    person = await arrive(url, cast.candidate.email)
    area = await prepare(url)
    folder.mkdir(parents=True, exist_ok=True)
    async with receiving() as receiver, async_playwright() as playwright:
        programs = await connect(url, cast.employer.email, receiver)
        browser = await playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        await take_mails(browser, folder)
        for language in LANGUAGES:
            for width in WIDTHS:
                for scheme in SCHEMES:
                    name = partial(_path, folder, language, width, scheme)
                    async with _page(browser, url, language, width, scheme, None) as page:
                        await take(page, "/", name("start"))
                        query = "python" if language == "en" else "разработчик"
                        await take(page, f"/vacancies?q={query}", name("list"))
                        await take(page, f"/vacancies/{vacancy}", name("vacancy"))
                        await take(page, "/signin", name("signin"))
                        await take(page, "/signup", name("signup"))
                        await take(page, "/privacy", name("privacy"))
                    async with _page(browser, url, language, width, scheme, cast.candidate) as page:
                        await take(page, f"/vacancies/{vacancy}", name("match"))
                        await take(page, "/me", name("home"))
                        await take(page, "/notices", name("notices"))
                        settings = "/account/notifications"
                        await take(page, settings, name("notification-settings"))
                        await take(page, "/unsubscribe?token=of-an-old-mail", name("unsubscribe"))
                        await take(page, "/account/delete", name("delete-account"))
                        await take(page, "/account", name("account"))
                        await take(page, "/account/security-log", name("security-log"))
                        await take(page, "/account/keep", name("keep"))
                        await take(page, "/account/passkeys/new", name("passkey"))
                        await page.goto("/account/two-step")
                        await page.fill("#password", PASSWORD)
                        await page.locator("main form button:not([type])").click()
                        await page.locator(".qr").wait_for()
                        await whole(page, name("two-step"))
                        await page.goto("/me")
                        await page.locator("a[href^='/resumes/']").first.click()
                        await page.wait_for_url("**/resumes/*")
                        await whole(page, name("resume"))
                    async with _page(browser, url, language, width, scheme, cast.employer) as page:
                        await take(page, "/employer", name("employer"))
                        await take(page, "/notices", name("employer-notices"))
                        await take(page, f"/employer/vacancies/{vacancy}/board", name("board"))
                        await page.locator("#board article a[href^='/applications/']").first.click()
                        await page.wait_for_url("**/applications/*")
                        await whole(page, name("application"))
                        await take(page, f"/employer/vacancies/{vacancy}", name("editor"))
                        people = f"/employer/vacancies/{vacancy}/candidates"
                        await take(page, people, name("candidates"))
                        await take(page, f"/employer/resumes/{cast.resume}", name("card"))
                        await take(page, "/employer/resumes?q=developer", name("resumes"))
                        await take(page, "/interviews", name("interviews"))
                        await take(page, "/employer/api-keys", name("api-keys"))
                        hooks = "/employer/webhooks"
                        await take(page, hooks, name("webhooks"))
                        await take(page, f"{hooks}/{programs.works}", name("webhook"))
                        await take(page, f"{hooks}/{programs.fails}", name("webhook-failing"))
                        sent = f"{hooks}/{programs.fails}/deliveries/{programs.delivery}"
                        await take(page, sent, name("delivery"))
                    async with _page(browser, url, language, width, scheme, OPERATOR) as page:
                        await take(page, "/admin", name("people"))
                        await take(page, f"/admin/people/{person}", name("person"))
                        await take(page, "/admin/log", name("log"))
                    opened = partial(_page, browser, url, language, width, scheme)
                    await take_accounts(area, opened, name)
        await browser.close()
    console.print(f"{len(list(folder.glob('*.png')))} pictures in {folder}")
    return 0


@asynccontextmanager
async def _page(
    browser: Browser,
    url: str,
    language: str,
    width: str,
    scheme: Literal["light", "dark"],
    who: Person | str | None,
) -> AsyncIterator[Page]:
    context = await browser.new_context(
        base_url=url,
        locale=LANGUAGES[language],
        color_scheme=scheme,
        viewport={"width": WIDTHS[width][0], "height": WIDTHS[width][1]},
        has_touch=width == "phone",
        is_mobile=width == "phone",
    )
    page = await context.new_page()
    if who is not None:
        await page.goto("/signin")
        await page.fill("#email", who if isinstance(who, str) else who.email)
        await page.fill("#password", PASSWORD)
        await page.locator("main form button:not([type])").click()
        await page.wait_for_url("**/me*")
    yield page
    await context.close()


def _path(folder: Path, language: str, width: str, scheme: str, what: str) -> Path:
    return folder / f"{what}-{language}-{width}-{scheme}.png"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev shots", description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="the running platform")
    parser.add_argument(
        "--to", type=Path, default=Path(".shots"), help="folder for the screenshots"
    )
    return parser.parse_args()


if __name__ == "__main__":
    chosen = _arguments()
    sys.exit(asyncio.run(main(chosen.url, chosen.to)))
