"""Pages that turn two-step sign-in on and off, and that show recovery codes."""

from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from hirewire.web.api.answers import Answer
from hirewire.web.api.models.auth import NewSecret, RecoveryCodes
from hirewire.web.pages.rendering import Form, Member, back_to, go, render, typed
from hirewire.web.sessions import Visitor

router = APIRouter(prefix="/account/two-step", include_in_schema=False)
SECTION = "/account#two-step"
LONGEST = 500
"""Of an address that comes back from the form; the service makes shorter ones."""


@router.get("")
async def begin_form(who: Member) -> Response:
    """The form for the password, with which turning it on begins."""
    state = await who.auth.two_step()
    if state.data.on:
        return go(who, SECTION)
    return render(who, "two_step.html", form=Form(), what="on")


@router.post("")
async def begin(who: Member, request: Request) -> Response:
    """A new secret, as a QR code and as text."""
    given = await typed(request)
    answer = await who.auth.begin_two_step(given.get("password", ""))
    if not answer.is_good:
        return _again(who, answer, "on")
    return _setup(who, answer.data, Form())


@router.post("/confirm")
async def confirm(who: Member, request: Request) -> Response:
    """Turn it on with the first code; the page shows the recovery codes."""
    given = await typed(request)
    answer = await who.auth.confirm_two_step(given.get("code", ""))
    if answer.is_good:
        return _codes(who, answer.data, "two_step_on")
    secret = NewSecret(secret=given.get("secret", ""), address=given.get("otpauth", ""))
    if answer.status != 422 or not secret.address.startswith("otpauth://totp/"):
        return _again(who, answer, "on")
    form = Form()
    form.refuse(answer)
    return _setup(who, secret, form, answer.status)


@router.get("/codes")
async def codes_form(who: Member) -> Response:
    """The form for password and code, before new recovery codes are made."""
    return render(who, "two_step.html", form=Form(), what="codes")


@router.post("/codes")
async def codes(who: Member, request: Request) -> Response:
    """Make new recovery codes, and show them."""
    given = await typed(request)
    answer = await who.auth.renew_recovery_codes(given.get("password", ""), given.get("code", ""))
    return _codes(who, answer.data, "") if answer.is_good else _again(who, answer, "codes")


@router.get("/off")
async def off_form(who: Member) -> Response:
    """The form for password and code, before it is turned off."""
    return render(who, "two_step.html", form=Form(), what="off")


@router.post("/off")
async def off(who: Member, request: Request) -> Response:
    """Turn it off."""
    given = await typed(request)
    answer = await who.auth.turn_two_step_off(given.get("password", ""), given.get("code", ""))
    if answer.is_good:
        return back_to(who, SECTION, "two_step_off")
    return _again(who, answer, "off")


def _again(who: Visitor, answer: Answer[object], what: str) -> Response:
    form = Form()
    form.refuse(answer)
    return render(who, "two_step.html", answer.status, form=form, what=what)


def _setup(who: Visitor, secret: NewSecret, form: Form, status: int = 200) -> Response:
    import segno  # 3 MiB, for a page that few people see once

    code = segno.make(secret.address[:LONGEST], error="m")
    picture = code.svg_data_uri(scale=4, dark="#000", light="#fff")
    return render(who, "two_step_setup.html", status, secret=secret, picture=picture, form=form)


def _codes(who: Visitor, made: RecoveryCodes, done: str) -> Response:
    text = "Hirewire\n\n" + "".join(f"{code}\n" for code in made.recoveryCodes)
    file = f"data:text/plain;charset=utf-8,{quote(text)}"
    return render(who, "recovery_codes.html", codes=made.recoveryCodes, file=file, done=done)
