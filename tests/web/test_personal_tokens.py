"""The gateway exchanges personal access tokens, and remembers the results briefly."""

import asyncio
import json
from typing import Any

import pytest
from starlette.types import Receive, Send

from hirewire.kit import personal_tokens
from hirewire.web.proxy import personal_tokens as exchanging
from hirewire.web.proxy.guesses import Guesses
from tests.web.conftest import Front, Seen, reply

EXCHANGE = b"/internal/personal-token"


class FakeAuth:
    """The upstream `auth`: it exchanges `good`, and shows what else reached it."""

    def __init__(self, good: str) -> None:
        self.good = good
        self.calls = 0
        self.status = 200

    async def __call__(self, seen: Seen, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        if seen.target != EXCHANGE:
            await reply(send, ", ".join(seen.header("authorization")).encode() + body[:20])
            return
        self.calls += 1
        token = json.loads(body)["token"]
        if self.status != 200 or token != self.good:
            await reply(send, b"{}", status=401 if self.status == 200 else self.status)
            return
        await reply(send, json.dumps({"accessToken": f"access-{self.calls}"}).encode())


@pytest.fixture
def behind(front: Front) -> FakeAuth:
    auth = FakeAuth(personal_tokens.new())
    front.service.answer = auth
    return auth


async def ask(front: Front, token: str, **more: Any) -> tuple[int, str]:
    method = more.pop("method", "GET")
    headers = {"Authorization": f"Bearer {token}"}
    answer = await front.client.request(method, "/api/auth/me", headers=headers, **more)
    return answer.status_code, answer.text


async def test_services_get_an_access_token_in_its_place(front: Front, behind: FakeAuth) -> None:
    assert await ask(front, behind.good) == (200, "Bearer access-1")
    large = b"x" * 200_000
    assert await ask(front, behind.good, method="POST", content=large) == (
        200,
        "Bearer access-1" + "x" * 20,
    )
    for scheme in ("bearer", "BEARER", "Bearer "):
        answer = await front.client.get(
            "/api/auth/me", headers={"Authorization": f"{scheme} {behind.good}"}
        )
        assert answer.text == "Bearer access-1"
    assert behind.calls == 1
    assert await ask(front, "eyJ.x.y") == (200, "Bearer eyJ.x.y")
    both = [("Authorization", f"Bearer {behind.good}"), ("Authorization", "Bearer other")]
    answer = await front.client.get("/api/auth/me", headers=both)
    assert "access-" not in answer.text  # the service itself refuses this
    behind.good = personal_tokens.new()
    behind.status = 503  # not a refusal
    answer = await front.client.get(
        "/api/auth/me", headers={"Authorization": f"Bearer {behind.good}"}
    )
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    behind.status = 200
    answers = await asyncio.gather(*(ask(front, behind.good) for _ in range(20)))
    assert {status for status, _ in answers} == {200}


async def test_bad_tokens_are_refused_without_a_service(front: Front, behind: FakeAuth) -> None:
    good = behind.good
    wrong = good[:-1] + ("0" if good[-1] != "0" else "1")
    for bad in (wrong, good[:-1], good + "0", "hw_", "hw_" + "é" * 36):
        headers = [(b"Authorization", f"Bearer {bad}".encode("latin-1"))]
        answer = await front.client.get("/api/auth/me", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token"), bad
        assert answer.headers["www-authenticate"].endswith('error="invalid_token"')
    posted = await ask(front, wrong, method="POST", content=b"x" * 300_000)
    assert posted[0] == 401
    for path in ("/internal/personal-token", "/api/auth/../../internal/personal-token"):
        answer = await front.client.post(path, json={"token": good})
        assert answer.status_code == 404
    assert front.service.seen == []


async def test_results_are_remembered_for_a_short_time(
    front: Front, behind: FakeAuth, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = 1000.0
    monkeypatch.setattr(exchanging, "monotonic", lambda: moment)
    token, unknown = behind.good, personal_tokens.new()
    for _ in range(3):
        assert (await ask(front, unknown))[0] == 401
        assert (await ask(front, token))[0] == 200
    assert behind.calls == 2
    behind.good = ""  # revoked
    moment += 29.9
    assert (await ask(front, token))[0] == 200
    moment += 0.2
    assert (await ask(front, token))[0] == 401
    assert exchanging.KEPT_SECONDS + 10 < 45 <= 60 - 5
    behind.good = unknown  # a refusal is forgotten sooner
    moment += 5.1
    assert (await ask(front, unknown))[0] == 200


async def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchanging, "MOST_KEPT", 3)
    asked = []

    async def exchange(token: str) -> str:
        asked.append(token)
        return "access"

    exchange_all = exchanging.PersonalTokens(exchange, Guesses())
    tokens = [personal_tokens.new() for _ in range(5)]
    for token in (*tokens, *tokens[2:], tokens[0]):
        await exchange_all.exchanged({"headers": [(b"authorization", f"Bearer {token}".encode())]})
    assert asked == [*tokens, tokens[0]]
    assert len(exchange_all._known) == 3
