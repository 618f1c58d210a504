"""The page behind "Unsubscribe" in a mail, in front of a service that answers as the test says."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from hirewire.assembly import load_settings
from hirewire.launcher.process import free_port
from hirewire.web.app import create_web
from tests.web.conftest import reply, serving

TOKEN = "a-secret_of-a-mail"
PATH = f"/unsubscribe?token={TOKEN}"


@dataclass
class Notifications:
    status: int = 200
    code: str = ""
    calls: list[tuple[str, str, str]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path = scope["path"].removeprefix("/api/notifications")
        asked = dict(scope["headers"])
        assert b"authorization" not in asked, "the link alone counts, whoever is signed in"
        self.calls.append((scope["method"], path, scope["query_string"].decode()))
        good = {"email": "a***@example.org", "kinds": ["message", "of_a_later_version"]}
        body = good if self.status == 200 else {"status": self.status, "code": self.code}
        await reply(send, json.dumps(body).encode(), status=self.status)


@pytest.fixture
async def client() -> AsyncIterator[tuple[httpx.AsyncClient, Notifications]]:
    names = ("web", "auth", "profiles", "vacancies", "notifications")
    ports = {f"{name}_port": free_port() for name in names}
    service, app = Notifications(), create_web(load_settings({}, **ports))
    async with (
        serving(service, ports["notifications_port"]) as one,
        serving(app, ports["web_port"]) as server,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{ports['web_port']}", timeout=20) as client,
    ):
        yield client, service
        one.should_exit = server.should_exit = True


async def test_a_click_changes_nothing_before_the_button_is_pressed(
    client: tuple[httpx.AsyncClient, Notifications],
) -> None:
    browser, service = client
    answer = await browser.get(PATH)
    assert answer.status_code == 200
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert "noindex" in answer.headers["x-robots-tag"]
    for shown in ("a***@example.org", "<li>Messages</li>", "of a later version"):
        assert shown in answer.text
    await browser.head(PATH)
    assert {method for method, _, _ in service.calls} == {"GET"}
    done = await browser.post(PATH, headers={"origin": str(browser.base_url).rstrip("/")})
    assert done.status_code == 200
    assert "You are unsubscribed" in done.text
    assert f'action="/unsubscribe/undo?token={TOKEN}"' in done.text
    undone = await browser.post(f"/unsubscribe/undo?token={TOKEN}")
    assert "You will get these mails again" in undone.text
    assert service.calls[-2:] == [
        ("POST", "/unsubscribe", f"token={TOKEN}"),
        ("POST", "/unsubscribe/undo", f"token={TOKEN}"),
    ]


async def test_a_mail_client_unsubscribes_with_one_request(
    client: tuple[httpx.AsyncClient, Notifications],
) -> None:
    browser, service = client
    body = {"List-Unsubscribe": "One-Click"}
    answer = await browser.post(PATH, data=body, follow_redirects=False)
    assert answer.status_code == 200
    assert [call[0] for call in service.calls] == ["POST"]
    other = await browser.post(PATH, headers={"sec-fetch-site": "cross-site"})
    assert other.status_code == 403, "a page of another site presses no button here"


@pytest.mark.parametrize("path", [PATH, "/unsubscribe", "/unsubscribe?token=" + "x" * 3000])
async def test_a_bad_link_gets_a_page(
    client: tuple[httpx.AsyncClient, Notifications], path: str
) -> None:
    browser, service = client
    for status, code in ((404, "unsubscribe_link_invalid"), (422, "invalid")):
        service.status, service.code = status, code
        for method in ("GET", "POST"):
            answer = await browser.request(method, path)
            assert answer.status_code == status
            assert "This link does not work any more" in answer.text
            assert 'href="/account/notifications"' in answer.text
            assert '<form action="/unsubscribe' not in answer.text
            assert answer.headers["referrer-policy"] == "no-referrer"
