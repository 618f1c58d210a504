"""Notification settings in a real browser: with scripts, without, and in two tabs at once."""

import pytest
from playwright.async_api import Browser, Page, expect

from tests.builders import eventually
from tests.journeys.browsing import IN_EACH_LANGUAGE, PHONE, Somebody, browsing
from tests.journeys.conftest import Platform

PATH = "/account/notifications"
pytestmark = [
    pytest.mark.parametrize("broker_url", ["postgres"], indirect=True),
    pytest.mark.timeout(180),
]


async def save(page: Page) -> None:
    """Save, and wait for the answer: a script takes `done` out of the address once it is read."""
    async with page.expect_navigation(url=f"**{PATH}?done=saved"):
        await page.locator(".wishes .bottom-line button").click()


async def test_a_person_chooses_what_comes(platform: Platform, chromium: str) -> None:
    await platform.start("auth", "profiles", "vacancies", "notifications", "web")
    url = platform.settings.service_url("web")
    async with browsing(chromium) as browser:
        for language, size in IN_EACH_LANGUAGE:
            who = await Somebody.arrive(
                browser, url, language, viewport=size, timezone_id="Asia/Calcutta"
            )
            page = who.page
            await who.sign_up()
            await page.goto("/account")
            await who.press("Notification settings", "link")
            zone = page.locator("#zone")
            await expect(zone).to_have_value("Asia/Kolkata")  # as the browser's clock at sign-up
            await zone.select_option("")
            await save(page)  # as for people who signed up before there were time zones
            await expect(zone).to_have_value("Asia/Kolkata")
            await who.reads("Found by your browser: save it.")
            assert await who.faults() == []
            assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
            search = page.get_by_label(who.said("Find a time zone"))
            await search.fill("europe mosc")
            options = zone.locator("option")
            await expect(options).to_have_count(1)
            await expect(zone).to_have_value("Europe/Moscow")
            await search.press("Enter")  # does not send the form
            await search.fill("qqq")
            await expect(zone).to_have_value("Europe/Moscow")  # nothing is found: all stay
            await search.fill("")
            await zone.select_option("Europe/Moscow")
            await page.locator("[name='mail.message']").select_option("weekly")
            await page.locator("[name='push.message']").uncheck()
            await page.locator("[name=quiet]").check()
            await save(page)
            await who.reads("Saved.")
            await expect(zone).to_have_value("Europe/Moscow")
            await expect(page.locator("[name=quiet]")).to_be_checked()
            assert who.complaints == []
            if size == PHONE:
                await _in_two_tabs_without_scripts(browser, url, who)


async def _in_two_tabs_without_scripts(browser: Browser, url: str, who: Somebody) -> None:
    """What one tab saves stays when another one, which was open before, saves something else."""
    state = await who.page.context.storage_state()
    plain = await Somebody.arrive(
        browser, url, "ru", java_script_enabled=False, storage_state=state, viewport=PHONE
    )
    first, second = plain.page, await plain.page.context.new_page()
    for page in (first, second):
        await page.goto(PATH)
        await expect(page.locator("[data-zone-search]")).to_be_hidden()
        await expect(page.locator("[name='mail.message']")).to_have_value("weekly")
    await first.locator("[name='mail.message']").select_option("off")
    await save(first)
    await second.locator("[name='mail.invitation']").select_option("daily")
    await save(second)

    async def both() -> bool:
        await first.goto(PATH)
        fields = [first.locator(f"[name='mail.{kind}']") for kind in ("message", "invitation")]
        return [await one.input_value() for one in fields] == ["off", "daily"]

    await eventually(both)
