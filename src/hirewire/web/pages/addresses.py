"""Pages that change the email address of an account."""

from fastapi import APIRouter, Request, Response

from hirewire.web.pages.mail_links import page_of, refused, token_of
from hirewire.web.pages.rendering import Asking, Form, Member, back_to, go, said, typed
from hirewire.web.pages.security import page
from hirewire.web.sessions import renew

router = APIRouter(include_in_schema=False)


@router.post("/account/email")
async def change(who: Member, request: Request) -> Response:
    """Ask for another address."""
    given = await typed(request)
    email = given.get("email", "")
    answer = await who.auth.change_email(email, given.get("password", ""))
    if answer.is_good:
        return go(who, "/account#email")
    form = Form({"email": email})
    form.refuse(answer)
    return await page(who, Form(), answer.status, email_form=form)


@router.post("/account/email/code")
async def confirm_code(who: Member, request: Request) -> Response:
    """Confirm the new address with the code of the mail."""
    given = await typed(request)
    answer = await who.auth.confirm_email_by_code(given.get("code", ""))
    if not answer.is_good:
        form = Form()
        form.refuse(answer)
        return await page(who, Form(), answer.status, code_form=form)
    await renew(who)
    return back_to(who, "/account", "email_changed")


@router.post("/account/email/cancel")
async def cancel(who: Member) -> Response:
    """Keep the current address."""
    answer = await who.auth.cancel_email()
    return back_to(who, "/account", said(answer))


@router.get("/email/change")
async def confirm_form(who: Asking) -> Response:
    """The form behind the link. It changes nothing: mail scanners open links too."""
    return page_of(who, "change_email.html", Form())


@router.post("/email/change")
async def confirm(who: Asking) -> Response:
    """Confirm the address that the link was sent to."""
    act = who.auth.confirm_email_by_link(token_of(who))
    if (wrong := await refused(who, "change_email.html", act)) is not None:
        return wrong
    await renew(who)
    return go(who, "/account" if who.is_signed_in else "/signin", done="email_changed")
