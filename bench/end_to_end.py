"""The three scenarios in a browser: the time from a click until its result is visible.

The whole platform runs, as `hirewire run --broker rabbitmq` starts it. Times are taken in the
pages: from the moment a button is pressed to the first frame that shows the result, on the same
page or on another person's open page.
"""

import asyncio
import shutil
from collections import defaultdict
from typing import Any
from uuid import uuid4

from playwright.async_api import Browser, Page, async_playwright

from bench.live import platform
from bench.measure import Figure, Options
from bench.places import Bench
from bench.web_vitals import FLAGS

PEOPLE, QUICK_PEOPLE = 12, 3
PASSWORD = "a long password"
PATIENCE_MS = 30_000
_PRESS = """(button) => {
  setTimeout(() => button.click(), 0);
  return performance.timeOrigin + performance.now();
}"""
_SEEN = """([selector, text]) =>
  [...document.querySelectorAll(selector)].some((one) => one.textContent.includes(text)) &&
  performance.timeOrigin + performance.now()"""
_DROP = """([card, stage]) => {
  const data = new DataTransfer();
  const on = (target, kind) => target.dispatchEvent(
    new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: data }));
  setTimeout(() => { on(card, "dragstart"); on(stage, "dragover"); on(stage, "drop"); }, 0);
  return performance.timeOrigin + performance.now();
}"""


async def run(_: Bench, options: Options) -> list[Figure]:
    """Run each scenario several times; the first run of a fresh platform is shown separately."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise RuntimeError("no browser: apt-get install chromium")
    taken: dict[str, list[float]] = defaultdict(list)
    async with platform() as url, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        boss = await _arrive(browser, url)
        await _sign_up(boss, defaultdict(list))
        vacancy = await _hire(boss, defaultdict(list))
        for n in range(options.count(PEOPLE, QUICK_PEOPLE) + 1):
            times: dict[str, list[float]] = defaultdict(list)
            anna, clara = await _arrive(browser, url), await _arrive(browser, url)
            await _sign_up(anna, times)
            await boss.goto("/employer")
            await _find_work(anna, boss, vacancy, f"Analyst {n}", times)
            await _sign_up(clara, defaultdict(list))
            await _hire(clara, times)
            for what, (one,) in times.items():
                taken[f"{what}, first run" if n == 0 else what].append(one)
            await anna.context.close()
            await clara.context.close()
        await browser.close()
    return [
        Figure(what, times, "ms")
        for what, times in sorted(taken.items(), key=lambda pair: "first ever" in pair[0])
    ]


async def _arrive(browser: Browser, url: str) -> Page:
    context = await browser.new_context(locale="en", base_url=url)
    context.set_default_timeout(PATIENCE_MS)
    return await context.new_page()


async def _sign_up(page: Page, times: dict[str, list[float]]) -> None:
    await page.goto("/signup")
    await page.fill("#email", f"{uuid4().hex}@example.org")
    await page.fill("#password", PASSWORD)
    await page.locator("[name=consent]").check()
    pressed = await _press(page, "main form button:not([type])")
    times["1. sign-up -> profile shown"] += [await _seen(page, "#profile summary", "@") - pressed]


async def _hire(page: Page, times: dict[str, list[float]]) -> str:
    """Become an employer and publish a vacancy; returns the vacancy's path."""
    name = f"Company {uuid4().hex[:8]}"
    await page.goto("/employer")
    await page.fill("#companyName", name)
    pressed = await _press(page, "main form button")
    times["3. employer profile created -> employer's page"] += [
        await _seen(page, "h1", name) - pressed
    ]
    times["3. employer profile created -> role in every service"] += [await _role(page) - pressed]
    await page.fill("#title", "Analyst")
    await page.locator("form[action='/employer/vacancies'] button").click()
    await page.fill("#description", "Data that is right.")
    await page.locator("input[name=skill]").nth(0).fill("SQL")
    await page.locator("button[value=publish]").click()
    await page.locator("button[value=pause]").wait_for()
    return page.url.split("/employer")[1].split("?")[0]


async def _role(page: Page) -> float:
    """The time at which `auth` reports the employer role for the current token."""
    cookies = {one["name"]: one["value"] for one in await page.context.cookies()}
    headers = {"Authorization": f"Bearer {cookies['hirewire_access']}"}
    while True:
        answer = await page.context.request.get("/api/auth/me", headers=headers)
        if (await answer.json())["role"] == "employer":
            return await _moment(page)
        await asyncio.sleep(0.005)


async def _find_work(
    anna: Page, boss: Page, vacancy: str, title: str, times: dict[str, list[float]]
) -> None:
    await anna.fill("#title", title)
    await anna.locator("form[action='/resumes'] button").click()
    await anna.locator("input[name=skill]").nth(0).fill("SQL")
    feed = asyncio.create_task(_seen(boss, "#feed li", f"{title} resume changed"))
    fits = asyncio.create_task(_seen(boss, "#resumes-matched li", title))
    pressed = await _press(anna, "button[value=publish]")
    times["2. resume published -> employer's open feed"] += [await feed - pressed]
    times["2. resume published -> match, with reasons"] += [await fits - pressed]

    await anna.locator("button[value=hide]").wait_for()
    await anna.locator("#add-experience summary").click()
    await anna.fill("#experience-position", "Analyst")
    await anna.fill("#experience-start", "2020-03")
    added = asyncio.create_task(_seen(boss, "#feed li:first-child", f"{title} experience added"))
    pressed = await _press(anna, "#add-experience-button")
    times["2. experience added -> employer's open feed"] += [await added - pressed]

    await anna.goto(vacancy)
    await anna.locator("#apply ~ form button").click()
    await anna.locator("#application").wait_for()
    await boss.goto(f"/employer{vacancy}/board")
    invited = asyncio.create_task(_seen(anna, "#application strong", "you are invited"))
    card = boss.locator("[data-stage=response] article", has_text=title)
    stage = boss.locator("[data-stage=interview]")
    handles = [await card.element_handle(), await stage.element_handle()]
    dropped = float(await boss.evaluate(_DROP, handles))
    times["card dropped -> the applicant's open page"] += [await invited - dropped]


async def _press(page: Page, selector: str) -> float:
    return float(await page.locator(selector).first.evaluate(_PRESS))


async def _seen(page: Page, selector: str, text: str) -> float:
    found: Any = await page.wait_for_function(_SEEN, arg=[selector, text], polling="raf")
    return float(await found.json_value())


async def _moment(page: Page) -> float:
    return float(await page.evaluate("performance.timeOrigin + performance.now()"))
