"""Routes for the browsers of the caller that are notified."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field

from hirewire.kit.devices import device
from hirewire.kit.errors import FieldError, Invalid
from hirewire.kit.http import Caller, RequestTx
from hirewire.kit.models import Answer, Body
from hirewire.kit.openapi import refuses
from hirewire.kit.reach import LONGEST_URL, Reach, Refused
from hirewire.kit.settings import Settings
from hirewire.kit.tokens import SessionRequired
from hirewire.notifications.pushing import commands, queries
from hirewire.notifications.web_push import BadKeys, Target

router = APIRouter(prefix="/api/notifications/push", tags=["push"])
KEY = r"^[A-Za-z0-9_-]+={0,2}$"


class Keys(Body):
    """The keys of a subscription, in base64url."""

    p256dh: Annotated[str, Field(pattern=KEY, max_length=100)]
    auth: Annotated[str, Field(pattern=KEY, max_length=30)]


class Subscription(Body):
    """A `PushSubscription` of a browser (W3C Push API)."""

    endpoint: Annotated[str, Field(max_length=LONGEST_URL)]
    keys: Keys
    public_key: Annotated[str, Field(pattern=KEY, max_length=100)]
    """The `publicKey` that the browser subscribed with (`applicationServerKey`)."""


class Device(Answer):
    """A browser that is notified."""

    id: UUID
    name: str | None
    """Browser and system, such as `Firefox · Windows`."""
    here: bool
    """Whether it is of the session that asks."""
    added_at: datetime
    pushed_at: datetime | None
    """When its push service last accepted a notification."""
    failing_since: datetime | None
    """Since when its push service has not accepted any."""


class Push(Answer):
    """What a browser needs to subscribe, and the devices that are."""

    public_key: str
    devices: list[Device]


class Added(Answer):
    """The device that was added."""

    id: UUID


@router.get("")
async def read(tx: RequestTx, caller: Caller, response: Response) -> Push:
    """Your devices, the newest first, and the key to subscribe with. 20 devices at most."""
    response.headers["Cache-Control"] = "no-store"
    key = (await commands.usable_keys(tx))[0]
    rows = await queries.devices(tx, caller.user_id)
    return Push(
        public_key=key.public,
        devices=[
            Device(
                id=row.id,
                name=row.name,
                here=row.session_id == caller.session_id,
                added_at=row.created_at,
                pushed_at=row.pushed_at,
                failing_since=row.failing_since,
            )
            for row in rows
        ],
    )


@router.post(
    "",
    status_code=201,
    responses=refuses(
        commands.OutdatedKey, commands.EndpointTaken, commands.SessionOver, SessionRequired
    ),
)
async def add(body: Subscription, tx: RequestTx, caller: Caller, request: Request) -> Added:
    """Notify this browser. It replaces what this session had before, and ends with it."""
    if caller.session_id is None:
        raise SessionRequired
    target = Target(body.endpoint, body.keys.p256dh, body.keys.auth)
    settings: Settings = request.app.state.settings
    try:
        Reach(settings.outgoing_networks).parsed(target.endpoint)
    except Refused as error:
        refused = FieldError("/endpoint", str(error), "push_endpoint_refused")
        raise Invalid(errors=[refused]) from None
    try:
        target.check()
    except BadKeys:
        wrong = FieldError("/keys", "must be those of a subscription", "push_keys_invalid")
        raise Invalid(errors=[wrong]) from None
    name = device(request.headers.get("user-agent", ""))
    id = await commands.register(
        tx, caller.user_id, caller.session_id, target, body.public_key, name
    )
    return Added(id=id)


@router.delete("/{id}", status_code=204, responses=refuses(commands.NoSuchDevice))
async def remove(id: UUID, tx: RequestTx, caller: Caller) -> None:
    """Do not notify this device any more."""
    await commands.remove(tx, caller.user_id, id)
