"""Routes for what the caller wants to be notified of."""

from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from hirewire.kit.http import Caller, RequestTx
from hirewire.kit.mail.addresses import masked
from hirewire.kit.openapi import Responses, refuses
from hirewire.messaging.transaction import Tx
from hirewire.notifications.kinds import DEFAULTS
from hirewire.notifications.planning import plan_again
from hirewire.notifications.preferences import commands, queries
from hirewire.notifications.preferences.commands import Quiet, Wish
from hirewire.notifications.preferences.models import (
    Choices,
    ChosenKind,
    Email,
    Preferences,
    QuietHours,
    Unsubscribed,
)
from hirewire.notifications.unsubscribing import LONGEST

router = APIRouter(prefix="/api/notifications/preferences", tags=["preferences"])
unsubscribing = APIRouter(prefix="/api/notifications/unsubscribe", tags=["preferences"])
PAGE = "/unsubscribe"
_PAGE: Responses = {
    303: {"description": "To the page, for a browser", "content": {"text/plain": {}}}
}
_SECRET = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
Token = Annotated[str, Query(max_length=LONGEST)]


@router.get("")
async def read(tx: RequestTx, caller: Caller, response: Response) -> Preferences:
    """How you are notified of what has happened: by mail, how often, by push, and when not."""
    response.headers["Cache-Control"] = "no-store"
    return await _preferences(tx, caller.user_id)


@router.put("")
async def change(body: Choices, tx: RequestTx, caller: Caller, response: Response) -> Preferences:
    """Change what is named in the body: kinds that are left out stay as they are."""
    response.headers["Cache-Control"] = "no-store"
    await commands.hold(tx, caller.user_id)
    if "quiet" in body.model_fields_set:
        quiet = body.quiet.minutes if body.quiet else None
        await commands.set_quiet(tx, caller.user_id, quiet)
    wishes = {one.kind: Wish(one.mail, one.push) for one in body.kinds}
    await commands.choose(tx, caller.user_id, wishes)
    await plan_again(tx, caller.user_id)
    return await _preferences(tx, caller.user_id)


@unsubscribing.get(
    "",
    response_model=Unsubscribed,
    responses=refuses(commands.InvalidUnsubscribeLink) | _PAGE,
)
async def look(
    token: Token, tx: RequestTx, request: Request, response: Response
) -> Unsubscribed | Response:
    """What `POST` would switch off. Changes nothing: scanners of mails follow links too.

    A browser that follows the address of a mail's header is led to the page.
    """
    if "text/html" in request.headers.get("accept", ""):
        public_url: str = request.app.state.settings.public_url
        page = f"{public_url}{PAGE}?{urlencode({'token': token})}"
        headers = _SECRET | {"Location": page}
        return Response("", status_code=303, headers=headers, media_type="text/plain")
    response.headers.update(_SECRET)
    return _unsubscribed(await commands.link_of(tx, token))


@unsubscribing.post("", responses=refuses(commands.InvalidUnsubscribeLink))
async def unsubscribe(token: Token, tx: RequestTx, response: Response) -> Unsubscribed:
    """Switch mails of the kinds off that the token of a mail's link names; push stays.

    It needs no sign-in, and can be repeated: mail programs call it (RFC 8058).
    """
    response.headers.update(_SECRET)
    found = await commands.link_of(tx, token)
    await commands.switch_off(tx, found.user_id, found.kinds)
    return _unsubscribed(found)


@unsubscribing.post("/undo", responses=refuses(commands.InvalidUnsubscribeLink))
async def undo(token: Token, tx: RequestTx, response: Response) -> Unsubscribed:
    """Switch mails on again that the link switched off, as often as they came."""
    response.headers.update(_SECRET)
    found = await commands.link_of(tx, token)
    await commands.switch_on(tx, found.user_id, found.kinds)
    await plan_again(tx, found.user_id)
    return _unsubscribed(found)


def _unsubscribed(found: commands.Unsubscribing) -> Unsubscribed:
    return Unsubscribed(email=masked(found.email or ""), kinds=list(found.kinds))


async def _preferences(tx: Tx, user_id: UUID) -> Preferences:
    its = await queries.settings(tx, user_id)
    chosen = await queries.chosen(tx, user_id)
    quiet = None
    if its is not None and its.quiet_from is not None:
        quiet = QuietHours.of(Quiet(its.quiet_from, its.quiet_until))
    return Preferences(
        language=its.language if its else None,
        time_zone=its.time_zone if its else None,
        quiet=quiet,
        kinds=[
            ChosenKind(
                kind=kind,
                side=default.side,
                mail=chosen[kind].mail if kind in chosen else default.mail,
                push=chosen[kind].push if kind in chosen else default.push,
            )
            for kind, default in DEFAULTS.items()
        ],
        email=Email(state="stopped" if its and its.is_stopped else "ok"),
    )
