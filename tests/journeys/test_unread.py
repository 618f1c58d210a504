"""New items are marked on every page until they are read, and appear without a reload."""

import re

import httpx
import pytest
from playwright.async_api import Browser, expect

from tests.builders import eventually
from tests.journeys.browsing import DESKTOP, PHONE, Somebody, browsing
from tests.journeys.conftest import Platform
from tests.journeys.paging import api, hires, page, sign_up


async def _opens(client: httpx.AsyncClient) -> str:
    """An employer with an open vacancy; returns its id."""
    await hires(client)
    body = {
        "title": "Cook",
        "description": "<p>Soups.</p>",
        "requirements": [{"skill": "SQL", "kind": "must"}],
    }
    made = await api(client, "POST", "/vacancies/vacancies", body)
    await api(client, "POST", f"/vacancies/vacancies/{made['id']}/publish")
    return str(made["id"])


async def _looks(client: httpx.AsyncClient) -> str:
    """A person with a name and a matching resume; returns its id."""
    await sign_up(client, "anna@example.org")

    async def is_named() -> bool:
        headers = {"Authorization": f"Bearer {client.cookies['hirewire_access']}"}
        body = {"fullName": "Anna Li"}
        answer = await client.patch("/api/profiles/me", json=body, headers=headers)
        return answer.status_code == 200

    await eventually(is_named)
    body = {"title": "Chef", "skills": [{"name": "SQL"}], "status": "published"}
    id = str((await api(client, "POST", "/profiles/resumes", body))["id"])

    async def fits() -> bool:
        return ">Cook</a>" in await page(client, "/me/matches/all")

    await eventually(fits)
    return id


async def _at(browser: Browser, client: httpx.AsyncClient, url: str, **context: object) -> Somebody:
    """The same person in a browser."""
    somebody = await Somebody.arrive(browser, url, "en-GB", **context)
    cookies = [{"name": name, "value": value, "url": url} for name, value in client.cookies.items()]
    await somebody.page.context.add_cookies(cookies)  # type: ignore[arg-type]
    return somebody


@pytest.mark.long
@pytest.mark.parametrize("broker_url", ["postgres"], indirect=True)
async def test_new_items_are_marked_until_they_are_read(platform: Platform, chromium: str) -> None:
    await platform.start("auth", "profiles", "vacancies", "web")
    url = platform.settings.service_url("web")
    async with platform.client() as boss, platform.client() as anna, browsing(chromium) as browser:
        vacancy, resume = await _opens(boss), await _looks(anna)
        board = f"/employer/vacancies/{vacancy}/board"
        seen = await _at(browser, boss, url, viewport=DESKTOP)
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


async def _withdraws(browser: Browser, anna: httpx.AsyncClient, url: str, application: str) -> None:
    """Withdraw without scripts, after a confirmation."""
    still = await _at(browser, anna, url, viewport=PHONE, java_script_enabled=False)
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
