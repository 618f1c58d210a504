"""The pages of webhooks in a real browser, in front of the real service."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from aiohttp import web
from playwright.async_api import Page, expect
from starlette.types import Receive, Scope, Send

from hirewire.assembly import load_settings
from hirewire.launcher.process import free_port
from hirewire.web.app import create_web
from hirewire.web.sessions import ACCESS
from tests.journeys.browsing import DESKTOP, IN_EACH_LANGUAGE, PHONE, Somebody, browsing
from tests.notifications.webhooks.conftest import Hooks
from tests.services import token_for
from tests.web.conftest import reply, serving

PICTURES = os.environ.get("HIREWIRE_TEST_PICTURES")
"""A folder for pictures of the pages, to look at them."""


async def _others(scope: Scope, receive: Receive, send: Send) -> None:
    """All other services: nothing is new."""
    if scope["type"] == "http":
        await reply(send, b'{"applicant": 0, "employer": 0}')


@asynccontextmanager
async def front(hooks: Hooks) -> AsyncIterator[str]:
    """The address of the gateway before the service."""
    names = ("web", "auth", "profiles", "vacancies", "notifications")
    ports = {f"{name}_port": free_port() for name in names}
    app = create_web(load_settings({}, **ports))

    async def service(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":  # it is started already
            await hooks.board.service.app(scope, receive, send)

    async with (
        serving(service, ports["notifications_port"]),
        serving(_others, ports["vacancies_port"]),
        serving(app, ports["web_port"]),
    ):
        yield f"http://127.0.0.1:{ports['web_port']}"


async def _looked_at(who: Somebody, name: str) -> None:
    """Nothing is wrong with the page; a picture of it."""
    if PICTURES:
        kind = "phone" if (who.page.viewport_size or DESKTOP) == PHONE else "desktop"
        path = Path(PICTURES) / f"{name}-{who.words.lang}-{kind}.png"
        await who.page.screenshot(path=path, full_page=True)
    assert await who.faults("Test", "OK") == [], name
    width = await who.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert width <= 0, f"{name} is wider than the screen"


async def _sent(hooks: Hooks, page: Page) -> None:
    await hooks.make_due()
    await hooks.work()
    await page.reload()


@pytest.mark.parametrize(("language", "screen"), IN_EACH_LANGUAGE)
async def test_a_company_adds_a_webhook_tries_it_and_mends_it(
    hooks: Hooks, chromium: str, language: str, screen: dict[str, int]
) -> None:
    async with front(hooks) as url, browsing(chromium) as browser:
        who = await Somebody.arrive(browser, url, language, viewport=screen)
        token = token_for(hooks.board.carla, role="employer")
        await who.page.context.add_cookies([{"name": ACCESS, "value": token, "url": url}])
        page = who.page
        await page.goto("/employer/webhooks")
        await _looked_at(who, "empty")

        await page.fill("#url", "https://10.0.0.1/")
        await page.locator("input[value='application.submitted']").check()
        await page.locator("main form button:not([type])").click()
        await who.reads("This is not a public address")
        await page.fill("#url", hooks.receiver.url)
        await page.locator("main form button:not([type])").click()
        secret = await page.locator("pre").inner_text()
        assert secret.startswith("whsec_")
        await _looked_at(who, "secret")
        await who.press("Done", "link")

        hooks.receiver.answer = lambda _: web.Response(status=500, text="Out of order")
        await who.press("Send a test")
        await who.reads("A test is on its way. Look at the deliveries in a moment.")
        await hooks.board.consume(hooks.board.submitted())
        await _sent(hooks, page)
        assert secret not in await page.content()
        await expect(page.locator("ul.rows > li")).to_have_count(2)
        await _looked_at(who, "failing")
        await hooks.execute("update webhook_delivery set state = 'dead'")
        await page.reload()
        await page.locator("ul.rows a").last.click()
        await expect(page.locator("ol.rows")).to_contain_text("Out of order")
        await _looked_at(who, "delivery")
        hooks.receiver.answer = lambda _: 204
        await who.press("Send again")
        await who.reads("It is sent again.")
        await _sent(hooks, page)
        await expect(page.locator("main .pill")).to_have_text(who.said("Delivered"))
        hooks.receiver.requests[-1].verified(secret)

        await page.locator(".crumbs a").click()
        await who.press("Resend all failed")
        await who.reads("It is sent again.")
        await _sent(hooks, page)
        await who.press("Switch off")
        await who.reads("Switched off.")
        await _looked_at(who, "off")
        await hooks.execute("update webhook set off_reason = 'failing'")
        await page.goto("/employer/webhooks")
        await _looked_at(who, "list")
        await page.locator("ul.rows a").click()
        await who.press("Switch on")
        await page.locator("details summary", has_text=who.said("New secret")).click()
        await who.press("Make a new secret")
        assert await page.locator("pre").inner_text() != secret
        await who.press("Done", "link")
        await page.locator("details summary", has_text=who.said("Delete")).click()
        await who.press("Delete webhook")
        await expect(page.locator("ul.rows")).to_have_count(0)
        assert [one for one in who.complaints if "/live" not in one and "422" not in one] == []


async def test_operators_have_pages_of_their_own(hooks: Hooks, chromium: str) -> None:
    async with front(hooks) as url, browsing(chromium) as browser:
        who = await Somebody.arrive(browser, url, "en", viewport=DESKTOP, java_script_enabled=False)
        token = token_for(uuid4(), role="admin")
        await who.page.context.add_cookies([{"name": ACCESS, "value": token, "url": url}])
        page = who.page
        await page.goto("/admin/webhooks")
        await page.fill("#url", hooks.receiver.url)
        await page.locator("input[value='user.registered']").check()
        await page.locator("main form button:not([type])").click()
        await who.press("Done", "link")
        assert "/admin/webhooks/" in page.url
        of_board = page.url
        answer = await page.goto(of_board.replace("/admin/", "/employer/"))
        assert answer is not None
        assert answer.status == 404
        await page.context.clear_cookies()
        carla = token_for(hooks.board.carla, role="employer")
        await page.context.add_cookies([{"name": ACCESS, "value": carla, "url": url}])
        for path in (of_board, "/admin/webhooks"):
            answer = await page.goto(path)
            assert answer is not None
            assert answer.status == 404
