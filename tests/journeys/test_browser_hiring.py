"""A candidate and an employer find each other in a real browser, over RabbitMQ."""

import re
from dataclasses import dataclass

import pytest
from playwright.async_api import Page, ViewportSize, expect

from tests.journeys.browsing import DESKTOP, PHONE, Somebody, browsing
from tests.journeys.conftest import Platform
from tests.journeys.test_browser import ALL, begin_to_hire

PYTHON = re.compile("^(питон|Python)", re.IGNORECASE)
PARTS = ("matches", "activity", "mine")


async def publish_vacancy(who: Somebody) -> str:
    """Publish a vacancy; returns its path."""
    page = who.page
    await page.goto("/employer")
    await page.fill("#title", "Backend developer")
    await page.locator("form[action='/employer/vacancies'] button").click()
    await page.fill("#description", "Services that lose no message.")
    await page.locator("input[name=skill]").nth(0).fill("Python")
    await page.locator("input[name=skill]").nth(1).fill("SQL")
    await page.locator("button[value=price]").click()
    await expect(page.locator("#price .done")).to_be_visible()
    await page.locator("button[value=publish]").click()
    await expect(page.locator("button[value=pause]")).to_be_visible()
    return page.url.split("/employer")[1].split("?")[0]


async def publish_resume(who: Somebody, title: str) -> None:
    page = who.page
    await page.goto("/me")
    await page.fill("#title", title)
    await page.locator("form[action='/resumes'] button").click()
    skill = page.locator("input[name=skill]")
    await skill.nth(0).press_sequentially("питхон")  # a typo
    options = page.locator("#suggested [role=option]")
    await expect(options.first).to_have_text(PYTHON)
    await page.keyboard.press("ArrowDown")
    await expect(skill.nth(0)).to_have_attribute("aria-activedescendant", "suggested-1")
    assert await who.serious() == []
    await page.keyboard.press("Enter")
    await expect(options).to_have_count(0)
    await expect(skill.nth(0)).to_have_value(PYTHON)
    await skill.nth(1).press_sequentially("postg")
    await expect(options.first).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(options).to_have_count(0)
    await skill.nth(1).fill("SQL")
    await page.keyboard.press("Tab")
    await page.locator("button[value=reach]").click()
    await expect(page.locator("#reach-skills .done")).to_be_visible()
    await page.locator("button[value=publish]").click()
    await expect(page.locator("button[value=hide]")).to_be_visible()


@dataclass(frozen=True)
class Seat:
    """A person's browser, with their language and screen."""

    language: str
    size: ViewportSize
    sent: str
    invited: str


RUSSIAN = ("Ещё не просмотрен", "Приглашение")
ENGLISH = ("Not viewed yet", "Invitation")


@pytest.mark.long
@pytest.mark.parametrize("broker_url", ["rabbitmq"], indirect=True)
@pytest.mark.parametrize(
    ("hiring", "looking"),
    [
        (Seat("en-GB", DESKTOP, *ENGLISH), Seat("ru-RU", PHONE, *RUSSIAN)),
        (Seat("ru-RU", PHONE, *RUSSIAN), Seat("en-GB", DESKTOP, *ENGLISH)),
    ],
    ids=["looks on a phone, in Russian", "hires on a phone, in Russian"],
)
@pytest.mark.timeout(240)
async def test_a_candidate_and_an_employer_find_each_other(
    platform: Platform, chromium: str, hiring: Seat, looking: Seat
) -> None:
    await platform.start(*ALL)
    url = platform.settings.service_url("web")
    async with browsing(chromium) as browser:
        boss = await Somebody.arrive(browser, url, hiring.language, viewport=hiring.size)
        anna = await Somebody.arrive(browser, url, looking.language, viewport=looking.size)
        await boss.sign_up()
        await begin_to_hire(boss)
        vacancy = await publish_vacancy(boss)
        await boss.page.goto("/employer")
        await anna.sign_up()
        await publish_resume(anna, "Разработчик")
        resume = anna.page.url.split("?")[0].removeprefix(url)
        # without a reload: her changes, and that she matches
        await expect(boss.page.locator("#feed li", has_text="Разработчик").first).to_be_visible()
        await expect(boss.page.locator("#resumes-matched .score").first).to_be_visible()
        await boss.page.locator("#resumes-matched h3 a").first.click()
        await expect(boss.page.get_by_role("heading", name="Разработчик")).to_be_visible()

        page = anna.page
        await page.reload()
        await expect(page.get_by_role("link", name="Northern Light")).to_be_visible()
        await page.goto("/me")
        await page.locator("#matches h3 a").first.click()
        await page.fill("#letter", "Здравствуйте!")
        await page.locator("#apply ~ form button").click()
        await expect(page.locator("#application strong").first).to_have_text(looking.sent)
        board = f"/employer{vacancy}/board"
        await boss.page.goto(board)
        application = page.url.split("?")[0].removeprefix(url)
        await _move_on(boss.page, "interview", is_dragged=hiring.size is DESKTOP)
        await expect(page.locator("#application strong").first).to_have_text(looking.invited)
        assert boss.complaints == []
        assert anna.complaints == []
        company = await boss.page.context.request.get("/api/vacancies/companies?q=northern")
        place = f"/companies/{(await company.json())['items'][0]['id']}"
        await _looked_over(boss, ["/", "/vacancies", "/status", "/employer", f"/employer{vacancy}"])
        await _looked_over(boss, [board, f"{board}/interview", f"/employer{vacancy}/candidates"])
        await _looked_over(boss, [f"/employer{resume}", "/employer/resumes", "/nothing-here"])
        await _looked_over(boss, [f"/employer/{part}/all" for part in PARTS])
        await _looked_over(boss, [application, place, "/docs/auth"])
        await _looked_over(anna, ["/me", vacancy, "/signin", "/signup", resume, application])
        await _looked_over(anna, ["/me/matches/all", "/me/applications/all"])


async def _move_on(page: Page, stage: str, *, is_dragged: bool) -> None:
    """Drag a new application where there is room, else use its form; then drag it to the end, which
    requires a reason.
    """
    card = page.locator("[data-stage=response] article")
    moved = page.locator(f"[data-stage={stage}] article")
    if not is_dragged:
        await card.locator("[popovertarget^=move-]").click()
        await card.locator(f"[data-move] button[value={stage}]").click()
        await expect(moved).to_be_visible()
        return
    edge = {"x": 4, "y": 4}  # next to the list of stages, which is not for dragging
    target = page.locator(f"[data-stage={stage}]")
    await card.drag_to(target, source_position=edge)  # type: ignore[arg-type]
    await expect(moved).to_be_visible()
    ended = page.locator("[data-stage=discard_by_employer]")
    await ended.scroll_into_view_if_needed()  # a board that scrolls under the mouse drags nothing
    await moved.drag_to(ended, source_position=edge)  # type: ignore[arg-type]
    await expect(moved.locator("[name=reason]")).to_be_focused()
    await moved.locator("a").click()
    await expect(page.get_by_text("Здравствуйте!")).to_be_visible()


async def _looked_over(who: Somebody, paths: list[str]) -> None:
    """Both seats open all these pages: dark colours are the same on a desktop."""
    is_phone = who.page.viewport_size == PHONE
    for path in paths:
        await who.page.goto(path)
        assert await (who.serious_in_both() if is_phone else who.serious()) == []
        width = await who.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert width <= 0, f"{path} is wider than the window"
