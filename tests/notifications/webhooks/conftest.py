"""The service with a receiver, and a sender that is moved by hand."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from hirewire.notifications.app import SERVICE
from hirewire.notifications.webhooks.background import Sender
from tests.notifications.conftest import Board
from tests.notifications.webhooks.receiver import Receiver, receiving
from tests.services import running

APPLIED = ("application.submitted", "application.stage_changed", "application.message_sent")


@dataclass
class Hooks:
    """A board, a receiver and a sender."""

    board: Board
    receiver: Receiver
    sender: Sender

    async def call(
        self,
        user: UUID,
        method: str,
        path: str = "",
        body: object = None,
        *,
        expect: int = 200,
        **claims: object,
    ) -> Any:
        """Call a path below `/api/notifications/webhooks` as this person."""
        service = self.board.service
        answer = await service.client.request(
            method,
            f"/api/notifications/webhooks{path}",
            json=body,
            headers=service.as_user(user, **claims),
        )
        assert answer.status_code == expect, answer.text
        return answer.json() if answer.content else None

    async def create(self, events: tuple[str, ...] = APPLIED, *, path: str = "") -> dict[str, Any]:
        """Carla adds a webhook."""
        body = {"url": self.receiver.url + path, "events": list(events)}
        made: dict[str, Any] = await self.call(self.board.carla, "POST", body=body, expect=201)
        return made

    async def work(self) -> None:
        """Send all that is due, and note what became of it."""
        while True:
            await self.sender.idle()
            if not await self.sender.step():
                return

    async def deliveries(self, id: str, query: str = "") -> list[dict[str, Any]]:
        """The oldest first."""
        page = await self.call(self.board.carla, "GET", f"/{id}/deliveries?limit=100{query}")
        return list(reversed(page["items"]))

    async def states(self, id: str) -> list[tuple[str, str, int]]:
        """Event, state and attempts of each delivery, the oldest first."""
        found = await self.deliveries(id)
        return [(one["event"], one["state"], one["attempts"]) for one in found]

    async def execute(self, sql: str, *values: object) -> None:
        async with self.board.service.engine.begin() as connection:
            await connection.exec_driver_sql(sql, values)

    async def make_due(self) -> None:
        """As if the time of the next attempt had come, or a lease had ended."""
        await self.execute("update webhook_lane set next_attempt_at = '2020-01-01T00:00Z'")


@pytest.fixture
async def hooks(fresh_address: str) -> AsyncIterator[Hooks]:
    """With everybody known."""
    async with (
        running(SERVICE, fresh_address, outgoing_networks="127.0.0.0/8") as service,
        receiving() as receiver,
    ):
        board = Board(service)
        await board.consume(*board.people())
        settings = service.app.state.settings
        yield Hooks(board, receiver, Sender(service.messaging.transactions, settings))
