"""Saved jobs: the heart on every job, and the page that lists them."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from hirewire.kit.errors import Unavailable
from hirewire.web.api.answers import Missing
from hirewire.web.i18n.labels import N_
from hirewire.web.pages.naming import named_in
from hirewire.web.pages.rendering import (
    DONE,
    Asking,
    Member,
    away,
    go,
    is_part,
    local_path,
    render,
    typed,
)

router = APIRouter(include_in_schema=False)
WHOLE_PAGE = 20
GONE, FULL = 404, 409
REFUSED = {GONE: N_("This job is no longer available"), FULL: DONE["full"]}
"""The reasons why a job was not saved, by the status of the answer."""


@router.get("/me/saved")
async def saved(who: Member) -> Response:
    """The visitor's saved jobs, most recently saved first; closed ones are marked."""
    after = who.request.query_params.get("after") or None
    try:
        answer = await who.vacancies.saved(WHOLE_PAGE, after)
    except Unavailable:
        return away(who)
    if not answer.is_good and after:  # probably an outdated position in the list
        return go(who, "/me/saved")
    return render(who, "saved.html", saved=await named_in(who, answer))


@router.post("/vacancies/{id}/saved")
async def save(id: UUID, who: Asking, request: Request) -> Response:
    """Save a job or remove it from the saved ones; then return to the page with the button."""
    given = await typed(request)
    is_saved = given.get("saved") != "no"
    calls = who.vacancies.save if is_saved else who.vacancies.unsave
    answer = await calls(id)
    back = local_path(given.get("next"), f"/vacancies/{id}")
    if is_part(request):
        one = {"id": id, "title": given.get("title", ""), "saved": is_saved and answer.is_good}
        told = REFUSED.get(answer.status, "")
        return render(who, "parts/heart.html", one=one, back=back, told=told)
    if answer.status == GONE:
        raise Missing
    done = "kept" if is_saved else "forgotten"
    if answer.status == FULL:
        done = "full"
    return go(who, back, done=done)
