"""Job search in a real browser: filters that apply themselves, saved jobs, no scripts."""

import re
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.builders import eventually
from tests.journeys.browsing import PHONE, Somebody, browsing
from tests.journeys.conftest import Platform
from tests.journeys.paging import api, hires

ALL = ("auth", "profiles", "vacancies", "web")
LONG = "W" * 200
JOBS: dict[str, dict[str, Any]] = {
    "Cook": {"workFormat": "on_site", "area": "Omsk", "experience": "noExperience"},
    'Clerk <b>&</b> "typist"': {"workFormat": "hybrid", "area": "Omsk"},
    "Coder": {"workFormat": "remote", "area": "Tomsk", "experience": "moreThan6"},
    LONG: {"workFormat": "remote", "experience": "noExperience"},
}
FIRST_VISIT = 60_000
"""Bytes, including fonts: the limit in `bench/pages.py`."""
TRANSFERRED = """async () => {
  await document.fonts.ready;
  const kinds = ["navigation", "resource"];
  const all = kinds.flatMap((kind) => performance.getEntriesByType(kind));
  return all.reduce((sum, one) => sum + one.transferSize, 0);
}"""
UNSTYLED = """async (all) => {
  const rules = async (address) => {
    const sheet = await new CSSStyleSheet().replace(await (await fetch(address)).text());
    const flat = (list) =>
      [...list].flatMap((one) => one.selectorText ? [one] : flat(one.cssRules ?? []));
    return flat(sheet.cssRules);
  };
  const mine = document.querySelector("link[rel=stylesheet]").href;
  const kept = new Set((await rules(mine)).map((one) => one.cssText));
  const states = /::?(?:before|after|hover|active|focus[a-z-]*|-webkit-[a-z-]+)\\b/g;
  const left = (await rules(all)).filter((one) => !kept.has(one.cssText));
  if (!left.length) return ["nothing is left out"];
  return left.map((one) => one.selectorText.replace(states, ""))
    .filter((one) => document.querySelector(one));
}"""
pytestmark = [
    pytest.mark.parametrize("broker_url", ["postgres"], indirect=True),
    pytest.mark.timeout(240),
]


async def publish_all(client: httpx.AsyncClient) -> dict[str, str]:
    """The ids of the vacancies by title, once they can be found."""
    await hires(client)
    ids = {}
    for title, fields in JOBS.items():
        body = {"title": title, "description": "<p>Work.</p>"} | fields
        made = await api(client, "POST", "/vacancies/vacancies", body)
        await api(client, "POST", f"/vacancies/vacancies/{made['id']}/publish")
        ids[title] = str(made["id"])

    async def are_found() -> bool:
        found = await client.get("/api/vacancies/vacancies?sort=date")
        return found.status_code == 200 and found.json()["total"] == len(JOBS)

    await eventually(are_found)
    return ids


async def shows(page: Page, count: int) -> None:
    """Wait until this many jobs are found, counted and listed."""
    await expect(page.locator("#found-head")).to_have_text(re.compile(f"^{count} "))
    await expect(page.locator("#found ul.rows > li")).to_have_count(count)


async def choose(page: Page, id: str) -> None:
    """Choose by keyboard, as a blind user does."""
    await page.locator(f"#{id}").focus()
    await page.keyboard.press("Space")


@pytest.mark.long
async def test_filters_apply_themselves(platform: Platform, chromium: str) -> None:
    await platform.start(*ALL)
    url = platform.settings.service_url("web")
    async with platform.client() as boss, browsing(chromium) as browser:
        await publish_all(boss)
        anna = await Somebody.arrive(browser, url, "en")
        page = anna.page
        await page.goto("/")
        await expect(page.locator(".lead")).to_contain_text("4 jobs at 1 company.")
        await page.locator(".band a", has_text="Remote jobs").click()
        await shows(page, 2)
        await page.evaluate("window.stayed = true")

        # values of one facet are alternatives, two facets must both match
        await choose(page, "workFormat-hybrid")
        await shows(page, 3)
        await expect(page.locator("#workFormat-hybrid")).to_be_focused()
        await expect(page.locator("#found-said")).to_have_text("3 jobs")
        await expect(page).to_have_url(re.compile(r"workFormat=remote&workFormat=hybrid"))
        await choose(page, "experience-noExperience")
        await shows(page, 1)
        counts = page.locator("label", has=page.locator("#workFormat-on_site"))
        await expect(counts).to_contain_text("1")
        await page.go_back()
        await shows(page, 3)
        await page.go_back()
        await shows(page, 2)
        await expect(page.locator("#workFormat-hybrid")).not_to_be_checked()
        await page.go_forward()
        await shows(page, 3)
        language = page.locator("footer form[action='/language'] [name=next]")
        await expect(language).to_have_value(re.compile("hybrid"))
        await page.locator(".chip", has_text="Remote").click()
        await shows(page, 1)
        await expect(page.locator("#found-head")).to_be_focused()
        assert await page.evaluate("window.stayed") is True, "no page was loaded"
        assert await anna.serious() == []

        # A typed place becomes a filter. A salary that nobody pays finds nothing, and the page says
        # why.
        await page.fill("#area", "Omsk")
        await page.keyboard.press("Enter")
        await expect(page.locator(".chip", has_text="Omsk")).to_be_visible()
        await expect(page.locator("#area")).to_have_value("")
        assert "q=" not in page.url
        assert "currency" not in page.url, "there is no amount"
        await page.fill("#salaryFrom", "900 000")
        await page.keyboard.press("Enter")
        await expect(page.locator(".empty-state")).to_contain_text("No jobs found")
        offers = page.locator(".empty-state .chip")
        await expect(offers).to_have_count(1)
        await expect(offers).to_contain_text("1 job")
        await expect(page.locator("#found ul.rows > li")).to_have_count(1)
        await offers.click()
        await shows(page, 1)
        await page.locator(".clear").click()
        await shows(page, 4)

        # input cannot break the page, and is kept as typed
        await page.fill("#q", "\"<b>'&")
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(re.compile("q="))
        await expect(page.locator("#q")).to_have_value("\"<b>'&")
        await page.goto(
            "/vacancies?workFormat=remote&workFormat=remote&area=Nowhere&area=Nowhere+2"
        )
        await expect(page.locator("#area")).to_have_value("Nowhere")
        await expect(page.locator(".chips .chip", has_text="Nowhere")).to_have_count(2)
        assert anna.complaints == []


@pytest.mark.long
async def test_jobs_are_saved_on_a_phone_and_without_scripts(
    platform: Platform, chromium: str
) -> None:
    await platform.start(*ALL)
    url = platform.settings.service_url("web")
    async with platform.client() as boss, browsing(chromium) as browser:
        ids = await publish_all(boss)
        anna = await Somebody.arrive(
            browser, url, "ru", viewport=PHONE | {"width": 360}, color_scheme="dark"
        )
        page = anna.page
        await page.goto("/vacancies")
        await shows(page, 4)
        assert await anna.serious() == []
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await page.locator("#filters > summary").click()
        await page.locator("#workFormat-remote").check()
        await expect(page.locator("[data-close-filters]")).to_have_text(re.compile("2 вакансии"))
        await expect(page.locator("#workFormat-remote")).to_be_checked()
        assert await anna.serious() == []
        await page.locator("[data-close-filters]").click()
        await expect(page.locator("#facets")).to_be_hidden()
        await shows(page, 2)
        await page.locator(f"a.save[aria-label$='{LONG}']").click()
        await page.wait_for_url(re.compile(r"/signin\?next=.*vacancies.*workFormat"))

        await anna.sign_up()
        await page.goto(f"/vacancies/{ids['Cook']}")
        await page.evaluate("window.stayed = true")
        heart = page.locator(f"#heart-{ids['Cook']}")
        await heart.click()
        await expect(heart).to_have_attribute("aria-pressed", "true")
        await expect(heart).to_be_focused()
        assert await page.evaluate("window.stayed") is True
        await expect(page.locator(".apply-bar a")).to_be_in_viewport()
        assert await anna.serious() == []

        plain = await Somebody.arrive(
            browser,
            url,
            "en",
            java_script_enabled=False,
            storage_state=await page.context.storage_state(),
        )
        still = plain.page
        await still.goto("/vacancies")
        await still.locator("#experience-noExperience").check()
        await still.locator(".apply button").click()
        await shows(still, 2)
        await still.locator(f"#heart-{ids[LONG]}").click()
        await expect(still.locator(".toast")).to_contain_text("Job saved.")
        await still.goto("/me")
        mine = still.locator("section[aria-labelledby=saved]")
        await expect(mine.locator("li a")).to_have_text([LONG, "Cook"])
        await mine.get_by_role("link", name="All saved jobs").click()
        await expect(still).to_have_url(re.compile("/me/saved$"))
        await still.go_back()
        await still.go_back()
        await shows(still, 2)
        await api(boss, "POST", f"/vacancies/vacancies/{ids['Cook']}/close")
        await still.goto("/me/saved")
        await expect(still.locator("ul.rows > li")).to_have_count(2)
        closed = still.locator("ul.rows > li", has_text="Cook")
        await expect(closed).to_contain_text("Closed")
        await closed.locator("button").click()
        await expect(still.locator("ul.rows > li")).to_have_count(1)
        assert anna.complaints == []

        # A deleted job cannot be saved: the heart stays empty, and a toast gives the reason.
        await api(boss, "POST", f"/vacancies/vacancies/{ids['Cook']}/archive")
        await page.goto("/me/saved")
        await expect(page.locator("ul.rows > li")).to_have_count(1)
        given = {"title": "Cook", "saved": "yes"}
        gone = await boss.post(
            f"/vacancies/{ids['Cook']}/saved", data=given, headers={"HX-Request": "true"}
        )
        assert gone.status_code == 200
        assert 'aria-pressed="false"' in gone.text
        assert "no longer available" in gone.text
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert await anna.serious() == []


async def test_pages_for_visitors_are_small_and_fully_styled(
    platform: Platform, chromium: str
) -> None:
    """They load parts of the style sheets and scripts; no omitted rule applies to them."""
    await platform.start(*ALL)
    url = platform.settings.service_url("web")
    async with platform.client() as boss, browsing(chromium) as browser:
        ids = await publish_all(boss)
        company = (await api(boss, "GET", "/vacancies/companies?q=acme"))["items"][0]["id"]
        paths = ["/", "/vacancies?q=coder", f"/vacancies/{ids['Cook']}", f"/companies/{company}"]
        for path in paths:
            visitor = await Somebody.arrive(browser, url, "ru")
            await visitor.page.goto(path, wait_until="load")
            assert 10_000 < await visitor.page.evaluate(TRANSFERRED) < FIRST_VISIT, path
            assert visitor.complaints == []
        seen = await Somebody.arrive(browser, url, "en", viewport=PHONE)
        await seen.page.goto("/styleguide")
        everything = await seen.page.locator("link[rel=stylesheet]").get_attribute("href")
        assert "/hirewire.css" in str(everything)
        others = ["/signin", "/signup", "/password", "/about", "/status", "/docs/auth", "/nothing"]
        for path in [*paths, "/vacancies?q=nowhere", *others]:
            await seen.page.goto(path)
            assert "visitor.css" in await seen.page.content()
            assert await seen.page.evaluate(UNSTYLED, everything) == [], path
        await seen.page.goto("/about")
        await seen.page.evaluate("document.querySelector('h1').className = 'board'")
        assert await seen.page.evaluate(UNSTYLED, everything) != [], "a planted one is found"
