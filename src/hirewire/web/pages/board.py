"""The board of a vacancy's applications, by stage."""

import asyncio
from itertools import chain, islice
from uuid import UUID

from fastapi import APIRouter, Request, Response

from hirewire.web.api.answers import Answer, Missing
from hirewire.web.api.models.applications import Application
from hirewire.web.api.models.base import Items
from hirewire.web.pages.applications import move_in, names_of, scored, scores_of, way_back
from hirewire.web.pages.naming import named
from hirewire.web.pages.rendering import Asking, Member, back_to, is_part, render, said, typed
from hirewire.web.pages.undo import Undo
from hirewire.web.sessions import Visitor

router = APIRouter(prefix="/employer/vacancies/{id}/board", include_in_schema=False)
DECLINED = "discard_by_employer"
COLUMNS = ("response", "consider", "phone_interview", "assessment", "interview", "offer", "hired")
ENDED = (DECLINED, "discard_by_applicant", "discard_vacancy_closed")
SHOWN = 30
"""Cards per stage on the board. A stage with more of them has its own page."""


@router.get("")
async def board(id: UUID, who: Member) -> Response:
    """All stages with their latest applications."""
    return await _board(who, id, "parts/board.html" if is_part(who.request) else "board.html")


@router.post("")
async def move(id: UUID, who: Asking, request: Request) -> Response:
    """Move an application; the answer is the current board, with a confirmation."""
    given = await typed(request)
    answer = await who.applications.move(given.get("application", ""), move_in(given))
    undo = way_back(answer, given.get("from", ""))
    done = "moved" if answer.found and answer.found.open else said(answer)
    if is_part(request):
        return await _board(who, id, "parts/moved.html", done=done, undo=undo)
    return back_to(who, f"/employer/vacancies/{id}/board", done, undo)


async def _board(
    who: Visitor, id: UUID, template: str, *, done: str = "", undo: Undo | None = None
) -> Response:
    found, counted = await asyncio.gather(
        who.vacancies.vacancy(id), who.applications.counts(vacancy=id)
    )
    vacancy, stages = found.data, counted.data.items
    if not vacancy.allowedActions and not stages:  # a job of another company
        raise Missing
    counts = {one.stage: one.count for one in stages}
    unread = {one.stage: one.unread for one in stages}
    pages = await asyncio.gather(*(_stage(who, id, stage, SHOWN) for stage in counts))
    shown = [page.data.items if page.is_good else () for page in pages]
    names, cards = await _completed(who, id, tuple(chain.from_iterable(shown)))
    rest = iter(cards)
    items = {
        stage: list(islice(rest, len(some))) for stage, some in zip(counts, shown, strict=True)
    }
    return render(
        who,
        template,
        done=done,
        undo=undo,
        vacancy=vacancy,
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
    vacancy = (await who.vacancies.vacancy(id)).data
    if stage not in (*COLUMNS, *ENDED):
        raise Missing
    page = (await _stage(who, id, stage, 20, who.request.query_params.get("after"))).data
    names, cards = await _completed(who, id, page.items)
    page = page.model_copy(update={"items": cards})
    return render(who, "stage.html", vacancy=vacancy, stage=stage, page=page, names=names)


async def _completed(
    who: Visitor, id: UUID, cards: tuple[Application, ...]
) -> tuple[dict[str, str], tuple[Application, ...]]:
    """The applicants' names by resume, and the cards with scores and with names of skills."""
    names, scores, cards = await asyncio.gather(
        names_of(who, cards), scores_of(who, id, cards), named(who, cards)
    )
    return names, tuple(scored(one, scores) for one in cards)


async def _stage(
    who: Visitor, id: UUID, stage: str, limit: int, after: str | None = None
) -> Answer[Items[Application]]:
    return await who.applications.received(limit, after or None, vacancy=id, stage=stage)
