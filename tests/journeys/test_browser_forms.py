"""Responses of forms appear where the user looks: real pages in a real browser."""

import pytest
from playwright.async_api import Page, Route, expect

from hirewire.web.api.models.vacancies import SuggestedSkill
from hirewire.web.pages.templates import rendered
from tests.journeys.browsing import DESKTOP, PHONE, Somebody, browsing
from tests.journeys.conftest import Platform
from tests.journeys.test_browser import ALL, begin_to_hire

pytestmark = [
    pytest.mark.parametrize("broker_url", ["postgres"], indirect=True),
    pytest.mark.timeout(180),
]


async def draft(page: Page, title: str, *skills: str) -> None:
    """A vacancy in its editor, with these skills typed in."""
    await page.goto("/employer")
    await page.fill("#title", title)
    await page.locator("form[action='/employer/vacancies'] button").click()
    await page.wait_for_url("**/vacancies/*")
    for n, skill in enumerate(skills):
        await page.locator("input[name=skill]").nth(n).fill(skill)


async def failing(page: Page, path: str) -> list[int]:
    """Let the next requests fail as while a service starts; returns the remaining failures."""
    left = [503, 0]

    async def fail(route: Route) -> None:
        status = left.pop() if left else None
        if status is None:
            await route.continue_()
        elif status:
            await route.fulfill(status=status)
        else:
            await route.abort()

    await page.route(path, fail)
    return left


async def is_seen(page: Page, selector: str) -> None:
    """Whether the element is inside the window, and nothing covers its middle."""
    found = page.locator(selector)
    await expect(found).to_be_in_viewport(ratio=0.9)
    assert await found.evaluate(
        "one => { const r = one.getBoundingClientRect();"
        " const at = document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2);"
        " return one.contains(at); }"
    )


async def test_the_list_of_suggestions_holds_options_and_named_groups_of_them(
    platform: Platform, chromium: str
) -> None:
    await platform.start(*ALL)
    url = platform.settings.service_url("web")
    # What the service finds by meaning, as the page's own template shows it.
    names = ("PostgreSQL", 'Кэш <&> "данных"', "Third")
    found = [SuggestedSkill(name=one, nameRu=one, matched=one) for one in names]
    meant = rendered("ru", "parts/meant.html", {"items": found, "typed": "постгр"})
    assert rendered("ru", "parts/meant.html", {"items": [], "typed": "x"}).strip() == ""
    async with browsing(chromium) as browser:
        who = await Somebody.arrive(browser, url, "ru", viewport=PHONE)
        page = who.page
        await who.sign_up()
        await page.fill("#title", "Developer")
        await page.locator("form[action='/resumes'] button").click()
        await page.wait_for_url("**/resumes/*")
        asked: list[str] = []

        async def answer(route: Route) -> None:
            asked.append(route.request.url)
            await route.fulfill(body=meant, content_type="text/html")

        await page.route("**/skills?by=meaning*", answer)
        skill, listed = page.locator("input[name=skill]").first, page.locator("#suggested")
        await skill.press_sequentially("постгр")
        group = listed.get_by_role("group", name="Возможно, вы имели в виду")
        options = group.get_by_role("option")
        await expect(options).to_have_text(names[1:])  # the first one is offered above
        assert len(asked) == 1
        await expect(
            listed.locator(":scope > :not([role=option]):not([role=group])")
        ).to_have_count(0)
        await expect(listed.locator("[data-value=PostgreSQL]")).to_have_count(1)
        assert await who.serious() == []
        assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        await page.keyboard.press("ArrowUp")
        await expect(options.last).to_have_attribute("aria-selected", "true")
        last = await options.last.get_attribute("id")
        await expect(skill).to_have_attribute("aria-activedescendant", str(last))
        await page.keyboard.press("ArrowUp")
        await page.keyboard.press("Enter")
        await expect(skill).to_have_value(names[1])
        await expect(listed).to_have_count(0)
        await skill.fill("")
        await skill.press_sequentially("qqqqqq")  # nothing by its letters, and some by its meaning
        await expect(options).to_have_count(3)
        await options.last.click()
        await expect(skill).to_have_value(names[2])
        assert who.complaints == []


@pytest.mark.long
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_responses_appear_next_to_the_button_that_was_pressed(
    platform: Platform, chromium: str, size: dict[str, int]
) -> None:
    await platform.start(*ALL)
    url = platform.settings.service_url("web")
    async with browsing(chromium) as browser:
        who = await Somebody.arrive(browser, url, "en", viewport=size)
        page = who.page
        await who.sign_up()
        await page.fill("#title", "Developer")
        await page.locator("form[action='/resumes'] button").click()
        await page.wait_for_url("**/resumes/*")
        skills, options = (
            page.locator("input[name=skill]"),
            page.locator("#suggested [role=option]"),
        )
        await skills.nth(0).press_sequentially("постгр")
        await expect(options.first).to_be_visible()
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Tab")  # accepts the highlighted option, and continues
        await expect(skills.nth(0)).to_have_value("PostgreSQL")
        await expect(page.locator("select[name=level]").nth(0)).to_be_focused()
        await expect(options).to_have_count(0)
        await page.locator("#position-edit").click()
        await expect(page.locator("#title")).to_be_focused()
        area = page.locator("#area")
        await area.press_sequentially("ерев")  # in the reader's language, whatever was typed
        await expect(options.first).to_have_text("Yerevan Armenia")
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await expect(area).to_have_value("Yerevan")
        failures = await failing(page, "**/skills?*")
        await skills.nth(1).press_sequentially("SQL")
        await expect(options.first).to_be_visible()
        assert failures == []
        await page.keyboard.press("Tab")  # nothing is highlighted
        await expect(skills.nth(1)).to_have_value("SQL")
        await page.locator("#skills button[value=reach]").click()
        await expect(page.locator("#reach-skills")).to_be_focused()
        await is_seen(page, "#reach-skills .done")
        await expect(area).to_have_value("Yerevan")  # of a block that is not saved yet
        await page.locator("#skills button[value=publish]").click()
        await expect(page.locator("button[value=hide]")).to_be_visible()

        await begin_to_hire(who)
        await draft(page, "Rarely found", "COBOL", "Fortran")
        await page.evaluate("scrollTo(0, 0)")
        await page.locator("button[value=price]").click()
        await expect(page.locator("#price")).to_be_focused()
        await expect(page.locator("#price li")).to_have_count(2)
        await expect(page.locator("#price li").first).to_contain_text("excludes 1 of 1")
        await is_seen(page, "#price li >> nth=0")
        assert await page.evaluate("scrollY") < 100, "where the person was"
        assert await who.serious() == []
        await page.fill("input[name=salary_min]", "much")
        await page.locator("button[value=price]").click()
        await expect(page.locator("#price .wrong")).to_be_visible()
        await expect(page.locator("input[name=salary_min]")).to_have_value("much")
        here, state = page.url, await page.context.storage_state()
        await page.goto(f"{here}?done=saved")
        toast = await page.locator("#toasts .toast").bounding_box()
        buttons = await page.locator(".save-bar button[value=save]").bounding_box()
        assert toast
        assert buttons
        assert size is DESKTOP or toast["y"] + toast["height"] < buttons["y"], "it covers them"

        still = await Somebody.arrive(
            browser, url, "ru", viewport=size, java_script_enabled=False, storage_state=state
        )
        page = still.page
        await page.goto(here)
        await page.locator("input[name=skill]").nth(0).fill("COBOL")
        await page.locator("button[value=price]").click()
        await page.wait_for_url("**/vacancies/*#price")
        await expect(page.locator("#price li").first).to_contain_text("отсеивает 1 из 1")
        await is_seen(page, "#price li >> nth=0")
