"""Interviews in a browser: without scripts, on a phone, in both languages, with the keyboard."""

import re
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from ical.calendar_stream import IcsCalendarStream
from playwright.async_api import expect

from hirewire.kit.clock import now
from tests.builders import eventually
from tests.journeys.browsing import DESKTOP, PHONE, Somebody, browsing
from tests.journeys.conftest import Platform
from tests.journeys.paging import api, hires, sign_up

ALL = ("auth", "profiles", "vacancies", "web")
JOB = {
    "title": "Cook",
    "description": "<p>Soups.</p>",
    "requirements": [{"skill": "SQL", "kind": "must"}],
}
RESUME = {"title": "Chef", "skills": [{"name": "SQL", "level": 4}], "status": "published"}
PLACE = "https://meet.acme.example/room?a=1&b=<x>"
NAMES = ("Acme", "Cook", "Chef", "Bring a knife", "SQL", "AE", "UTC", "room?a=1&b=<x>")
pytestmark = [
    pytest.mark.parametrize("broker_url", ["postgres"], indirect=True),
    pytest.mark.timeout(180),
]


async def applied(boss: httpx.AsyncClient, anna: httpx.AsyncClient) -> str:
    """Anna applies to a job of the boss; returns the application's id."""
    await hires(boss)
    vacancy = (await api(boss, "POST", "/vacancies/vacancies", JOB))["id"]
    await api(boss, "POST", f"/vacancies/vacancies/{vacancy}/publish")
    await sign_up(anna, "anna@example.org")
    resume = (await api(anna, "POST", "/profiles/resumes", RESUME))["id"]

    async def made() -> Any:
        headers = {"Authorization": f"Bearer {anna.cookies['hirewire_access']}"}
        path = f"/api/vacancies/vacancies/{vacancy}/applications"
        answer = await anna.post(path, json={"resumeId": resume}, headers=headers)
        return answer.json()["id"] if answer.status_code == 201 else None

    id = await eventually(made)
    assert isinstance(id, str)
    return id


@pytest.mark.parametrize(
    ("hiring", "looking", "size"), [("en", "ru", DESKTOP), ("ru", "en", PHONE)]
)
async def test_an_interview_is_agreed_moved_and_called_off_without_scripts(
    platform: Platform, chromium: str, hiring: str, looking: str, size: Any
) -> None:
    await platform.start(*ALL)
    url = platform.settings.service_url("web")
    async with platform.client() as one, platform.client() as other, browsing(chromium) as browser:
        application = await applied(one, other)
        plain = {"viewport": size, "java_script_enabled": False}
        boss = await Somebody.arrive(browser, url, hiring, **plain)
        anna = await Somebody.arrive(browser, url, looking, **plain)
        await boss.sign_in("boss@example.org", to="/employer")
        await anna.sign_in("anna@example.org", to="/me")
        path = f"/applications/{application}"
        await boss.page.goto(path)
        await boss.page.locator("#interview-new > summary").press("Enter")
        day = (now() + timedelta(days=3)).date()
        form = boss.page.locator("#interview-new form")
        await form.locator("[name=day]").nth(0).fill("2020-01-01")
        await form.locator("[name=time]").nth(0).fill("10:00")
        await form.locator("[name=day]").nth(1).fill(str(day))
        await form.locator("[name=time]").nth(1).fill("15:30")
        await form.locator("[name=timeZone]").select_option("Asia/Tokyo")
        await form.locator("[name=place]").fill(PLACE)
        await form.locator("[name=note]").fill("Bring a knife")
        await form.locator("button").click()
        await boss.reads("Must not be in the past")
        await expect(form.locator("[name=place]")).to_have_value(PLACE)
        await form.locator("[name=day]").nth(0).fill(str(day))
        await form.locator("button").click()
        await boss.reads("Waiting for the candidate to choose one of these times.")
        assert await boss.foreign_words(*NAMES) == []

        if size is PHONE:  # axe needs scripts
            for who, language in ((boss, hiring), (anna, looking)):
                state = await who.page.context.storage_state()
                same = await Somebody.arrive(
                    browser, url, language, viewport=size, storage_state=state
                )
                await same.page.goto(path)
                assert await same.serious() == []

        await anna.page.goto("/me")
        await anna.page.locator("#ahead-applicant a").first.click()
        await anna.page.locator("[name=start]").nth(1).check()
        await anna.page.locator("form[action$='/choose'] button").click()
        await anna.reads("The interview is scheduled.")
        assert await anna.foreign_words(*NAMES) == []
        link = anna.page.locator("a[href$='.ics']")
        async with anna.page.expect_download() as downloaded:
            await link.click()
        file = await (await downloaded.value).path()
        [event] = IcsCalendarStream.calendar_from_ics(file.read_text()).events
        assert event.dtstart == datetime.combine(day, time(15, 30), ZoneInfo("Asia/Tokyo"))
        assert event.location == PLACE

        await anna.page.locator("#interview-ask > summary").click()
        await anna.page.fill("#ask-message", "Could it be later?")
        await anna.page.locator("#interview-ask button").click()
        await anna.reads("You have asked for other times.")
        await boss.page.goto(path)
        await expect(boss.page.get_by_text("Could it be later?")).to_be_visible()
        again = boss.page.locator("#interview-propose form")
        await again.locator("[name=day]").nth(0).fill(str(day + timedelta(days=1)))
        await again.locator("[name=time]").nth(0).fill("09:00")
        await again.locator("button").click()
        await anna.page.goto(path)
        await anna.page.locator("form[action$='/choose'] button").click()
        await boss.page.goto("/employer")
        await boss.page.locator("#ahead-employer a").first.click()
        await boss.page.locator("#interview-cancel > summary").click()
        await boss.page.locator("#interview-cancel button").click()
        await anna.page.goto(path)
        await anna.reads("The interview was cancelled.")

        await anna.page.goto("/interviews")
        await anna.page.locator("button[value=renew]").click()
        assert await anna.foreign_words(*NAMES) == []
        address = await anna.page.locator("#address").input_value()
        async with httpx.AsyncClient() as program:
            feed = await program.get(address)
            assert feed.headers["content-type"] == "text/calendar; charset=utf-8"
            assert IcsCalendarStream.calendar_from_ics(feed.text).events == []
            headers = {"If-None-Match": feed.headers["etag"]}
            assert (await program.get(address, headers=headers)).status_code == 304
            await anna.page.locator("button[value=renew]").click()
            gone = await program.get(address)
            assert (gone.status_code, "set-cookie" in gone.headers) == (404, False)
        secret = re.findall(r"[A-Za-z0-9_-]{43}", address)[0]
        assert secret not in platform.log.read_text()
