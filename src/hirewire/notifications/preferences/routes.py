"""Routes for what the caller wants to be notified of."""

from uuid import UUID

from fastapi import APIRouter, Response

from hirewire.kit.http import Caller, RequestTx
from hirewire.messaging.transaction import Tx
from hirewire.notifications.kinds import DEFAULTS
from hirewire.notifications.preferences import commands, queries
from hirewire.notifications.preferences.commands import Quiet, Wish
from hirewire.notifications.preferences.models import (
    Choices,
    ChosenKind,
    Email,
    Preferences,
    QuietHours,
)

router = APIRouter(prefix="/api/notifications/preferences", tags=["preferences"])


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
    return await _preferences(tx, caller.user_id)


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
