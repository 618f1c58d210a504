"""The client of the applications of `vacancies`."""

from typing import ClassVar
from urllib.parse import quote
from uuid import UUID

from hirewire.web.api.answers import Answer
from hirewire.web.api.client import Client, Typed, answer_of
from hirewire.web.api.models.applications import Application, Message, StageCount, Unread
from hirewire.web.api.models.base import Items, Made

UNREAD_SECONDS = 1.0
"""Seconds that a page which does not show applications waits for the unread counts."""


class Applications(Client):
    """The part of the service `vacancies` that both sides of an application use."""

    name: ClassVar[str] = "vacancies"
    root: ClassVar[str] = "/api/vacancies"

    async def unread(self) -> Answer[Unread]:
        """The numbers of unread applications; a refusal with 401 if the session has ended."""
        reply = await self._call("GET", "/applications/unread", patience=UNREAD_SECONDS)
        return answer_of(Unread, reply)

    async def sent(
        self,
        limit: int,
        after: str | None = None,
        *,
        vacancy: UUID | None = None,
        only_unread: bool = False,
    ) -> Answer[Items[Application]]:
        """The visitor's applications, or those for this job."""
        query = {
            "limit": str(limit),
            "after": after,
            "vacancy": str(vacancy) if vacancy else None,
            "unread": "true" if only_unread else None,
        }
        return await self._get(Items[Application], "/applications", query)

    async def received(
        self,
        limit: int,
        after: str | None = None,
        *,
        vacancy: UUID | None = None,
        stage: str | None = None,
        resume: UUID | None = None,
        only_unread: bool = False,
    ) -> Answer[Items[Application]]:
        """The applications that the visitor's company received."""
        query = {
            "role": "employer",
            "vacancy": str(vacancy) if vacancy else None,
            "stage": stage,
            "resume": str(resume) if resume else None,
            "unread": "true" if only_unread else None,
            "limit": str(limit),
            "after": after,
        }
        return await self._get(Items[Application], "/applications", query)

    async def counts(self, vacancy: UUID | None = None) -> Answer[Items[StageCount]]:
        """The numbers of received applications by job and stage."""
        query = {"vacancy": str(vacancy) if vacancy else None}
        return await self._get(Items[StageCount], "/applications/counts", query)

    async def application(self, id: UUID) -> Answer[Application]:
        """One application."""
        return await self._get(Application, f"/applications/{id}")

    async def messages(self, id: UUID) -> Answer[Items[Message]]:
        """The latest messages of an application. This marks it as read."""
        return await self._get(Items[Message], f"/applications/{id}/messages", {"limit": "100"})

    async def apply(self, vacancy: UUID, resume: str, letter: str | None) -> Answer[Made]:
        """Apply for a job."""
        path, body = f"/vacancies/{vacancy}/applications", {"resumeId": resume, "letter": letter}
        return await self._send(Made, "POST", path, body)

    async def invite(self, vacancy: str, resume: str, message: str | None) -> Answer[Made]:
        """Invite a candidate to a job."""
        path = f"/vacancies/{quote(vacancy, safe='')}/invitations"
        return await self._send(Made, "POST", path, {"resumeId": resume, "message": message})

    async def move(self, id: str, body: Typed) -> Answer[Application]:
        """Move a received application to another stage."""
        return await self._send(
            Application, "POST", f"/applications/{quote(id, safe='')}/stage", body
        )

    async def act(self, id: UUID, action: str, body: Typed) -> Answer[None]:
        """Write a message (`messages`), `accept` or `withdraw`."""
        return await self._do("POST", f"/applications/{id}/{action}", body)
