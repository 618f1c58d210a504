"""The client for addresses that users name, against servers that mean no good."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from hirewire.kit import outgoing
from hirewire.kit.outgoing import (
    Broken,
    Failed,
    Limits,
    NotFound,
    Outgoing,
    Refused,
    TimedOut,
    Unreachable,
    Untrusted,
)
from hirewire.kit.reach import Reach, is_public, parsed_address
from tests.certificates import Certificate

OURS = "127.0.0.0/8,::1/128"
BRIEF = Limits(connect=1, answer=1, body=0.3, bytes=1000)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Write = Callable[[asyncio.StreamWriter], Awaitable[None]]


class Server:
    """A server on loopback that answers each request with what `write` writes."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.requests: list[str] = []


@asynccontextmanager
async def serving(
    answer: bytes | Write = OK, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[Server]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            server.requests.append(head.decode())
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(writer)
        with suppress(ConnectionError):
            writer.close()

    listening = await asyncio.start_server(serve, host, ssl=tls)
    server = Server(listening.sockets[0].getsockname()[1])
    try:
        yield server
    finally:
        listening.close()


def names(*answers: list[str]) -> outgoing.Lookup:
    """A name server that gives these answers, one after the other, and the last one for ever."""
    left = list(answers)

    async def look_up(_: str) -> list[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return look_up


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://127.0.0.1/", "address_refused"),
        ("https://127.1/", "url_invalid"),
        ("https://2130706433/", "url_invalid"),
        ("https://0x7f000001/", "url_invalid"),
        ("https://0x7f.0.0.1/", "url_invalid"),
        ("https://127.0.0.0x1/", "url_invalid"),
        ("https://0177.0.0.1/", "url_invalid"),
        ("https://017700000001/", "url_invalid"),
        ("https://①②⑦.⓪.⓪.①/", "address_refused"),
        ("https://0.0.0.0/", "address_refused"),
        ("https://10.1.2.3/", "address_refused"),
        ("https://100.64.0.1/", "address_refused"),
        ("https://169.254.169.254/latest/meta-data/", "address_refused"),
        ("https://172.31.255.255/", "address_refused"),
        ("https://192.168.1.1:8443/", "address_refused"),
        ("https://198.18.0.1/", "address_refused"),
        ("https://224.0.0.1/", "address_refused"),
        ("https://255.255.255.255/", "address_refused"),
        ("https://[::1]/", "address_refused"),
        ("https://[::]/", "address_refused"),
        ("https://[::ffff:127.0.0.1]/", "address_refused"),
        ("https://[::ffff:8.8.8.8]/", "address_refused"),
        ("https://[::127.0.0.1]/", "address_refused"),
        ("https://[64:ff9b::7f00:1]/", "address_refused"),
        ("https://[64:ff9b:1::7f00:1]/", "address_refused"),
        ("https://[2002:7f00:1::]/", "address_refused"),
        ("https://[2001:0:7f00:1::]/", "address_refused"),
        ("https://[2001:db8::1]/", "address_refused"),
        ("https://[fc00::1]/", "address_refused"),
        ("https://[fe80::1]/", "address_refused"),
        ("https://[fe80::1%25eth0]/", "url_invalid"),
        ("https://[ff02::1]/", "address_refused"),
        ("https://localhost/", "address_refused"),
        ("https://localhost./", "address_refused"),
        ("https://LOCALHOST/", "address_refused"),
        ("https://api.localhost/", "address_refused"),
        ("https://user@example.org/", "url_with_password"),
        ("https://user:password@example.org/", "url_with_password"),
        ("https://@example.org/", "url_with_password"),
        ("https://example.org\\@127.0.0.1/", "url_invalid"),
        ("https://example.org#@127.0.0.1/\r\nHost: x", "url_invalid"),
        ("https://example.org/\r\nX-Injected: yes", "url_invalid"),
        ("https://example.org/a b", "url_invalid"),
        ("https://example.org/\x00", "url_invalid"),
        ("https://exa%6dple.org/", "url_invalid"),
        ("https://exa%00mple.org/", "url_invalid"),
        ("https://", "url_invalid"),
        ("https:///etc/passwd", "url_invalid"),
        ("https://example.org:22/", "port_refused"),
        ("https://example.org:80/", "port_refused"),
        ("https://example.org:6379/", "port_refused"),
        ("https://example.org:0/", "port_refused"),
        ("https://example.org:70000/", "url_invalid"),
        ("http://example.org/", "url_not_https"),
        ("ftp://example.org/", "url_not_https"),
        ("file:///etc/passwd", "url_not_https"),
        ("gopher://127.0.0.1:6379/_FLUSHALL", "url_not_https"),
        ("javascript:alert(1)", "url_not_https"),
        ("example.org", "url_not_https"),
        ("", "url_invalid"),
        ("https://example.org/" + "a" * 2000, "url_invalid"),
    ],
)
async def test_nothing_is_sent_to_a_url_that_leads_inside(url: str, code: str) -> None:
    lookups: list[str] = []

    async def look_up(host: str) -> list[str]:
        lookups.append(host)
        return ["127.0.0.1"]

    with pytest.raises(Refused) as refused:
        await Outgoing(lookup=look_up).send("POST", url, limits=BRIEF)
    assert refused.value.code == code
    assert lookups == []


def test_a_public_url_is_kept_as_it_is_sent() -> None:
    reach = Reach()
    assert str(reach.parsed("https://Example.org:8443/a?b=c#d")) == "https://example.org:8443/a?b=c"
    assert str(reach.parsed("https://пример.рф/я")).startswith("https://xn--e1afmkfd.xn--p1ai/%")
    for text in ("8.8.8.8", "2606:4700::1111", "193.0.14.129"):
        address = parsed_address(text)
        assert address is not None
        assert is_public(address)


async def test_a_name_is_refused_if_one_of_its_addresses_is_not_public() -> None:
    for addresses in (["10.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::ffff:10.0.0.1"], ["fe80::1%2"]):
        client = Outgoing(lookup=names(addresses))
        with pytest.raises(Refused, match=r"not on the internet|zone"):
            await client.send("POST", "https://example.org/", limits=BRIEF)


async def test_the_checked_address_is_connected_to_without_another_look_up() -> None:
    """A name that resolves to a public address first and to a private one then (DNS rebinding)."""
    async with serving() as server:
        inside, outside = ["127.0.0.1"], ["192.0.2.1"]
        client = Outgoing("192.0.2.1", lookup=names(outside, inside))
        with pytest.raises((TimedOut, Unreachable)):
            await client.send(
                "POST", f"http://example.org:{server.port}/", limits=Limits(connect=0.2)
            )
        with pytest.raises(Refused):
            await client.send("POST", f"http://example.org:{server.port}/", limits=BRIEF)
        assert not server.requests


async def test_http_is_for_networks_of_our_own() -> None:
    async with serving() as server:
        url = f"http://example.org:{server.port}/"
        answer = await Outgoing(OURS, lookup=names(["127.0.0.1"])).send("GET", url)
        assert answer.status == 200
        with pytest.raises(Refused) as refused:
            await Outgoing(OURS, lookup=names(["8.8.8.8"])).send("GET", url)
        assert refused.value.code == "url_not_https"


async def test_the_real_look_up_resolves_and_fails() -> None:
    async with serving() as server:
        answer = await Outgoing(OURS).send("GET", f"http://localhost:{server.port}/")
        assert answer.body == b"ok"
    with pytest.raises(NotFound):
        await Outgoing(OURS).send("GET", "https://no-such-host.invalid/")


async def test_a_name_server_that_hangs_holds_one_thread_for_each_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hanging, calls = asyncio.Event(), list[str]()
    loop = asyncio.get_running_loop()

    def getaddrinfo(host: str, *_: object, **__: object) -> list[object]:
        calls.append(host)
        asyncio.run_coroutine_threadsafe(hanging.wait(), loop).result()
        raise OSError("no answer")

    client = Outgoing()
    with monkeypatch.context() as patched:
        patched.setattr(socket, "getaddrinfo", getaddrinfo)
        limits = Limits(connect=0.1, answer=0.1)
        for _ in range(3):
            with pytest.raises(TimedOut):
                await client.send("GET", "https://slow.example.org/", limits=limits)
    assert calls == ["slow.example.org"]
    hanging.set()


async def test_redirects_are_answers() -> None:
    moved = b"HTTP/1.1 301 Moved\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"
    async with serving(moved) as server:
        answer = await Outgoing(OURS).send("POST", f"http://127.0.0.1:{server.port}/")
    assert (answer.status, answer.headers["location"]) == (301, "http://169.254.169.254/")
    assert len(server.requests) == 1


async def test_a_request_has_what_is_given_and_nothing_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    cookie = b"HTTP/1.1 204 No Content\r\nSet-Cookie: a=b\r\nX-Other: x\r\nServer: mine\r\n\r\n"
    async with serving(cookie) as server:
        client = Outgoing(OURS, lookup=names(["127.0.0.1"]))
        for _ in range(2):
            answer = await client.send(
                "POST",
                f"http://hooks.example.org:{server.port}/a?b=c",
                headers={"webhook-id": "msg_1", "content-type": "application/json"},
                body=b"{}",
            )
    assert answer.is_success
    assert answer.headers == {"server": "mine"}
    first, second = server.requests
    assert first.startswith("POST /a?b=c HTTP/1.1\r\n")
    assert f"Host: hooks.example.org:{server.port}\r\n" in first
    assert "webhook-id: msg_1\r\n" in first
    assert "User-Agent: Hirewire/" in first
    assert "ookie" not in second
    with pytest.raises(Failed):
        await client.send(
            "POST", f"http://hooks.example.org:{server.port}/", headers={"a": "b\r\nc: d"}
        )
    assert len(server.requests) == 2


async def test_tls_is_verified_for_the_name_although_an_address_is_connected_to(
    tmp_path: Path,
) -> None:
    certificate = Certificate(tmp_path, "hooks.example.org")
    lookup = names(["127.0.0.1"])
    async with serving(tls=certificate.server()) as server:
        client = Outgoing(OURS, lookup=lookup, tls=certificate.client())
        answer = await client.send("POST", f"https://hooks.example.org:{server.port}/")
        assert answer.status == 200
        for host in ("other.example.org", "127.0.0.1"):
            with pytest.raises(Untrusted):
                await client.send("POST", f"https://{host}:{server.port}/")
        with pytest.raises(Untrusted, match="self-signed"):
            await Outgoing(OURS, lookup=lookup).send(
                "POST", f"https://hooks.example.org:{server.port}/"
            )
    async with serving() as server:
        with pytest.raises(Failed):
            await client.send("POST", f"https://hooks.example.org:{server.port}/", limits=BRIEF)


async def _endless_body(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"x" * 10_000)
        await writer.drain()


async def _slow_body(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def _closed_amid(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nxx")
    await writer.drain()


@pytest.mark.parametrize("write", [_endless_body, _slow_body, _closed_amid])
async def test_a_body_that_does_not_end_is_cut_and_the_status_counts(write: Write) -> None:
    async with serving(write) as server:
        answer = await Outgoing(OURS).send("POST", f"http://127.0.0.1:{server.port}/", limits=BRIEF)
    assert (answer.status, answer.is_cut) == (200, True)
    assert answer.body.strip(b"x") == b""
    assert 2 <= len(answer.body) <= 1000


async def _nothing(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


async def _slow_head(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 200 OK\r\n"[:1])
        await writer.drain()
        await asyncio.sleep(0.02)


async def _endless_continue(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await writer.drain()


async def _endless_head(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"A: " + b"x" * 1000 + b"\r\n")
        await writer.drain()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (_nothing, TimedOut),
        (_slow_head, (TimedOut, Broken)),
        (_endless_continue, TimedOut),
        (_endless_head, Broken),
        (b"", Broken),
        (b"HTTP/1.1 200 OK\r\nContent-Le", Broken),
        (b"SSH-2.0-OpenSSH_9.6\r\n", Broken),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", Broken),
        (b"HTTP/1.1 200 OK\r\nA: " + b"x" * 100_000 + b"\r\n\r\n", Broken),
    ],
)
async def test_what_is_no_answer_is_a_failure(
    answer: bytes | Write, error: type[Failed] | tuple[type[Failed], ...]
) -> None:
    async with serving(answer) as server:
        with pytest.raises(error):
            await Outgoing(OURS).send("POST", f"http://127.0.0.1:{server.port}/", limits=BRIEF)


async def test_no_server_is_unreachable() -> None:
    async with serving() as server:
        pass
    with pytest.raises(Unreachable):
        await Outgoing(OURS).send("POST", f"http://127.0.0.1:{server.port}/")


async def test_a_compressed_body_is_not_unpacked() -> None:
    packed = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x00"
    async with serving(packed) as server:
        answer = await Outgoing(OURS).send("POST", f"http://127.0.0.1:{server.port}/")
    assert answer.body == b"\x1f\x8b\x00"
    assert "\x00" not in answer.text
