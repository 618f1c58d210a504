"""The internal API of every service's messaging, for `hirewire events` and the console.

The gateway does not expose it. It needs the operator token (HIREWIRE_OPERATOR_TOKEN).
"""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from hirewire.kit.errors import FieldError, Invalid, NotFound
from hirewire.kit.http import RequestTx
from hirewire.kit.internal.access import operator
from hirewire.kit.internal.models import (
    MOST_IDS,
    PREFIX,
    AcceptIn,
    BarrierOut,
    DiscardIn,
    EditIn,
    Events,
    Flow,
    Ids,
    Overview,
    PauseIn,
    PauseOut,
    RequestIn,
    RequestOut,
)
from hirewire.messaging import requests
from hirewire.messaging.broker import DEAD, BrokerUnavailable
from hirewire.messaging.consuming import dead_letters, pauses
from hirewire.messaging.projections import generations
from hirewire.messaging.reconciliation import audit, barriers
from hirewire.messaging.runtime import Messaging
from hirewire.messaging.transaction import wake_after

ZERO = UUID(int=0)


def _messaging(request: Request) -> Messaging:
    messaging: Messaging = request.app.state.messaging
    return messaging


Own = Annotated[Messaging, Depends(_messaging)]
"""The messaging runtime of the service that serves the request."""

router = APIRouter(prefix=PREFIX, include_in_schema=False, dependencies=[Depends(operator)])


@router.get("/overview", response_model_exclude_unset=True)
async def overview(tx: RequestTx, messaging: Own) -> Overview:
    """The consumed event types, and the numbers of waiting and unresolved messages."""
    unsent = await tx.exec_driver_sql("select count(*) from messaging.outbox")
    counts = await dead_letters.counts(tx)
    summary = Overview(
        service=messaging.service,
        hears=list(messaging.consumer.topology.types),
        unsent=unsent.scalar_one(),
        retrying=counts["retrying"],
        waiting=counts["waiting"],
        dead=counts["dead"],
        queued=None,
        broker_dead=None,
    )
    try:
        summary.broker_dead = (await messaging.broker.stats(DEAD)).ready
        if messaging.consumer.topology.types:
            queues = messaging.consumer.queues
            stats = [await messaging.broker.stats(queue) for queue in queues]
            summary.queued = sum(queue.ready for queue in stats)
    except BrokerUnavailable as error:
        summary.broker = str(error)
    return summary


@router.post("/states")
async def states(
    tx: RequestTx, messaging: Own, body: Events, generation: int | None = None
) -> dict[str, list[Any]]:
    """The state of each event in each handler that consumes it."""
    if generation is None:
        states = await audit.states_of(tx, messaging.consumer.subscriptions, body.events)
    else:
        projection = await _generation(tx, generation)
        queue = projection.topology(messaging.service).queue
        states = await audit.states_of_generation(tx, projection, queue, body.events)
    return {"items": [audit.row_of(state) for state in states]}


@router.get("/about")
async def about(tx: RequestTx, what: str, since: UUID = ZERO) -> dict[str, list[str]]:
    """The correlation ids of the events about an account, a resume or a vacancy."""
    return {"items": await audit.about(tx, what, since=since)}


@router.get("/story")
async def story(
    tx: RequestTx, correlation: Annotated[list[str], Query()], since: UUID = ZERO
) -> dict[str, list[audit.TracedEvent]]:
    """The events with these correlation ids, in the order in which they were recorded."""
    return {"items": await audit.causal_trace(tx, correlation, since=since)}


@router.post("/heard")
async def heard(tx: RequestTx, body: Ids) -> dict[str, list[audit.Consumption]]:
    """The handlers that have processed these events."""
    return {"items": await audit.consumptions(tx, body.ids)}


@router.post("/discard")
async def discard(tx: RequestTx, body: DiscardIn) -> dict[str, int]:
    """Discard the messages of an event for good."""
    try:
        count = await dead_letters.discard(
            tx, body.event, why=body.why, by=body.by, subscription=body.handler
        )
    except dead_letters.NoSuchMessage as error:
        raise NotFound(str(error)) from None
    return {"discarded": count}


@router.post("/edit")
async def edit(tx: RequestTx, body: EditIn) -> dict[str, int]:
    """Replace the body of a dead letter and retry it."""
    try:
        await dead_letters.edit(
            tx,
            body.event,
            subscription=body.handler,
            body=body.body.encode(),
            why=body.why,
            by=body.by,
        )
    except dead_letters.NoSuchMessage as error:
        raise NotFound(str(error)) from None
    except dead_letters.EditRefused as error:
        raise Invalid(errors=[FieldError("/body", str(error), "edit_refused")]) from None
    return {"edited": 1}


@router.post("/pause")
async def pause(tx: RequestTx, messaging: Own, body: PauseIn) -> dict[str, bool]:
    """Pause a handler; `new` is false if it was paused already."""
    names = {subscription.name for subscription in messaging.consumer.subscriptions}
    if body.handler not in names:
        detail = f"no handler of {messaging.service}: {', '.join(sorted(names))}"
        raise Invalid(errors=[FieldError("/handler", detail, "unknown_handler")])
    return {"new": await pauses.pause(tx, body.handler, why=body.why, by=body.by)}


@router.post("/resume")
async def resume(tx: RequestTx, body: PauseIn) -> dict[str, bool]:
    """Resume a paused handler; `new` is false if it was not paused."""
    return {"new": await pauses.resume(tx, body.handler, why=body.why, by=body.by)}


@router.get("/paused")
async def paused(tx: RequestTx) -> dict[str, list[PauseOut]]:
    """The paused handlers."""
    return {"items": [PauseOut.model_validate(row) for row in await pauses.paused(tx)]}


@router.post("/fences", status_code=202)
async def request_barrier(tx: RequestTx) -> BarrierOut:
    """Record a barrier after all events recorded so far."""
    wake_after(tx)
    return BarrierOut(id=await barriers.ask(tx))


@router.get("/fences/{id}")
async def barrier(tx: RequestTx, id: UUID) -> BarrierOut:
    """The progress of a barrier."""
    row = await barriers.find(tx, id)
    if row is None:
        raise NotFound
    return BarrierOut.model_validate(row)


@router.get("/fences/{id}/heard")
async def barrier_passed(
    tx: RequestTx, messaging: Own, id: UUID, generation: int | None = None
) -> dict[str, list[str]]:
    """The queues that a barrier has passed, and all queues that it must pass."""
    queues = messaging.consumer.queues
    if generation is not None:
        queues = ((await _generation(tx, generation)).topology(messaging.service).queue,)
    return {"queues": await barriers.passed_queues(tx, id), "of": list(queues)}


@router.get("/fences/{id}/log")
async def log(
    tx: RequestTx,
    id: UUID,
    since: UUID = ZERO,
    after: UUID = ZERO,
    limit: Annotated[int, Query(ge=1, le=MOST_IDS)] = 5000,
) -> dict[str, list[Any]]:
    """A page of the events recorded before a barrier."""
    rows = await audit.recorded_before(tx, id, since=since, after=after, limit=limit)
    return {"items": [[str(row.id), row.type, row.subscribers, row.unsent] for row in rows]}


async def _handlers_of(tx: RequestTx, messaging: Messaging, owner: str) -> list[str]:
    own = [s.name for s in messaging.consumer.subscriptions if s.event.owner == owner]
    return [*own, *await generations.handlers_of_owner(tx, owner)]


@router.get("/flow")
async def flow(tx: RequestTx, messaging: Own) -> Flow:
    """The numbers of published, consumed and queued events, and the start of the inbox."""
    queued = None
    with suppress(BrokerUnavailable):
        stats = [await messaging.broker.stats(queue) for queue in messaging.consumer.queues]
        queued = sum(queue.ready for queue in stats)
    totals = await audit.flow(tx)
    return Flow(
        sent=totals.sent,
        entered=totals.entered,
        queued=queued,
        retained_from=await audit.retained_from(tx),
    )


@router.get("/entered")
async def entered(
    tx: RequestTx,
    messaging: Own,
    owner: str,
    since: UUID = ZERO,
    after: UUID = ZERO,
    limit: Annotated[int, Query(ge=1, le=MOST_IDS)] = 5000,
) -> dict[str, list[audit.Entered]]:
    """A page of an owner's events that were consumed here."""
    names = await _handlers_of(tx, messaging, owner)
    return {"items": await audit.entered(tx, names, since=since, after=after, limit=limit)}


@router.post("/unknown")
async def unknown(tx: RequestTx, body: Ids) -> dict[str, list[UUID]]:
    """The events among these that the log does not hold."""
    return {"ids": await audit.unknown(tx, body.ids)}


@router.post("/accept")
async def accept(tx: RequestTx, messaging: Own, body: AcceptIn) -> dict[str, int]:
    """Accept phantom events, so that the audit no longer lists them."""
    note = f"in no log, accepted by {body.by or '?'}: {body.why}"
    names = await _handlers_of(tx, messaging, body.owner)
    return {"accepted": await audit.accept(tx, body.ids, names, note)}


@router.post("/jobs", status_code=202)
async def ask(tx: RequestTx, messaging: Own, body: RequestIn) -> RequestOut:
    """Request a replay or a repair; a repeated request returns the existing one."""
    asked = await _asked(tx, messaging, body)
    id, new = await requests.ask(tx, body.kind, asked, by=body.by, again=body.anew)
    wake_after(tx)
    return _out(await requests.find(tx, id), new)


@router.post("/jobs/count")
async def count(tx: RequestTx, messaging: Own, body: RequestIn) -> dict[str, int]:
    """The number of events that a request would publish."""
    return {"events": await requests.matching(tx, await _asked(tx, messaging, body))}


@router.get("/jobs")
async def latest(tx: RequestTx) -> dict[str, list[RequestOut]]:
    """The latest replay and repair requests."""
    return {"items": [_out(request) for request in await requests.latest(tx)]}


@router.get("/jobs/{id}")
async def find_request(tx: RequestTx, id: UUID) -> RequestOut:
    """One request and its progress."""
    return _out(await requests.find(tx, id))


async def _generation(tx: RequestTx, number: int) -> generations.Generation:
    generation = await generations.find(tx, number)
    if generation is None or generation.state == "dropped":
        raise NotFound(f"there is no generation {number}")
    return generation


async def _asked(tx: RequestTx, messaging: Messaging, body: RequestIn) -> requests.Asked:
    """The validated parameters of a request. Raises `Invalid` that names the field."""
    subscribed = await requests.types_of_subscriber(tx, body.to)
    if not subscribed:
        detail = f"{body.to} consumes nothing of {messaging.service}"
        raise Invalid(errors=[FieldError("/to", detail, "not_subscribed")])
    types = sorted(body.types) or subscribed
    for nth, name in enumerate(types):
        if name not in subscribed:
            detail = f"{body.to} does not consume {name} of {messaging.service}"
            raise Invalid(errors=[FieldError(f"/types/{nth}", detail, "not_subscribed")])
    oldest = datetime.now(UTC) - messaging.options.retention - timedelta(days=1)
    if body.since is not None and body.since < oldest:
        detail = f"the log begins at {oldest.isoformat(timespec='minutes')}"
        raise Invalid(errors=[FieldError("/since", detail, "before_log")])
    if body.kind == "repair" and not body.ids:
        raise Invalid(errors=[FieldError("/ids", "a repair needs the ids of events", "missing")])
    asked: requests.Asked = {"to": body.to, "types": types}
    if body.since is not None:
        asked["since"] = body.since.astimezone(UTC).isoformat()
    if body.until is not None:
        asked["until"] = body.until.astimezone(UTC).isoformat()
    if body.key is not None:
        asked["key"] = body.key
    if body.again:
        asked["again"] = True
    if body.ids is not None:
        asked["ids"] = sorted(str(id) for id in body.ids)
    elif body.until is None and body.key is None:
        asked["handover"] = True
    return asked


def _out(request: requests.Request | None, new: bool = False) -> RequestOut:
    if request is None:
        raise NotFound
    out = RequestOut.model_validate(request)
    asked, ids = dict(out.asked), out.asked.get("ids")
    if isinstance(ids, list) and ids:  # there may be thousands
        asked["ids"] = len(ids)
    return out.model_copy(update={"new": new, "asked": asked})
