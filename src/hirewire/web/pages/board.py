"""The board of a vacancy's applications, by stage."""

import asyncio
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

from fastapi import APIRouter, Request, Response

from hirewire.web.pages.applications import (
    APPLICATIONS,
    add_scores,
    moved_to,
    names_of,
    way_back,
)
from hirewire.web.pages.employer import COUNTS, VACANCIES
from hirewire.web.pages.naming import named
from hirewire.web.pages.rendering import (
    Asking,
    Member,
    back_to,
    is_part,
    render,
    said,
    typed,
)
from hirewire.web.pages.undo import Undo
from hirewire.web.sessions import Visitor

router = APIRouter(prefix="/employer/vacancies/{id}/board", include_in_schema=False)
DECLINED = "discard_by_employer"
COLUMNS = ("response", "consider", "phone_interview", "assessment", "interview", "offer", "hired")
ENDED = (DECLINED, "discard_by_applicant", "discard_vacancy_closed")
SHOWN = 30
"""Cards of each stage on the board; a stage with more has its own page."""


@router.get("")
async def board(id: UUID, who: Member) -> Response:
    """All stages with their latest applications."""
    return await _board(who, id, "parts/board.html" if is_part(who.request) else "board.html")


@router.post("")
async def move(id: UUID, who: Asking, request: Request) -> Response:
    """Move an application; the answer is the board as it is now, with what was done."""
    given = await typed(request)
    application = quote(given.get("application", ""), safe="")
    answer = await who.call(
        "vacancies", "POST", f"{APPLICATIONS}/{application}/stage", moved_to(given)
    )
    undo = way_back(answer, given.get("from", ""))
    done = "moved" if answer.is_good and answer.data["open"] else said(answer)
    if is_part(request):
        return await _board(who, id, "parts/moved.html", done=done, undo=undo)
    return back_to(who, f"/employer/vacancies/{id}/board", done, undo)


async def _board(
    who: Visitor, id: UUID, template: str, *, done: str = "", undo: Undo | None = None
) -> Response:
    found, counted = await asyncio.gather(
        who.call("vacancies", "GET", f"{VACANCIES}/{id}"),
        who.call("vacancies", "GET", f"{COUNTS}?vacancy={id}"),
    )
    if not found.is_good or not counted.is_good:
        return render(who, "missing.html", 404)
    if not found.data["allowedActions"] and not counted.data["items"]:  # another company's
        return render(who, "missing.html", 404)
    counts = {one["stage"]: one["count"] for one in counted.data["items"]}
    unread = {one["stage"]: one["unread"] for one in counted.data["items"]}
    pages = await asyncio.gather(*(_stage(who, id, stage, SHOWN) for stage in counts))
    items = {
        stage: page["items"] if page else [] for stage, page in zip(counts, pages, strict=True)
    }
    names = await _completed(who, id, [one for stage in items.values() for one in stage])
    return render(
        who,
        template,
        done=done,
        undo=undo,
        vacancy=found.data,
        counts=counts,
        unread=unread,
        names=names,
        columns={stage: items.get(stage, []) for stage in COLUMNS},
        ended={stage: items[stage] for stage in ENDED if stage in items},
        over=sum(counts.get(stage, 0) for stage in ENDED),
        unread_over=sum(unread.get(stage, 0) for stage in ENDED),
        declined=DECLINED,
        shown=SHOWN,
    )


@router.get("/{stage}")
async def stage(id: UUID, stage: str, who: Member) -> Response:
    """The applications of one stage, in pages."""
    found = await who.call("vacancies", "GET", f"{VACANCIES}/{id}")
    if not found.is_good or stage not in (*COLUMNS, *ENDED):
        return render(who, "missing.html", 404)
    page = await _stage(who, id, stage, 20, who.request.query_params.get("after"))
    if page is None:
        return render(who, "missing.html", 404)
    names = await _completed(who, id, page["items"])
    return render(who, "stage.html", vacancy=found.data, stage=stage, page=page, names=names)


async def _completed(who: Visitor, id: UUID, cards: list[dict[str, Any]]) -> dict[str, str]:
    """The names of the applicants by resume; adds scores and skill names to the cards."""
    names, *_ = await asyncio.gather(
        names_of(who, cards), add_scores(who, id, cards), named(who, cards)
    )
    return names


async def _stage(who: Visitor, id: UUID, stage: str, limit: int, after: str | None = None) -> Any:
    asked = {"role": "employer", "vacancy": str(id), "stage": stage, "limit": limit}
    if after:
        asked["after"] = after
    answer = await who.call("vacancies", "GET", f"{APPLICATIONS}?{urlencode(asked)}")
    return answer.data if answer.is_good else None
