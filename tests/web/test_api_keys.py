"""The gateway exchanges API keys, counts their requests, and says what is left."""

import asyncio
import json
from collections import Counter
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from starlette.types import Receive, Send

from hirewire.kit import api_keys, personal_tokens
from hirewire.web.api.models.auth import Admitted
from hirewire.web.proxy import api_keys as admitting
from hirewire.web.proxy import guesses
from hirewire.web.proxy.api_keys import ApiKeys, LimitReached
from hirewire.web.proxy.guesses import Guesses, TooManyGuesses
from hirewire.web.proxy.personal_tokens import KEPT_SECONDS, Refused
from tests.web.conftest import Front, Seen, reply

LIMIT = 50


class FakeAuth:
    """The upstream `auth`: it admits `good`, gives requests as it does, and echoes others."""

    def __init__(self) -> None:
        self.good = api_keys.new()
        self.calls = 0
        self.used = 0
        self.seconds = 42.5

    def admit(self, asked: int) -> dict[str, Any]:
        """What `auth` says."""
        self.calls += 1
        left = LIMIT - self.used
        granted = min(asked, max(1, left // 10), left)
        self.used += granted
        return {
            "accessToken": f"access-{self.calls}",
            "limit": LIMIT,
            "granted": granted,
            "used": self.used,
            "seconds": self.seconds,
        }

    async def __call__(self, seen: Seen, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if seen.target != b"/internal/api-key":
            await reply(send, ", ".join(seen.header("authorization")).encode())
            return
        body = json.loads((await receive())["body"])
        if body["key"] != self.good:
            await reply(send, b"{}", status=401)
            return
        await reply(send, json.dumps(self.admit(body["asked"])).encode())


@pytest.fixture
def behind(front: Front) -> FakeAuth:
    auth = FakeAuth()
    front.service.answer = auth
    return auth


async def ask(front: Front, key: str, path: str = "/api/auth/me") -> httpx.Response:
    return await front.client.get(path, headers={"Authorization": f"Bearer {key}"})


async def test_every_answer_says_what_is_left(front: Front, behind: FakeAuth) -> None:
    answer = await ask(front, behind.good)
    assert answer.text == "Bearer access-1"
    found = {name: value for name, value in answer.headers.items() if "ratelimit" in name}
    assert found == {
        "ratelimit-policy": '"requests";q=50;w=60',
        "ratelimit": '"requests";r=49;t=43',
        "x-ratelimit-limit": "50",
        "x-ratelimit-remaining": "49",
        "x-ratelimit-reset": "43",
    }
    away = await ask(front, behind.good, "/api/vacancies/vacancies")
    assert (away.status_code, away.headers["x-ratelimit-remaining"]) == (503, "48")
    wrong = await ask(front, api_keys.new())
    assert (wrong.status_code, wrong.json()["code"]) == (401, "invalid_token")
    others = [await front.client.get("/api/auth/me"), await ask(front, "eyJ.x.y"), wrong]
    assert not any("ratelimit" in name for one in others for name in one.headers)


async def test_a_hundred_at_once_pass_as_many_as_the_limit(front: Front, behind: FakeAuth) -> None:
    answers = await asyncio.gather(*(ask(front, behind.good) for _ in range(100)))
    assert Counter(one.status_code for one in answers) == {200: LIMIT, 429: 100 - LIMIT}
    refused = next(one for one in answers if one.status_code == 429)
    body = refused.json()
    assert (body["code"], body["params"]["limit"]) == ("too_many_requests", LIMIT)
    assert refused.headers["content-type"] == "application/problem+json"
    assert 0 < int(refused.headers["retry-after"]) == body["params"]["seconds"] <= 43
    assert refused.headers["ratelimit"].startswith('"requests";r=0;t=')
    calls = behind.calls
    assert calls < LIMIT
    assert (await ask(front, behind.good)).status_code == 429
    assert behind.calls == calls  # nobody is asked until the minute has ended


async def test_secrets_in_an_address_are_refused_and_not_logged(
    front: Front, behind: FakeAuth, capsys: pytest.CaptureFixture[str]
) -> None:
    for secret in (behind.good, personal_tokens.new()):
        encoded = "".join(f"%{ord(letter):02x}" for letter in secret)
        for path in (
            f"/api/auth/me?key={secret}",
            f"/api/auth/me?a=1&b={encoded}",
            f"/api/auth/{secret}",
            f"/api/auth/{encoded}/x",
            f"/api/auth/me?{quote('x=' + secret)}",
        ):
            answer = await front.client.get(path)
            assert (answer.status_code, answer.json()["code"]) == (400, "secret_in_address"), path
    await ask(front, behind.good)
    written = "".join(capsys.readouterr())
    assert behind.good not in written
    reached = {seen.target for seen in front.service.seen}
    assert reached == {b"/internal/api-key", b"/api/auth/me"}


class Two:
    """Two gateways with one `auth`."""

    def __init__(self) -> None:
        self.auth = FakeAuth()
        self.gateways = [ApiKeys(self._exchange, Guesses()) for _ in range(2)]
        self.scope = {
            "client": ("203.0.113.7", 1),
            "headers": [(b"authorization", f"Bearer {self.auth.good}".encode())],
        }

    async def _exchange(self, key: str, asked: int) -> Admitted | None:
        await asyncio.sleep(0)
        return Admitted(**self.auth.admit(asked)) if key == self.auth.good else None

    async def passes(self, which: int) -> bool:
        """Whether a request passes."""
        try:
            await self.gateways[which].admitted(self.scope)
        except LimitReached:
            return False
        return True


async def test_two_gateways_keep_one_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    two = Two()
    moment = 1000.0
    monkeypatch.setattr(admitting, "monotonic", lambda: moment)
    passed = await asyncio.gather(*(two.passes(n % 2) for n in range(100)))
    assert sum(passed) == LIMIT
    moment, two.auth.seconds = (
        moment + 31,
        11.5,
    )  # the token is renewed, and the minute is still spent
    assert not await two.passes(0)
    moment, two.auth.seconds, two.auth.used = moment + 12, 60.0, 0  # the next minute
    assert await two.passes(0)
    two.auth.good = ""  # revoked
    moment += KEPT_SECONDS
    with pytest.raises(Refused):
        await two.passes(0)


async def test_what_a_minute_has_left_is_not_spent_in_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    two = Two()
    moment = 1000.0
    monkeypatch.setattr(admitting, "monotonic", lambda: moment)
    assert await two.passes(0)  # four more were given
    moment += 43
    two.auth.used = LIMIT - 1
    assert await two.passes(0)
    assert not await two.passes(0)


async def test_guessing_is_slowed_for_its_network_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    two = Two()
    moment = 1000.0
    monkeypatch.setattr(admitting, "monotonic", lambda: moment)
    assert await two.passes(0)

    def guess() -> dict[str, Any]:
        header = b"authorization", f"Bearer {api_keys.new()}".encode()
        return {**two.scope, "headers": [header]}

    for _ in range(guesses.BURST):
        with pytest.raises(Refused):
            await two.gateways[0].admitted(guess())
    calls = two.auth.calls
    with pytest.raises(TooManyGuesses) as slowed:
        await two.gateways[0].admitted(guess())
    assert (slowed.value.retry_after, two.auth.calls) == (2, calls)
    moment += KEPT_SECONDS - 1
    assert await two.passes(0)  # who is known is not locked out with their network
    with pytest.raises(Refused):
        await two.gateways[0].admitted({**guess(), "client": ("198.51.100.1", 1)})
    for bad in ("hwk_", two.auth.good[:-1] + "_", "hwk_" + "é" * 36):
        header = b"authorization", f"Bearer {bad}".encode("latin-1")
        with pytest.raises(Refused):
            await two.gateways[0].admitted({**two.scope, "headers": [header]})


async def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admitting, "MOST_KEPT", 3)
    monkeypatch.setattr(guesses, "MOST_NETWORKS", 3)
    two, counted = Two(), Guesses()
    for number in range(9):
        counted.note({"client": (f"203.0.113.{number}", 1)}, 1000.0)
        header = b"authorization", f"Bearer {api_keys.new()}".encode()
        with pytest.raises(Refused):
            await two.gateways[0].admitted({**two.scope, "headers": [header]})
    assert len(two.gateways[0]._known) == len(counted._left) == 3
