"""The page that responds while the platform starts: one answer for each connection, whole."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from hirewire.launcher.process import free_port
from hirewire.launcher.startup_page import StartupPage
from tests.builders import eventually


@pytest.fixture
async def page() -> AsyncIterator[StartupPage]:
    async with StartupPage("127.0.0.1", free_port()) as opened:
        yield opened


def port_of(page: StartupPage) -> int:
    return int(page.socket.getsockname()[1])


async def exchanged(page: StartupPage, sent: bytes) -> bytes:
    """Everything that a client gets that sends this and waits for the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(page))
    writer.write(sent)
    async with asyncio.timeout(20):
        received = await reader.read(-1)
    writer.close()
    return received


async def test_people_get_a_page_in_their_language_and_programs_a_problem(
    page: StartupPage,
) -> None:
    page.now("broker")
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port_of(page)}") as client:
        english = await client.get("/any", headers={"Accept": "text/html"})
        russian = await client.get("/", headers={"Accept": "text/html", "Accept-Language": "ru-RU"})
        program = await client.post("/api/auth/login", content=b"x" * 3_000_000)
    assert (english.status_code, english.headers["retry-after"]) == (503, "2")
    assert english.headers["content-type"] == "text/html; charset=utf-8"
    assert "… Message broker" in english.text
    assert "✓ Database" in english.text
    assert "Hirewire запускается" in russian.text
    assert program.status_code == 503
    assert program.json()["type"] == "urn:hirewire:problem:starting"


async def test_a_head_has_no_body_and_what_is_not_http_is_refused(page: StartupPage) -> None:
    head = await exchanged(page, b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503")
    assert head.endswith(b"\r\n\r\n")
    assert b"content-length: 0" not in head.lower()
    assert (await exchanged(page, b"\x16\x03\x01 no http\r\n\r\n")).startswith(b"HTTP/1.1 400")
    assert (await exchanged(page, b"GET / HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 400")
    too_long = b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 200_000
    assert (await exchanged(page, too_long)).startswith(b"HTTP/1.1 431")
    assert (await exchanged(page, b"GET / HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.1 503")


async def test_a_silent_client_holds_up_neither_the_others_nor_the_services(
    page: StartupPage,
) -> None:
    silent = [asyncio.create_task(exchanged(page, b"GET / HT")) for _ in range(50)]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port_of(page)}") as client:
        assert (await client.get("/")).status_code == 503
    async with asyncio.timeout(3):
        await page.hand_over()
    assert not any(
        isinstance(one, bytes) and one
        for one in await asyncio.gather(*silent, return_exceptions=True)
    )


async def test_once_it_has_ended_connections_wait_for_the_next_owner(page: StartupPage) -> None:
    await page.hand_over()
    client = asyncio.create_task(exchanged(page, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
    answered: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answered.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, sock=page.socket.dup()):

        async def has_answered() -> bool:
            return bool(answered)

        await eventually(has_answered)
        assert (await client).startswith(b"HTTP/1.1 200")
