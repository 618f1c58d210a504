"""The board, a push service of our own, and the sender between them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest

from hirewire.kit.outgoing import Outgoing
from hirewire.notifications.pushing.pusher import Pusher
from tests.clocks import Clock, moved
from tests.notifications.conftest import Board
from tests.push_service import Browser, PushService, push_service

URL = "/api/notifications/push"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"


@dataclass
class Pushing:
    """The board, the push service, and the sender between them."""

    board: Board
    service: PushService
    pusher: Pusher
    clock: Clock
    sessions: dict[UUID, UUID] = field(default_factory=dict)
    """The session of each device."""

    async def call(
        self,
        user: UUID,
        method: str,
        path: str = "",
        body: object = None,
        *,
        session: UUID | None = None,
        expect: int = 200,
    ) -> Any:
        claims = {"sid": str(session)} if session else {}
        headers = self.board.service.as_user(user, **claims) | {"User-Agent": FIREFOX}
        client = self.board.service.client
        answer = await client.request(method, URL + path, json=body, headers=headers)
        assert answer.status_code == expect, answer.text
        return answer.json() if answer.content else None

    async def key(self) -> str:
        key: str = (await self.call(uuid4(), "GET"))["publicKey"]
        return key

    async def subscribed(self, user: UUID, session: UUID | None = None) -> Browser:
        """A browser of this person that is notified."""
        browser = self.service.subscribed(await self.key())
        await self.add(user, browser, session)
        return browser

    async def add(
        self, user: UUID, browser: Browser, session: UUID | None = None, *, expect: int = 201
    ) -> Any:
        session = session or uuid4()
        body = browser.subscription()
        made = await self.call(user, "POST", "", body, session=session, expect=expect)
        if expect == 201:
            self.sessions[UUID(made["id"])] = session
        return made

    async def devices(self, user: UUID) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.call(user, "GET"))["devices"]
        return found

    async def send(self) -> None:
        """Send all that is due."""
        while await self.pusher.step():
            await self.pusher.finish()

    async def queued(self) -> int:
        [(count,)] = await self.board.rows("select count(*) from push")
        return int(count)

    async def write(self, side: str = "applicant") -> None:
        """A message from this side."""
        await self.board.consume(self.board.written(side))


@pytest.fixture
async def pushing(board: Board, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pushing]:
    app = board.service.app
    settings = app.state.settings.model_copy(update={"outgoing_networks": "127.0.0.0/8"})
    app.state.settings = settings
    async with push_service() as service:
        transactions = board.service.messaging.transactions
        pusher = Pusher(transactions, settings, Outgoing(settings.outgoing_networks))
        yield Pushing(board, service, pusher, moved(monkeypatch))
        assert service.refused == []
