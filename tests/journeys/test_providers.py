"""Sign-in at a real OpenID Connect provider, in the pages."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from playwright.async_api import Browser, Page, ViewportSize, expect

from hirewire.launcher.process import free_port
from tests.conftest import missing
from tests.journeys.browsing import IN_EACH_LANGUAGE, Somebody, browsing
from tests.journeys.conftest import Platform
from tests.journeys.mails import mails
from tests.journeys.paging import sign_up
from tests.journeys.people import PASSWORD
from tests.provider import CLIENT, NEEDS, SECRET, installed, real_provider

pytestmark = [
    pytest.mark.parametrize("broker_url", ["postgres"], indirect=True),
    pytest.mark.timeout(180),
]
PROVIDER = "Example ID"
SIGN_UP = "/signup/with/example"


@asynccontextmanager
async def with_provider(platform: Platform) -> AsyncIterator[str]:
    """The platform with the provider `example`."""
    if installed() is None:
        missing("node", NEEDS)
    port = free_port()
    setting = {
        "issuer": f"http://127.0.0.1:{port}",
        "client_id": CLIENT,
        "client_secret": SECRET,
        "name": PROVIDER,
    }
    platform.environment["HIREWIRE_SIGN_IN_PROVIDERS"] = json.dumps({"example": setting})
    back = f"{platform.settings.public_url}/signin/from/example"
    async with real_provider(port, back) as issuer:
        await platform.start("auth", "profiles", "vacancies", "web")
        yield issuer


async def walk(client: httpx.AsyncClient, start: str, name: str) -> str:
    """Follow the provider's pages without a browser; returns the address it leads back to."""
    answer = await client.get(start)
    for _ in range(12):
        if answer.is_redirect:
            place = str(answer.url.join(answer.headers["location"]))
            if "/signin/from/" in place:
                return place
            answer = await client.get(place)
        else:
            assert answer.status_code == 200, answer.text
            [action] = re.findall(r'action="([^"]+)"', answer.text)
            [prompt] = re.findall(r'name="prompt" value="(\w+)"', answer.text)
            form = {"prompt": prompt, "login": name, "password": "any"}
            answer = await client.post(str(answer.url.join(action)), data=form)
    raise AssertionError("the provider does not lead back")


async def fresh_start(client: httpx.AsyncClient, headers: dict[str, str]) -> str:
    """Where a request with these headers leads that wants to sign in at the provider."""
    answer = await client.get("/signin/with/example?next=/me/saved", headers=headers)
    return answer.headers["location"]


async def begun(client: httpx.AsyncClient, path: str = "/signin/with/example") -> str:
    """Where the board sends the browser."""
    answer = await client.get(path)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def test_sign_in_at_a_real_provider(platform: Platform, chromium: str) -> None:
    async with with_provider(platform):
        await _without_scripts(platform)
        url = platform.settings.service_url("web")
        people = zip(IN_EACH_LANGUAGE, (("elena", "fedor"), ("clara", "dora")), strict=True)
        async with browsing(chromium) as browser, platform.client() as client:
            for (language, size), (first, second) in people:
                who = await _arrive(browser, url, language, size)
                await _signs_in_at_the_provider(who, first)
                who = await _arrive(browser, url, language, size)
                await _connects_the_provider(who, client, second)


async def _without_scripts(platform: Platform) -> None:
    async with (
        platform.client() as anna,
        platform.client() as boris,
        httpx.AsyncClient(timeout=20) as there,
    ):
        assert "Continue with Example ID" in (await anna.get("/signin")).text
        back = await walk(there, await begun(anna, "/signin/with/example?next=/account"), "anna")
        foreign = await boris.get(back)  # another browser
        assert foreign.status_code == 410
        assert "started in another browser" in foreign.text
        assert (await boris.get("/me")).status_code == 303
        asked = await anna.get(back)
        assert (asked.status_code, asked.headers["location"]) == (303, SIGN_UP)
        assert "hirewire_attempt=" in asked.headers["set-cookie"]
        form = (await anna.get(SIGN_UP)).text
        assert "anna@example.org" in form
        assert (await anna.get("/me")).status_code == 303  # no session yet
        [version] = re.findall(r'name="consent" value="([^"]+)"', form)
        for data, status in (({}, 422), ({"consent": "older"}, 409)):
            assert (await anna.post(SIGN_UP, data=data)).status_code == status
        assert (await boris.post(SIGN_UP, data={"consent": version})).status_code == 410
        done = await anna.post(SIGN_UP, data={"consent": version, "role": "candidate"})
        assert (done.status_code, done.headers["location"]) == (303, "/account?done=welcome")
        assert (await anna.post(SIGN_UP, data={"consent": version})).status_code == 410
        assert "agree to the processing" not in (await anna.get("/me")).text
        page = (await anna.get("/account")).text
        assert "anna@example.org" in page
        assert "You sign in without a password" in page
        assert (await anna.get(back)).headers["location"] == "/me"  # opened again

        # An address that the provider has not confirmed; and an account that is not connected.
        async with httpx.AsyncClient(timeout=20) as other:
            refused = await boris.get(await walk(other, await begun(boris), "newcomer"))
        assert refused.status_code == 409
        assert "has not confirmed your email address" in refused.text
        await sign_up(boris, "boris@example.org")
        async with httpx.AsyncClient(timeout=20) as other, platform.client() as fresh:
            first = await fresh.get(await walk(other, await begun(fresh), "boris"))
            assert first.status_code == 409
            assert "/signin?next=/account%23identities" in first.text
            cancelled = await fresh.get(f"{back.partition('?')[0]}?error=access_denied&state=x")
            assert cancelled.status_code == 410
            await begun(fresh)
            cancelled = await fresh.get(f"{back.partition('?')[0]}?error=access_denied&state=x")
            assert (cancelled.status_code, "you cancelled" in cancelled.text) == (403, True)
            wrong = await boris.post("/account/identities/example/connect", data={"password": "x"})
            assert (wrong.status_code, "not your current" in wrong.text) == (422, True)
            confirmed = {"password": PASSWORD}
            leaving = await boris.post("/account/identities/example/connect", data=confirmed)
            assert leaving.headers["refresh"].startswith("0; url=http://127.0.0.1:")
            place = leaving.headers["refresh"].removeprefix("0; url=")
            connected = await boris.get(await walk(other, place, "boris"))
        assert connected.headers["location"] == "/account?done=identity_connected#identities"
        cross_site = {"Sec-Fetch-Site": "cross-site"}
        led = await fresh_start(anna, cross_site)
        assert led == "/signin?next=%2Fme%2Fsaved"
        foreign_form = await boris.post("/account/identities/example/connect", headers=cross_site)
        assert foreign_form.status_code == 403
        assert (await anna.get("/signin/with/unknown")).status_code == 404
        log = platform.log.read_text()
        for secret in (SECRET, re.findall(r"code=([\w-]+)", back)[0]):
            assert secret not in log


async def at_provider(page: Page, name: str) -> None:
    """Sign in at the provider, and agree."""
    await page.get_by_placeholder("Enter any login").fill(name)
    await page.get_by_placeholder("and password").fill("any")
    await page.get_by_role("button", name="Sign-in").click()
    await page.get_by_role("button", name="Continue").click()


async def _arrive(browser: Browser, url: str, language: str, size: ViewportSize) -> Somebody:
    who = await Somebody.arrive(browser, url, language, viewport=size)
    fonts = re.compile(r"fonts\.googleapis\.com")  # of the provider's pages
    await who.page.route(fonts, lambda route: route.fulfill(body=""))
    return who


async def _signs_in_at_the_provider(who: Somebody, name: str) -> None:
    """Somebody new, who then has no other way to sign in."""
    page, section = who.page, who.page.locator("#identities")
    await page.goto("/signin?next=/account")
    assert await who.faults(PROVIDER) == []
    button = who.said("Continue with %s").replace("%s", PROVIDER)
    await page.get_by_role("link", name=button).click()
    await at_provider(page, name)
    await expect(page.get_by_text(f"{name}@example.org")).to_be_visible()
    assert await who.faults(PROVIDER) == []
    await page.get_by_role("checkbox").check()
    await page.get_by_role("button", name=who.said("Sign up")).click()
    heading = page.get_by_role("heading", name=who.said("Account and security"))
    await expect(heading).to_be_visible()
    await expect(section).to_contain_text(f"{name}@example.org")
    assert await who.faults(PROVIDER) == []
    await section.get_by_role("button", name=who.said("Disconnect")).click()
    await who.reads("This is your only way to sign in. Set a password first.")
    assert who.complaints == []


async def _connects_the_provider(who: Somebody, client: httpx.AsyncClient, name: str) -> None:
    """Somebody with a password connects, and disconnects."""
    page, section = who.page, who.page.locator("#identities")
    await who.sign_up()
    await page.goto("/account")
    await who.open(section.get_by_role("link", name=who.said("Connect")))
    assert await who.faults(PROVIDER) == []
    await page.fill("#password", PASSWORD)
    button = who.said("Continue to %s").replace("%s", PROVIDER)
    await page.get_by_role("button", name=button).click()
    await at_provider(page, name)
    await who.reads("Connected. You can sign in with it from now on.")
    await section.get_by_role("button", name=who.said("Disconnect")).click()
    await who.reads("Disconnected.")
    log = page.locator("#security-log")
    await expect(log).to_contain_text(who.words.act("identity_disconnected"))
    assert await who.foreign_words(PROVIDER) == []
    for kind in ("identity_connected", "identity_disconnected"):
        for mail in await mails(client, who.mailed(kind)):
            assert who.foreign(mail["text"]) == []
    assert who.complaints == []
