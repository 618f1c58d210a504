"""Routes for calendar files, and for the private address of a person's calendar."""

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Annotated
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import APIRouter, Header, Request, Response

from hirewire import __version__
from hirewire.kit.calendars import KIND, Address, calendar_of
from hirewire.kit.clock import now
from hirewire.kit.http import Caller, MaybeCaller, RequestTx, language_of
from hirewire.kit.mail.mailer import sender_of
from hirewire.kit.models import Answer
from hirewire.kit.openapi import Responses, media, refuses
from hirewire.kit.settings import Settings
from hirewire.vacancies.authority import company_of
from hirewire.vacancies.calendars import commands, queries
from hirewire.vacancies.calendars.errors import NoSuchFeed, NotAgreed, TooManyReads
from hirewire.vacancies.parties import Asker

router = APIRouter(prefix="/api/vacancies", tags=["calendar"])
KNOWN: Responses = {304: {"description": "You have this version."}}
PAST = timedelta(days=90)
"""How long an interview that has taken place stays in the feed."""


class CalendarFeed(Answer):
    """The private address of your calendar."""

    path: str | None
    """Whoever knows it can read your interviews: treat it as a password. Null: there is none."""
    created_at: datetime | None


@router.get("/calendar")
async def address(tx: RequestTx, caller: Caller, response: Response) -> CalendarFeed:
    """The private address at which a calendar program can read your interviews."""
    response.headers["Cache-Control"] = "no-store"
    row = await queries.feed_of(tx, caller.user_id)
    secret = commands.secret_of(row.secret) if row is not None else None
    if row is None or secret is None:
        return CalendarFeed(path=None, created_at=None)
    return CalendarFeed(path=_path(secret), created_at=row.created_at)


@router.post("/calendar", status_code=201)
async def renew(
    tx: RequestTx, caller: Caller, request: Request, response: Response
) -> CalendarFeed:
    """Make an address, or a new one: the former ends at once."""
    response.headers["Cache-Control"] = "no-store"
    secret = await commands.renew(tx, caller.user_id, language_of(request) or "en")
    return CalendarFeed(path=_path(secret), created_at=now())


@router.delete("/calendar", status_code=204)
async def end(tx: RequestTx, caller: Caller) -> None:
    """End the address. It can be repeated."""
    await commands.end(tx, caller.user_id)


@router.get(
    "/calendar/{secret}.ics",
    responses=media(KIND) | KNOWN | refuses(NoSuchFeed, TooManyReads),
    response_class=Response,
)
async def feed(
    secret: str,
    tx: RequestTx,
    request: Request,
    _: MaybeCaller,
    if_none_match: Annotated[str | None, Header(max_length=1000)] = None,
    if_modified_since: Annotated[str | None, Header(max_length=100)] = None,
) -> Response:
    """The agreed interviews of the person whose secret it is: the last 90 days, and ahead."""
    found = await commands.read(tx, secret)
    if await queries.is_blocked(tx, found.user_id):
        raise NoSuchFeed
    asker = Asker(found.user_id, await company_of(tx, found.user_id))
    settings: Settings = request.app.state.settings
    agreed = await queries.agreed(tx, asker, settings.public_url, now() - PAST)
    # Of what the file is made from: a calendar that has it already costs no file.
    made_from = repr((__version__, found.language, settings.public_url, agreed.meetings))
    tag = f'"{hashlib.sha256(made_from.encode()).hexdigest()[:32]}"'
    changed = max(agreed.changed_at or found.created_at, found.created_at).replace(microsecond=0)
    headers = {
        "Cache-Control": "private",
        "ETag": tag,
        "Last-Modified": format_datetime(changed.astimezone(UTC), usegmt=True),
        "X-Robots-Tag": "noindex, nofollow",
    }
    if _is_known(tag, changed, if_none_match, if_modified_since):
        return Response(status_code=304, headers=headers)
    content = await asyncio.to_thread(  # two milliseconds an interview
        calendar_of,
        agreed.meetings,
        method="PUBLISH",
        host=_host(settings),
        organizer=_board(settings),
        language=found.language,
    )
    return Response(content, media_type=f"{KIND}; charset=utf-8", headers=headers)


@router.get(
    "/interviews/{id}/calendar.ics",
    responses=media(KIND) | refuses(NotAgreed),
    response_class=Response,
)
async def file(id: UUID, tx: RequestTx, caller: Caller, request: Request) -> Response:
    """An agreed interview as a file for a calendar."""
    settings: Settings = request.app.state.settings
    asker = Asker(caller.user_id, await company_of(tx, caller.user_id))
    meeting = await queries.agreed_one(tx, asker, settings.public_url, id)
    if meeting is None:
        raise NotAgreed
    content = calendar_of(
        [meeting],
        method="PUBLISH",
        host=_host(settings),
        organizer=_board(settings),
        language=language_of(request) or "en",
    )
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": 'attachment; filename="interview.ics"',
    }
    return Response(content, media_type=f"{KIND}; charset=utf-8", headers=headers)


def _path(secret: str) -> str:
    return f"/calendar/{secret}.ics"


def _host(settings: Settings) -> str:
    return urlsplit(settings.public_url).hostname or "localhost"


def _board(settings: Settings) -> Address:
    sender = sender_of(settings)
    return Address(sender.name, sender.address)


def _is_known(tag: str, changed: datetime, tags: str | None, since: str | None) -> bool:
    """Whether the reader has this version; the tag takes precedence (RFC 9110)."""
    if tags is not None:
        known = {one.strip().removeprefix("W/") for one in tags.split(",")}
        return tag in known or "*" in known
    if since is None:
        return False
    try:
        return changed <= parsedate_to_datetime(since).astimezone(UTC)
    except (ValueError, OverflowError):
        return False
