"""The client of the notices of `notifications`."""

from typing import ClassVar
from uuid import UUID

from pydantic import JsonValue

from hirewire.web.api.answers import Answer
from hirewire.web.api.client import Client, Typed, answer_of, with_query
from hirewire.web.api.models.base import Items
from hirewire.web.api.models.notices import (
    EmailState,
    Notice,
    Preferences,
    Push,
    UnreadNotices,
    Unsubscription,
)

COUNT_SECONDS = 1.0
"""Seconds that a page waits for the number on the bell."""


class Notices(Client):
    """The notices of the service `notifications`."""

    name: ClassVar[str] = "notifications"
    root: ClassVar[str] = "/api/notifications"

    @property
    def exist(self) -> bool:
        """Whether this board runs the service."""
        return self.services.has(self.name)

    async def unread(self) -> Answer[UnreadNotices]:
        """The number of unread notices; a refusal with 401 if the session has ended."""
        reply = await self._call("GET", "/notices/unread", patience=COUNT_SECONDS)
        return answer_of(UnreadNotices, reply)

    async def listed(
        self, limit: int, after: str | None = None, *, only_unread: bool = False
    ) -> Answer[Items[Notice]]:
        """The visitor's notices, the newest first."""
        query = {
            "limit": str(limit),
            "after": after,
            "unread": "true" if only_unread else None,
        }
        return await self._get(Items[Notice], "/notices", query)

    async def read(self, id: UUID) -> Answer[None]:
        """Mark one notice as read."""
        return await self._do("PUT", f"/notices/{id}/read")

    async def read_about(self, **about: str) -> Answer[UnreadNotices]:
        """Mark the notices about these things as read; the number of unread ones that are left."""
        reply = await self._call("POST", "/notices/read-about", about, patience=COUNT_SECONDS)
        return answer_of(UnreadNotices, reply)

    async def preferences(self) -> Answer[Preferences]:
        """What the visitor wants to be notified of."""
        return await self._get(Preferences, "/preferences")

    async def change_preferences(self, changes: Typed) -> Answer[None]:
        """Change what is named; the rest stays."""
        return await self._do("PUT", "/preferences", changes)

    async def email(self) -> Answer[EmailState]:
        """Whether mails of notices are sent to the visitor, and if not, why."""
        return await self._get(EmailState, "/email")

    async def retry_email(self) -> Answer[None]:
        """Send mails to a stopped address again; a refusal with 429 if that was done lately."""
        return await self._do("POST", "/email/retry")

    async def unsubscription(self, token: str) -> Answer[Unsubscription]:
        """What the link of a mail switches off; a refusal with 410 if it is not valid."""
        return await self._get(Unsubscription, "/unsubscribe", {"token": token})

    async def unsubscribe(self, token: str) -> Answer[Unsubscription]:
        """Switch it off."""
        return await self._send(
            Unsubscription, "POST", with_query("/unsubscribe", {"token": token})
        )

    async def resubscribe(self, token: str) -> Answer[Unsubscription]:
        """Switch it on again."""
        path = with_query("/unsubscribe/undo", {"token": token})
        return await self._send(Unsubscription, "POST", path)

    async def read_until(self, id: str) -> Answer[None]:
        """Mark this notice and all older ones as read."""
        return await self._do("POST", "/notices/read", {"until": id})

    async def one(self, id: UUID) -> Answer[Notice]:
        """One notice."""
        return await self._get(Notice, f"/notices/{id}")

    async def push(self) -> Answer[Push]:
        """The browsers of the visitor that are notified."""
        return await self._get(Push, "/push")

    async def add_device(self, subscription: JsonValue) -> Answer[None]:
        """Notify the visitor's browser."""
        return await self._do("POST", "/push", subscription)

    async def remove_device(self, id: UUID) -> Answer[None]:
        """Notify a browser no more."""
        return await self._do("DELETE", f"/push/{id}")
