"""Routes for exports of the caller's data."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field

from hirewire.auth import one_time
from hirewire.auth.callers import CurrentSession
from hirewire.auth.exports import commands, queries
from hirewire.auth.one_time import InvalidLink
from hirewire.auth.security_log.commands import note
from hirewire.auth.where import where_of
from hirewire.kit.errors import NotFound, Unauthenticated
from hirewire.kit.exports.grants import grant
from hirewire.kit.http import RequestTx, language_of
from hirewire.kit.models import Answer, Body
from hirewire.kit.openapi import refuses

router = APIRouter(prefix="/api/auth/exports", tags=["exports"])


class Export(Answer):
    """A copy of all data of the caller."""

    id: UUID
    state: queries.State
    requested_at: datetime
    ready_at: datetime | None
    expires_at: datetime | None
    waiting_for: list[str]
    """The services whose parts are not made yet."""


class ExportList(Answer):
    """The caller's exports, the newest first."""

    items: list[Export]


class ExportLink(Answer):
    """A token that opens the export while the caller is signed in."""

    token: str


class ToOpen(Body):
    """The token of a link."""

    token: Annotated[str, Field(max_length=1000, repr=False)]
    download: bool = False
    """Whether to give the grant to read the parts. The security log notes it."""


class OpenExport(Answer):
    """An export that can be read: the parts are at `/api/<service>/exports/<id>?grant=…`."""

    id: UUID
    ready_at: datetime
    expires_at: datetime
    services: list[str]
    """The services that have a part."""
    grant: str | None
    """The permission to read the parts, for an hour; null without `download`."""


@router.post("", status_code=202, responses=refuses(Unauthenticated, commands.TooManyExports))
async def ask(tx: RequestTx, caller: CurrentSession, request: Request) -> Export:
    """Ask for a copy of your data. A mail notifies you when it is ready, for 24 hours.

    While one is made, asking again returns that one.
    """
    language = language_of(request) or "en"
    public_url: str = request.app.state.settings.public_url
    id = await commands.ask(tx, caller.user_id, language, public_url, where_of(request))
    found = await queries.exports_of(tx, caller.user_id)
    return next(_export(one) for one in found if one.id == id)


@router.get("", responses=refuses(Unauthenticated))
async def listed(tx: RequestTx, caller: CurrentSession, response: Response) -> ExportList:
    """Your exports."""
    response.headers["Cache-Control"] = "no-store"
    found = await queries.exports_of(tx, caller.user_id)
    return ExportList(items=[_export(one) for one in found])


@router.post("/link", responses=refuses(Unauthenticated, NotFound))
async def link(tx: RequestTx, caller: CurrentSession, response: Response) -> ExportLink:
    """A link to the export that is ready, for ten minutes."""
    response.headers["Cache-Control"] = "no-store"
    if await queries.downloadable(tx, caller.user_id) is None:
        raise NotFound
    token = await commands.link(tx, caller.user_id)
    if token is None:
        raise Unauthenticated("This account does not exist any more.")
    return ExportLink(token=token)


@router.post("/open", responses=refuses(Unauthenticated, InvalidLink))
async def open_(
    body: ToOpen, tx: RequestTx, caller: CurrentSession, request: Request, response: Response
) -> OpenExport:
    """Open an export with the token of a link. It must be the caller's own."""
    response.headers["Cache-Control"] = "no-store"
    secret = await one_time.valid(tx, body.token, "data_export")
    if secret.user_id != caller.user_id:
        raise InvalidLink
    export = await queries.downloadable(tx, caller.user_id)
    if export is None or export.ready_at is None or export.expires_at is None:
        raise InvalidLink
    if body.download:
        await note(tx, caller.user_id, "export_downloaded", where_of(request))
    return OpenExport(
        id=export.id,
        ready_at=export.ready_at,
        expires_at=export.expires_at,
        services=list(export.services),
        grant=grant(export.id) if body.download else None,
    )


def _export(one: queries.Listed) -> Export:
    return Export(
        id=one.id,
        state=one.state,
        requested_at=one.requested_at,
        ready_at=one.ready_at,
        expires_at=one.expires_at,
        waiting_for=list(one.waiting_for),
    )
