"""Pages for webhooks, of a company (`/employer/webhooks`) and of the board (`/admin/webhooks`)."""

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import JsonValue

from hirewire.web.api.answers import Missing
from hirewire.web.api.models.webhooks import Webhook
from hirewire.web.pages.rendering import Form, Member, back_to, form_of, go, render, said, typed
from hirewire.web.sessions import Visitor

router = APIRouter(include_in_schema=False)
PER_PAGE = 30
STATES = ("waiting", "dead", "delivered")


@dataclass(frozen=True, slots=True)
class Side:
    """Whose pages they are."""

    owner: Literal["company", "board"]
    root: str
    """The address of the list."""
    base: str
    """The template around the pages."""


COMPANY = Side("company", "/employer/webhooks", "base.html")
BOARD = Side("board", "/admin/webhooks", "admin.html")


def _side(who: Visitor) -> Side:
    """Raises `Missing` on a board without the service."""
    if not who.webhooks.exist:
        raise Missing
    return BOARD if who.request.url.path.startswith(BOARD.root) else COMPANY


@router.get("/employer/webhooks")
@router.get("/admin/webhooks")
async def webhooks(who: Member) -> Response:
    """The webhooks, with the form for another one."""
    return await _list(who, Form())


@router.post("/employer/webhooks")
@router.post("/admin/webhooks")
async def add(who: Member, request: Request) -> Response:
    """Add a webhook, and show its secret: it is in this answer alone."""
    side = _side(who)
    given, events = await _given(request)
    body: dict[str, JsonValue] = {"url": given, "events": list(events), "owner": side.owner}
    answer = await who.webhooks.create(body)
    if not answer.is_good:
        form = Form({"url": given, "events": list(events)})
        form.refuse(answer)
        return await _list(who, form, answer.status)
    return _secret(who, side, answer.data, answer.data.secret, 201)


@router.get("/employer/webhooks/{id}")
@router.get("/admin/webhooks/{id}")
async def webhook(id: UUID, who: Member) -> Response:
    """A webhook with its deliveries."""
    return await _one(who, id)


@router.post("/employer/webhooks/{id}")
@router.post("/admin/webhooks/{id}")
async def change(id: UUID, who: Member, request: Request) -> Response:
    """Change the address and the events."""
    side = _side(who)
    given, events = await _given(request)
    answer = await who.webhooks.change(id, {"url": given, "events": list(events)})
    if answer.is_good:
        return back_to(who, f"{side.root}/{id}", "saved")
    form = Form({"url": given, "events": list(events)})
    form.refuse(answer)
    return await _one(who, id, form, answer.status)


@router.post("/employer/webhooks/{id}/{act}")
@router.post("/admin/webhooks/{id}/{act}")
async def act(id: UUID, act: str, who: Member) -> Response:
    """Switch it on or off, send a test, make a new secret, send again, or delete it."""
    side = _side(who)
    path = f"{side.root}/{id}"
    if act in ("on", "off"):
        changed = await who.webhooks.change(id, {"on": act == "on"})
        return back_to(who, path, f"webhook_{act}" if changed.is_good else said(changed))
    if act == "ping":
        pinged = await who.webhooks.ping(id)
        return back_to(who, path, "webhook_pinged" if pinged.is_good else said(pinged))
    if act == "replay":
        replayed = await who.webhooks.replay_all(id)
        return back_to(who, path, "webhook_replayed" if replayed.is_good else said(replayed))
    if act == "delete":
        deleted = await who.webhooks.delete(id)
        return back_to(who, side.root, "deleted" if deleted.is_good else said(deleted))
    if act != "rotate":
        raise Missing
    found = await who.webhooks.one(id)
    if not found.is_good:
        raise Missing
    rotated = await who.webhooks.rotate(id)
    if not rotated.is_good:
        return back_to(who, path, said(rotated))
    return _secret(who, side, found.data, rotated.data.secret, 200)


@router.get("/employer/webhooks/{id}/deliveries/{delivery_id}")
@router.get("/admin/webhooks/{id}/deliveries/{delivery_id}")
async def delivery(id: UUID, delivery_id: UUID, who: Member) -> Response:
    """A delivery: the request, and the answer to each attempt."""
    side = _side(who)
    found, answer = await asyncio.gather(
        who.webhooks.one(id), who.webhooks.delivery(id, delivery_id)
    )
    if not found.is_good or not answer.is_good:
        raise Missing
    body = answer.data.body
    with suppress(ValueError):  # only its beginning is kept
        body = json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    return render(
        who, "webhook_delivery.html", side=side, webhook=found.data, one=answer.data, body=body
    )


@router.post("/employer/webhooks/{id}/deliveries/{delivery_id}")
@router.post("/admin/webhooks/{id}/deliveries/{delivery_id}")
async def replay(id: UUID, delivery_id: UUID, who: Member) -> Response:
    """Send a dead delivery again."""
    side = _side(who)
    answer = await who.webhooks.replay(id, delivery_id)
    path = f"{side.root}/{id}/deliveries/{delivery_id}"
    return back_to(who, path, "webhook_replayed" if answer.is_good else said(answer))


async def _given(request: Request) -> tuple[str, tuple[str, ...]]:
    given = await typed(request)
    events = (await form_of(request)).getlist("events")
    return given.get("url", ""), tuple(one for one in events if isinstance(one, str))


async def _list(who: Visitor, form: Form, status: int = 200) -> Response:
    side = _side(who)
    found, offered = await asyncio.gather(
        who.webhooks.listed(side.owner), who.webhooks.offered(side.owner)
    )
    if not found.is_good or not offered.is_good:  # nobody of a company
        return go(who, "/employer")
    return render(
        who,
        "webhooks.html",
        status,
        side=side,
        webhooks=found.data.items,
        offered=offered.data.events,
        form=form,
    )


async def _one(who: Visitor, id: UUID, form: Form | None = None, status: int = 200) -> Response:
    side, query = _side(who), who.request.query_params
    state = query["state"] if query.get("state") in STATES else None
    after = query.get("after") or None
    found, deliveries, offered = await asyncio.gather(
        who.webhooks.one(id),
        who.webhooks.deliveries(id, PER_PAGE, after, state),
        who.webhooks.offered(side.owner),
    )
    if not found.is_good or found.data.owner != side.owner:
        raise Missing
    if not deliveries.is_good:  # probably an outdated position in the list
        return go(who, f"{side.root}/{id}")
    return render(
        who,
        "webhook.html",
        status,
        side=side,
        webhook=found.data,
        deliveries=deliveries.data,
        offered=offered.data.events if offered.is_good else found.data.events,
        state=state,
        states=STATES,
        form=form or Form({"url": found.data.url, "events": list(found.data.events)}),
        is_changing=form is not None,
    )


def _secret(who: Visitor, side: Side, webhook: Webhook, secret: str, status: int) -> Response:
    return render(
        who,
        "webhook_secret.html",
        status,
        side=side,
        webhook=webhook,
        secret=secret,
        was_changed=status != 201,
    )
