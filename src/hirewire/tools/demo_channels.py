"""How a change reaches an employer in the demo: by a notice, a mail and a webhook.

The demo receives the webhook itself. The platform sends to this machine only if the setting
`HIREWIRE_OUTGOING_NETWORKS` names its network (127.0.0.0/8), and shows its mails only while no SMTP
server is set.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol

import httpx

KIND = "recommended_candidate"
EVENT = "recommendation.created"
LONGEST = 1024 * 1024
WITHIN_SECONDS, TRIES = 10.0, 100
POLL_SECONDS = 0.02
_CODE = re.compile(r"^ {4}(\d{6})\s*$", re.MULTILINE)
Seen = Callable[[Any], Awaitable[bool]]


class Caller(Protocol):
    """What this module needs of the demo."""

    client: httpx.AsyncClient
    emails: dict[str, str]
    reads_mails: bool
    tokens: dict[str, str]


class Receiver:
    """Takes webhooks on a port of this machine."""

    def __init__(self) -> None:
        self.bodies: list[str] = []
        self.url = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Take requests meanwhile."""
        server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        try:
            yield
        finally:
            server.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            [length] = re.findall(r"^content-length: *(\d+)", head, re.MULTILINE) or ["0"]
            body = await reader.readexactly(min(int(length), LONGEST))
            writer.write(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
            await writer.drain()
            self.bodies.append(body.decode(errors="replace"))
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass
        finally:
            writer.close()


async def confirm_address(demo: Caller, who: str) -> bool:
    """Confirm the address, to which mails go only then; False where mails cannot be read."""
    for _ in range(TRIES):
        mails = await _mails(demo, who)
        if mails is None:
            return False
        for mail in mails:
            if code := _CODE.search(mail["text"]):
                body = {"code": code[1]}
                answer = await _call(demo, who, "POST", "/api/auth/email/verify", body)
                return answer.status_code == 204
        await asyncio.sleep(WITHIN_SECONDS / TRIES)
    return False


@asynccontextmanager
async def channels(demo: Caller, who: str, about: str) -> AsyncIterator[dict[str, Seen]]:
    """Effects to wait for, once something matches a vacancy of this person with this title.

    Those that the platform does not offer are left out; the values say whether they are seen.
    """
    found: dict[str, Seen] = {}
    if not await _choose(demo, who):
        yield found
        return
    found["employer has a notice"] = lambda _: _has_notice(demo, who)
    if demo.reads_mails:
        found["employer has a mail"] = lambda _: _has_mail(demo, who, about)
    receiver = Receiver()
    async with receiver.running():
        body = {"url": receiver.url, "events": [EVENT]}
        path = "/api/notifications/webhooks"
        answer = await _call(demo, who, "POST", path, body)

        async def came(_: Any) -> bool:
            return any(EVENT in one for one in receiver.bodies)

        if answer.status_code == 201:
            found["employer's program has a webhook"] = came
        yield found
        if answer.status_code == 201:
            await _call(demo, who, "DELETE", f"{path}/{answer.json()['id']}")


async def _choose(demo: Caller, who: str) -> bool:
    """Choose a mail at once for each match; False without the service that notifies people."""
    body = {"kinds": [{"kind": KIND, "mail": "at_once", "push": False}]}
    answer = await _call(demo, who, "PUT", "/api/notifications/preferences", body)
    return answer.status_code == 200


async def _mails(demo: Caller, who: str) -> list[dict[str, str]] | None:
    answer = await demo.client.get("/dev/mail.json")
    if answer.status_code != 200:
        return None
    return [one for one in answer.json()["items"] if one["to"] == demo.emails[who]]


async def _has_mail(demo: Caller, who: str, about: str) -> bool:
    await asyncio.sleep(POLL_SECONDS)
    return any(about in one["text"] for one in await _mails(demo, who) or ())


async def _has_notice(demo: Caller, who: str) -> bool:
    answer = await _call(demo, who, "GET", "/api/notifications/notices?unread=true&limit=10")
    items = answer.json()["items"] if answer.status_code == 200 else ()
    return any(one["kind"] == KIND for one in items)


async def _call(
    demo: Caller, who: str, method: str, path: str, body: object = None
) -> httpx.Response:
    headers = {"Authorization": f"Bearer {demo.tokens[who]}"}
    return await demo.client.request(method, path, json=body, headers=headers)
