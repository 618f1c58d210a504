"""The client of the interviews of `vacancies`."""

from collections.abc import Sequence
from typing import ClassVar
from urllib.parse import quote
from uuid import UUID

from hirewire.web.api.answers import Answer
from hirewire.web.api.client import Client, Typed
from hirewire.web.api.models.base import Items
from hirewire.web.api.models.interviews import CalendarFeed, Interview, Interviews
from hirewire.web.api.services import Reply


class InterviewsClient(Client):
    """The part of the service `vacancies` that is about interviews."""

    name: ClassVar[str] = "vacancies"
    root: ClassVar[str] = "/api/vacancies"

    async def of(self, application: UUID | str) -> Answer[Interviews]:
        """The interviews of an application."""
        path = f"/applications/{quote(str(application), safe='')}/interviews"
        return await self._get(Interviews, path)

    async def ahead(self, role: str, limit: int) -> Answer[Items[Interview]]:
        """What is ahead of the visitor, or of their company."""
        return await self._get(Items[Interview], "/interviews", {"role": role, "limit": str(limit)})

    async def propose(self, application: UUID, body: Typed) -> Answer[Interview]:
        """Propose times."""
        return await self._send(Interview, "POST", f"/applications/{application}/interviews", body)

    async def act(self, id: UUID, action: str, body: Typed) -> Answer[Interview]:
        """Choose (`choose`), `move`, `ask` for other times, `decline` or `cancel`."""
        return await self._send(Interview, "POST", f"/interviews/{id}/{action}", body)

    async def file(self, id: UUID) -> Answer[bytes]:
        """An agreed interview as a file for a calendar."""
        return await self._file(f"/interviews/{id}/calendar.ics")

    async def calendar(self) -> Answer[CalendarFeed]:
        """The private address of the visitor's calendar."""
        return await self._get(CalendarFeed, "/calendar")

    async def renew_calendar(self) -> Answer[CalendarFeed]:
        """Make a new address."""
        return await self._send(CalendarFeed, "POST", "/calendar")

    async def end_calendar(self) -> Answer[None]:
        """End the address."""
        return await self._do("DELETE", "/calendar")

    async def feed(self, secret: str, headers: Sequence[tuple[str, str]]) -> Reply:
        """What a calendar program gets at a private address. Raises `Unavailable`."""
        path = f"{self.root}/calendar/{quote(secret, safe='')}.ics"
        return await self.services.ask(self.name, "GET", path, headers)
