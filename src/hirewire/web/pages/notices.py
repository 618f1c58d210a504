"""The notice centre: what happened, behind the bell of every page."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response

from hirewire.kit.clock import now
from hirewire.kit.errors import Unavailable
from hirewire.web.api.answers import Missing
from hirewire.web.api.models.notices import Notice
from hirewire.web.i18n.words import Words
from hirewire.web.pages.meetings import zone_of
from hirewire.web.pages.rendering import (
    Asking,
    Member,
    count_notices,
    go,
    is_good,
    is_part,
    local_path,
    or_none,
    render,
    typed,
)
from hirewire.web.sessions import Visitor

router = APIRouter(include_in_schema=False)
WHOLE_PAGE = 30
PATH = "/notices"


@dataclass(frozen=True, slots=True)
class Day:
    """The notices of one day."""

    name: str
    items: Sequence[Notice]


@router.get("/notices")
async def notices(who: Member) -> Response:
    """The visitor's notices by day, the newest first; with `unread`, only the unread ones."""
    if not who.notices.exist:
        raise Missing
    after = who.request.query_params.get("after") or None
    only_unread = "unread" in who.request.query_params
    asking = or_none(who.notices.listed(WHOLE_PAGE, after, only_unread=only_unread))
    if is_part(who.request):
        answer, here, _ = await asyncio.gather(asking, zone_of(who), count_notices(who))
    else:
        answer, here = await asyncio.gather(asking, zone_of(who))
    if answer is not None and not answer.is_good and after:  # probably an outdated position
        return go(who, PATH)
    found = answer.data if answer is not None else None
    names = await _searches(who, found.items if found else ())
    zone = ZoneInfo(here)
    return render(
        who,
        "parts/notices.html" if is_part(who.request) else "notices.html",
        found=found,
        days=_days(who.words, found.items, zone) if found else [],
        names=names,
        zone=zone,
        only_unread=only_unread,
        is_first=after is None,
        opens=opening_path,
    )


@router.post("/notices/read")
async def read_all(who: Asking, request: Request) -> Response:
    """Mark the notices of the page and all older ones as read; later ones stay unread."""
    if not who.notices.exist:
        raise Missing
    answer = await who.notices.read_until((await typed(request)).get("until", ""))
    return go(who, PATH, done="notices_read" if answer.is_good else "changed")


@router.get("/notices/{id}")
async def open_notice(id: UUID, who: Member) -> Response:
    """Mark a notice as read, and lead to what it is about: `to`, or found by its id.

    A link, which can be opened on a new tab and works without scripts. Following it only records
    that the reader has seen the notice, as opening an application does. Scanners of links have no
    session, and what a browser fetches ahead is not marked.
    """
    if not who.notices.exist:
        raise Missing
    if not who.request.headers.get("sec-purpose", "").startswith("prefetch"):
        with suppress(Unavailable):  # what it is about matters more than the mark
            await who.notices.read(id)
    return go(who, local_path(who.request.query_params.get("to"), await _path_of(who, id)))


async def _path_of(who: Visitor, id: UUID) -> str:
    if "to" in who.request.query_params:
        return PATH
    answer = await or_none(who.notices.one(id))
    return subject_path(answer.data) if is_good(answer) else PATH


def opening_path(notice: Notice) -> str:
    """The address that marks the notice as read and leads to what it is about."""
    return f"{PATH}/{notice.id}?{urlencode({'to': subject_path(notice)}, safe='/')}"


def subject_path(notice: Notice) -> str:
    """The page of what the notice is about."""
    is_employer = notice.side == "employer"
    if notice.applicationId:
        return f"/applications/{notice.applicationId}"
    if notice.kind == "recommended_candidate":
        if notice.resumeId and notice.count == 1:
            return f"/employer/resumes/{notice.resumeId}"
        if notice.vacancyId:
            return f"/employer/vacancies/{notice.vacancyId}/candidates"
        return "/employer/matches/all"
    if notice.kind == "recommended_vacancy" and (notice.count > 1 or not notice.vacancyId):
        return "/me/matches/all"
    if notice.searchId and (notice.count > 1 or not notice.vacancyId):
        return f"/me/searches/{notice.searchId}"
    if notice.vacancyId:
        return f"{'/employer' if is_employer else ''}/vacancies/{notice.vacancyId}"
    return "/employer" if is_employer else "/me"


async def _searches(who: Visitor, items: Sequence[Notice]) -> dict[str, str]:
    """The names of the visitor's saved searches, if a notice is about one."""
    if not any(one.searchId for one in items):
        return {}
    answer = await or_none(who.vacancies.searches())
    return {one.id: one.name for one in answer.data.items} if is_good(answer) else {}


def _days(words: Words, items: Sequence[Notice], zone: ZoneInfo) -> list[Day]:
    """The notices by the days of a time zone."""
    today = now().astimezone(zone).date()
    names = {today: words.text("Today"), today - timedelta(days=1): words.text("Yesterday")}
    days = groupby(items, key=lambda one: datetime.fromisoformat(one.at).astimezone(zone).date())
    return [Day(names.get(day) or words.day(day.isoformat()), list(group)) for day, group in days]
