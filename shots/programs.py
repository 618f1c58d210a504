"""A company's own programs: webhooks with deliveries, and API keys."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from hirewire.tools.api_client import Account, Refused
from hirewire.tools.sample_data.filler import PASSWORD

WEBHOOKS, KEYS = "/api/notifications/webhooks", "/api/auth/api-keys"
EVENTS = ["application.submitted", "application.message_sent", "interview.chosen"]
ELSEWHERE = "https://ats.example.org"
SCOPES = ["vacancies:read", "vacancies:write", "applications:read"]


@dataclass(frozen=True)
class Programs:
    """What the pages show."""

    works: str
    """A webhook whose receiver takes everything, if the board may send to this machine."""
    fails: str
    delivery: str
    """Of the webhook that fails."""


@asynccontextmanager
async def receiving() -> AsyncIterator[str]:
    """A receiver of webhooks on this machine; yields its address. What is sent to `/broken` fails.

    A board sends to it only with `HIREWIRE_OUTGOING_NETWORKS=127.0.0.0/8`.
    """

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            int(line.split(":")[1])
            for line in head.splitlines()
            if line.lower().startswith("content-length")
        )
        await reader.readexactly(length)
        is_broken = head.startswith("POST /broken")
        body = b'{"error": "The database is locked."}' if is_broken else b'{"ok": true}'
        status = "500 Internal Server Error" if is_broken else "200 OK"
        writer.write(
            f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
            + body
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1")
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def connect(url: str, email: str, receiver: str) -> Programs:
    """Let the employer connect programs, and send something to their receivers."""
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        boss = Account(client, email, PASSWORD)
        await boss.log_in()
        for old in (await boss.call("GET", WEBHOOKS))["items"]:
            await boss.call("DELETE", f"{WEBHOOKS}/{old['id']}")
        works = await _webhook(boss, receiver, "/hires")
        fails = await _webhook(boss, receiver, "/broken")
        if not (await boss.call("GET", KEYS))["items"]:
            key = {"name": "ATS", "scopes": SCOPES, "days": 365, "password": PASSWORD}
            await boss.call("POST", KEYS, key)
        applied = "/api/vacancies/applications"
        found = await boss.call("GET", f"{applied}?role=employer")
        for one in [one for one in found["items"] if one["open"]][:2]:
            text = {"text": "Could you send us your references? / Пришлите рекомендации."}
            await boss.call("POST", f"{applied}/{one['id']}/messages", text)
        deliveries: list[dict[str, str]] = []
        for _ in range(100):
            found = await boss.call("GET", f"{WEBHOOKS}/{fails}/deliveries")
            deliveries = [one for one in found["items"] if one["attempts"]]
            if deliveries:
                break
            await asyncio.sleep(0.1)
        return Programs(works, fails, deliveries[0]["id"])


async def _webhook(boss: Account, receiver: str, path: str) -> str:
    body = {"url": f"{receiver}{path}", "events": EVENTS}
    try:
        made = await boss.call("POST", WEBHOOKS, body)
    except Refused:  # the board does not send to this machine
        made = await boss.call("POST", WEBHOOKS, body | {"url": f"{ELSEWHERE}{path}"})
    for _ in range(3):
        await boss.call("POST", f"{WEBHOOKS}/{made['id']}/ping")
    return str(made["id"])
