"""Connections that send nothing or too little; applications that share a process."""

import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress

import pytest
from starlette.types import Receive, Scope, Send

from hirewire.launcher import serving
from hirewire.launcher.process import free_port
from tests.builders import eventually

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


@contextmanager
def together(*ports: int) -> Iterator[subprocess.Popen[bytes]]:
    argv = [sys.executable, "-m", "tests.launcher.together", *map(str, ports)]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("asked", [0, 1], ids=["first", "second"])
async def test_two_that_share_a_process_both_complete_what_they_do(asked: int) -> None:
    ports = [free_port(), free_port()]
    with together(*ports) as process:
        assert process.stdout is not None
        said = process.stdout
        for _ in ports:
            assert b"startup" in await asyncio.to_thread(said.readline)
        reader, writer = await connected(ports[asked])
        writer.write(REQUEST)
        assert b"was asked" in await asyncio.to_thread(said.readline)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(20):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")
        writer.close()
        rest = await asyncio.to_thread(said.read)
        assert sorted(rest.split()) == [b"first", b"second", b"shutdown", b"shutdown"]
        assert await asyncio.to_thread(process.wait, 20) == -signal.SIGTERM


async def test_one_that_cannot_listen_ends_the_process() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        together(free_port(), taken.getsockname()[1]) as process,
    ):
        assert await asyncio.to_thread(process.wait, 20) == 3


async def connected(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    found: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def connects() -> bool:
        with suppress(OSError):
            found.append(await asyncio.open_connection("127.0.0.1", port))
        return bool(found)

    await eventually(connects)
    return found[0]
