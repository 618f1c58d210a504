"""The route that undoes an action."""

from fastapi import APIRouter, Request, Response

from hirewire.web.api.answers import Answer, Missing
from hirewire.web.pages.rendering import Asking, back_to, local_path, typed
from hirewire.web.pages.undo import undo_of

router = APIRouter(include_in_schema=False)


@router.post("/undo")
async def take_back(who: Asking, request: Request) -> Response:
    """Undo an action and return to the page. The service decides whether it is allowed."""
    given = await typed(request)
    undo = undo_of(given.get("undo", ""))
    if undo is None:
        raise Missing
    answer: Answer[object]
    if undo.kind == "stage":
        answer = await who.applications.move(str(undo.id), {"stage": undo.value})
    else:
        answer = await who.vacancies.decide(str(undo.id), undo.value)
    back = local_path(given.get("back"), "/")
    return back_to(who, back, "undone" if answer.is_good else "changed")
