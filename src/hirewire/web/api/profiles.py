"""The client of `profiles`: people and resumes."""

from collections.abc import Iterable
from typing import ClassVar, Literal
from urllib.parse import quote
from uuid import UUID

from pydantic import JsonValue

from hirewire.web.api.answers import Answer
from hirewire.web.api.client import Client, Typed, with_query
from hirewire.web.api.models.base import Items, Made
from hirewire.web.api.models.profiles import (
    CandidateName,
    OldResume,
    Profile,
    Reader,
    ReadResume,
    Resume,
    ResumeInList,
    WholeResume,
)

ItemKind = Literal["experience", "education"]
READING = 30.0
"""Seconds to wait while the service reads a file."""


class Profiles(Client):
    """The service `profiles`."""

    name: ClassVar[str] = "profiles"
    root: ClassVar[str] = "/api/profiles"

    async def me(self) -> Answer[Profile]:
        """The visitor's profile; a refusal with 404 until it has been created."""
        return await self._get(Profile, "/me")

    async def old_resumes(self) -> Answer[Items[OldResume]]:
        """The resumes that the visitor was asked about by mail."""
        return await self._get(Items[OldResume], "/retention")

    async def keep_old(self) -> Answer[None]:
        """Keep them all."""
        return await self._do("POST", "/retention/keep")

    async def change_me(self, changes: Typed) -> Answer[Profile]:
        """Change the visitor's profile."""
        return await self._send(Profile, "PATCH", "/me", changes)

    async def resumes(self) -> Answer[Items[ResumeInList]]:
        """The visitor's resumes."""
        return await self._get(Items[ResumeInList], "/resumes", {"limit": "50"})

    async def resume(self, id: UUID | str) -> Answer[Resume]:
        """One of the visitor's resumes."""
        return await self._get(Resume, f"/resumes/{id}")

    async def create_resume(self, title: str) -> Answer[Made]:
        """Create a resume."""
        return await self._send(Made, "POST", "/resumes", {"title": title})

    async def import_resume(self, document: JsonValue, *, strict: bool = False) -> Answer[Resume]:
        """Create a resume from a JSON Resume document; with `strict`, only if all can be read."""
        path = "/resumes/import" + ("?strict=true" if strict else "")
        return await self._send(Resume, "POST", path, document)

    async def read_resume(self, file: bytes) -> Answer[ReadResume]:
        """Read a CV; nothing of it is saved."""
        content = file, "application/octet-stream"
        return await self._send(
            ReadResume, "POST", "/resumes/read", content=content, patience=READING
        )

    async def change_resume(self, id: UUID, changes: Typed) -> Answer[Resume]:
        """Change a resume."""
        return await self._send(Resume, "PATCH", f"/resumes/{id}", changes)

    async def delete_resume(self, id: UUID) -> Answer[None]:
        """Delete a resume."""
        return await self._do("DELETE", f"/resumes/{id}")

    async def export_resume(self, id: UUID, kind: Literal["pdf", "json"]) -> Answer[bytes]:
        """A resume as a file."""
        return await self._file(f"/resumes/{id}/export", {"format": kind})

    async def add_item(
        self, id: UUID, kind: ItemKind, item: Typed, place: int | None = None
    ) -> Answer[Made]:
        """Add a position or an education entry: at the end, or at this place."""
        at = {"place": None if place is None else str(place)}
        return await self._send(Made, "POST", with_query(f"/resumes/{id}/{kind}", at), item)

    async def change_item(
        self, id: UUID, kind: ItemKind, item: UUID, changes: Typed
    ) -> Answer[None]:
        """Change an item."""
        return await self._do("PATCH", f"/resumes/{id}/{kind}/{item}", changes)

    async def delete_item(self, id: UUID, kind: ItemKind, item: UUID) -> Answer[None]:
        """Delete an item."""
        return await self._do("DELETE", f"/resumes/{id}/{kind}/{item}")

    async def readers(self, id: str) -> Answer[Items[Reader]]:
        """The companies that a resume is shared with."""
        return await self._get(Items[Reader], f"/resumes/{id}/readers", {"limit": "50"})

    async def shared(self, key: str) -> Answer[WholeResume]:
        """A resume by its share link."""
        return await self._get(WholeResume, f"/shared/{quote(key, safe='')}")

    async def candidate_names(self, resumes: Iterable[str]) -> Answer[Items[CandidateName]]:
        """The candidates' names of these resumes, where contacts are open."""
        return await self._get(
            Items[CandidateName], "/candidates", [("resume", id) for id in resumes]
        )

    async def candidate(self, resume: str) -> Answer[WholeResume]:
        """A candidate's resume, where contacts are open."""
        return await self._get(WholeResume, f"/candidates/{resume}")

    async def candidate_pdf(self, resume: str) -> Answer[bytes]:
        """The same as a PDF."""
        return await self._file(f"/candidates/{resume}/pdf")
