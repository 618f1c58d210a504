"""Routes for webhooks of companies and operators, and for their deliveries."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from hirewire.kit import audit_log
from hirewire.kit.audit_log import OperatorAct
from hirewire.kit.errors import FieldError, Invalid, NotAnOperator
from hirewire.kit.http import (
    Caller,
    OperatorCaller,
    OperatorSecondFactor,
    Page,
    PageParams,
    RequestTx,
    VerifiedCaller,
    may_be_operator,
    page_of,
    place_of_id,
)
from hirewire.kit.openapi import refuses
from hirewire.kit.reach import Reach, Refused
from hirewire.kit.tokens import Principal
from hirewire.messaging.transaction import Tx
from hirewire.notifications.authority import (
    CompanyInactive,
    NotAnEmployer,
    require_acting_company,
    require_operator,
)
from hirewire.notifications.webhooks import commands, models, presenters, queries, rules
from hirewire.notifications.webhooks.commands import (
    NoSuchDelivery,
    NoSuchWebhook,
    TooManyPings,
    TooManyWebhooks,
)

OWNING = (NotAnEmployer, CompanyInactive, NotAnOperator)
"""The refusals of all calls."""
router = APIRouter(prefix="/api/notifications/webhooks", tags=["webhooks"])
admin = APIRouter(prefix="/api/notifications/admin", tags=["operators"])
BadUrl = {
    one.code: one
    for one in (
        FieldError("#/url", "is not a URL", "url_invalid"),
        FieldError("#/url", "must begin with https://", "url_not_https"),
        FieldError("#/url", "must not hold a user name or a password", "url_with_password"),
        FieldError("#/url", "has a port that cannot be used", "port_refused"),
        FieldError("#/url", "is not on the internet", "address_refused"),
    )
}


@router.get("", responses=refuses(*OWNING))
async def list_(
    tx: RequestTx,
    caller: Caller,
    request: Request,
    response: Response,
    owner: Annotated[rules.Owner, Query()] = "company",
) -> models.Webhooks:
    """The webhooks of your company, or of the board."""
    response.headers["Cache-Control"] = "no-store"
    company_id = await _owner(tx, caller, request, owner)
    found = await queries.of_owner(tx, company_id)
    return models.Webhooks(items=[presenters.webhook(one) for one in found])


@router.post(
    "",
    status_code=201,
    responses=refuses(*OWNING, TooManyWebhooks),
)
async def create(
    body: models.NewWebhook,
    tx: RequestTx,
    caller: VerifiedCaller,
    request: Request,
    response: Response,
) -> models.CreatedWebhook:
    """Add a webhook. Its secret is in this answer only."""
    response.headers["Cache-Control"] = "no-store"
    company_id = await _owner(tx, caller, request, body.owner)
    url = _checked_url(request, body.url)
    _check_events(body.events, body.owner)
    id, secret = await commands.create(tx, company_id, url, body.events)
    if body.owner == "board":
        await commands.log(tx, caller.user_id, id, "webhook_made")
    made = presenters.webhook(await _found(tx, id))
    return models.CreatedWebhook(**made.model_dump(), secret=secret)


@router.get("/events", responses=refuses(*OWNING))
async def events(
    tx: RequestTx,
    caller: Caller,
    request: Request,
    owner: Annotated[rules.Owner, Query()] = "company",
) -> models.Offered:
    """The events that a webhook can be for."""
    await _owner(tx, caller, request, owner)
    return models.Offered(events=list(rules.offered(owner)))


@router.get("/{id}", responses=refuses(*OWNING, NoSuchWebhook))
async def read(
    id: UUID, tx: RequestTx, caller: Caller, request: Request, response: Response
) -> models.Webhook:
    """A webhook."""
    response.headers["Cache-Control"] = "no-store"
    await _may(tx, caller, request, id)
    return presenters.webhook(await _found(tx, id))


@router.patch("/{id}", responses=refuses(*OWNING, NoSuchWebhook))
async def change(
    id: UUID, body: models.WebhookChange, tx: RequestTx, caller: VerifiedCaller, request: Request
) -> models.Webhook:
    """Change a webhook, or switch it on or off."""
    owner = await _may(tx, caller, request, id)
    url = None if body.url is None else _checked_url(request, body.url)
    if body.events is not None:
        _check_events(body.events, owner)
    await commands.change(tx, id, url=url, events=body.events, is_on=body.on)
    if owner == "board":
        await commands.log(tx, caller.user_id, id, *_acts(body))
    return presenters.webhook(await _found(tx, id))


@router.delete(
    "/{id}",
    status_code=204,
    responses=refuses(*OWNING, NoSuchWebhook),
)
async def delete(id: UUID, tx: RequestTx, caller: Caller, request: Request) -> None:
    """Delete a webhook with all its deliveries."""
    if await _may(tx, caller, request, id) == "board":
        await commands.log(tx, caller.user_id, id, "webhook_deleted")
    await commands.remove(tx, id)


@router.post("/{id}/rotate", responses=refuses(*OWNING, NoSuchWebhook))
async def rotate(
    id: UUID, tx: RequestTx, caller: VerifiedCaller, request: Request, response: Response
) -> models.Secret:
    """Make a new secret, which is in this answer only. The old one signs, too, for 24 hours."""
    response.headers["Cache-Control"] = "no-store"
    if await _may(tx, caller, request, id) == "board":
        await commands.log(tx, caller.user_id, id, "webhook_secret_made")
    return models.Secret(secret=await commands.rotate(tx, id))


@router.post(
    "/{id}/ping",
    status_code=202,
    responses=refuses(*OWNING, NoSuchWebhook, TooManyPings),
)
async def ping(id: UUID, tx: RequestTx, caller: VerifiedCaller, request: Request) -> models.Pinged:
    """Send a message of the type `webhook.ping` to try the webhook."""
    await _may(tx, caller, request, id)
    event_id = await commands.ping(tx, id)
    return models.Pinged(webhook_message_id=rules.message_id(event_id))


@router.get(
    "/{id}/deliveries",
    responses=refuses(*OWNING, NoSuchWebhook),
)
async def deliveries(
    id: UUID,
    tx: RequestTx,
    caller: Caller,
    page: PageParams,
    request: Request,
    response: Response,
    state: Annotated[models.State | None, Query()] = None,
) -> Page[models.Delivery]:
    """The deliveries of a webhook, the newest first."""
    response.headers["Cache-Control"] = "no-store"
    await _may(tx, caller, request, id)
    after = place_of_id(page.after)
    rows = await queries.deliveries(tx, id, state=state, after=after, limit=page.limit + 1)
    shown = [presenters.delivery(row) for row in rows]
    return page_of(shown, page, request, response, models.Delivery, cursor=lambda one: (one.id,))


@router.get(
    "/{id}/deliveries/{delivery_id}",
    responses=refuses(*OWNING, NoSuchWebhook, NoSuchDelivery),
)
async def delivery(
    id: UUID,
    delivery_id: UUID,
    tx: RequestTx,
    caller: Caller,
    request: Request,
    response: Response,
) -> models.WholeDelivery:
    """A delivery with its request and the answers to its attempts."""
    response.headers["Cache-Control"] = "no-store"
    await _may(tx, caller, request, id)
    row = await queries.delivery(tx, id, delivery_id)
    if row is None:
        raise NoSuchDelivery
    return presenters.whole(row, await queries.attempts(tx, delivery_id))


@router.post(
    "/{id}/deliveries/{delivery_id}/replay",
    status_code=204,
    responses=refuses(*OWNING, NoSuchWebhook, NoSuchDelivery),
)
async def replay(
    id: UUID, delivery_id: UUID, tx: RequestTx, caller: VerifiedCaller, request: Request
) -> None:
    """Send a dead delivery again, with the same `webhook-id`."""
    await _may(tx, caller, request, id)
    await commands.replay(tx, id, delivery_id)


@router.post("/{id}/replay", responses=refuses(*OWNING, NoSuchWebhook))
async def replay_all(
    id: UUID, tx: RequestTx, caller: VerifiedCaller, request: Request
) -> models.Replayed:
    """Send all dead deliveries again."""
    await _may(tx, caller, request, id)
    return models.Replayed(count=await commands.replay_all(tx, id))


@admin.get("/audit", responses=refuses(NotAnOperator))
async def audit(
    tx: RequestTx,
    caller: OperatorCaller,
    page: PageParams,
    request: Request,
    response: Response,
    user: UUID | None = None,
) -> Page[OperatorAct]:
    """For operators: what they have done in this service, the last act first; to one person with
    `user`.
    """
    await require_operator(tx, caller)
    return await audit_log.answer(tx, page, request, response, user)


def _acts(body: models.WebhookChange) -> list[commands.Act]:
    acts: list[commands.Act] = []
    if body.url is not None or body.events is not None:
        acts.append("webhook_changed")
    if body.on is not None:
        acts.append("webhook_switched_on" if body.on else "webhook_switched_off")
    return acts


async def _owner(tx: Tx, caller: Principal, request: Request, owner: rules.Owner) -> UUID | None:
    """The caller's company; None for the board, which is for operators only."""
    if owner == "company":
        return await require_acting_company(tx, caller)
    await require_operator(tx, caller)
    if not may_be_operator(request, caller):
        raise OperatorSecondFactor
    return None


async def _may(tx: Tx, caller: Principal, request: Request, id: UUID) -> rules.Owner:
    """Whose the webhook is. Raises `NoSuchWebhook` for one of somebody else."""
    found = await queries.owner_of(tx, id)
    if found is None:
        raise NoSuchWebhook
    (company_id,) = found
    owner: rules.Owner = "board" if company_id is None else "company"
    try:
        mine = await _owner(tx, caller, request, owner)
    except (NotAnEmployer, NotAnOperator):
        raise NoSuchWebhook from None
    if mine != company_id:
        raise NoSuchWebhook
    return owner


async def _found(tx: Tx, id: UUID) -> queries.Listed:
    found = await queries.by_id(tx, id)
    if found is None:
        raise NoSuchWebhook
    return found


def _checked_url(request: Request, text: str) -> str:
    try:
        return str(Reach(request.app.state.settings.outgoing_networks).parsed(text))
    except Refused as refused:
        raise Invalid(errors=[BadUrl[refused.code]]) from None


def _check_events(events: list[str], owner: rules.Owner) -> None:
    offered = rules.offered(owner)
    for place, event in enumerate(events):
        if event not in offered:
            error = FieldError(f"#/events/{place}", "is not offered", "event_not_offered")
            raise Invalid(errors=[error])
