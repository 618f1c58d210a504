"""A reader reports a job, an operator takes it down, its owner answers; and a person is blocked."""

import asyncio
import re
import time
from dataclasses import dataclass
from urllib.parse import quote

import httpx
import pytest
from playwright.async_api import expect
from typer.testing import CliRunner

from hirewire.auth.mails.letters import Kind
from hirewire.cli.admin import admin_app
from tests.builders import eventually
from tests.journeys.browsing import IN_EACH_LANGUAGE, Somebody, browsing
from tests.journeys.conftest import Platform
from tests.journeys.mails import code_of, mails
from tests.journeys.paging import api, hires, page, sign_up

pytestmark = [
    pytest.mark.parametrize("broker_url", ["postgres"], indirect=True),
    pytest.mark.timeout(180),
]
TEXTS = {
    "en": ("Cook at sea", "cook", "They ask for 100 €.", "Nobody must pay.", "It was a joke."),
    "ru": ("Кок на судне", "кок", "Просят 100 € за билет.", "Платить нельзя.", "Это была шутка."),
}
"""A title, a word to find it by, the complaint, the reason and the answer."""
NAMES = ("Acme", "en@example.org", "ru@example.org")


def paths(word: str) -> tuple[str, ...]:
    """What lists the job to readers."""
    query = f"q={quote(word)}"
    return (
        f"/vacancies?{query}",
        "/sitemaps/0.xml",
        f"/api/vacancies/feeds/vacancies.atom?{query}",
    )


async def job(boss: httpx.AsyncClient, title: str) -> str:
    body = {"title": title, "description": f"<p>{title}.</p>"}
    id = (await api(boss, "POST", "/vacancies/vacancies", body))["id"]
    await api(boss, "POST", f"/vacancies/vacancies/{id}/publish")
    return str(id)


async def gone(guest: httpx.AsyncClient, id: str, word: str) -> float:
    """The time at which no reading path shows the job any more."""

    async def is_gone() -> bool:
        shown = [(await guest.get(path)).text for path in paths(word)]
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

    wrong = await boss.post("/employer/company/verification/code", data={"code": "1"})
    assert wrong.status_code == 410
    assert "This code is wrong" in wrong.text
    code = await code_of(guest, "hr@acme.example")
    right = await boss.post("/employer/company/verification/code", data={"code": code})
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
    await olga.open(olga.page.get_by_role("link", name="Acme"))
    await olga.page.fill("#why", "Not theirs.")
    await olga.page.get_by_role("button", name="Withdraw verification").click()
    await expect(olga.page.get_by_text("Not verified")).to_be_visible()
    assert "An operator has withdrawn" in await page(boss, "/employer/company")
    assert said not in await page(guest, f"/vacancies/{id}")
    await olga.page.goto("/admin/log")
    await expect(olga.page.get_by_text("Verification of a company withdrawn")).to_be_visible()
    await expect(olga.page.get_by_text("Job taken down")).to_be_visible()


async def test_an_operators_day(platform: Platform, chromium: str) -> None:
    """A reader, an operator and an owner, in each language."""
    await platform.start("auth", "profiles", "vacancies", "web")
    url = platform.settings.service_url("web")
    async with browsing(chromium) as browser, platform.client() as guest:
        for language, size in IN_EACH_LANGUAGE:
            reader, operator, owner = [
                await Somebody.arrive(browser, url, language, viewport=size) for _ in range(3)
            ]
            async with platform.client() as boss:
                day = Day(platform, guest, boss, *TEXTS[language])
                await day.begins(operator, owner)
                await day.reported(reader)
                spent = await day.taken_down(operator)
                await day.answered(owner)
                await day.restored(operator)
                if language == "en":
                    await verify_company(boss, guest, operator, day.id)
                until_held = await day.blocked(operator, owner)
                assert reader.complaints == []
            print(f"{language}: takedown {spent:.2f} s, block {until_held:.2f} s")  # noqa: T201


@dataclass
class Day:
    """A job and its owner, through an operator's day."""

    platform: Platform
    guest: httpx.AsyncClient
    boss: httpx.AsyncClient
    """Without a browser."""
    title: str
    word: str
    complaint: str
    why: str
    answer: str
    email: str = ""
    id: str = ""

    async def begins(self, operator: Somebody, owner: Somebody) -> None:
        """A job is published, and the command line makes an operator."""
        language = owner.words.lang
        self.boss.headers["Accept-Language"] = language
        self.email = f"boss-{language}@example.org"
        await hires(self.boss, self.email)
        self.id = await job(self.boss, self.title)
        await eventually(self.is_found)
        operators = f"olga-{language}@example.org"
        async with self.platform.client() as client:
            client.headers["Accept-Language"] = language
            await sign_up(client, operators)
            assert (await client.get("/admin/reports")).status_code == 404
            code = await code_of(self.guest, operators)
            await api(client, "POST", "/auth/email/verify", {"code": code})
        command, environment = ["create", operators], self.platform.environment
        done = await asyncio.to_thread(CliRunner().invoke, admin_app, command, env=environment)
        assert done.exit_code == 0, done.output
        for path in ("/admin/reports", f"/admin/reports/vacancy/{self.id}"):
            assert (await self.guest.get(path)).headers["location"].startswith("/signin")
            await page(self.boss, path, 404)
        await operator.sign_in(operators, to="/me")
        await owner.sign_in(self.email, to="/employer")

    async def is_found(self) -> bool:
        return all([self.id in (await self.guest.get(path)).text for path in paths(self.word)])

    async def reported(self, reader: Somebody) -> None:
        on = reader.page
        await on.goto(f"/vacancies/{self.id}")
        await reader.press("Report", "link")
        assert await reader.faults(*NAMES) == []
        await on.get_by_label(reader.words.label("report_fees")).check()
        await on.fill("#text", self.complaint)
        await reader.press("Send report")
        await reader.reads("Thank you. The operators of this site will look at your report.")
        wide = "document.documentElement.scrollWidth > innerWidth"
        assert not await on.evaluate(wide)

    async def taken_down(self, operator: Somebody) -> float:
        """With a reason, and everywhere at once; returns the seconds."""
        on = operator.page

        async def is_operator() -> bool:
            answer = await on.goto("/admin/reports")
            return answer is not None and answer.status == 200

        await eventually(is_operator)
        operator.complaints.clear()
        assert await operator.faults(*NAMES) == []
        await operator.open(on.get_by_role("link", name=self.title))
        await expect(on.get_by_text(self.complaint)).to_be_visible()
        assert await operator.faults(*NAMES) == []
        await on.select_option("#reason", "fees")
        await on.fill("#text", self.why)
        begun = time.monotonic()
        await on.get_by_role("button", name=operator.words.label("decide_take_down")).click()
        spent = await gone(self.guest, self.id, self.word) - begun
        await operator.reads("Decision saved.")
        await operator.reads("Nothing waits for you")
        assert spent < 5
        return spent

    async def answered(self, owner: Somebody) -> None:
        """The owner reads why, is mailed, and answers once."""
        on, editor = owner.page, f"/employer/vacancies/{self.id}"
        await on.goto("/employer")
        await owner.reads("Not shown")
        await on.goto(editor)
        decisions = on.locator("#decisions")
        await expect(decisions).to_contain_text(self.why)
        await expect(decisions).to_contain_text(owner.words.label("report_fees"))
        assert "100 €" not in await on.content()
        assert await owner.faults(*NAMES) == []
        link = f"{self.platform.settings.public_url}{editor}#decisions"
        await self.mailed(owner, "vacancy_taken_down", link)
        action = await decisions.locator("form").get_attribute("action")
        assert action is not None
        await on.fill("#answer", self.answer)
        await owner.press("Send answer")
        await owner.reads("Answer sent.")
        assert await decisions.locator("form").count() == 0
        reply = {"text": self.answer, "next": editor}
        again = await self.boss.post(action, data=reply)
        assert "done=changed" in again.headers["location"]

    async def restored(self, operator: Somebody) -> None:
        """The operator reads the answer."""
        on = operator.page
        await on.goto("/admin/reports")
        await operator.reads("The owner has answered")
        await operator.open(on.get_by_role("link", name=self.title))
        await expect(on.get_by_text(self.answer)).to_be_visible()
        assert await operator.foreign_words(*NAMES) == []
        restore = on.get_by_role("button", name=operator.words.label("decide_restore"))
        await restore.click()  # without an explanation
        await expect(on.locator("#text-said.wrong")).to_be_visible()
        await on.fill("#text", self.why)
        await restore.click()
        await eventually(self.is_found)
        operator.complaints.clear()  # the refused form was a 422

    async def blocked(self, operator: Somebody, owner: Somebody) -> float:
        """The owner is blocked: the job goes within seconds, and comes back with them."""
        on = operator.page
        await owner.page.goto("about:blank")  # a page that is open would learn it first
        await on.goto(f"/admin?q={self.email}")
        assert await operator.faults(*NAMES) == []
        await operator.open(on.get_by_role("link", name=self.email))
        assert await operator.faults(*NAMES) == []
        await on.fill("#why", self.why)
        begun = time.monotonic()
        await operator.press("Block")
        until_held = await gone(self.guest, self.id, self.word) - begun
        assert until_held < 10
        await operator.reads("Blocked. A mail with the reason has been sent.")
        assert await operator.foreign_words(*NAMES) == []

        async def is_refused() -> bool:
            answer = await owner.page.goto("/me")
            return answer is not None and answer.status == 403

        await eventually(is_refused)
        await owner.reads("Your account is blocked")
        assert await owner.faults(*NAMES) == []
        await on.fill("#why", self.answer)
        await operator.press("Unblock")
        await operator.reads("Unblocked. A mail has been sent.")
        await eventually(self.is_found)
        await self.mailed(owner, "account_blocked", self.why)
        await self.mailed(owner, "account_unblocked", "")
        await on.goto("/admin/companies")
        assert await operator.faults(*NAMES) == []
        await operator.open(on.get_by_role("link", name="Acme").first)
        assert await operator.faults(*NAMES) == []
        await on.goto("/admin/log")
        for act in ("vacancy_taken_down", "vacancy_restored", "user_blocked", "user_unblocked"):
            await expect(on.get_by_text(operator.words.did(act)).first).to_be_visible()
        assert await operator.foreign_words(*NAMES, *TEXTS["en"], "Not theirs.") == []
        return until_held

    async def mailed(self, owner: Somebody, kind: Kind, text: str) -> None:
        [mail] = await mails(self.guest, owner.mailed(kind), to=self.email)
        assert owner.foreign(mail["text"]) == []
        assert text in mail["text"]
