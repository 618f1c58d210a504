"""The page behind "Unsubscribe" in a mail. It needs no session: the link's token is enough.

The same address takes the one click of a mail client (RFC 8058), which sends no cookies and shows
nothing.
"""

from collections.abc import Awaitable
from typing import Literal, TypeAlias

from fastapi import APIRouter, Response

from hirewire.web.api.answers import Answer, Missing
from hirewire.web.api.models.notices import Unsubscription
from hirewire.web.pages.mail_links import page_of, token_of
from hirewire.web.pages.rendering import Asking, Form
from hirewire.web.sessions import Visitor

router = APIRouter(prefix="/unsubscribe", include_in_schema=False)
Step: TypeAlias = Literal["ask", "done", "undone"]


@router.get("")
async def ask(who: Asking) -> Response:
    """What will be switched off. It changes nothing: mail scanners open links too."""
    return await _page(who, "ask", who.unsigned_notices.unsubscription(token_of(who)))


@router.post("")
async def unsubscribe(who: Asking) -> Response:
    """Switch it off. Answers 200 without a redirect, as mail clients expect."""
    return await _page(who, "done", who.unsigned_notices.unsubscribe(token_of(who)))


@router.post("/undo")
async def undo(who: Asking) -> Response:
    """Switch it on again."""
    return await _page(who, "undone", who.unsigned_notices.resubscribe(token_of(who)))


async def _page(who: Visitor, step: Step, asking: Awaitable[Answer[Unsubscription]]) -> Response:
    if not who.notices.exist:
        raise Missing
    answer, form = await asking, Form()
    if answer.is_good:
        return page_of(who, "unsubscribe.html", form, step=step, found=answer.data)
    form.refuse(answer)
    return page_of(who, "unsubscribe.html", form, answer.status, step=step, found=None)
