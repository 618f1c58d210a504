"""The client of the notices of `notifications`."""

from typing import ClassVar
from uuid import UUID

from hirewire.web.api.answers import Answer
from hirewire.web.api.client import Client, answer_of
from hirewire.web.api.models.base import Items
from hirewire.web.api.models.notices import Notice, UnreadNotices

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

    async def read_until(self, id: str) -> Answer[None]:
        """Mark this notice and all older ones as read."""
        return await self._do("POST", "/notices/read", {"until": id})
