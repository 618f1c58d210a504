"""The public origin over real sockets: what is forwarded and what is not."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from hirewire.assembly import load_settings
from hirewire.launcher.process import free_port
from hirewire.web.app import create_web
from hirewire.web.i18n.words import words
from hirewire.web.pages.assets import asset


class Upstream:
    """A service that reports the requests that reached it, and acts as the path says."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.gone = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["path"].endswith("/stream"):
            await self._stream(receive, send)
            return
        size, more = 0, True
        while more:
            message = await receive()
            size += len(message.get("body", b""))
            more = message.get("more_body", False)
        seen = {n.decode(): v.decode() for n, v in scope["headers"]}
        path = scope["raw_path"].decode() + "?" + scope["query_string"].decode()
        body = f"{scope['method']} {path} {size} {seen}".encode()
        headers = [
            (b"set-cookie", b"a=1"),
            (b"set-cookie", b"b=2"),
            (b"connection", b"x-secret"),
            (b"x-secret", b"no"),
            (b"keep-alive", b"timeout=5"),
            (b"content-encoding", b"identity"),
        ]
        await send({"type": "http.response.start", "status": 207, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _stream(self, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
        waiting = asyncio.ensure_future(self.go_on.wait())
        while True:
            message = asyncio.ensure_future(receive())
            await asyncio.wait({waiting, message}, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                message.cancel()
                break
            if message.result()["type"] == "http.disconnect":
                self.gone.set()
                waiting.cancel()
                return
        await send({"type": "http.response.body", "body": b"data: 2\n\n"})


@asynccontextmanager
async def served(app: ASGIApp, port: int) -> AsyncIterator[str]:
    config = uvicorn.Config(app, port=port, log_config=None, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    server.config.load()
    task = asyncio.create_task(server._serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


@pytest.fixture
def upstream() -> Upstream:
    return Upstream()


@pytest.fixture
async def web(upstream: Upstream) -> AsyncIterator[httpx.AsyncClient]:
    """The gateway with `auth`, but without `profiles` and `vacancies`."""
    ports = [free_port() for _ in range(4)]
    settings = load_settings(
        {}, auth_port=ports[1], profiles_port=ports[2], vacancies_port=ports[3], web_port=ports[0]
    )
    async with (
        served(upstream, ports[1]),
        served(create_web(settings), ports[0]) as url,
        httpx.AsyncClient(base_url=url, timeout=20) as client,
    ):
        yield client


async def test_a_call_is_forwarded_unchanged(web: httpx.AsyncClient) -> None:
    answer = await web.request(
        "PATCH", "/api/auth/a%2Fb%20c?x=%C3%A9&y", content=b"12345", headers={"X-Own": "kept"}
    )
    assert answer.status_code == 207
    assert answer.text.startswith("PATCH /api/auth/a%2Fb%20c?x=%C3%A9&y 5 ")
    assert "'x-own': 'kept'" in answer.text


async def test_hop_by_hop_headers_are_removed_both_ways(web: httpx.AsyncClient) -> None:
    headers = {"Connection": "X-Hop", "X-Hop": "1", "TE": "trailers", "X-Forwarded-For": "9.9.9.9"}
    answer = await web.get("/api/auth/x", headers=headers)
    for gone in ("x-hop", "'te'", "'connection': 'X-Hop'"):
        assert gone not in answer.text
    assert "'x-forwarded-for': '9.9.9.9'" in answer.text  # from a trusted peer
    assert f"'x-forwarded-host': '{web.base_url.netloc.decode()}'" in answer.text
    assert f"'x-request-id': '{answer.headers['x-request-id']}'" in answer.text
    assert "x-secret" not in answer.headers
    assert "keep-alive" not in answer.headers
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]


async def test_bodies_are_streamed_up(web: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b"x" * 100_000

    answer = await web.post("/api/auth/x", content=chunks())
    assert " 3000000 " in answer.text


async def test_a_body_over_every_limit_is_refused(web: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 100_000

    announced = await web.post("/api/auth/x", content=b"x" * 9_000_000)
    assert announced.status_code == 413
    unannounced = await web.post("/api/auth/x", content=chunks())
    assert unannounced.status_code == 413


async def test_the_first_event_arrives_before_the_second_is_made(
    web: httpx.AsyncClient, upstream: Upstream
) -> None:
    async with web.stream("GET", "/api/auth/stream") as answer:
        parts = answer.aiter_raw()
        assert await anext(parts) == b"data: 1\n\n"
        upstream.go_on.set()
        assert await anext(parts) == b"data: 2\n\n"


async def test_a_client_that_hangs_up_is_noticed_upstream(
    web: httpx.AsyncClient, upstream: Upstream
) -> None:
    async with web.stream("GET", "/api/auth/stream") as answer:
        assert await anext(answer.aiter_raw()) == b"data: 1\n\n"
    async with asyncio.timeout(20):
        await upstream.gone.wait()


async def test_a_service_that_is_away_is_named(web: httpx.AsyncClient) -> None:
    for path in ("/api/profiles/me", "/api/vacancies/vacancies"):
        answer = await web.get(path)
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
        assert answer.json()["service"] == path.split("/")[2]


@pytest.mark.parametrize(
    "path",
    [
        "/api/auth/../../metrics",
        "/api/auth/%2e%2e/%2e%2e/metrics",
        "/api/auth/..%2f..%2fmetrics",
        "/api/auth/.%2e/x",
        "/api/nobody/x",
        "/api/auth",
    ],
)
async def test_internal_paths_are_not_reached(web: httpx.AsyncClient, path: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", web.base_url.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    status = answer.split()[1]
    assert status == "404" or "GET /api/auth? " in answer


async def test_many_concurrent_requests(web: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(web.get(f"/api/auth/{n}") for n in range(200)))
    for n, answer in enumerate(answers):
        assert answer.text.startswith(f"GET /api/auth/{n}? ")


async def test_the_status_page_lists_the_running_services(web: httpx.AsyncClient) -> None:
    for language, lang in (("ru-RU,ru;q=0.9,en;q=0.5", "ru"), ("en", "en"), ("", "en")):
        say = words(lang).text
        answer = await web.get("/", headers={"Accept-Language": language})
        assert answer.status_code == 200
        assert f'<html lang="{lang}">' in answer.text
        assert say("Find the right job. Hire the right people.") in answer.text
        assert say("Jobs are temporarily unavailable. Please try again in a moment.") in answer.text
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "style=" not in answer.text
        assert re.findall("<script[^>]*>", answer.text) == [
            f'<script src="{asset("visitor.js")}" defer>'
        ], "without an account: the small script alone"
        status = await web.get("/status", headers={"Accept-Language": language})
        assert say(
            "Sign-up works. New profiles will appear when the service is back; no changes are lost."
        ) in (status.text)
    css = await web.get("/static/hirewire.css")
    assert css.headers["content-type"].startswith("text/css")
    missing = await web.get("/docs/profiles")
    assert missing.status_code == 404
    for sought in ("/docs", "/api/docs", "/api"):
        found = await web.get(sought, follow_redirects=False)
        assert found.headers.get("location") == "/status#api", (sought, found.text)


async def test_the_gateways_health_does_not_depend_on_the_services(web: httpx.AsyncClient) -> None:
    ready = await web.get("/health/ready")
    assert ready.status_code == 200
    assert ready.json()["services"]["profiles"] == "away"
