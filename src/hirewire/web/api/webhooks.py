"""The client of the webhooks of `notifications`."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from hirewire.web.api.answers import Answer, Missing, StrongerFirst, refusal_of
from hirewire.web.api.client import Client, Typed
from hirewire.web.api.models.base import Items
from hirewire.web.api.models.webhooks import (
    Delivery,
    NewWebhook,
    OfferedEvents,
    Replayed,
    Webhook,
    Webhooks,
    WebhookSecret,
    WholeDelivery,
)
from hirewire.web.api.operators import OperatorsClient
from hirewire.web.api.services import Reply


class WebhookActs(OperatorsClient):
    """What operators do to the board's webhooks."""

    name: ClassVar[str] = "notifications"
    root: ClassVar[str] = "/api/notifications/admin"


@dataclass(frozen=True, slots=True)
class WebhooksClient(Client):
    """Webhooks of the visitor's company, or of the board.

    For those who are no operators the board's do not exist: `Missing`.
    """

    name: ClassVar[str] = "notifications"
    root: ClassVar[str] = "/api/notifications/webhooks"

    @property
    def exist(self) -> bool:
        """Whether this board runs the service."""
        return self.services.has(self.name)

    async def listed(self, owner: str) -> Answer[Webhooks]:
        """All of an owner, the oldest first."""
        return await self._get(Webhooks, "", {"owner": owner})

    async def offered(self, owner: str) -> Answer[OfferedEvents]:
        """The events to choose from."""
        return await self._get(OfferedEvents, "/events", {"owner": owner})

    async def create(self, body: Typed) -> Answer[NewWebhook]:
        """Add one."""
        return await self._send(NewWebhook, "POST", "", body)

    async def one(self, id: UUID) -> Answer[Webhook]:
        """One of them."""
        return await self._get(Webhook, f"/{id}")

    async def change(self, id: UUID, body: Typed) -> Answer[Webhook]:
        """Change it, or switch it on or off."""
        return await self._send(Webhook, "PATCH", f"/{id}", body)

    async def delete(self, id: UUID) -> Answer[None]:
        """Delete it with its deliveries."""
        return await self._do("DELETE", f"/{id}")

    async def rotate(self, id: UUID) -> Answer[WebhookSecret]:
        """Make a new secret."""
        return await self._send(WebhookSecret, "POST", f"/{id}/rotate")

    async def ping(self, id: UUID) -> Answer[None]:
        """Send a test."""
        return await self._do("POST", f"/{id}/ping")

    async def deliveries(
        self, id: UUID, most: int, after: str | None, state: str | None
    ) -> Answer[Items[Delivery]]:
        """Its deliveries, the newest first."""
        query = {"limit": str(most), "after": after, "state": state}
        return await self._get(Items[Delivery], f"/{id}/deliveries", query)

    async def delivery(self, id: UUID, delivery_id: UUID) -> Answer[WholeDelivery]:
        """A delivery with the request and all answers."""
        return await self._get(WholeDelivery, f"/{id}/deliveries/{delivery_id}")

    async def replay(self, id: UUID, delivery_id: UUID) -> Answer[None]:
        """Send a dead delivery again."""
        return await self._do("POST", f"/{id}/deliveries/{delivery_id}/replay")

    async def replay_all(self, id: UUID) -> Answer[Replayed]:
        """Send all dead deliveries again."""
        return await self._send(Replayed, "POST", f"/{id}/replay")

    def _refused(self, reply: Reply) -> None:
        if reply.status != 403:
            return
        code = refusal_of(reply.content).get("code")
        if code == "operator_second_factor":
            raise StrongerFirst
        if code == "not_an_operator":
            raise Missing
