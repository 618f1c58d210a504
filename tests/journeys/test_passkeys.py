"""A passkey and codes of an app, in the pages and in a browser with a virtual authenticator."""

import html
import re
from typing import Any

import httpx
import pyotp
import pytest
from playwright.async_api import CDPSession, Page, expect

from hirewire.web.i18n.problem_texts import TEXTS
from tests.journeys.browsing import IN_EACH_LANGUAGE, Somebody, browsing
from tests.journeys.conftest import Platform
from tests.journeys.mails import code_of
from tests.journeys.paging import sign_up
from tests.journeys.people import PASSWORD
from tests.journeys.test_passwords import ALL

pytestmark = [
    pytest.mark.parametrize("broker_url", ["postgres"], indirect=True),
    pytest.mark.timeout(180),
]
LATE_OFFER = """{
  const asked = PublicKeyCredential.isConditionalMediationAvailable.bind(PublicKeyCredential);
  const allowed = new Promise((allow) => { window.letOffer = () => { allow(); return asked(); }; });
  PublicKeyCredential.isConditionalMediationAvailable = () => allowed.then(asked);
}"""
"""Offers a passkey in the field of the address only after `letOffer()`."""

PRESSED_TWICE = """{
  const form = document.querySelector("form[data-passkey]");
  form.requestSubmit();
  form.requestSubmit();
}"""
"""So that no answer comes between."""


def named(platform: Platform) -> str:
    """Give the board a name; returns its address."""
    port = platform.environment["HIREWIRE_WEB_PORT"]
    platform.environment["HIREWIRE_PUBLIC_URL"] = f"http://localhost:{port}"
    return platform.environment["HIREWIRE_PUBLIC_URL"]


class Virtual:
    """The virtual authenticator of a browser, which checks the person or does not answer."""

    def __init__(self, session: CDPSession, id: str) -> None:
        self._session = session
        self._id = id

    @classmethod
    async def beside(cls, page: Page) -> "Virtual":
        session = await page.context.new_cdp_session(page)
        await session.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            **dict.fromkeys(("hasResidentKey", "hasUserVerification", "isUserVerified"), True),
        }
        made = await session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        return cls(session, made["authenticatorId"])

    async def answers(self, is_there: bool) -> None:
        """Whether somebody touches it at once."""
        await self._session.send(
            "WebAuthn.setAutomaticPresenceSimulation",
            {"authenticatorId": self._id, "enabled": is_there},
        )

    async def credentials(self) -> list[dict[str, Any]]:
        """The passkeys on it."""
        found = await self._session.send("WebAuthn.getCredentials", {"authenticatorId": self._id})
        listed: list[dict[str, Any]] = found["credentials"]
        return listed


async def _verified_with_passkey(who: Somebody, client: httpx.AsyncClient) -> Virtual:
    page = who.page
    virtual = await Virtual.beside(page)
    await who.sign_up()
    await page.goto("/account")
    text = await page.locator("section", has=page.locator("#email-head")).inner_text()
    [email] = re.findall(r"\S+@example\.org", text)
    await page.fill("#code", await code_of(client, email))
    await who.press("Confirm")
    await expect(page.locator(".verify")).to_have_count(0)
    await page.goto("/account")
    await who.press("Add a passkey", "link")
    assert await who.faults() == []
    await page.fill("#password", PASSWORD)
    await who.press("Continue")
    create = page.get_by_role("button", name=who.said("Create passkey"))
    await expect(create).to_be_visible()
    assert await who.faults() == []
    await create.click()
    await who.reads("Passkey added. You can sign in with it now.")
    await page.goto("/account")
    await expect(page.locator("#passkeys li")).to_have_count(1)
    assert await who.faults() == []
    [made] = await virtual.credentials()
    assert (made["rpId"], made["isResidentCredential"]) == ("localhost", True)
    return virtual


async def _sign_out(who: Somebody) -> None:
    page = who.page
    await page.locator("details.menu summary").click()
    await page.locator("form[action='/signout'] button").click()
    await who.reads("You have signed out.")


async def _sign_in(who: Somebody, virtual: Virtual) -> None:
    """Press again and again: only the last press counts, and nothing is said of the others."""
    page = who.page
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url) if one.url.endswith("/options") else None)
    await virtual.answers(False)
    await page.add_init_script(LATE_OFFER)
    button = page.get_by_role("button", name=who.said("Sign in with a passkey"))
    alert = page.get_by_role("alert")
    for is_before in (True, False):
        await page.goto("/signin?next=/account")
        if is_before:
            async with page.expect_response("**/options"):
                await page.evaluate("window.letOffer()")
        async with page.expect_response("**/options"):
            await button.click()
        await page.evaluate("window.letOffer()")
        async with page.expect_response("**/options"):
            await button.dblclick()
        await expect(alert).to_have_count(0)
    assert await who.faults() == []
    await expect(alert).to_have_count(0)
    assert len(asked) == 7, "one for each press, and for the offer that came first"
    await page.goto("/signin?next=/account")
    await virtual.answers(True)
    await page.evaluate(PRESSED_TWICE)
    await page.wait_for_url(re.compile(r"^[^?]+/account$"))
    assert len(asked) == 9


@pytest.mark.long
async def test_a_passkey_from_signing_up_to_signing_in(platform: Platform, chromium: str) -> None:
    url = named(platform)
    await platform.start(*ALL)
    async with browsing(chromium) as browser, platform.client() as client:
        for language, size in IN_EACH_LANGUAGE:
            who = await Somebody.arrive(browser, url, language, viewport=size)
            page = who.page
            virtual = await _verified_with_passkey(who, client)
            await _sign_out(who)
            await _sign_in(who, virtual)
            await expect(page.locator("#passkeys li")).to_have_count(1)
            await who.open(page.locator("#passkeys li a"))
            assert await who.faults() == []
            await page.fill("#password", PASSWORD)
            await who.press("Remove")
            await who.reads("Passkey removed.")
            await _sign_out(who)
            await page.goto("/signin")
            await page.evaluate("window.letOffer()")  # in the field of the address: without a press
            await who.reads(str(TEXTS["passkey_unknown"]))
            assert [one for one in who.complaints if "401" not in one] == []
    assert PASSWORD not in platform.log.read_text()


def _hidden(text: str, name: str) -> str:
    value, *_ = re.findall(rf'name="{name}" value="([^"]*)"', text)
    return html.unescape(str(value))


async def test_codes_without_scripts(platform: Platform) -> None:
    await platform.start(*ALL)
    async with platform.client() as anna, platform.client() as phone:
        await sign_up(anna, "anna@example.org")
        account = (await anna.get("/account")).text
        assert "the site needs https and a domain name" in account
        assert 'href="/account/two-step"' in account
        wrong = await anna.post("/account/two-step", data={"password": "wrong"})
        assert (wrong.status_code, "This is not your current password." in wrong.text) == (
            422,
            True,
        )
        setup = await anna.post("/account/two-step", data={"password": PASSWORD})
        assert 'src="data:image/svg+xml' in setup.text
        sent = {name: _hidden(setup.text, name) for name in ("secret", "otpauth")}
        again = await anna.post("/account/two-step/confirm", data=sent | {"code": "12345"})
        assert again.status_code == 422
        assert "This code is wrong or was used already." in again.text
        assert {name: _hidden(again.text, name) for name in sent} == sent
        app = pyotp.TOTP(sent["secret"])
        confirmed = await anna.post("/account/two-step/confirm", data=sent | {"code": app.now()})
        codes = re.findall(r"<code>([a-z0-9]{4}(?:-[a-z0-9]{4}){2})</code>", confirmed.text)
        assert len(codes) == 10
        assert f"%0A{codes[9]}%0A" in confirmed.text, "a file to download"
        assert confirmed.headers["cache-control"] == "no-store"
        assert "10 recovery codes left" in (await anna.get("/account")).text

        typed = {"email": "anna@example.org", "password": PASSWORD, "next": "/account"}
        step = await phone.post("/signin", data=typed)
        assert (step.status_code, "Enter the code" in step.text) == (401, True)
        assert not phone.cookies, "no session yet"
        assert (await phone.get("/account")).headers["location"].startswith("/signin")
        ticket = {name: _hidden(step.text, name) for name in ("ticket", "next")}
        bad = await phone.post("/signin/code", data=ticket | {"code": "000000"})
        assert bad.status_code == 422
        assert {name: _hidden(bad.text, name) for name in ticket} == ticket
        done = await phone.post("/signin/code", data=ticket | {"code": codes[0]})
        assert (done.status_code, done.headers["location"]) == (303, "/account")
        assert "9 recovery codes left" in (await phone.get("/account")).text
        late = await phone.post("/signin/code", data=ticket | {"code": codes[1]})
        assert (late.status_code, "Enter your password again." in late.text) == (410, True)
        reloaded = await phone.get("/signin/code", headers={"Accept": "text/html"})
        assert reloaded.headers["location"] == "/signin"

        body = {"password": PASSWORD, "code": codes[1]}
        renewed = await anna.post("/account/two-step/codes", data=body)
        assert renewed.text.count("<li><code>") == 10
        assert codes[2] not in renewed.text
        [code, *_] = re.findall(r"<li><code>([^<]+)</code>", renewed.text)
        assert (await anna.post("/account/two-step/off", data=body)).status_code == 422
        off = await anna.post("/account/two-step/off", data=body | {"code": code})
        assert off.headers["location"] == "/account?done=two_step_off#two-step"
        assert (await phone.post("/signin", data=typed)).status_code == 303
        log = platform.log.read_text()
        for secret in (sent["secret"], ticket["ticket"], codes[0], code):
            assert secret not in log
