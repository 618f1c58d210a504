"""The scenarios in a real browser, with RabbitMQ between the services."""

from contextlib import suppress

import httpx
import pytest
from playwright.async_api import Page, expect

from hirewire.web.sessions import ACCESS, REFRESH
from tests.builders import eventually
from tests.journeys.browsing import Somebody, browsing
from tests.journeys.conftest import Platform

ALL = ("auth", "profiles", "vacancies", "web")


async def begin_to_hire(who: Somebody) -> None:
    page = who.page
    await page.goto("/employer")
    await page.fill("#companyName", "Northern Light")
    await page.locator("main form button").click()
    await expect(page.get_by_role("heading", name="Northern Light")).to_be_visible()


@pytest.mark.parametrize("broker_url", ["rabbitmq"], indirect=True)
@pytest.mark.timeout(180)
async def test_a_resume_is_edited_in_its_place_and_nothing_typed_is_lost(
    platform: Platform, chromium: str
) -> None:
    await platform.start(*ALL)
    async with browsing(chromium) as browser:
        who = await Somebody.arrive(browser, platform.settings.service_url("web"), "en")
        page = who.page
        await who.sign_up()
        await page.fill("#title", "Cook")
        await page.locator("form[action='/resumes'] button").click()
        await page.wait_for_url("**/resumes/*")
        await page.evaluate("window.sameDocument = true")
        await page.locator("#skills a:has-text('Cancel')").click()
        await page.locator("#skills-edit").click()
        await expect(page.locator("[name=skill]").first).to_be_focused()
        await page.locator("#about-edit").click()
        await expect(page.locator("#summary")).to_be_focused()
        await page.fill("#summary", "Not saved yet")
        rows = page.locator("input[name=skill]")
        for n in range(5):  # there is always one empty line more
            await rows.nth(n).fill(f"skill {n}")
        await expect(rows.nth(5)).to_have_attribute("aria-label", "Skill 6")

        await page.locator("#add-experience a").click()
        await page.fill("#experience-position", "Chef")
        await page.fill("#experience-start", "2020-03")
        await page.keyboard.press("Enter")
        item = page.locator("#experience-list li")
        await expect(item.locator("h3")).to_have_text("Chef")
        await expect(item.locator(".head ~ p")).to_have_text("March 2020 – present")
        await expect(page.locator("#add-experience a")).to_be_focused()
        edit = item.locator("a[id$=-edit]")
        await edit.click()
        await item.locator("[name=end]").fill("2019")
        await item.locator("button[value=save]").click()
        await expect(item.locator(".wrong").first).to_contain_text("not be before the start date")
        assert await who.serious() == []
        await item.locator("[name=end]").fill("2021-05")
        await item.locator("button[value=save]").click()
        await expect(item.locator(".head ~ p")).to_have_text("March 2020 – May 2021")
        await expect(edit).to_be_focused()
        await edit.click()
        await item.locator("button[value=delete]").click()
        await expect(item).to_have_count(0)
        await expect(page.locator(".toast button", has_text="Undo")).to_be_visible()
        await page.wait_for_function("document.activeElement !== document.body")

        await platform.stop("vacancies")
        await page.locator("button[value=reach]").click()
        await expect(page.locator("#told-away")).to_be_visible()
        await platform.start("vacancies")

        async def answers() -> bool:  # the gateway checks again within seconds
            await page.locator("button[value=reach]").click()
            with suppress(AssertionError):
                await expect(page.locator("#reach-skills .done")).to_be_visible(timeout=2000)
            return await page.locator("#reach-skills .done").is_visible()

        await eventually(answers, within=30)
        await expect(page.locator("#told-away")).to_be_hidden()
        await page.context.clear_cookies(name=ACCESS)
        await page.context.clear_cookies(name=REFRESH)
        await page.locator("button[value=reach]").click()
        await expect(page.locator("#told-signed-out")).to_be_visible()
        await expect(page.locator("#summary")).to_have_value("Not saved yet")
        assert await page.evaluate("window.sameDocument")


@pytest.mark.parametrize("broker_url", ["rabbitmq"], indirect=True)
@pytest.mark.timeout(180)
async def test_a_profile_appears_by_itself_when_its_service_comes_up(
    platform: Platform, chromium: str
) -> None:
    await platform.start("auth", "vacancies", "web")
    async with browsing(chromium) as browser:
        who = await Somebody.arrive(browser, platform.settings.service_url("web"), "en")
        page = who.page
        await page.goto("/signup")
        await page.fill("#email", "late@example.org")
        await page.fill("#password", "a long password")
        await page.locator("[name=consent]").check()
        await page.locator("main form button:not([type])").click()
        await expect(page.locator("#profile .note")).to_contain_text("appear here automatically")
        await platform.start("profiles")
        await expect(page.locator("#profile details")).to_be_visible()
        await expect(page.locator("#profile summary strong")).to_have_text("late@example.org")


TABS = 12


@pytest.mark.long
@pytest.mark.parametrize("broker_url", ["rabbitmq"], indirect=True)
@pytest.mark.timeout(180)
async def test_twelve_tabs_share_one_stream(platform: Platform, chromium: str) -> None:
    """A browser allows six connections to a host: with a stream each, page seven would hang."""
    await platform.start(*ALL)
    url = platform.settings.service_url("web")
    async with browsing(chromium) as browser:
        who = await Somebody.arrive(browser, url, "en")
        await who.sign_up()
        tabs = [who.page]
        for _ in range(TABS - 1):
            tab = await who.page.context.new_page()
            await tab.goto("/me")
            tabs.append(tab)
        for tab in tabs:
            await expect(tab.locator("#profile details")).to_be_visible()
        await eventually(lambda: _is_one_stream(url))
        await _name(tabs[-1], "Anna of the last")
        for tab in tabs[:-1]:
            await expect(tab.locator("#profile summary strong")).to_have_text("Anna of the last")
        # The first tab holds the stream; another one takes over.
        await tabs[0].close()
        await eventually(lambda: _is_one_stream(url))
        await _name(tabs[1], "Anna again")
        await expect(tabs[-1].locator("#profile summary strong")).to_have_text("Anna again")
        for tab in tabs[1:]:
            await tab.close()
        await eventually(lambda: _is_no_stream(url))
        assert who.complaints == []


async def _name(page: Page, name: str) -> None:
    await page.goto("/me")
    if not await page.locator("#fullName").is_visible():
        await page.locator("#profile summary").click()
    await page.fill("#fullName", name)
    await page.locator("#profile form button").click()
    await expect(page.locator("#profile summary strong")).to_have_text(name)


async def _streams(url: str) -> int:
    """The number of open live streams, as `web` counts them."""
    async with httpx.AsyncClient() as client:
        figures = (await client.get(f"{url}/metrics")).text
    [line] = [one for one in figures.splitlines() if one.startswith("hirewire_live_streams ")]
    return int(float(line.split()[1]))


async def _is_one_stream(url: str) -> bool:
    return await _streams(url) == 1


async def _is_no_stream(url: str) -> bool:
    return await _streams(url) == 0
