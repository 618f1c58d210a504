"""Pages for a forgotten password."""

from contextlib import suppress

from fastapi import APIRouter, Request, Response

from hirewire.kit.errors import Unavailable
from hirewire.web.pages.mail_links import page_of, token_of
from hirewire.web.pages.rendering import Asking, Form, go, render, typed
from hirewire.web.problems import Problem

router = APIRouter(prefix="/password", include_in_schema=False)


@router.get("/forgot")
async def forgot_form(who: Asking) -> Response:
    """The form that asks for a link."""
    return render(who, "forgot.html", form=Form(), sent_to="")


@router.post("/forgot")
async def forgot(who: Asking, request: Request) -> Response:
    """Ask for a link. The page is the same whether the address is known or not."""
    given = await typed(request)
    email = given.get("email", "")
    form = Form({"email": email})
    try:
        answer = await who.auth.forgot(email)
    except Unavailable:
        form.problem = Problem("sign_in_away", is_whole=True)
        return render(who, "forgot.html", 503, form=form, sent_to="")
    if not answer.is_good:
        form.refuse(answer)
        return render(who, "forgot.html", answer.status, form=form, sent_to="")
    return render(who, "forgot.html", form=form, sent_to=email)


@router.get("/reset")
async def reset_form(who: Asking) -> Response:
    """The form for a new password. It changes nothing: mail scanners open links too."""
    return page_of(who, "new_password.html", Form())


@router.post("/reset")
async def reset(who: Asking, request: Request) -> Response:
    """Set the new password; the visitor signs in with it."""
    given = await typed(request)
    form = Form()
    try:
        answer = await who.auth.reset(token_of(who), given.get("password", ""))
    except Unavailable:
        form.problem = Problem("sign_in_away", is_whole=True)
        return page_of(who, "new_password.html", form, 503)
    if not answer.is_good:
        form.refuse(answer)
        return page_of(who, "new_password.html", form, answer.status)
    if who.refresh:
        with suppress(Unavailable):
            await who.auth.log_out(who.refresh)
    who.leave()
    return go(who, "/signin", done="new_password")
