"""Pages for the passkeys of an account: add, rename, remove."""

import json
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import JsonValue

from hirewire.web.api.answers import Missing
from hirewire.web.pages.rendering import Form, Member, back_to, render, typed
from hirewire.web.problems import Problem
from hirewire.web.sessions import Visitor

router = APIRouter(prefix="/account/passkeys", include_in_schema=False)
LIST = "/account#passkeys"


@router.get("/new")
async def new_form(who: Member) -> Response:
    """The form for the password, which a new passkey needs."""
    return render(who, "passkey_new.html", form=Form(), options=None)


@router.post("/new")
async def new(who: Member, request: Request) -> Response:
    """The page on which a script makes the passkey."""
    given = await typed(request)
    answer = await who.auth.passkey_options(given.get("password", ""))
    if not answer.is_good:
        form = Form()
        form.refuse(answer)
        return render(who, "passkey_new.html", answer.status, form=form, options=None)
    options = json.dumps(answer.data.publicKey)
    return render(who, "passkey_new.html", form=Form(), options=options)


@router.post("")
async def add(who: Member, request: Request) -> Response:
    """Add the passkey that the browser has made."""
    given = await typed(request)
    answer = await who.auth.add_passkey(credential_in(given), given.get("name") or None)
    if answer.is_good:
        return back_to(who, LIST, "passkey_added")
    form = Form({"name": given.get("name")})
    form.refuse(answer)
    if answer.status == 422:  # no form of ours sends what the service calls invalid
        form.problem = Problem("passkey_not_accepted", is_whole=True)
    return render(who, "passkey_new.html", answer.status, form=form, options=None)


@router.get("/{id}")
async def one(id: UUID, who: Member) -> Response:
    """A passkey: its name, and a form that removes it."""
    return await _page(who, id, Form())


@router.post("/{id}")
async def rename(id: UUID, who: Member, request: Request) -> Response:
    """Rename a passkey."""
    given = await typed(request)
    answer = await who.auth.rename_passkey(str(id), given.get("name", ""))
    if answer.is_good:
        return back_to(who, LIST, "saved")
    form = Form({"name": given.get("name")})
    form.refuse(answer)
    return await _page(who, id, form, answer.status)


@router.post("/{id}/remove")
async def remove(id: UUID, who: Member, request: Request) -> Response:
    """Remove a passkey, with the password."""
    given = await typed(request)
    answer = await who.auth.remove_passkey(str(id), given.get("password", ""))
    if answer.is_good:
        return back_to(who, LIST, "passkey_removed")
    form = Form()
    form.refuse(answer)
    return await _page(who, id, form, answer.status)


def credential_in(given: dict[str, str]) -> JsonValue:
    """What the script has put into a form; the service checks it."""
    try:
        found: JsonValue = json.loads(given.get("credential", ""))
    except (ValueError, RecursionError):
        return None
    return found


async def _page(who: Visitor, id: UUID, form: Form, status: int = 200) -> Response:
    answer = await who.auth.passkeys()
    found = next((passkey for passkey in answer.data.items if passkey.id == str(id)), None)
    if found is None:
        raise Missing
    return render(who, "passkey.html", status, passkey=found, form=form)
