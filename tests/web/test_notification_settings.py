"""The page of notification settings, in front of services that answer as the test says."""

import json
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from hirewire.assembly import load_settings
from hirewire.launcher.process import free_port
from hirewire.web.app import create_web
from hirewire.web.sessions import ACCESS
from tests.web.conftest import reply, serving
from tests.web.test_hardening import token

PATH = "/account/notifications"
TOKEN = token(json.dumps({"exp": time.time() + 600}))
INVITATION = {"kind": "invitation", "side": "applicant", "mail": "at_once", "push": True}
MESSAGE = {"kind": "message", "side": None, "mail": "daily", "push": False}
LATER = {"kind": "of_a_later_version", "side": "employer", "mail": "weekly", "push": False}


@dataclass
class Services:
    """`auth` and `notifications` as one application."""

    language: str | None = "en"
    time_zone: str | None = "Asia/Kolkata"
    quiet: dict[str, str] | None = None
    email: dict[str, Any] = field(default_factory=lambda: {"state": "ok"})
    refusal: tuple[int, dict[str, Any]] | None = None
    calls: list[tuple[str, str, Any]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path, method = scope["path"].removeprefix("/api/"), scope["method"]
        body = (await receive()).get("body", b"")
        if method != "GET":
            self.calls.append((method, path, json.loads(body) if body else None))
            status, answer = self.refusal or (204, {})
            await reply(send, json.dumps(answer).encode() if self.refusal else b"", status=status)
            return
        me = {"id": "7", "email": "anna@example.org", "language": self.language}
        answers = {
            "auth/me": me | {"timeZone": self.time_zone},
            "notifications/email": self.email,
            "notifications/preferences": {
                "language": self.language,
                "quiet": self.quiet,
                "kinds": [INVITATION, MESSAGE, LATER],
                "email": {"state": self.email["state"]},
            },
            "notifications/notices/unread": {"count": 0},
        }
        await reply(send, json.dumps(answers.get(path, {})).encode())


@dataclass
class Front:
    client: httpx.AsyncClient
    services: Services

    async def fields(self) -> dict[str, str]:
        """What the form would send if nothing was changed."""
        answer = await self.client.get(PATH)
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        form = answer.text.split('class="wishes"')[1].split("</form>")[0]
        found = {}
        for tag in re.findall(r"<input[^>]+>", form):
            name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
            if name and (" checked" in tag or 'type="checkbox"' not in tag):
                found[name[1]] = value[1] if value else ""
        for name, options in re.findall(r'<select[^>]* name="([^"]+)"(.*?)</select>', form, re.S):
            found[name] = re.findall(r'<option value="([^"]*)"[^>]* selected', options)[0]
        return found

    async def save(self, *, expect: int = 303, **changes: str | None) -> httpx.Response:
        """Send the form with these changes; None: an unchecked box."""
        named = {name.replace("__", "."): value for name, value in changes.items()}
        given = await self.fields() | named
        sent = {name: value for name, value in given.items() if value is not None}
        answer = await self.client.post(PATH, data=sent)
        assert answer.status_code == expect, answer.text
        return answer


@pytest.fixture
async def front() -> AsyncIterator[Front]:
    names = ("web", "auth", "profiles", "vacancies", "notifications")
    ports = {f"{name}_port": free_port() for name in names}
    services, app = Services(), create_web(load_settings({}, **ports))
    async with (
        serving(services, ports["notifications_port"]) as one,
        serving(services, ports["auth_port"]) as other,
        serving(services, ports["vacancies_port"]) as third,
        serving(app, ports["web_port"]) as server,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{ports['web_port']}", timeout=20) as client,
    ):
        client.cookies.set(ACCESS, TOKEN)
        yield Front(client, services)
        for running in (one, other, third, server):
            running.should_exit = True


async def test_only_what_was_changed_is_saved(front: Front) -> None:
    answer = await front.save()
    assert front.services.calls == [], "a page that was saved without a change"
    assert answer.headers["location"] == f"{PATH}?done=saved"
    await front.save(mail__message="off", push__invitation=None)
    invitation = {"kind": "invitation", "mail": "at_once", "push": False}
    message = {"kind": "message", "mail": "off", "push": False}
    assert front.services.calls == [
        ("PUT", "notifications/preferences", {"kinds": [invitation, message]})
    ]


async def test_quiet_hours_language_and_time_zone(front: Front) -> None:
    await front.save(quiet="on")
    await front.save(language="ru", timeZone="Europe/Moscow")
    hours = {"from": "22:00", "until": "08:00"}
    assert front.services.calls == [
        ("PUT", "notifications/preferences", {"quiet": hours}),
        ("PATCH", "auth/me", {"language": "ru", "timeZone": "Europe/Moscow"}),
    ]
    front.services.calls.clear()
    front.services.quiet = {"from": "23:30", "until": "07:00"}
    assert (await front.fields())["quiet.from"] == "23:30"
    await front.save(quiet=None)
    await front.save(quiet__until="09:00")
    await front.save(timeZone="")
    assert front.services.calls == [
        ("PUT", "notifications/preferences", {"quiet": None}),
        ("PUT", "notifications/preferences", {"quiet": {"from": "23:30", "until": "09:00"}}),
        ("PATCH", "auth/me", {"timeZone": None}),
    ]


async def test_a_zone_has_one_name_in_the_list(front: Front) -> None:
    assert (await front.fields())["timeZone"] == "Asia/Kolkata"
    front.services.time_zone = "Asia/Calcutta"  # as some browsers call it
    assert (await front.fields())["timeZone"] == "Asia/Kolkata"
    await front.save()
    assert front.services.calls == []
    for other in ("Arctic/Longyearbyen", "Etc/GMT+5"):
        front.services.time_zone = other
        assert (await front.fields())["timeZone"] == other
    front.services.time_zone = None
    page = (await front.client.get(PATH)).text
    assert "data-zone-unknown" in page
    assert "Moscow (UTC+3)" in page
    assert 'optgroup label="Pacific Ocean"' in page


async def test_what_is_refused_stays_in_the_form(front: Front) -> None:
    wrong = {"pointer": "#/quiet", "code": "no_quiet_hours", "detail": "x", "params": {}}
    front.services.refusal = (422, {"code": "invalid", "status": 422, "errors": [wrong]})
    answer = await front.save(
        quiet="on", quiet__from="08:00", mail__message="off", push__invitation=None, expect=422
    )
    assert "The end must differ from the start" in answer.text
    assert re.search(r'name="quiet.from"\s+value="08:00"', answer.text)
    message = answer.text.split('name="mail.message"')[1].split("</select>")[0]
    assert '<option value="off" selected' in message
    assert 'value="daily "' in answer.text, "what is stored, for the comparison"
    invitation = answer.text.split('name="push.invitation"')[1].split(">")[0]
    assert "checked" not in invitation


async def test_a_stopped_address(front: Front) -> None:
    assert "We do not send notifications" not in (await front.client.get(PATH)).text
    front.services.email = {"state": "stopped", "reason": "bounced", "retryAt": None}
    page = (await front.client.get(PATH)).text
    assert "We do not send notifications to anna@example.org" in page
    assert "could not be delivered. Mails about your account" in page
    answer = await front.client.post(f"{PATH}/email")
    assert answer.headers["location"] == f"{PATH}?done=mails_again"
    assert front.services.calls == [("POST", "notifications/email/retry", None)]
    front.services.refusal = (429, {"code": "email_tried_lately", "status": 429, "params": {}})
    answer = await front.client.post(f"{PATH}/email")
    assert answer.headers["location"] == f"{PATH}?done=limit"
    at = "2026-11-30T10:00:00+00:00"
    front.services.email = {"state": "stopped", "reason": "complained", "retryAt": at}
    page = (await front.client.get(PATH)).text
    assert "reported as spam" in page
    assert "You can try again after" in page
    assert "/email" not in page.split('class="wishes"')[0].split("<main")[1].replace("#email", "")


async def test_forms_of_other_sites_and_other_people_change_nothing(front: Front) -> None:
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
        for path in (PATH, f"{PATH}/email"):
            answer = await front.client.post(path, data={"quiet": "on"}, headers=headers)
            assert answer.status_code == 403
    front.client.cookies.clear()
    assert (await front.client.get(PATH)).headers["location"].startswith("/signin?next=")
    assert (await front.client.post(PATH, data={})).status_code == 303
    assert front.services.calls == []
