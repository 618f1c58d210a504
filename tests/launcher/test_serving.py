"""Connections that send nothing or too little."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.types import Receive, Scope, Send

from hirewire.launcher import serving
from hirewire.launcher.process import free_port

REQUEST = b"GET /x HTTP/1.1\r\nHost: here\r\n\r\n"


async def slow(scope: Scope, receive: Receive, send: Send) -> None:
    """Takes longer than a request head may."""
    await asyncio.sleep(0.4)
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    monkeypatch.setattr(serving, "HEAD_SECONDS", 0.2)
    found = free_port()
    server = serving.server_of(slow, host="127.0.0.1", port=found)
    server.config.lifespan = "off"
    server.config.load()
    running = asyncio.create_task(server._serve())
    async with asyncio.timeout(10):
        while not server.started:
            await asyncio.sleep(0.01)
    yield found
    server.should_exit = True
    await running


@pytest.mark.parametrize("sent", [b"", b"GET /x HTTP/1.1\r\nHost: he"])
async def test_a_client_that_sends_no_complete_head_is_disconnected(port: int, sent: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    async with asyncio.timeout(10):
        assert await reader.read() == b""
    writer.close()


async def test_the_time_limit_applies_to_the_next_head_too(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(10):
        for _ in range(2):
            writer.write(REQUEST)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")
        writer.write(REQUEST[:20])
        assert await reader.read() == b""
    writer.close()


async def test_requests_that_come_at_once_are_all_answered(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(REQUEST * 3)
    async with asyncio.timeout(10):
        for _ in range(3):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")
    writer.close()
