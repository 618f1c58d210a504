"""New items are marked on every page until they are read, and appear without a reload."""

import re

import httpx
import pytest
from playwright.async_api import Browser, expect

from tests.builders import eventually
from tests.journeys.browsing import DESKTOP, PHONE, browsing
from tests.journeys.conftest import Platform
from tests.journeys.meeting import at, looks, opens, publishes
from tests.journeys.paging import api, page


@pytest.mark.long
@pytest.mark.parametrize("broker_url", ["postgres"], indirect=True)
async def test_new_items_are_marked_until_they_are_read(platform: Platform, chromium: str) -> None:
    await platform.start("auth", "profiles", "vacancies", "notifications", "web")
    url = platform.settings.service_url("web")
    async with platform.client() as boss, platform.client() as anna, browsing(chromium) as browser:
        vacancy, resume = await opens(boss), await looks(anna)
        board = f"/employer/vacancies/{vacancy}/board"
        seen = await at(browser, boss, url, viewport=DESKTOP)
        there = seen.page
        count = there.locator("#unread-employer")
        await there.goto("/employer")
        await expect(there.locator("#received")).to_contain_text("No unread applications.")
        await expect(count).to_be_hidden()

        applied = await anna.post(f"/vacancies/{vacancy}/apply", data={"resumeId": resume})
        application = applied.headers["location"].split("?")[0]
        await expect(count).to_contain_text("1 new")
        await expect(there.locator("#my-vacancies .unread")).to_have_text("1 new")
        await expect(there.locator("#received li")).to_contain_text("Anna Li")
        assert await seen.serious() == []

        await there.goto(board)
        card = there.locator("[data-stage=response] article")
        await expect(card.locator("a")).to_have_text("Anna Li")
        await expect(card).to_contain_text("Chef")
        await expect(card).to_contain_text("Applied ")
        await expect(card.locator(".score")).to_have_text(re.compile(r"^\d+%$"))
        await expect(card.locator(".unread")).to_have_text("New")
        await expect(there.locator("#stage-response .unread")).to_have_text("1 new")
        assert await seen.serious() == []
        await card.locator("a").click()
        await expect(there.locator("#person")).to_have_text("Anna Li")
        await expect(count).to_be_hidden()

        await anna.post(f"{application}/messages", data={"text": "Hello there"})
        await expect(there.get_by_text("Hello there")).to_be_visible()
        await expect(count).to_be_hidden()

        async def is_read() -> bool:  # a page that was reloading meanwhile reloads once more
            found = await api(boss, "GET", "/vacancies/applications/unread")
            return bool(found["asEmployer"] == 0)

        await eventually(is_read)
        await there.goto(board)
        await expect(card.locator("a")).to_have_text("Anna Li")
        await expect(there.locator(".unread")).to_have_count(0)
        await anna.post(f"{application}/messages", data={"text": "One more"})
        await expect(count).to_contain_text("1 new")
        await expect(card.locator(".unread")).to_have_text("New")
        assert seen.complaints == []

        assert 'class="pill unread"' not in await page(anna, "/me")
        await boss.post(f"{application}/messages", data={"text": "Come on Monday"})
        html = await page(anna, "/me")
        assert 'href="/me/applications/all?unread=true">1 new' in html
        assert re.search(r'id="unread-applicant" class="count"><', html)
        assert application in await page(anna, "/me/applications/all?unread=true")
        assert "Come on Monday" in await page(anna, application)
        assert 'class="pill unread"' not in await page(anna, "/me")
        assert re.search(r'id="unread-applicant" class="count" hidden', await page(anna, "/"))
        assert application not in await page(anna, "/me/applications/all?unread=true")
        ours = await page(boss, f"/vacancies/{vacancy}")
        assert "You need a published resume" not in ours
        assert f'href="/employer/vacancies/{vacancy}">Edit job' in ours
        assert board in ours

        await _withdraws(browser, anna, url, application)
        declined = await page(boss, board)
        assert re.search(r'id="stage-ended">Closed.*1 new', declined)
        await _declines(boss, anna, vacancy, resume)
        await _is_scored_unseen(boss, anna, vacancy)
        application = await _the_bell_leads_the_employer(browser, boss, anna, url, resume)
        await _the_bell_leads_the_applicant(browser, boss, anna, url, application)


async def _withdraws(browser: Browser, anna: httpx.AsyncClient, url: str, application: str) -> None:
    """Withdraw without scripts, after a confirmation."""
    still = await at(browser, anna, url, viewport=PHONE, java_script_enabled=False)
    there = still.page
    await there.goto(application)
    button = there.locator("#withdraw button")
    await expect(button).to_be_hidden()
    await there.get_by_text("Withdraw application").click()
    await expect(there.locator("#withdraw")).to_contain_text("cannot be undone")
    await there.fill("#withdraw-comment", "I have moved away")
    await button.click()
    await expect(there.locator("#application strong").first).to_have_text("Withdrawn by you")
    await expect(there.locator(".conversation .event")).to_contain_text(["I have moved away"])


async def _declines(
    boss: httpx.AsyncClient, anna: httpx.AsyncClient, vacancy: str, resume: str
) -> None:
    """The recipient declines an invitation; only its sender can withdraw it."""
    path = f"/employer/vacancies/{vacancy}/candidates"
    for _ in range(2):
        invited = await boss.post(path, data={"action": "invite", "resumeId": resume})
        application = invited.headers["location"].split("?")[0]
        assert "Withdraw invitation" in await page(boss, application)
        russian = await anna.get(application, headers={"Accept-Language": "ru"})
        assert "Отклонить приглашение" in russian.text
        assert "Отозвать" not in russian.text
        if _ == 0:
            await anna.post(f"{application}/withdraw", data={})
            assert "Declined by you" in await page(anna, application)
            assert "Withdrawn by you" not in await page(anna, application)
            assert "Invitation declined" in await page(boss, application)
        else:
            await boss.post(f"{application}/stage", data={"stage": "discard_by_employer"})
            assert "Invitation withdrawn" in await page(anna, application)


async def _is_scored_unseen(boss: httpx.AsyncClient, anna: httpx.AsyncClient, vacancy: str) -> None:
    """A resume that is not visible is no match, but has a score where it applies."""
    body = {"title": "Baker", "skills": [{"name": "SQL"}], "status": "published"}
    made = await api(anna, "POST", "/profiles/resumes", body | {"visibility": "applied"})

    async def applied() -> bool:
        answer = await anna.post(f"/vacancies/{vacancy}/apply", data={"resumeId": made["id"]})
        return answer.status_code == 303

    await eventually(applied)
    board = f"/employer/vacancies/{vacancy}/board"
    for path, tag in ((board, "article"), (f"{board}/response", "li")):
        card, *_ = re.findall(
            rf"<{tag} id=(?:(?!<{tag} id=).)*?Baker.*?(?=<{tag} id=|</main>)",
            await page(boss, path),
            re.DOTALL,
        )
        assert re.search(r'class="score [^"]*">.*?\d+%', card)


async def _the_bell_leads_the_employer(
    browser: Browser, boss: httpx.AsyncClient, anna: httpx.AsyncClient, url: str, resume: str
) -> str:
    """From the count of an open page to the application that came in; returns its path."""
    vacancy = await publishes(boss, "Waiter", "Juggling")
    seen = await at(browser, boss, url, "ru", viewport=PHONE)
    there = seen.page
    bell, rows = there.locator("#unread-notices"), there.locator("#notices li")
    await there.goto("/notices")
    await expect(there.locator("#notices h2")).to_have_text("Сегодня")
    await seen.press("Mark all as read")
    await seen.reads("All notifications are marked as read.")
    await expect(bell).to_be_hidden()
    await expect(there.locator("#notices .unread")).to_have_count(0)

    await there.goto("/employer")
    applied = await anna.post(f"/vacancies/{vacancy}/apply", data={"resumeId": resume})
    await expect(bell).to_have_text(re.compile("^1"))
    await seen.open(there.locator("a.bell"))
    await expect(rows.first).to_have_class("unread")
    await expect(rows.first.locator("a")).to_have_text("Новый отклик на вакансию «Waiter»")
    await expect(there.locator("#notices .unread")).to_have_count(1)
    assert await seen.faults("Waiter", "Cook", "Chef", "Baker") == []
    await there.keyboard.press("j")
    await expect(rows.first.locator("a")).to_be_focused()
    await there.keyboard.press("Enter")
    await there.wait_for_url("**/applications/*")
    await expect(bell).to_be_hidden()
    await there.go_back()
    await expect(there.locator("#notices .unread")).to_have_count(0)
    assert seen.complaints == []
    return applied.headers["location"].split("?")[0]


async def _the_bell_leads_the_applicant(
    browser: Browser, boss: httpx.AsyncClient, anna: httpx.AsyncClient, url: str, application: str
) -> None:
    """The same for the applicant, whose list is live too; and without scripts."""
    seen = await at(browser, anna, url, viewport=DESKTOP)
    there = seen.page
    bell, unread = there.locator("#unread-notices"), there.locator("#notices .unread")
    await there.goto("/notices")
    async with there.expect_response("**/unread"):  # its stream is open, and it has caught up
        await seen.press("Mark all as read")
    await expect(unread).to_have_count(0)
    await boss.post(f"{application}/stage", data={"stage": "interview"})
    await expect(unread.locator("a")).to_have_text("Your application for “Waiter”: Invitation")
    await expect(bell).to_contain_text("1 new")
    assert await seen.serious() == []
    await unread.locator("a").click()
    await there.wait_for_url(f"**{application}")
    await expect(bell).to_be_hidden()

    # The page of the application shows the message, so its notice has been read.
    await boss.post(f"{application}/messages", data={"text": "Come at eight"})
    await expect(there.locator("#application")).to_contain_text("Come at eight")

    async def is_read() -> bool:
        [last] = (await api(anna, "GET", "/notifications/notices?limit=1"))["items"]
        return bool(last["kind"] == "message" and last["read"])

    await eventually(is_read)

    still = await at(browser, anna, url, viewport=PHONE, java_script_enabled=False)
    await there.goto("/notices")
    await expect(unread).to_have_count(0)
    await boss.post(f"{application}/messages", data={"text": "Come at nine"})
    await expect(bell).to_contain_text("1 new")
    await boss.post(f"{application}/messages", data={"text": "Or at ten"})
    await expect(unread.locator("a")).to_have_text("2 new messages about “Waiter”")
    await still.page.goto(application)
    await expect(still.page.locator("#unread-notices")).to_be_hidden()
    await there.reload()
    await expect(unread).to_have_count(0)
    await boss.post(f"{application}/messages", data={"text": "Or at noon"})
    await expect(bell).to_contain_text("1 new")
    await still.page.goto("/notices?unread=true")
    await expect(still.page.locator("#notices li a")).to_have_text("New message about “Waiter”")
    await still.page.get_by_role("button", name="Mark all as read").click()
    await expect(still.page.locator(".toast")).to_contain_text("marked as read")
    await still.page.goto("/notices?unread=true")
    await expect(still.page.locator("#notices")).to_contain_text("No unread notifications")
    assert seen.complaints == []
