"""The same without a mouse, and without scripts."""

import pytest
from playwright.async_api import Browser, Page, expect

from tests.journeys.browsing import Somebody, browsing
from tests.journeys.conftest import Platform
from tests.journeys.test_browser import ALL, begin_to_hire


@pytest.mark.long
@pytest.mark.parametrize("broker_url", ["rabbitmq"], indirect=True)
@pytest.mark.timeout(180)
async def test_by_keyboard_alone_and_without_scripts(platform: Platform, chromium: str) -> None:
    await platform.start(*ALL)
    url = platform.settings.service_url("web")
    async with browsing(chromium) as browser:
        await _keyboard(browser, url)
        who = await Somebody.arrive(browser, url, "en", java_script_enabled=False)
        page = who.page
        await page.goto("/signup")
        await page.fill("#email", "plain@example.org")
        await page.fill("#password", "short")
        await page.locator("[name=consent]").check()
        await page.locator("main form button:not([type])").click()
        await expect(page.locator("#password-said")).to_have_text("Must have at least 8 characters")
        await expect(page.locator("#email")).to_have_value("plain@example.org")
        await page.fill("#password", "long enough")
        await page.locator("main form button:not([type])").click()
        await begin_to_hire(who)
        await page.fill("#title", "Plain vacancy")
        await page.locator("form[action='/employer/vacancies'] button").click()
        await page.locator("button[value=publish]").click()
        await expect(page.locator("#description-said")).to_have_text("Required to publish")


@pytest.mark.parametrize("broker_url", ["postgres"], indirect=True)
async def test_slash_goes_to_the_search_from_every_page(platform: Platform, chromium: str) -> None:
    await platform.start(*ALL)
    async with browsing(chromium) as browser:
        who = await Somebody.arrive(browser, platform.settings.service_url("web"), "ru")
        page = who.page
        await page.goto("/about")
        await page.keyboard.press("?")
        await expect(page.locator("#keys dd").first).to_contain_text("к поиску вакансий")
        await page.keyboard.press("/")  # the dialog has the keyboard
        await expect(page.locator("#keys")).to_be_visible()
        await page.keyboard.press("Escape")
        await page.keyboard.press("/")
        await page.wait_for_url("**/vacancies#q")
        await expect(page.locator("#q")).to_be_focused()
        await page.keyboard.type("повар/")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/vacancies?q=*")
        await page.locator("#found-head").focus()
        await page.keyboard.press("/")
        await expect(page.locator("#q")).to_be_focused()
        assert await page.evaluate("getSelection().toString()") == "повар/"
        await page.go_back()
        await page.wait_for_url("**/vacancies#q")
        await page.go_back()
        await page.wait_for_url("**/about")

        await who.sign_up()
        await page.locator("#title").focus()
        await page.keyboard.type("/")
        await expect(page.locator("#title")).to_have_value("/")
        await page.locator("h1").first.click()
        await page.keyboard.press("/")
        await page.wait_for_url("**/vacancies#q")
        await expect(page.locator("#q")).to_be_focused()
        await page.goto("/about")
        await page.evaluate("localStorage.setItem('hirewire-shortcuts', 'off')")
        await page.reload()
        await page.keyboard.press("/")
        await page.keyboard.press("?")
        assert page.url.endswith("/about")
        await expect(page.locator("#keys")).to_be_hidden()
        assert who.complaints == []


async def _keyboard(browser: Browser, url: str) -> None:
    """Hire, publish, invite, sign up, write a resume and apply, without a mouse."""
    boss, anna = [await Somebody.arrive(browser, url, "en") for _ in range(2)]
    page = boss.page
    await page.goto("/")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.className") == "skip"
    await _sign_up_by_keys(page, "keys@example.org")
    await _press(page, "one.getAttribute('href') === '/employer'")
    await page.wait_for_url("**/employer")
    await _type_into(page, "companyName", "Keys & Co")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Keys & Co")).to_be_visible()
    for title in ("First", "Second"):
        await _type_into(page, "title", title)
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/employer/vacancies/*")
        await _type_into(page, "description", "By keys alone.")
        await _type_into(page, "skill", "SQL")
        await _press(page, "one.value === 'publish'")
        await expect(page.locator("button[value=pause]")).to_be_visible()
        await page.goto("/employer")

    page = anna.page
    await _sign_up_by_keys(page, "anna@example.org")
    await _type_into(page, "title", "Analyst")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/resumes/*")
    await _type_into(page, "skill", "SQL")
    await _press(page, "one.value === 'publish'")
    await expect(page.locator("button[value=hide]")).to_be_visible()
    await _press(page, "one.getAttribute('href') === '/me'")
    await expect(page.locator("#matches h3 a")).to_have_count(2)
    await _press(page, "one.closest('#matches h3') && one.textContent === 'First'")
    await page.wait_for_url("**/vacancies/*")
    await _type_into(page, "letter", "Hello!")
    await _press(page, "one.tagName === 'BUTTON' && one.form.action.endsWith('/apply')")
    await expect(page.locator("#application strong").first).to_have_text("Not viewed yet")

    page = boss.page
    await expect(page.locator("#resumes-matched .score")).to_have_count(2)
    who_fits = "one.getAttribute('href')?.includes('/candidates#') && one.textContent === 'Second'"
    await _press(page, who_fits)
    await page.wait_for_url("**/candidates*")
    await _type_into(page, "message", "Come!")
    await _press(page, "one.value === 'invite'")
    await expect(page.get_by_text("Come!")).to_be_visible()
    await expect(page.get_by_role("link", name="Second")).to_be_visible()


async def _sign_up_by_keys(page: Page, email: str) -> None:
    await page.goto("/")
    await _press(page, "one.getAttribute('href') === '/signup'")
    await page.wait_for_url("**/signup*")
    await _type_into(page, "email", email)
    await _type_into(page, "password", "a long password")
    await _tab_to(page, "one.name === 'consent'")
    await page.keyboard.press("Space")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/me*")


async def _press(page: Page, target: str) -> None:
    """Tab to the first element that satisfies the condition, and press Enter."""
    await _tab_to(page, target)
    await page.keyboard.press("Enter")


async def _type_into(page: Page, name: str, text: str) -> None:
    await _tab_to(page, f"one.name === '{name}'")
    await page.keyboard.type(text)


async def _tab_to(page: Page, target: str) -> None:
    for _ in range(120):
        script = f"(() => {{ const one = document.activeElement; return {target}; }})()"
        if await page.evaluate(script):
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not reach: {target}")
