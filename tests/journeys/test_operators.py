"""An operator's pages, and how soon a block takes effect in every service."""

import asyncio
import re
import time

import httpx
import pytest
from typer.testing import CliRunner

from hirewire.cli.admin import admin_app
from hirewire.web.sessions import ACCESS
from tests.builders import eventually
from tests.journeys.conftest import Platform
from tests.journeys.mails import mails
from tests.journeys.paging import api, page, post, sign_up
from tests.journeys.people import PASSWORD

pytestmark = [
    pytest.mark.parametrize("broker_url", ["postgres"], indirect=True),
    pytest.mark.timeout(180),
]
ANNA, BOSS = "anna@example.org", "boss@example.org"
PROTECTED = {
    "auth": "/api/auth/me",
    "profiles": "/api/profiles/resumes",
    "vacancies": "/api/vacancies/saved",
}
WITHIN = 10.0
"""Seconds for an effect; promised are 60."""


async def make_operator(
    platform: Platform, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sign up, confirm the address, become an operator by the command line, and sign in again."""
    await sign_up(client, BOSS)
    [mail] = [one for one in await mails(client, "Confirm") if one["to"] == BOSS]
    [code] = re.findall(r"^\s+(\d{6})$", mail["text"], re.MULTILINE)
    await api(client, "POST", "/auth/email/verify", {"code": code})
    assert "/admin" not in await page(client, "/account")
    for name, value in platform.environment.items():
        monkeypatch.setenv(name, value)
    done = await asyncio.to_thread(lambda: CliRunner().invoke(admin_app, ["create", BOSS]))
    assert done.exit_code == 0, done.output
    await client.post("/signin", data={"email": BOSS, "password": PASSWORD})


async def code_of(client: httpx.AsyncClient, path: str, token: str) -> str:
    answer = await client.get(path, headers={"Authorization": f"Bearer {token}"})
    return "" if answer.status_code == 200 else str(answer.json()["code"])


async def refused(client: httpx.AsyncClient, service: str, token: str) -> float:
    """Wait until a service refuses the token of a blocked person; returns the time."""

    async def is_refused() -> bool:
        return await code_of(client, PROTECTED[service], token) == "account_blocked"

    await eventually(is_refused, within=WITHIN, what=f"{service} refuses the token")
    return time.monotonic()


async def test_a_person_is_found_blocked_and_unblocked(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    await platform.start("auth", "profiles", "vacancies", "notifications", "web")
    async with platform.client() as boss, platform.client() as anna, platform.client() as guest:
        await make_operator(platform, boss, monkeypatch)
        await sign_up(anna, ANNA)
        token = anna.cookies[ACCESS]
        id = (await api(anna, "GET", "/auth/me"))["id"]

        # For others there is nothing.
        theirs = f"/admin/people/{id}"
        assert "/admin" in await page(boss, "/account")
        assert "signed in with a password alone" in await page(boss, "/admin")
        for path in ("/admin", "/admin/log", theirs):
            await page(anna, path, 404)
            assert (await guest.get(path)).headers["location"].startswith("/signin")
        answer = await post(anna, f"{theirs}/make-admin", [("why", "I want to")])
        assert answer.status_code == 404
        foreign = {"Origin": "https://evil.example"}
        answer = await post(boss, f"{theirs}/make-admin", [("why", "csrf")], **foreign)
        assert answer.status_code == 403

        # The person is found, and a block needs a reason.
        assert ANNA in await page(boss, "/admin?q=anna")
        assert "No people found" in await page(boss, "/admin?q=bert&state=active")
        assert "Job seeker" in await page(boss, theirs)
        answer = await post(boss, f"{theirs}/block", [("why", " ")])
        assert answer.status_code == 422
        assert "Must have at least 3 characters" in answer.text
        await page(boss, f"/admin/people/{id[:-4]}0000", 404)

        # The block, while the page is open and a service is away.
        for service, path in PROTECTED.items():
            assert await code_of(anna, path, token) == "", service
        headers = {"Authorization": f"Bearer {token}"}
        received: list[str] = []
        opened = asyncio.Event()

        async def watch() -> float:
            async with guest.stream("GET", "/live", headers=headers) as stream:
                async for line in stream.aiter_lines():
                    opened.set()
                    received.append(line)
            return time.monotonic()

        watching = asyncio.create_task(watch())
        await asyncio.wait_for(opened.wait(), 20)
        await platform.stop("profiles")
        began = time.monotonic()
        answer = await post(boss, f"{theirs}/block", [("why", "Sells <b>watches</b>")])
        assert answer.headers["location"] == f"{theirs}?done=person_blocked"
        ends = {"stream": await asyncio.wait_for(watching, WITHIN)}
        assert "event: user.blocked" in received
        for service in ("auth", "vacancies"):
            ends[service] = await refused(anna, service, token)
        back = time.monotonic()
        await platform.start("profiles")
        ends["profiles, back"] = began + await refused(anna, "profiles", token) - back
        print({name: f"{at - began:.2f} s" for name, at in ends.items()})  # noqa: T201

        # What the person sees.
        blocked = await page(anna, "/me", 403)
        assert "Your account is blocked" in blocked
        assert ACCESS not in anna.cookies
        typed = {"email": ANNA, "password": PASSWORD}
        answer = await anna.post("/signin", data=typed)
        assert answer.status_code == 401
        assert "This account is blocked. We have sent you a mail with the reason." in answer.text
        answer = await anna.post("/signin", data=typed | {"password": "not the password"})
        assert "Wrong email or password." in answer.text
        [mail] = await mails(boss, "Your account has been blocked")
        assert (mail["to"], "Sells <b>watches</b>" in mail["text"]) == (ANNA, True)

        # The log, and the way back.
        seen = await page(boss, theirs)
        assert seen.count("Sells &lt;b&gt;watches&lt;/b&gt;") == 2
        answer = await post(boss, f"{theirs}/block", [("why", "once more")])
        assert "This person is blocked already." in answer.text
        answer = await post(boss, f"{theirs}/unblock", [("why", "a mistake of ours")])
        assert answer.status_code == 303
        assert (await anna.post("/signin", data=typed)).status_code == 303

        async def is_back() -> bool:
            return (await anna.get("/me")).status_code == 200

        await eventually(is_back)  # each service learns it from an event
        hook = {"url": "https://hooks.example.org/x", "events": ["user.registered"]}
        await api(boss, "POST", "/notifications/webhooks", {**hook, "owner": "board"})
        log = re.sub(r"<[^>]+>", " ", await page(boss, "/admin/log"))
        names = "Person blocked|Person unblocked|Made an operator|Webhook added"
        acts = re.findall(rf"({names}) ?: +(\S+)", log)
        assert acts == [
            ("Webhook added", "hooks.example.org"),
            ("Person unblocked", ANNA),
            ("Person blocked", ANNA),
            ("Made an operator", BOSS),
        ]
        await boss.post("/language", data={"language": "ru", "next": "/admin"})
        assert "Пользователь заблокирован" in await page(boss, "/admin/log")
