"""Mails over real SMTP, from the first to "no more": one click, the page, and a bounce."""

import asyncio
import re
from email.message import EmailMessage

import httpx
import pytest
from typer.testing import CliRunner

from hirewire.cli.mails import mails_app
from hirewire.messaging.database import connect
from hirewire.web.sessions import ACCESS
from tests.builders import eventually
from tests.journeys.conftest import Platform
from tests.journeys.paging import api, hires, page, sign_up
from tests.journeys.test_page_people import opened, wrote
from tests.notifications.reporting import RETURNS, postfix
from tests.smtp import MailServer, mail_server

BOSS, ANNA = "boss@example.org", "anna@example.org"
SETTINGS = "/account/notifications"
pytestmark = [
    pytest.mark.parametrize("broker_url", ["postgres"], indirect=True),
    pytest.mark.timeout(180),
]


async def mail_to(
    server: MailServer, address: str, subject: str, *, least: int = 1
) -> EmailMessage:
    """The latest mail to an address with this in its subject, once there are so many."""

    def those() -> list[EmailMessage]:
        return [one for one in server.to(address) if subject in one["Subject"]]

    async def are() -> bool:
        return len(those()) >= least

    await eventually(are, within=40, what=f"{least} mails {subject} to {address}")
    return those()[-1]


async def confirm(client: httpx.AsyncClient, server: MailServer, address: str) -> None:
    """Confirm the address with the code of the mail."""
    text = body(await mail_to(server, address, ""))
    [code] = re.findall(r"^ {4}(\d{6})\s*$", text, re.M)
    answer = await client.post("/email/code", data={"code": code})
    assert answer.headers["location"].endswith("done=verified"), answer.text


def body(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


async def wishes(client: httpx.AsyncClient) -> dict[str, str]:
    """How often mails come, by kind, as the settings show it."""
    text = await page(client, SETTINGS)
    rows = re.findall(r'<select name="mail\.(\w+)"(.*?)</select>', text, re.S)
    return {kind: re.findall(r'value="(\w+)" selected', options)[0] for kind, options in rows}


async def test_from_a_mail_to_no_more_of_them(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with mail_server() as server, platform.client() as boss, platform.client() as anna:
        platform.environment |= {
            "HIREWIRE_SMTP_URL": server.url,
            "HIREWIRE_BOUNCES_ADDRESS": RETURNS,
        }
        await platform.start("auth", "profiles", "vacancies", "notifications", "web")
        await hires(boss)
        await confirm(boss, server, BOSS)
        vacancy = (await opened(boss, "Cook")).rsplit("/", 1)[1]
        await sign_up(anna, ANNA)
        await confirm(anna, server, ANNA)

        id = await applies(anna, vacancy)
        await _one_click(platform, await mail_to(server, BOSS, "New application"))
        assert (await wishes(boss))["application_received"] == "off"
        await applies(anna, vacancy)

        async def are_two() -> bool:
            return bool((await api(boss, "GET", "/notifications/notices/unread"))["count"] == 2)

        await eventually(are_two, within=30, what="the notice of the second application")
        assert await planned(platform) == [1, 0], "one mail was queued, and none is due"
        await api(boss, "POST", f"/vacancies/applications/{id}/messages", {"text": "Hello"})
        message = await mail_to(server, ANNA, "New message")
        await _by_the_page(platform, anna, message)
        await _bounced(platform, anna, message, monkeypatch)


async def applies(anna: httpx.AsyncClient, vacancy: str) -> str:
    """Apply with a new resume; returns the id of the application."""
    resume = (await wrote(anna, "Chef")).rsplit("/", 1)[1]
    ids: list[str] = []

    async def is_known() -> bool:
        answer = await anna.post(
            f"/api/vacancies/vacancies/{vacancy}/applications",
            json={"resumeId": resume},
            headers={"Authorization": f"Bearer {anna.cookies[ACCESS]}"},
        )
        ids.append(answer.json().get("id", ""))
        return answer.status_code == 201

    await eventually(is_known, within=30)
    return ids[-1]


async def planned(platform: Platform) -> list[int]:
    """How many mails about notices were queued, and how many are due."""
    database = platform.settings.service_database("notifications")
    connection = await connect(database, application="tests")
    counts = [
        await connection.fetchval(f"select count(*) from {table}")
        for table in ("kit.mail", "mail_plan where due_at <= now()")
    ]
    await connection.close()
    return counts


async def _one_click(platform: Platform, mail: EmailMessage) -> None:
    """What a mail program does: a request without cookies, as RFC 8058 has it."""
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = re.findall(r"<(http[^>]+)>", mail["List-Unsubscribe"])[0]
    async with platform.client() as program:
        looked = await program.get(address, headers={"Accept": "text/html"})
        assert looked.status_code == 303
        shown = await page(program, looked.headers["location"])
        assert "New applications" in shown
        assert "b***@example.org" in shown
        done = await program.post(address, data={"List-Unsubscribe": "One-Click"})
        assert done.status_code == 200, done.text
        assert done.headers["referrer-policy"] == "no-referrer"


async def _by_the_page(platform: Platform, anna: httpx.AsyncClient, mail: EmailMessage) -> None:
    """The link in the mail, its button, and the way back."""
    [address] = re.findall(r"http\S+/unsubscribe\?token=\S+", body(mail))
    async with platform.client() as visitor:
        assert "Messages" in await page(visitor, address)
        assert (await wishes(anna))["message"] == "at_once", "a click alone changes nothing"
        done = await visitor.post(address)
        assert "You are unsubscribed" in done.text
        assert (await wishes(anna))["message"] == "off"
        undone = await visitor.post(address.replace("/unsubscribe?", "/unsubscribe/undo?"))
        assert "You will get these mails again" in undone.text
        assert (await wishes(anna))["message"] == "at_once"
        bad = await visitor.post(address[:-4])
        assert bad.status_code == 404
        assert "This link does not work any more" in bad.text
    log = platform.log.read_text()
    assert address.partition("token=")[2] not in log, "tokens stand in no log"


async def _bounced(
    platform: Platform,
    anna: httpx.AsyncClient,
    mail: EmailMessage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A mail server sends the mail back; the person sees it, and has the address tried again."""
    for name, value in platform.environment.items():
        monkeypatch.setenv(name, value)
    report = postfix(mail["X-Hirewire-Mail"])
    done = await asyncio.to_thread(CliRunner().invoke, mails_app, ["bounced"], input=report)
    assert done.output.splitlines()[-1] == "noted", done.output
    assert f"We do not send notifications to {ANNA}" in await page(anna, SETTINGS)
    answer = await anna.post(f"{SETTINGS}/email")
    assert answer.headers["location"] == f"{SETTINGS}?done=mails_again"
    assert "We do not send notifications" not in await page(anna, SETTINGS)
