"""Pages for a company's API keys: the list, a new key, shown once, and the end of one."""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import JsonValue

from hirewire.kit.errors import Unavailable
from hirewire.web.api.answers import Missing
from hirewire.web.pages.rendering import (
    Form,
    Member,
    away,
    back_to,
    form_of,
    go,
    render,
    said,
    typed,
)
from hirewire.web.sessions import Visitor

LIST = "/employer/api-keys"
router = APIRouter(prefix=LIST, include_in_schema=False)
SCOPES = (
    *("vacancies:read", "vacancies:write", "applications:read", "applications:write"),
    *("webhooks:read", "webhooks:write"),
)
DAYS = (30, 90, 180, 365)
OVERLAPS = (0, 1, 24, 168)
"""Hours."""


@router.get("")
async def listed(who: Member) -> Response:
    """The company's keys, and the form for a new one."""
    return await _list(who, Form({"days": "365", "scopes": []}))


@router.post("")
async def make(who: Member, request: Request) -> Response:
    """Make a key, and show it: it is in this answer alone."""
    given = await typed(request)
    scopes = [one for one in (await form_of(request)).getlist("scopes") if isinstance(one, str)]
    values: dict[str, JsonValue] = {
        "name": given.get("name", ""),
        "scopes": list(scopes),
        "days": _number(given.get("days", "")),
    }
    answer = await who.auth.make_api_key(values | {"password": given.get("password")})
    if not answer.is_good:
        form = Form(values, {"days": given.get("days", "")})
        form.refuse(answer)
        return await _list(who, form, answer.status)
    return render(who, "api_key_made.html", 201, made=answer.data)


@router.get("/{id}")
async def one(id: UUID, who: Member) -> Response:
    """A key, with forms that replace or revoke it."""
    return await _one(who, id, Form({"days": "365", "overlapHours": "24"}))


@router.post("/{id}/rotate")
async def rotate(id: UUID, who: Member, request: Request) -> Response:
    """Give a key a new text, and show it: it is in this answer alone."""
    given = await typed(request)
    values: dict[str, JsonValue] = {
        "days": _number(given.get("days", "")),
        "overlapHours": _number(given.get("overlapHours", "")),
        "password": given.get("password"),
    }
    answer = await who.auth.rotate_api_key(str(id), values)
    if not answer.is_good:
        form = Form({name: given.get(name, "") for name in ("days", "overlapHours")})
        form.refuse(answer)
        return await _one(who, id, form, answer.status)
    return render(who, "api_key_made.html", 201, made=answer.data)


@router.post("/{id}/revoke")
async def revoke(id: UUID, who: Member) -> Response:
    """Revoke a key."""
    answer = await who.auth.revoke_api_key(str(id))
    return back_to(who, LIST, "api_key_revoked" if answer.is_good else said(answer))


def _number(text: str) -> JsonValue:
    return int(text) if text.isdecimal() and len(text) < 6 else text


async def _list(who: Visitor, form: Form, status: int = 200) -> Response:
    try:
        mine, keys = await who.auth.me(), await who.auth.api_keys()
    except Unavailable:
        return away(who)
    if not keys.is_good:
        return go(who, "/employer")
    return render(
        who,
        "api_keys.html",
        status,
        keys=keys.data.items,
        form=form,
        mine=mine.data,
        scopes=SCOPES,
        days=DAYS,
    )


async def _one(who: Visitor, id: UUID, form: Form, status: int = 200) -> Response:
    try:
        mine, keys = await who.auth.me(), await who.auth.api_keys()
    except Unavailable:
        return away(who)
    found = next((key for key in keys.data.items if key.id == str(id)), None)
    if found is None:
        raise Missing
    return render(
        who,
        "api_key.html",
        status,
        key=found,
        form=form,
        mine=mine.data,
        days=DAYS,
        overlaps=OVERLAPS,
    )
