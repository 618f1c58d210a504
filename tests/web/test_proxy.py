"""The proxy over real sockets, with misbehaving services and clients."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from hirewire.kit.middleware import BodyLimit
from hirewire.web import upstream
from hirewire.web.proxy import exchange
from tests.builders import eventually
from tests.web.conftest import WITHIN_SECONDS, Front, Seen, Service, plain, reply, serving

Peer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def chunks(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * 65_536


async def test_cookies_are_not_shared_between_clients(front: Front) -> None:
    async def signs_in(_: Seen, receive: Receive, send: Send) -> None:
        await reply(send, b"", (b"set-cookie", b"session=of-anna; Path=/"))

    front.service.answer = signs_in
    await front.client.post("/api/auth/login")
    async with httpx.AsyncClient(base_url=front.client.base_url) as somebody_else:
        await somebody_else.get("/api/auth/me")
    assert [seen.header("cookie") for seen in front.service.seen] == [[], []]


@pytest.mark.parametrize("target", ["/api/auth/a%2Fb%7Ec%41?q=%2b+%7e&x", "/api/auth/a|b'(c)?[]"])
async def test_the_bytes_of_a_request_target_are_unchanged(front: Front, target: str) -> None:
    reader, writer = await front.raw(f"GET {target} HTTP/1.1", "Connection: close")
    assert (await reader.read()).startswith(b"HTTP/1.1 200")
    writer.close()
    assert front.service.seen[0].target == target.encode()


@pytest.mark.parametrize(
    "target",
    [
        "/api/auth/../../metrics",
        "/api/auth/%2e%2e/%2e%2e/metrics",
        "/api/auth/..%2f..%2fmetrics",
        "/api/auth/..%5c..%5cmetrics",
        "/.well-known/%2E%2E/metrics",
        "/api/%61uth/metrics",
        "//api/auth/x",
        "/api/auth",
        "/api/nobody/x",
        "http://auth/metrics/x",
    ],
)
async def test_the_list_of_public_paths_cannot_be_bypassed(front: Front, target: str) -> None:
    reader, writer = await front.raw(f"GET {target} HTTP/1.1", "Connection: close")
    assert (await reader.read()).startswith(b"HTTP/1.1 404")
    writer.close()
    assert front.service.seen == []


async def test_openapi_is_the_services_own(front: Front) -> None:
    await front.client.get("/api/auth/openapi.json")
    assert front.service.seen[0].target == b"/openapi.json"


async def test_a_client_that_leaves_before_the_answer_stops_the_work(front: Front) -> None:
    async def works(_: Seen, receive: Receive, send: Send) -> None:
        await front.service.wait_left(receive)

    front.service.answer = works
    _, writer = await front.raw("GET /api/auth/slow HTTP/1.1")
    async with asyncio.timeout(WITHIN_SECONDS):
        await front.service.reached.wait()
        writer.close()
        await front.service.left.wait()


async def test_a_client_that_leaves_while_it_sends_stops_the_work(front: Front) -> None:
    async def reads(_: Seen, receive: Receive, send: Send) -> None:
        await front.service.wait_left(receive)

    front.service.answer = reads
    _, writer = await front.raw(
        "POST /api/auth/x HTTP/1.1", "Content-Length: 200000", body=b"x" * 100_000
    )
    async with asyncio.timeout(WITHIN_SECONDS):
        await front.service.reached.wait()
        writer.close()
        await front.service.left.wait()


async def test_a_large_body_is_streamed(front: Front) -> None:
    first = asyncio.Event()

    async def reads(seen: Seen, receive: Receive, send: Send) -> None:
        while seen.size <= exchange.WHOLE:
            seen.size += len((await receive()).get("body", b""))
        first.set()
        await plain(seen, receive, send)

    front.service.answer = reads
    chunk = b"11000\r\n" + b"x" * 0x11000 + b"\r\n"
    reader, writer = await front.raw(
        "POST /api/auth/x HTTP/1.1", "Transfer-Encoding: chunked", body=chunk
    )
    async with asyncio.timeout(WITHIN_SECONDS):
        await first.wait()
        writer.write(b"4\r\nlast\r\n0\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    writer.close()
    assert front.service.seen[0].size == 0x11000 + 4


@pytest.mark.parametrize(
    "lengths",
    [
        ("Content-Length: 4", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 4"),
        ("Content-Length: 4", "Content-Length: 5"),
        ("Transfer-Encoding: identity, chunked", "Content-Length: 4"),
        ("Transfer-Encoding : chunked",),
    ],
)
async def test_a_request_with_two_lengths_is_refused(front: Front, lengths: tuple[str]) -> None:
    """Two readers could disagree where it ends, and the rest would pass for another request."""
    hidden = b"0\r\n\r\nGET /api/auth/hidden HTTP/1.1\r\nHost: front\r\n\r\n"
    reader, writer = await front.raw("POST /api/auth/x HTTP/1.1", *lengths, body=hidden)
    async with asyncio.timeout(WITHIN_SECONDS):
        assert (await reader.readline()).startswith(b"HTTP/1.1 400")
        await reader.read()
    writer.close()
    assert front.service.seen == []


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 900_000])
async def test_a_body_arrives_as_it_was_sent(front: Front, size: int, chunked: bool) -> None:
    content = b"x" * size
    answer = await front.client.post(
        "/api/auth/x", content=_in_parts(content) if chunked else content
    )
    assert answer.status_code == 200
    [seen] = front.service.seen
    assert seen.size == size
    announced = [] if chunked and size > exchange.WHOLE else [str(size)]
    assert seen.header("content-length") == announced


async def _in_parts(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 10_000):
        yield content[start : start + 10_000]


async def test_large_responses_do_not_delay_others(front: Front) -> None:
    """A connection that has carried a large response is reused."""

    async def answers(seen: Seen, receive: Receive, send: Send) -> None:
        await reply(send, b"x" * 1_000_000 if b"large" in seen.target else b"small")

    front.service.answer = answers
    async with asyncio.timeout(WITHIN_SECONDS):
        for _ in range(20):
            assert len((await front.client.get("/api/auth/large")).content) == 1_000_000
            assert (await front.client.get("/api/auth/other")).text == "small"


async def test_a_large_body_waits_for_nothing(front: Front) -> None:
    async with asyncio.timeout(WITHIN_SECONDS):
        for _ in range(20):
            answer = await front.client.post("/api/auth/x", content=b"x" * 100_000)
            assert answer.status_code == 200
    assert all(seen.header("expect") == [] for seen in front.service.seen)


async def test_slow_senders_do_not_block_a_service(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front.upstream("auth"), "_places", asyncio.Semaphore(1))
    writers = []
    for _ in range(3):
        _, writer = await front.raw("POST /api/auth/x HTTP/1.1", "Content-Length: 9", body=b"half")
        writers.append(writer)
    async with asyncio.timeout(WITHIN_SECONDS):
        assert (await front.client.get("/api/auth/me")).status_code == 200
    for writer in writers:
        writer.close()


async def test_concurrent_uploads_of_one_address_are_limited(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "MOST_BODIES_EACH", 2)
    half = ["POST /api/auth/x HTTP/1.1", "Content-Length: 9"]
    sending = [await front.raw(*half, body=b"half") for _ in range(2)]

    async def refused() -> bool:
        answer = await front.client.post("/api/auth/x", content=b"mine")
        return answer.status_code == 503 and answer.json()["type"].endswith(":too-many-bodies")

    await eventually(refused)
    assert (await front.client.get("/api/auth/me")).status_code == 200
    for reader, writer in sending:
        writer.write(b"whole")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()
    assert (await front.client.post("/api/auth/x", content=b"mine")).status_code == 200


@pytest.mark.parametrize("sent", [4, 100_000])
async def test_a_body_that_does_not_end_is_given_up(
    front: Front, monkeypatch: pytest.MonkeyPatch, sent: int
) -> None:
    monkeypatch.setattr(exchange, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(exchange, "SLOWEST", 10_000_000)
    reader, writer = await front.raw(
        "POST /api/auth/x HTTP/1.1", "Content-Length: 200000", body=b"x" * sent
    )
    async with asyncio.timeout(WITHIN_SECONDS):
        assert (await reader.readline()).startswith(b"HTTP/1.1 408")
    writer.close()


@pytest.fixture
def quick_to_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the health of a silent service be checked early."""
    for name, seconds in (("SILENCE", 0.2), ("PROBE", 0.5), ("PROBE_PAUSE", 0.05)):
        monkeypatch.setattr(upstream, f"{name}_SECONDS", seconds)


@pytest.mark.usefixtures("quick_to_doubt")
async def test_a_hanging_service_is_soon_not_waited_for(front: Front) -> None:
    async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with asyncio.timeout(WITHIN_SECONDS):
        async with await asyncio.start_server(hangs, "127.0.0.1", front.free_port):
            first = await front.client.get("/api/profiles/x")
            second = await front.client.get("/api/profiles/x")
            other = await front.client.get("/api/auth/x")
        assert first.json()["detail"] == "profiles is not responding; it may have acted."
        assert (second.status_code, second.headers["retry-after"]) == (503, "1")
        assert other.status_code == 200

        async def is_back() -> bool:
            return (await front.client.get("/api/profiles/x")).status_code == 200

        async with serving(Service(), front.free_port):
            await eventually(is_back)


@pytest.mark.usefixtures("quick_to_doubt")
async def test_a_service_that_is_slow_is_waited_for(front: Front) -> None:
    go_on, asked = asyncio.Event(), asyncio.Event()

    async def slow(seen: Seen, receive: Receive, send: Send) -> None:
        if b"slow" in seen.target:
            await go_on.wait()
        elif b"health" in seen.target:
            asked.set()
        await reply(send, b"well")

    front.service.answer = slow
    waiting = [asyncio.create_task(front.client.get("/api/auth/slow")) for _ in range(5)]
    async with asyncio.timeout(WITHIN_SECONDS):
        await asked.wait()
        assert (await front.client.get("/api/auth/quick")).status_code == 200
        go_on.set()
        assert [(await task).status_code for task in waiting] == [200] * 5


@pytest.mark.parametrize(
    "target",
    ["http://elsewhere/api/auth/x?y", "/api/auth/x?y#z", "http://elsewhere/api/auth/x?y#z"],
)
async def test_a_service_gets_path_and_query_alone(front: Front, target: str) -> None:
    """RFC 9112, 3.2.2: a server must also accept the absolute form."""
    reader, writer = await front.raw(f"GET {target} HTTP/1.1", "Connection: close")
    assert (await reader.read()).startswith(b"HTTP/1.1 200")
    writer.close()
    assert front.service.seen[0].target == b"/api/auth/x?y"
    assert front.service.seen[0].header("host") == [front.upstream("auth").host]


async def test_a_header_that_is_no_text_is_refused(front: Front) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
    writer.write(
        b"GET /api/auth/x HTTP/1.1\r\nHost: front\r\nX-Odd: \xff\r\nConnection: close\r\n\r\n"
    )
    assert (await reader.read()).startswith(b"HTTP/1.1 400")
    writer.close()
    assert front.service.seen == []


@pytest.mark.parametrize("announced", [True, False])
async def test_a_413_of_the_service_is_passed_on(front: Front, announced: bool) -> None:
    limited = BodyLimit(_reads)

    async def refuses(seen: Seen, receive: Receive, send: Send) -> None:
        scope: Scope = {"type": "http", "path": "/", "headers": seen.headers}
        await limited(scope, receive, send)

    front.service.answer = refuses
    content = b"x" * 5_000_000 if announced else chunks(80)
    answer = await front.client.post("/api/auth/x", content=content)
    assert answer.status_code == 413
    assert "1048576" in answer.json()["detail"]


async def _reads(scope: Scope, receive: Receive, send: Send) -> None:
    await plain(Seen("POST", b"", []), receive, send)


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_too_large_for_all_is_refused_here(front: Front, announced: bool) -> None:
    content = b"x" * 9_000_000 if announced else chunks(160)
    answer = await front.client.post("/api/auth/x", content=content)
    assert answer.status_code == 413
    assert answer.json()["service"] == "auth"


async def test_a_service_that_never_answers_is_given_up(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(_: Seen, receive: Receive, send: Send) -> None:
        await front.service.wait_left(receive)

    monkeypatch.setattr(exchange, "HEAD_SECONDS", 0.2)
    front.service.answer = silent
    answer = await front.client.get("/api/auth/slow")
    assert answer.status_code == 504
    assert answer.json()["type"] == "urn:hirewire:problem:service-slow"
    async with asyncio.timeout(WITHIN_SECONDS):
        await front.service.left.wait()


async def test_a_stream_may_be_silent_longer_than_an_answer(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "BODY_IDLE_SECONDS", 0.1)

    async def pauses(seen: Seen, receive: Receive, send: Send) -> None:
        kind = b"text/event-stream" if b"events" in seen.target else b"text/plain"
        headers = [(b"content-type", kind)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"1", "more_body": True})
        await asyncio.sleep(0.5)  # the silence itself is tested
        await send({"type": "http.response.body", "body": b"2"})

    front.service.answer = pauses
    assert (await front.client.get("/api/auth/events")).text == "12"
    with pytest.raises(httpx.RemoteProtocolError):
        await front.client.get("/api/auth/text")


async def test_a_truncated_response_is_not_completed(front: Front) -> None:
    async def breaks(_: Seen, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})

    front.service.answer = breaks
    with pytest.raises(httpx.RemoteProtocolError):
        await front.client.get("/api/auth/x")


async def test_a_response_that_is_not_http_gives_502(front: Front) -> None:
    async def nonsense(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"what?\r\n\r\n")
        writer.close()

    answer = await _answer_of(front, nonsense)
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (
        502,
        "service-broke-off",
    )


async def _answer_of(front: Front, peer: Peer) -> httpx.Response:
    """The response to a call when `peer` takes the place of `profiles`."""
    server = await asyncio.start_server(peer, "127.0.0.1", front.free_port)
    async with server:
        return await front.client.post("/api/profiles/x")


async def test_an_unavailable_service_is_named(front: Front) -> None:
    answer = await front.client.post("/api/vacancies/x", json={})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["service"] == "vacancies"


async def test_a_service_that_was_restarted_is_found_again(front: Front) -> None:
    async def status() -> int:
        return (await front.client.post("/api/profiles/x")).status_code

    async with serving(Service(), front.free_port):
        before = await status()
    between = await status()
    async with serving(Service(), front.free_port):
        assert [before, between, await status()] == [200, 503, 200]


async def test_connections_are_reused_without_mixing_responses(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    # all three sides run in this one process, which may be delayed: that is not tested here
    for name in ("CONNECT", "PLACE", "SILENCE"):
        monkeypatch.setattr(f"hirewire.web.upstream.{name}_SECONDS", 60.0)

    async def echoes(seen: Seen, receive: Receive, send: Send) -> None:
        await reply(send, seen.target)

    front.service.answer = echoes
    targets = [f"/api/auth/{n}" for n in range(200)]
    for _ in range(2):
        answers = await asyncio.gather(*(front.client.get(target) for target in targets))
        assert [answer.text for answer in answers] == targets


async def test_every_response_header_is_sent_once(front: Front) -> None:
    own = (b"x-content-type-options", b"nosniff"), (b"x-request-id", b"of-the-service")

    async def answers(_: Seen, receive: Receive, send: Send) -> None:
        await reply(send, b"", *own)

    front.service.answer = answers
    answer = await front.client.get("/api/auth/x", headers={"X-Request-Id": "mine-12345"})
    assert answer.headers.get_list("x-request-id") == ["mine-12345"]
    for name in ("x-content-type-options", "date"):
        assert len(answer.headers.get_list(name)) == 1
    assert front.service.seen[0].header("x-request-id") == ["mine-12345"]


async def test_a_compressed_answer_is_not_unpacked(front: Front) -> None:
    async def packed(_: Seen, receive: Receive, send: Send) -> None:
        await reply(send, b"\x1f\x8bnot gzip at all", (b"content-encoding", b"gzip"))

    front.service.answer = packed
    async with front.client.stream("GET", "/api/auth/x") as answer:
        assert b"".join([part async for part in answer.aiter_raw()]) == b"\x1f\x8bnot gzip at all"
        assert answer.headers["content-encoding"] == "gzip"
