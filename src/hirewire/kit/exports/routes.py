"""Routes that hand out a service's part of an export, to be put into the ZIP by `web`."""

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from hirewire.kit.errors import NotFound
from hirewire.kit.exports import grants, parts
from hirewire.kit.exports.parts import StoredFile
from hirewire.kit.http import takes_caller, unguarded
from hirewire.kit.models import Answer
from hirewire.kit.openapi import media, refuses
from hirewire.messaging.transaction import Transactions

Grant = Annotated[str, Query(max_length=grants.LONGEST)]
"""The permission that `POST /api/auth/exports/open` gives."""
CONTENT = "application/octet-stream"


class PartFile(Answer):
    """A file of an export."""

    number: int
    path: str
    """Its place in the ZIP."""
    size: int
    """In bytes."""


class Part(Answer):
    """What one service has of an export."""

    files: list[PartFile]


def exports_router(service: str) -> APIRouter:
    """The routes of this service."""
    # An answer shows neither whether the export exists nor whether the grant is wrong.
    # No token is needed, but a bad one is refused, as everywhere.
    bad_tokens = [Depends(takes_caller)]
    router = APIRouter(prefix=f"/api/{service}/exports", tags=["exports"], dependencies=bad_tokens)

    @router.get("/{id}", responses=refuses(NotFound))
    async def listed(id: UUID, grant: Grant, request: Request, response: Response) -> Part:
        """The files of this service's part of an export."""
        response.headers["Cache-Control"] = "no-store"
        if not grants.is_granted(id, grant):
            raise NotFound
        async with unguarded(request)() as tx:
            files = await parts.files_of(tx, id)
        if files is None:
            raise NotFound
        return Part(files=[PartFile.model_validate(file) for file in files])

    @router.get(
        "/{id}/files/{number}",
        responses=media(CONTENT) | refuses(NotFound),
        response_class=StreamingResponse,
    )
    async def read(id: UUID, number: int, grant: Grant, request: Request) -> StreamingResponse:
        """The content of a file."""
        transactions = unguarded(request)
        if not grants.is_granted(id, grant):
            raise NotFound
        async with transactions() as tx:
            file = await parts.file_of(tx, id, number)
        if file is None:
            raise NotFound
        return StreamingResponse(
            _content(transactions, id, file),
            media_type=CONTENT,
            headers={"Cache-Control": "no-store", "Content-Length": str(file.size)},
        )

    return router


async def _content(transactions: Transactions, id: UUID, file: StoredFile) -> AsyncIterator[bytes]:
    """The pieces, each read in a transaction of its own: a slow reader holds no connection."""
    for number in range(file.pieces):
        async with transactions() as tx:
            content = await parts.content_of(tx, id, file.number, number)
        yield content
