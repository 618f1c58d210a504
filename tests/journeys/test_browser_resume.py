"""A job seeker's pages in a real browser: first steps, blocks of a resume, two tabs, no scripts."""

import re

import pytest
from playwright.async_api import Dialog, expect

from tests.journeys.browsing import PHONE, Somebody, browsing
from tests.journeys.conftest import Platform
from tests.journeys.people import PASSWORD

ALL = ("auth", "profiles", "vacancies", "web")
SUBMIT = "main form button:not([type])"
pytestmark = [
    pytest.mark.parametrize("broker_url", ["postgres"], indirect=True),
    pytest.mark.timeout(180),
]


async def new_resume(who: Somebody, title: str) -> str:
    """Create a resume; returns its path."""
    page = who.page
    await page.goto("/me")
    await page.fill("#title", title)
    await page.locator("form[action='/resumes'] button").click()
    await page.wait_for_url("**/resumes/*")
    return "/resumes/" + page.url.rsplit("/", 1)[1]


@pytest.mark.long
async def test_blocks_are_saved_separately_and_leaving_unsaved_text_asks_first(
    platform: Platform, chromium: str
) -> None:
    await platform.start(*ALL)
    async with browsing(chromium) as browser:
        who = await Somebody.arrive(
            browser, platform.settings.service_url("web"), "en", viewport=PHONE
        )
        page = who.page
        await who.sign_up()
        steps = page.locator(".first-steps")
        await expect(steps.locator("a")).to_have_count(3)
        await page.fill("#fullName", "Anna Lee")
        await page.locator("#profile form button").click()
        await expect(steps.locator("a")).to_have_count(2)  # the profile is filled in
        path = await new_resume(who, "Cook")

        # two tabs change two blocks, and both changes are kept
        await page.locator("#about-edit").click()
        await page.fill("#summary", "Soups " + "и ещё" * 1000)
        other = await page.context.new_page()
        await other.goto(f"{path}?edit=position")
        await other.fill("#area", "Omsk")
        await other.locator("#position button[value=save]").click()
        await expect(other.locator("#position .fact")).to_contain_text("Omsk")
        await expect(other.locator("#position-edit")).to_be_focused()
        await expect(other.locator("#toasts [role=status]")).to_have_text("Saved.")
        await other.close()
        await page.locator("#about button[value=save]").click()
        await expect(page.locator("#about .prewrap")).to_contain_text("Soups")
        await page.reload()
        await expect(page.locator("#position .fact")).to_contain_text("Omsk")

        # Leaving the page loses no input, and asks only if there is unsaved input.
        asked: list[str] = []

        async def stay(dialog: Dialog) -> None:
            asked.append(dialog.type)
            await dialog.dismiss()

        page.on("dialog", stay)
        await page.locator("input[name=skill]").first.fill("SQL")
        await page.locator(".back a").click()
        await expect(page.locator("input[name=skill]").first).to_have_value("SQL")
        assert asked == ["beforeunload"]
        await page.locator("#skills button[value=publish]").click()
        await expect(page.locator("#resume-bar button[value=hide]")).to_be_visible()
        await expect(page.locator("#standing")).to_contain_text("%")
        assert await who.serious() == []
        assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        await page.emulate_media(media="print")
        for name in ("projects", "education", "languages"):
            await expect(page.locator(f"#{name}-head")).to_be_hidden()  # empty
        await expect(page.locator("#about-head")).to_be_visible()
        await page.emulate_media(media="screen")
        await page.locator(".back a").click()
        await page.wait_for_url("**/me")
        assert asked == ["beforeunload"]
        await expect(page.locator("details#new-resume")).not_to_have_attribute("open", "")
        await expect(steps.locator("a")).to_have_count(1)
        assert await who.serious() == []


async def test_without_scripts_a_block_opens_saves_and_keeps_invalid_input(
    platform: Platform, chromium: str
) -> None:
    await platform.start(*ALL)
    async with browsing(chromium) as browser:
        url = platform.settings.service_url("web")
        who = await Somebody.arrive(browser, url, "ru", java_script_enabled=False)
        page = who.page
        await page.goto("/signup?next=/employer")
        await expect(page.locator("input[value=employer]")).to_be_checked()
        await page.locator("input[value=candidate]").check(force=True)
        await page.fill("#email", "plain@example.org")
        await page.fill("#password", PASSWORD)
        await page.locator("[name=consent]").check()
        await page.locator(SUBMIT).click()
        await page.wait_for_url(re.compile("/me"))
        await new_resume(who, "Повар")
        await page.locator("#position-edit").click()
        await page.wait_for_url("**edit=position#position")
        await page.locator("input[name=salaryAmount]").fill("много")
        await page.locator("#position button[value=save]").click()
        await expect(page.locator("#salary-said")).to_be_visible()
        await expect(page.locator("input[name=salaryAmount]")).to_have_value("много")
        await page.locator("input[name=salaryAmount]").fill("100 000")
        await page.locator("#position button[value=save]").click()
        await page.wait_for_url("**done=saved#position")
        await expect(page.locator("#position .pay")).to_contain_text("100")
        await page.locator("#add-experience a").click()
        await page.fill("#experience-position", "Шеф")
        await page.fill("#experience-start", "2020")
        await page.locator("#add-experience-button").click()
        await page.wait_for_url("**done=saved#experience")
        await expect(page.locator("#experience-list h3")).to_have_text("Шеф")
        for address in ("/about", "/privacy", "/contact"):
            await page.goto(address)
            await expect(page.locator("h1")).to_be_visible()
