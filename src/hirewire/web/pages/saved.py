"""Saved jobs: the heart on every job, and the page of one's own."""

from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Request, Response

from hirewire.kit.errors import Unavailable
from hirewire.web.pages.naming import named
from hirewire.web.pages.rendering import Asking, Member, go, is_part, local_path, render, typed

router = APIRouter(include_in_schema=False)
SAVED = "/api/vacancies/saved"
FULL = 409


@router.get("/me/saved")
async def saved(who: Member) -> Response:
    """One's saved jobs, latest first; those that are no longer open say so."""
    asked = {"limit": "20"}
    if after := who.request.query_params.get("after"):
        asked["after"] = after
    try:
        answer = await who.call("vacancies", "GET", f"{SAVED}?{urlencode(asked)}")
    except Unavailable:
        page = render(who, "away.html", 503, typed=[])
        page.headers["Retry-After"] = "5"
        return page
    if not answer.is_good:  # most likely an outdated position in the list
        return go(who, "/me/saved") if after else render(who, "missing.html", 404)
    await named(who, answer.data)
    return render(who, "saved.html", saved=answer, whole=True)


@router.post("/vacancies/{id}/saved")
async def save(id: UUID, who: Asking, request: Request) -> Response:
    """Save a job or remove it from the saved ones; then back to the page with the button."""
    given = await typed(request)
    is_saved = given.get("saved") != "no"
    path = f"/api/vacancies/vacancies/{id}/saved"
    answer = await who.call("vacancies", "PUT" if is_saved else "DELETE", path)
    if answer.status == 404:
        return render(who, "missing.html", 404)
    if is_part(request):
        one = {"id": id, "title": given.get("title", ""), "saved": is_saved and answer.is_good}
        back = local_path(given.get("next"), "")
        return render(who, "parts/heart.html", one=one, back=back, is_full=answer.status == FULL)
    done = "kept" if is_saved else "forgotten"
    back = local_path(given.get("next"), f"/vacancies/{id}")
    if answer.status == FULL:
        done = "full"
    return go(who, f"{back}{'&' if '?' in back else '?'}done={done}")
