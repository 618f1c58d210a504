"""Pages that verify an email address: by the link of a mail, or by its code."""

from fastapi import APIRouter, Request, Response

from hirewire.web.pages.mail_links import page_of, refused, token_of
from hirewire.web.pages.rendering import Asking, Form, Member, go, local_path, render, said, typed
from hirewire.web.sessions import renew

router = APIRouter(prefix="/email", include_in_schema=False)


@router.get("/verify")
async def verify_form(who: Asking) -> Response:
    """The form behind the link. It changes nothing: mail scanners open links too."""
    return page_of(who, "verify.html", Form())


@router.post("/verify")
async def verify(who: Asking) -> Response:
    """Verify the address that the link was sent to."""
    act = who.auth.verify_by_link(token_of(who))
    if (wrong := await refused(who, "verify.html", act)) is not None:
        return wrong
    await renew(who)
    return go(who, "/me" if who.is_signed_in else "/signin", done="verified")


@router.get("/code")
async def code_form(who: Member) -> Response:
    """The form for the code, for a visitor who needs a verified address."""
    return render(who, "verify_first.html")


@router.post("/code")
async def verify_code(who: Member, request: Request) -> Response:
    """Verify the visitor's address with the code of the mail."""
    given = await typed(request)
    answer = await who.auth.verify_by_code(given.get("code", ""))
    if not answer.is_good:
        form = Form({"code": given.get("code"), "next": given.get("next")})
        form.refuse(answer)
        return render(who, "verify_first.html", answer.status, code_form=form)
    await renew(who)
    return go(who, local_path(given.get("next"), "/me"), done="verified")


@router.post("/verification")
async def send_again(who: Member, request: Request) -> Response:
    """Send the mail with the code again."""
    given = await typed(request)
    answer = await who.auth.send_verification()
    done = "code_sent" if answer.is_good else said(answer)
    return go(who, local_path(given.get("next"), "/me"), done=done)
