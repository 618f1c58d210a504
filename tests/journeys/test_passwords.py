"""A forgotten password in the pages: link by mail, new password, sign-in."""

import re

import httpx
import pytest
from playwright.async_api import expect

from hirewire.auth.mails.letters import texts
from tests.builders import eventually
from tests.journeys.browsing import IN_EACH_LANGUAGE, PHONE, Somebody, browsing
from tests.journeys.conftest import Platform
from tests.journeys.mails import code_of, follow, mails
from tests.journeys.paging import hires, sign_up
from tests.journeys.people import PASSWORD

pytestmark = [
    pytest.mark.parametrize("broker_url", ["postgres"], indirect=True),
    pytest.mark.timeout(180),
]
ALL = ("auth", "profiles", "vacancies", "web")
NEW = "a new horse battery"


async def test_without_scripts_and_in_english(platform: Platform) -> None:
    await platform.start(*ALL)
    async with platform.client() as anna, platform.client() as other:
        await sign_up(anna, "anna@example.org")
        await sign_up(other, "other@example.org")
        unknown = await other.post("/password/forgot", data={"email": "nobody@example.org"})
        known = await other.post("/password/forgot", data={"email": "anna@example.org"})
        assert known.status_code == unknown.status_code == 200
        assert known.text.replace("anna@", "nobody@") == unknown.text
        [mail] = await mails(anna, "Set a new password")
        assert mail["to"] == "anna@example.org"
        [link] = re.findall(r"http://\S+/password/reset\?token=\S+", mail["text"])
        path = link.removeprefix(platform.settings.public_url)
        token = path.partition("=")[2]

        for _ in range(2):  # a mail scanner opens it too
            shown = await other.get(path)
            assert shown.status_code == 200
            assert shown.headers["referrer-policy"] == "no-referrer"
            assert shown.headers["cache-control"] == "no-store"
        short = await other.post(path, data={"password": "short"})
        assert short.status_code == 422
        assert "Must have at least 8 characters" in short.text
        assert short.headers["referrer-policy"] == "no-referrer"
        done = await other.post(path, data={"password": NEW})
        assert (done.status_code, done.headers["location"]) == (303, "/signin?done=new_password")
        page = await other.get(done.headers["location"])
        assert "Your password has been changed. Sign in with the new one." in page.text
        assert (await other.get("/me")).headers["location"].startswith("/signin")

        again = await other.post(path, data={"password": NEW})
        assert again.status_code == 410
        assert "This link does not work any more" in again.text
        assert 'href="/password/forgot"' in again.text
        typed = {"email": "anna@example.org", "password": PASSWORD}
        assert (await other.post("/signin", data=typed)).status_code == 401
        assert (await other.post("/signin", data=typed | {"password": NEW})).status_code == 303
        log = platform.log.read_text()
        assert "/password/reset" in log
        assert token not in log
        assert NEW not in log


async def test_a_forgotten_password_in_each_language(platform: Platform, chromium: str) -> None:
    await platform.start(*ALL)
    url = platform.settings.service_url("web")
    async with browsing(chromium) as browser, platform.client() as client:
        for language, size in IN_EACH_LANGUAGE:
            email = f"anna-{language}@example.org"
            client.headers["Accept-Language"] = language
            await sign_up(client, email)
            client.cookies.clear()
            who = await Somebody.arrive(browser, url, language, viewport=size)
            await _forgets_the_password(who, client, email)
            assert who.complaints == []


async def _forgets_the_password(who: Somebody, client: httpx.AsyncClient, email: str) -> None:
    page = who.page
    await page.goto("/signin")
    await who.press("Forgot password?", "link")
    await expect(page.get_by_role("heading", name=who.said("Reset password"))).to_be_visible()
    assert await who.faults() == []
    await page.fill("#email", email)
    await who.press("Send link")
    await expect(page.get_by_role("status").first).to_contain_text(email)
    assert await who.foreign_words() == []
    [mail] = await mails(client, who.mailed("password_reset"))
    assert (mail["to"], who.foreign(mail["text"])) == (email, [])
    await follow(page, mail, texts()["password_reset"][who.words.lang]["button"])
    await expect(page.get_by_role("heading", name=who.said("New password"))).to_be_visible()
    assert await who.faults() == []
    await page.fill("#password", NEW)
    await who.press("Save password")
    await who.reads("Your password has been changed. Sign in with the new one.")
    assert "token" not in page.url
    await who.sign_in(email, NEW, "/me")
    [notice] = await mails(client, who.mailed("password_changed"))
    assert (notice["to"], who.foreign(notice["text"])) == (email, [])


async def test_the_page_of_the_account(platform: Platform, chromium: str) -> None:
    await platform.start(*ALL)
    url = platform.settings.service_url("web")
    async with browsing(chromium) as browser:
        for language, size in IN_EACH_LANGUAGE:
            who = await Somebody.arrive(browser, url, language, viewport=size)
            async with platform.client() as phone, platform.client() as third:
                await _ends_sessions(who, phone, third, f"anna-{language}@example.org")
                if language == "ru":
                    await who.page.goto("/account")
                    await _makes_and_revokes_a_token(who, phone)


async def _ends_sessions(
    who: Somebody, phone: httpx.AsyncClient, third: httpx.AsyncClient, email: str
) -> None:
    page = who.page
    typed = {"email": email, "password": PASSWORD}
    await sign_up(phone, email)
    await third.post("/signin", data=typed)
    assert (await third.get("/account")).status_code == 200
    await who.sign_in(email)
    heading = page.get_by_role("heading", name=who.said("Account and security"))
    await expect(heading).to_be_visible()
    sessions = page.locator("#sessions li")
    await expect(sessions).to_have_count(3)
    await expect(sessions.filter(has_text=who.said("This device"))).to_have_count(1)
    await expect(sessions.nth(1)).to_contain_text("python-httpx")
    assert await who.faults() == []
    await sessions.get_by_role("button").first.click()
    await who.reads("Signed out on that device.")
    await expect(sessions).to_have_count(2)

    await page.fill("#current", "not the password")
    await page.fill("#password", NEW)
    await who.press("Change password")
    await who.reads("This is not your current password.")
    await page.fill("#current", PASSWORD)
    await page.fill("#password", NEW)
    await who.press("Change password")
    await who.reads("Password changed. You have been signed out on other devices.")
    await expect(sessions).to_have_count(1)
    for client in (phone, third):
        assert (await client.get("/account")).headers["location"] == "/signin?next=%2Faccount"
    await phone.post("/signin", data=typed | {"password": NEW})
    await page.reload()
    await who.press("Sign out on all other devices")
    await who.reads("Signed out on all other devices.")
    await expect(sessions).to_have_count(1)
    assert (await phone.get("/account")).status_code == 303
    log = page.locator("#security-log")
    acts = (
        "other_sessions_ended",
        "signed_in",
        "password_changed",
        "sign_in_failed",
        "session_ended",
    )
    await expect(log.locator("li strong")).to_have_text([who.words.act(act) for act in acts])
    network = who.said("Network %s").replace("%s", "127.0.0.0/24")
    await expect(log.locator("li").nth(1)).to_contain_text(f"python-httpx · {network}")
    await log.get_by_role("link", name=who.said("Show all")).click()
    await expect(page.locator("main li strong")).to_have_count(8)
    assert await who.foreign_words() == []


async def _makes_and_revokes_a_token(who: Somebody, client: httpx.AsyncClient) -> None:
    page = who.page
    section = page.locator("#tokens")
    await section.get_by_text("Создать токен").first.click()
    await section.get_by_label("Название").fill("Отчёт <b>")
    await section.get_by_label("Текущий пароль").fill(NEW)
    await section.get_by_role("button", name="Создать токен").click()
    await expect(section.get_by_text("Выберите хотя бы одно")).to_be_visible()
    await expect(section.get_by_label("Название")).to_have_value("Отчёт <b>")
    assert await who.serious_in_both() == []
    await section.get_by_label("Просмотр адреса почты и роли").check()
    await section.get_by_label("Текущий пароль").fill(NEW)
    await section.get_by_role("button", name="Создать токен").click()
    await expect(page.get_by_role("heading", name="Новый токен доступа")).to_be_visible()
    assert await who.serious_in_both() == []
    token = (await page.locator("main code").inner_text()).strip()
    headers = {"Authorization": f"Bearer {token}"}
    mine = await client.get("/api/auth/me", headers=headers)
    assert mine.json()["email"] == "anna-ru@example.org"
    closed = await client.get("/api/vacancies/saved", headers=headers)
    assert closed.json()["params"] == {"scope": "vacancies:read"}
    await page.get_by_role("link", name="Готово").click()
    await expect(section.get_by_role("listitem")).to_contain_text("Последнее использование")
    await expect(section.get_by_role("listitem")).to_contain_text("Отчёт <b>")
    assert token not in await page.content()
    await section.get_by_role("button", name="Отозвать").click()
    await expect(page.get_by_text("Токен доступа отозван.")).to_be_visible()
    await expect(section.get_by_role("listitem")).to_have_count(0)
    wrong = await client.get("/api/auth/me", headers={"Authorization": f"Bearer {token[:-1]}"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "invalid_token")


async def test_a_code_confirms_the_address_in_a_browser(platform: Platform, chromium: str) -> None:
    platform.environment["HIREWIRE_VERIFIED_EMAIL"] = "required"
    await platform.start(*ALL)
    url = platform.settings.service_url("web")
    async with browsing(chromium) as browser, platform.client() as client:
        who = await Somebody.arrive(browser, url, "ru", viewport=PHONE)
        page = who.page
        await who.sign_up()
        banner = page.get_by_role("region", name="Подтвердите адрес почты")
        await expect(banner).to_be_visible()
        assert await who.serious_in_both() == []
        [mail] = await mails(client)
        assert mail["subject"] == "Подтвердите адрес электронной почты"
        await banner.get_by_label("Код из письма").fill("12")
        await banner.get_by_role("button", name="Подтвердить").click()
        await expect(page.get_by_text("Код неверный или устарел.")).to_be_visible()
        await page.get_by_role("button", name="Отправить код ещё раз").click()
        await expect(page.get_by_text("Мы отправили код ещё раз.")).to_be_visible()
        await page.fill("#code", await code_of(client, mail["to"], least=2))
        await page.get_by_role("button", name="Подтвердить", exact=True).click()
        await expect(page.get_by_text("Адрес почты подтверждён.")).to_be_visible()
        await expect(banner).to_have_count(0)


async def test_a_board_that_requires_confirmed_addresses(platform: Platform) -> None:
    platform.environment["HIREWIRE_VERIFIED_EMAIL"] = "required"
    await platform.start(*ALL)
    async with platform.client() as boss, platform.client() as other:
        await hires(boss)
        made = await boss.post("/employer/vacancies", data={"title": "Cook"})
        path = made.headers["location"]
        assert "Confirm your email address" in (await boss.get(path)).text
        body = {"title": "Cook", "description": "Work", "unit": "MONTH", "action": "publish"}
        refused = await boss.post(path, data=body)
        assert refused.status_code == 403
        assert "Confirm your email address to publish" in refused.text
        [mail] = await mails(boss)
        [link] = re.findall(r"http://\S+/email/verify\?token=\S+", mail["text"])
        path_of_link = link.removeprefix(platform.settings.public_url)
        shown = await other.get(path_of_link)  # a mail scanner, or another browser
        assert shown.headers["referrer-policy"] == "no-referrer"
        assert (await boss.post(path, data=body)).status_code == 403
        done = await boss.post(path_of_link)
        assert (done.status_code, done.headers["location"]) == (303, "/me?done=verified")
        answer = await boss.post(path, data=body)
        assert answer.status_code == 303, answer.text
        assert "Confirm your email address" not in (await boss.get(path)).text
        assert (await other.post(path_of_link)).status_code == 410
        assert link.partition("=")[2] not in platform.log.read_text()


async def test_the_address_is_changed_in_a_browser(platform: Platform, chromium: str) -> None:
    """By the code on the page, and back by the link of the mail, signed out."""
    await platform.start(*ALL)
    url = platform.settings.service_url("web")
    async with browsing(chromium) as browser, platform.client() as client:
        who = await Somebody.arrive(browser, url, "ru", viewport=PHONE)
        page = who.page
        client.headers["Accept-Language"] = "ru"
        await sign_up(client, "anna@example.org")
        await who.sign_in("anna@example.org")
        await page.get_by_text("Изменить адрес").first.click()
        await page.fill("#new-email", "anna@example.org")
        await page.fill("#email-password", PASSWORD)
        await page.get_by_role("button", name="Изменить адрес").click()
        await expect(page.get_by_text("Это и есть ваш адрес.")).to_be_visible()
        await page.fill("#new-email", "new@example.org")
        await page.fill("#email-password", PASSWORD)
        await page.get_by_role("button", name="Изменить адрес").click()
        await expect(page.get_by_role("status").first).to_contain_text("new@example.org")
        assert await who.serious_in_both() == []
        await mails(client, "Запрошена смена адреса")
        await page.fill("#email-code", "1")
        await page.get_by_role("button", name="Подтвердить").click()
        await expect(page.get_by_role("alert").first).to_contain_text("Код неверный")
        [mail] = await mails(client, "Подтвердите новый адрес")
        [code] = re.findall(r"^ {4}(\d{6})\s*$", mail["text"], re.M)
        await page.fill("#email-code", code)
        await page.get_by_role("button", name="Подтвердить").click()
        await expect(page.get_by_text("Адрес изменён.")).to_be_visible()
        await expect(page.locator("#email")).to_contain_text("new@example.org Подтверждён")
        [notice] = await mails(client, "Адрес изменён")
        assert notice["to"] == "anna@example.org"

        async def is_known() -> bool:
            answer = await page.request.get(f"{url}/me")
            return "new@example.org" in await answer.text()

        await eventually(is_known, what="the profile has the new address")
        await client.post("/signin", data={"email": "new@example.org", "password": PASSWORD})
        again = {"email": "last@example.org", "password": PASSWORD}
        asked = await client.post("/account/email", data=again)
        assert (asked.status_code, asked.headers["location"]) == (303, "/account#email")
        found = await mails(client, "Подтвердите новый адрес", least=2)
        [link] = re.findall(r"http://\S+/email/change\?token=\S+", found[0]["text"])
        async with platform.client() as elsewhere:
            path = link.removeprefix(platform.settings.public_url)
            assert (await elsewhere.get(path)).headers["referrer-policy"] == "no-referrer"
            done = await elsewhere.post(path)
            assert done.headers["location"] == "/signin?done=email_changed"
            again_used = await elsewhere.post(path)
            assert again_used.status_code == 410
        log = platform.log.read_text()
        assert link.partition("token=")[2] not in log
        assert "last@example.org" not in log
