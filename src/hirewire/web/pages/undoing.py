"""Takes back what a confirmation offers to undo."""

from typing import Any

from fastapi import APIRouter, Request, Response

from hirewire.web.pages.rendering import Asking, back_to, local_path, render, typed
from hirewire.web.pages.undo import Undo, undo_of

router = APIRouter(include_in_schema=False)


@router.post("/undo")
async def take_back(who: Asking, request: Request) -> Response:
    """Undo, and go back to the page; the service decides whether it is allowed and possible."""
    given = await typed(request)
    wanted = undo_of(given.get("undo", ""))
    if wanted is None:
        return render(who, "missing.html", 404)
    answer = await who.call("vacancies", "POST", *_call(wanted))
    back = local_path(given.get("back"), "/")
    return back_to(who, back, "undone" if answer.is_good else "changed")


def _call(wanted: Undo) -> tuple[str, dict[str, Any]]:
    """The path and the body of the call that takes it back."""
    if wanted.kind == "stage":
        return f"/api/vacancies/applications/{wanted.id}/stage", {"stage": wanted.value}
    return f"/api/vacancies/recommendations/{wanted.id}/state", {"state": wanted.value}
