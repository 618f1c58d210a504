"""The pages of accounts and operators: sign-in, mails' links, `/account`, reports, `/admin`."""

import asyncio
import re
import secrets
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import httpx
from playwright.async_api import Page

from hirewire.tools.api_client import Account, Refused
from hirewire.tools.sample_data.filler import PASSWORD
from shots.kept import kept
from shots.operator import EMAIL as OPERATOR
from shots.taking import take, whole

Open = Callable[[str | None], AbstractAsyncContextManager[Page]]
Named = Callable[[str], Path]
VACANCIES = "/api/vacancies/vacancies"
ADMIN = "/api/vacancies/admin"
LINKS = ("/password/reset", "/email/verify", "/email/change")
WRONG_TRIES = 12
FEES = "Просят 5000 рублей за обучение до выхода на работу. / They ask for money first."
DECIDED = "Applicants must not pay to get a job. Please remove the fee from the description."


@dataclass(frozen=True)
class Area:
    """The people and things on these pages."""

    boss: str
    newcomer: str
    blocked: str
    locked: str
    held: str
    """A vacancy that was taken down."""
    shown: str
    """A vacancy that is reported and not decided about."""
    company: str
    receipt: str
    links: dict[str, str]
    """The good links of mails, by their path."""
    boss_id: str
    blocked_id: str


async def prepare(url: str) -> Area:
    """Let people sign up, report, be blocked and leave. Each run has its own people."""
    run = secrets.token_hex(3)
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        client.headers["Accept-Language"] = "ru"
        operator = Account(client, OPERATOR, PASSWORD)
        await operator.log_in()

        async def joined(name: str, *, verified: bool = True) -> tuple[Account, str]:
            one = Account(client, f"{name}.{run}@example.org", PASSWORD)
            await one.enter()
            id = str((await one.call("GET", "/api/auth/me"))["id"])
            if verified:
                path = f"/api/auth/admin/people/{id}/verify"
                await operator.call("POST", path, {"why": "Showed the contract."})
            return one, id

        boss, boss_id = await joined("boss")
        newcomer, _ = await joined("newcomer", verified=False)
        blocked, blocked_id = await joined("spammer")
        locked, _ = await joined("locked")
        leaver, _ = await joined("leaver")
        await boss.call("POST", "/api/vacancies/employer-profile", {"companyName": f"Acme {run}"})
        site = {"site": "https://acme.example", "description": "We cook soups."}
        await boss.call("PATCH", "/api/vacancies/employer-profile", site)
        held = await _job(boss, "Chef abroad / Повар за границей")
        shown = await _job(boss, "Waiter / Официант")
        company = str((await client.get(f"{VACANCIES}/{shown}")).json()["companyId"])
        await operator.call("POST", f"{ADMIN}/companies/{company}/verify", {"why": "Known to us."})
        for target in (f"{VACANCIES}/{held}", f"{VACANCIES}/{shown}"):
            await locked.call("POST", f"{target}/reports", {"reason": "fees", "text": FEES})
        down = {"decision": "take_down", "reason": "fees", "text": DECIDED}
        await operator.call("POST", f"{ADMIN}/reported/vacancy/{held}/decisions", down)
        why = {"why": "Sent the same message to forty candidates."}
        await operator.call("POST", f"/api/auth/admin/people/{blocked_id}/block", why)
        await newcomer.call(
            "POST",
            "/api/auth/email",
            {"email": f"anna.konstantinopolskaya.{run}@example.org", "password": PASSWORD},
        )
        await client.post("/api/auth/password/forgot", json={"email": boss.email})
        gone = await leaver.call("DELETE", "/api/auth/me", {"password": PASSWORD})
        receipt = str(gone["receiptId"])
        body = {"email": locked.email, "password": "not the password"}
        for _ in range(WRONG_TRIES):
            await client.post("/api/auth/login", json=body)
        links = await _links(client, run)
    return Area(
        boss=boss.email,
        newcomer=newcomer.email,
        blocked=blocked.email,
        locked=locked.email,
        held=held,
        shown=shown,
        company=company,
        receipt=receipt,
        links=links,
        boss_id=boss_id,
        blocked_id=blocked_id,
    )


async def _job(boss: Account, title: str) -> str:
    text = "<p>Soups, far away. We cook for four hundred guests a day.</p>"
    made = await boss.call("POST", VACANCIES, {"title": title, "description": text})
    for _ in range(50):
        try:
            await boss.call("POST", f"{VACANCIES}/{made['id']}/publish")
        except Refused:  # not yet known as verified
            await asyncio.sleep(0.1)
        else:
            return str(made["id"])
    raise RuntimeError(f"not published: {title}")


async def _links(client: httpx.AsyncClient, run: str) -> dict[str, str]:
    text = await kept(client, run, *LINKS)
    return {path: re.findall(rf"{path}\?token=[\w-]+", text)[0] for path in LINKS}


async def take_accounts(area: Area, opened: Open, name: Named) -> None:
    """The pictures in one shape: `opened` signs in, `name` gives the pictures' files."""
    async with opened(None) as page:
        await take(page, "/password/forgot", name("forgot"))
        await page.fill("#email", area.boss)
        await _press(page, "/password/forgot")
        await whole(page, name("forgot-sent"))
        for path, link in area.links.items():
            what = path.strip("/").replace("/", "-")
            await take(page, link, name(f"{what}-good"))
            await page.goto(f"{path}?token=x")
            if path == "/password/reset":
                await page.fill("#password", PASSWORD)
            await _press(page, f"{path}?token=x")
            await whole(page, name(f"{what}-expired"))
        await take(page, "/email/code", name("email-code"))
        await take(page, f"/erasures/{area.receipt}", name("receipt"))
        await take(page, "/erasures/unknown", name("receipt-unknown"))
        await take(page, f"/vacancies/{area.shown}/report", name("report-vacancy"))
        await take(page, f"/companies/{area.company}/report", name("report-company"))
        await take(page, f"/companies/{area.company}", name("company-verified"))
        await take(page, f"/vacancies/{area.held}", name("vacancy-gone"))
        await take(page, "/signin/from/staff?code=x", name("provider-failed"))
        for who, what in ((area.blocked, "signin-blocked"), (area.locked, "signin-locked")):
            await page.goto("/signin")
            await page.fill("#email", who)
            await page.fill("#password", PASSWORD)
            await _press(page, "/signin")
            await whole(page, name(what))
        await take(page, "/dev/mail", name("kept-mail"))
    async with opened(area.newcomer) as page:
        await take(page, "/me", name("newcomer-home"))
        await take(page, "/account", name("newcomer-account"))
    async with opened(area.boss) as page:
        await _account(page, name)
        await take(page, f"/employer/vacancies/{area.held}", name("held-vacancy"))
        await take(page, "/employer", name("held-employer"))
        await take(page, "/employer/company", name("company-verification"))
    async with opened(OPERATOR) as page:
        await take(page, f"/admin/people/{area.blocked_id}", name("admin-blocked"))
        await take(page, f"/admin/people/{area.boss_id}", name("admin-boss"))
        await take(page, "/admin?q=nobody-at-all", name("admin-nobody"))
        await take(page, "/admin/reports", name("admin-reports"))
        await take(page, f"/admin/reports/vacancy/{area.shown}", name("admin-report"))
        await take(page, f"/admin/reports/vacancy/{area.held}", name("admin-report-decided"))
        await take(page, "/admin/companies", name("admin-companies"))
        await take(page, f"/admin/companies/{area.company}", name("admin-company"))


async def _account(page: Page, name: Named) -> None:
    """Each section, open, and the pages behind it."""
    await page.goto("/account")
    await page.evaluate("document.querySelectorAll('main details').forEach(one => one.open = true)")
    await whole(page, name("account-open"))
    await page.locator("#token-name").fill("CI")
    await page.locator("#tokens [name=scopes]").first.check()
    password = page.locator("#tokens [name=password]")
    if await password.count():
        await password.fill(PASSWORD)
    await _press(page, "/account/tokens#tokens")
    await whole(page, name("token-made"))
    await page.goto("/account")
    await _press(page, "/account/export")
    await page.locator("#data form[action='/account/export/link']").wait_for()
    await take(page, "/account", name("account-used"))
    await take(page, "/account/security-log", name("security-log-used"))
    await take(page, "/account/export?token=x", name("export-expired"))
    await take(page, "/account/two-step/off", name("two-step-off"))
    await take(page, "/account/two-step", name("two-step-begin"))


async def _press(page: Page, action: str) -> None:
    """Send a form of the page."""
    await page.locator(f"main form[action='{action}'] button:not([type])").first.click()
    await page.wait_for_load_state()
