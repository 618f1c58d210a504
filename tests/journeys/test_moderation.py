"""A reader reports a job, an operator takes it down, its owner answers; and a person is blocked."""

import re
import time
from uuid import UUID

import httpx
import pytest
from playwright.async_api import expect

from hirewire.contracts.auth import UserBlocked, UserRoleChanged
from hirewire.kit.clock import now
from hirewire.kit.db import make_engine
from hirewire.messaging.event import Event
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.transaction import Transactions
from tests.builders import eventually
from tests.journeys.browsing import DESKTOP, PHONE, Somebody, browsing
from tests.journeys.conftest import Platform
from tests.journeys.paging import api, page, sign_up

pytestmark = [
    pytest.mark.parametrize("broker_url", ["postgres"], indirect=True),
    pytest.mark.timeout(180),
]
TITLE = "Cook at sea"
PATHS = ("/vacancies?q=cook", "/sitemaps/0.xml", "/api/vacancies/feeds/vacancies.atom?q=cook")


async def publish(platform: Platform, event: Event) -> None:
    """Let `auth` record an event, as an operator's act does."""
    engine = make_engine(platform.settings.service_database("auth"))
    async with Transactions(engine, "auth")() as tx:
        record(tx, event)
        if isinstance(event, UserRoleChanged):
            role = "update user_account set role = $1 where id = $2"
            await tx.exec_driver_sql(role, (event.role, event.user_id))
    await engine.dispose()


async def job(boss: httpx.AsyncClient) -> str:
    body = {"title": TITLE, "description": "<p>Soups, far away.</p>"}
    id = (await api(boss, "POST", "/vacancies/vacancies", body))["id"]
    await api(boss, "POST", f"/vacancies/vacancies/{id}/publish")
    return str(id)


async def gone(guest: httpx.AsyncClient, id: str) -> float:
    """The time at which no reading path shows the job any more."""

    async def is_gone() -> bool:
        shown = [(await guest.get(path)).text for path in PATHS]
        own = await guest.get(f"/vacancies/{id}")
        return own.status_code == 410 and not any(id in text for text in shown)

    await eventually(is_gone, within=20, what="the job is gone")
    return time.monotonic()


async def verify_company(
    boss: httpx.AsyncClient, guest: httpx.AsyncClient, olga: Somebody, id: str
) -> None:
    """The owner verifies the company by mail; an operator withdraws that."""
    form = {"companyName": "Acme", "site": "acme.example", "phone": "", "description": ""}
    await boss.post("/employer/company", data=form)
    sent = await boss.post("/employer/company/verification", data={"address": "hr@evil.example"})
    assert sent.status_code == 422
    assert "Must be an address at acme.example" in sent.text
    sent = await boss.post("/employer/company/verification", data={"address": "hr@acme.example"})
    assert "done=company_code_sent" in sent.headers["location"]

    async def code() -> str:
        mails = (await guest.get("/dev/mail.json")).json()["items"]
        texts = [one["text"] for one in mails if one["to"] == "hr@acme.example"]
        return "".join(re.findall(r"^\s+(\d{6})$", "\n".join(texts), re.MULTILINE))

    code_of_mail = await eventually(code)
    wrong = await boss.post("/employer/company/verification/code", data={"code": "1"})
    assert wrong.status_code == 410
    assert "This code is wrong" in wrong.text
    right = await boss.post("/employer/company/verification/code", data={"code": code_of_mail})
    assert "done=company_verified" in right.headers["location"]
    said = "The company receives mail at acme.example"
    assert said in await page(boss, "/employer/company")
    text = await page(guest, f"/vacancies/{id}")
    assert said in text
    assert "Verified company" in await page(guest, "/vacancies")
    company = re.search(r"/companies/[0-9a-f-]{36}", text)
    assert company is not None
    assert said in await page(guest, company[0])

    await page(boss, "/admin/companies", 404)
    await olga.page.goto("/admin/companies")
    assert await olga.serious_in_both() == []
    await olga.page.get_by_role("link", name="Acme").click()
    assert await olga.serious_in_both() == []
    await olga.page.fill("#why", "Not theirs.")
    await olga.page.get_by_role("button", name="Withdraw verification").click()
    await expect(olga.page.get_by_text("Not verified")).to_be_visible()
    assert "An operator has withdrawn" in await page(boss, "/employer/company")
    assert said not in await page(guest, f"/vacancies/{id}")
    await olga.page.goto("/admin/log")
    await expect(olga.page.get_by_text("Verification of a company withdrawn")).to_be_visible()
    await expect(olga.page.get_by_text("Job taken down")).to_be_visible()


async def test_an_operators_day(platform: Platform, chromium: str) -> None:
    await platform.start("auth", "profiles", "vacancies", "web")
    url = platform.settings.service_url("web")
    async with (
        browsing(chromium) as browser,
        platform.client() as boss,
        platform.client() as guest,
    ):
        await sign_up(boss, "boss@example.org")
        await boss.post("/employer", data={"companyName": "Acme", "phone": ""})
        id = await job(boss)

        async def is_found() -> bool:
            return all([id in (await guest.get(path)).text for path in PATHS])

        await eventually(is_found)

        # A reader reports it, on a phone, in Russian.
        reader = await Somebody.arrive(browser, url, "ru-RU", viewport=PHONE)
        on = reader.page
        await on.goto(f"/vacancies/{id}")
        await on.get_by_role("link", name="Пожаловаться").click()
        assert await reader.serious_in_both() == []
        await on.get_by_label("С соискателей требуют деньги").check()
        await on.fill("#text", "Просят 100 € за билет.")
        await on.get_by_role("button", name="Отправить жалобу").click()
        await expect(on.get_by_text("Операторы сайта рассмотрят вашу жалобу")).to_be_visible()
        wide = "document.documentElement.scrollWidth > innerWidth"
        assert not await on.evaluate(wide)

        # An operator finds it in the queue. For others there is none.
        olga = await Somebody.arrive(browser, url, "en-GB", viewport=DESKTOP)
        await olga.sign_up()
        [cookie] = [
            one["value"]
            for one in await olga.page.context.cookies()
            if one["name"].endswith("hirewire_access")
        ]
        mine = await guest.get("/api/auth/me", headers={"Authorization": f"Bearer {cookie}"})
        answer = await olga.page.goto("/admin/reports")
        assert answer is not None
        assert answer.status == 404
        olga.complaints.clear()
        for path in ("/admin/reports", f"/admin/reports/vacancy/{id}"):
            assert (await guest.get(path)).headers["location"].startswith("/signin")
            await page(boss, path, 404)
        operator = UserRoleChanged(
            user_id=UUID(mine.json()["id"]), role="admin", previous_role="applicant"
        )
        await publish(platform, operator)

        async def is_operator() -> bool:
            answer = await olga.page.goto("/admin/reports")
            return answer is not None and answer.status == 200

        await eventually(is_operator)
        olga.complaints.clear()
        assert await olga.serious_in_both() == []
        await olga.page.get_by_role("link", name=TITLE).click()
        await expect(olga.page.get_by_text("Просят 100 €")).to_be_visible()
        assert await olga.serious_in_both() == []

        # The takedown has a reason, and takes effect everywhere at once.
        await olga.page.select_option("#reason", "fees")
        await olga.page.fill("#text", "Applicants must not pay.")
        begun = time.monotonic()
        await olga.page.get_by_role("button", name="Take down").click()
        spent = await gone(guest, id) - begun
        await expect(olga.page.get_by_text("Decision saved.")).to_be_visible()
        await expect(olga.page.get_by_text("Nothing waits for you")).to_be_visible()
        assert spent < 5

        # The owner reads why, is mailed, and answers once.
        editor = f"/employer/vacancies/{id}"
        text = await page(boss, editor)
        assert "Applicants must not pay." in text
        assert "Applicants are asked to pay" in text
        assert "100 €" not in text
        assert "Not shown" in await page(boss, "/employer")

        async def is_mailed() -> bool:
            mails = (await guest.get("/dev/mail.json")).json()["items"]
            found = [one["text"] for one in mails if one["subject"] == "Your job was taken down"]
            return [f"{url}{editor}#decisions" in one for one in found] == [True]

        await eventually(is_mailed)
        [action] = re.findall(r'action="(/employer/decisions/[^"]+)"', text)
        reply = {"text": "It was a joke.", "next": editor}
        answered = await boss.post(action, data=reply)
        assert answered.headers["location"] == f"{editor}?done=answered#decisions"
        answered = await boss.post(action, data=reply)
        assert "done=changed" in answered.headers["location"]
        assert "/employer/decisions/" not in await page(boss, editor)

        # The operator reads the answer and restores the job.
        await olga.page.goto("/admin/reports")
        await expect(olga.page.get_by_text("The owner has answered")).to_be_visible()
        await olga.page.get_by_role("link", name=TITLE).click()
        await expect(olga.page.get_by_text("It was a joke.")).to_be_visible()
        await olga.page.get_by_role("button", name="Restore").click()  # without an explanation
        await expect(olga.page.locator("#text-said.wrong")).to_be_visible()
        await olga.page.fill("#text", "Fine, a joke.")
        await olga.page.get_by_role("button", name="Restore").click()
        await eventually(is_found)
        olga.complaints.clear()  # the refused form was a 422
        assert reader.complaints == []

        await verify_company(boss, guest, olga, id)

        # Its owner is blocked: the job goes within seconds, and comes back.
        owner = UUID((await api(boss, "GET", "/auth/me"))["id"])
        begun = time.monotonic()
        await publish(platform, UserBlocked(user_id=owner, blocked=True, at=now()))
        until_held = await gone(guest, id) - begun
        assert until_held < 10
        await publish(platform, UserBlocked(user_id=owner, blocked=False, at=now()))
        await eventually(is_found)
        print(f"takedown {spent:.2f} s, block {until_held:.2f} s")  # noqa: T201
