"""Replays and repairs, which the relay works off piece by piece.

A replay with cutover runs in passes. Each publishes the events that its snapshot sees and the
previous one did not. During the last pass and the high watermark after it, nothing else of this
owner is published. Between the watermarks the subscriber drops exactly the events that were not
published before the low watermark. The replay contains all of these, whatever else was requested:
those that the request's first snapshot does not see, and those that were unsent when it was taken.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from hirewire.messaging.broker import Broker, BrokerMisconfigured, BrokerUnavailable, Message
from hirewire.messaging.envelope import REPAIR, message_of
from hirewire.messaging.ids import new_id
from hirewire.messaging.ordered import publish_in_order
from hirewire.messaging.publishing.repeats import repeated
from hirewire.messaging.reconciliation import cutover
from hirewire.messaging.requests import ASKED, arguments

log = structlog.get_logger(__name__)

PIECE = 1000
"""Events published between two checks of the outbox."""
LAST_PASS = 500
"""A pass with fewer events than this is the last one."""
PAUSE_SECONDS = 5.0
"""Seconds until a request is tried again after the broker has refused it."""
HELD = "waits with its end until `hirewire migrate` has written the list of subscribers"

# Transaction ids are compared within an epoch. All of an earlier one are seen, none of a later.
_EPOCH = "(select coalesce(max(epoch), 0) from messaging.lineage)"
_FRESH = """
(l.epoch > $10
  or (l.epoch = $10 and not pg_visible_in_snapshot(l.xact, $8::text::pg_snapshot))
  or exists (select from messaging.job_unsent u where u.job = $9 and u.position = l.position))
"""


def _chosen(cutover: bool) -> str:
    """Which rows of the log a request publishes. Without a cutover, events unpublished when the
    request began are left to the usual way: published directly, they could overtake earlier events
    of their key that were not requested.
    """
    which = f"{ASKED} or {_FRESH}" if cutover else f"{ASKED} and not {_FRESH}"
    return f"""
l.type = any($1::text[])
  and (l.epoch < {_EPOCH} or pg_visible_in_snapshot(l.xact, $6::text::pg_snapshot))
  and ($7::text is null or (l.epoch = {_EPOCH}
    and not pg_visible_in_snapshot(l.xact, $7::text::pg_snapshot)))
  and ({which})
"""


def _next_of(cutover: bool) -> str:
    return f"""
select id, position, type, key, epoch, sequence, correlation_id, causation_id, traceparent,
    recorded_at, version, body, {_FRESH} as fresh
from messaging.log l where {_chosen(cutover)} and l.position > $11 order by l.position limit $12
"""  # noqa: S608


_NEXT = {cutover: _next_of(cutover) for cutover in (True, False)}
_COUNT = {
    cutover: f"select count(*) from messaging.log l where {_chosen(cutover)}"  # noqa: S608
    for cutover in (True, False)
}
_COLUMNS = """
id, asked, coalesce(asked ->> 'handover', 'false') = 'true' as cutover, held, attempt, announced,
    first_snapshot::text, first_epoch, snapshot::text, pass_snapshot::text,
    coalesce(pass_position, 0) as position, outcome,
    coalesce(next_attempt_at <= clock_timestamp(), true) as due
"""
_OPEN = f"""
select {_COLUMNS} from messaging.job
where state = 'open' and kind in ('replay', 'repair') order by asked_at, id
"""  # noqa: S608
_TAKE_OVER = f"""
update messaging.job set attempt = attempt + 1, announced = false
where state = 'open' and first_snapshot is not null and asked ->> 'handover' = 'true'
returning {_COLUMNS}
"""  # noqa: S608
_LISTED = "select type from messaging.listener where service = $1 and until is null"

# The audit expects subscribers that got all past events to have consumed them.
_FORGET_FORMER = """
delete from messaging.listener
where service = $1 and type = any($2::text[]) and until is not null
"""
_CONSUMES_ALL = """
update messaging.listener set since = '3', since_epoch = 0
where service = $1 and type = any($2::text[]) and until is null
"""


@dataclass(frozen=True, slots=True)
class _Request:
    """An open request, as stored in its row."""

    id: UUID
    asked: Mapping[str, Any]
    cutover: bool
    held: bool
    attempt: int
    announced: bool
    first_snapshot: str | None
    first_epoch: int
    snapshot: str | None
    pass_snapshot: str | None
    position: int
    outcome: str | None
    due: bool

    @property
    def to(self) -> str:
        """The only service that gets the events."""
        return str(self.asked["to"])

    @property
    def types(self) -> list[str]:
        """The requested events."""
        return list(self.asked["types"])

    @property
    def whole(self) -> bool:
        """Whether all events of the log are published as new ones, not as repeats."""
        return not any(self.asked.get(n) for n in ("since", "until", "key", "ids", "again"))


async def work(connection: asyncpg.Connection, service: str, broker: Broker) -> bool:
    """Publish one piece of each open request, with nothing else unconfirmed. True for more.

    Of requests that publish the same events to the same service, the oldest runs first, to its end.
    """
    more = False
    ahead: dict[tuple[str, str], UUID] = {}
    for request in map(_request_of, await connection.fetch(_OPEN)):
        before = next(
            (ahead[request.to, t] for t in request.types if (request.to, t) in ahead), None
        )
        for type in request.types:
            ahead.setdefault((request.to, type), request.id)
        if before is not None:
            await _explain(connection, request, f"waits for request {before}")
        elif request.due:
            try:
                more = await _piece(connection, service, broker, request) or more
            except BrokerMisconfigured as error:
                await _misconfigured(connection, request, error)
    return more


async def take_over(connection: asyncpg.Connection, service: str, broker: Broker) -> None:
    """Begin a new attempt of what a former relay has begun, before anything else is published.

    Watermarks of that relay may still be on their way; after this one they are ignored.
    """
    for request in map(_request_of, await connection.fetch(_TAKE_OVER)):
        try:
            await _announce(connection, service, broker, request)
        except BrokerMisconfigured as error:
            await _misconfigured(connection, request, error)


async def hold_history(
    connection: asyncpg.Connection,
    service: str,
    broker: Broker,
    *,
    to: str,
    types: Sequence[str],
) -> None:
    """Publish all events of these types in the log to a new subscriber, after a low watermark.

    The request is committed before its watermark is published, so that something ends it. It does
    not end before `release`. Called again after an interruption, it continues the same request.
    Raises `BrokerUnavailable` if the queue does not accept the watermark.
    """
    async with connection.transaction():
        held = [
            request for request in map(_request_of, await connection.fetch(_OPEN)) if request.held
        ]
        held = [request for request in held if request.to == to]
        left = sorted(set(types) - {type for request in held for type in request.types})
        if left:
            await _file(connection, to, left)
    for request in map(_request_of, await connection.fetch(_OPEN)):
        if (
            request.held
            and request.to == to
            and not await _announce(connection, service, broker, request)
        ):
            raise BrokerUnavailable(f"the queue of {to} is not there")


async def release(connection: asyncpg.Connection) -> None:
    """Allow requests of `hold_history` to end, in the transaction that stores the subscribers."""
    await connection.execute(
        "update messaging.job set held = false, outcome = null where held and state = 'open'"
    )


async def _file(connection: asyncpg.Connection, to: str, types: Sequence[str]) -> None:
    id = new_id()
    asked = json.dumps({"to": to, "types": list(types), "handover": True}, sort_keys=True)
    await connection.execute(
        "insert into messaging.job (id, kind, asked, asked_by, held) "
        "values ($1, 'replay', $2::jsonb, 'migrate', true)",
        id,
        asked,
    )
    row = await connection.fetchrow(f"select {_COLUMNS} from messaging.job where id = $1", id)  # noqa: S608
    assert row is not None
    await _begin(connection, _request_of(row))


async def _piece(
    connection: asyncpg.Connection, service: str, broker: Broker, request: _Request
) -> bool:
    if request.pass_snapshot is None:
        async with connection.transaction():
            request = await _begin(connection, request)
        return not request.cutover or await _announce(connection, service, broker, request)
    if request.cutover and not request.announced:
        return await _announce(connection, service, broker, request)
    types = await _types(connection, request)
    rows = await _next(
        connection, request, types, request.pass_snapshot, request.snapshot, request.position, PIECE
    )
    if rows:
        if not await publish_in_order(broker, [_message(r, service, request) for r in rows]):
            return await _not_taken(connection, request)
        await connection.execute(
            "update messaging.job set pass_position = $2, done = done + $3, outcome = null, "
            "total = greatest(total, done + $3) where id = $1",
            request.id,
            rows[-1]["position"],
            len(rows),
        )
        if len(rows) == PIECE:
            return True
    if request.cutover:
        return await _cut_over(connection, broker, request, types, service)
    await _finish(connection, request.id, "done", "sent")
    return True


async def _begin(connection: asyncpg.Connection, request: _Request) -> _Request:
    """Store which events are unpublished, in a transaction before the low watermark.

    The snapshot comes first: it does not see what is committed after it, and what is published
    before the second statement precedes the watermark. The results of an earlier attempt remain
    valid: since then the subscriber drops what is replayed.
    """
    snapshot = await connection.fetchval("select pg_current_snapshot()::text")
    await connection.execute(
        "insert into messaging.job_unsent (job, position) "
        "select $1, position from messaging.outbox on conflict do nothing",
        request.id,
    )
    begun = replace(request, pass_snapshot=snapshot, attempt=request.attempt + 1)
    if request.first_snapshot is None:
        epoch = await connection.fetchval(f"select {_EPOCH}")
        begun = replace(begun, first_snapshot=snapshot, first_epoch=epoch)
    total = await connection.fetchval(
        _COUNT[request.cutover], *_choice(begun, request.types, snapshot, None)
    )
    await connection.execute(
        "update messaging.job set first_snapshot = $2::text::pg_snapshot, first_epoch = $3, "
        "pass_snapshot = $4::text::pg_snapshot, attempt = $5, total = $6 where id = $1",
        request.id,
        begun.first_snapshot,
        begun.first_epoch,
        snapshot,
        begun.attempt,
        total,
    )
    return begun


async def _announce(
    connection: asyncpg.Connection, service: str, broker: Broker, request: _Request
) -> bool:
    """Publish the low watermark of this attempt; False if there is no queue yet."""
    watermark = cutover.low_watermark(service, request.id, request.types, request.attempt)
    if not await publish_in_order(broker, [cutover.watermark_message(request.to, watermark)]):
        return await _not_taken(connection, request)
    await connection.execute(
        "update messaging.job set announced = true where id = $1 and attempt = $2",
        request.id,
        request.attempt,
    )
    return True


async def _cut_over(
    connection: asyncpg.Connection,
    broker: Broker,
    request: _Request,
    types: Sequence[str],
    service: str,
) -> bool:
    """After a pass: start another one for new events or, if there are few, end the replay.

    It ends with the last pass and the high watermark. True if there is more to do at once.
    """
    assert request.pass_snapshot is not None
    snapshot = await connection.fetchval("select pg_current_snapshot()::text")
    rows = await _next(connection, request, types, snapshot, request.pass_snapshot, 0, LAST_PASS)
    if len(rows) == LAST_PASS or (rows and request.held):
        await connection.execute(
            "update messaging.job set snapshot = pass_snapshot, pass_position = 0, "
            "pass_snapshot = $2::text::pg_snapshot where id = $1",
            request.id,
            snapshot,
        )
        return True
    if request.held:
        await _explain(connection, request, HELD)
        return False
    watermark = cutover.high_watermark(service, request.id, request.types, request.attempt)
    messages = [_message(r, service, request) for r in rows]
    if not await publish_in_order(
        broker, [*messages, cutover.watermark_message(request.to, watermark)]
    ):
        return await _not_taken(connection, request)
    async with connection.transaction():
        await connection.execute(
            "update messaging.job set done = done + $2, total = greatest(total, done + $2) "
            "where id = $1",
            request.id,
            len(rows),
        )
        if request.whole:
            await connection.execute(_FORGET_FORMER, request.to, types)
            await connection.execute(_CONSUMES_ALL, request.to, types)
        await _finish(connection, request.id, "done", "sent")
    return True


async def _types(connection: asyncpg.Connection, request: _Request) -> list[str]:
    """The types to publish now: a subscriber that is off the list cannot consume them any more."""
    if not request.cutover or request.held:
        return request.types
    listed = {row["type"] for row in await connection.fetch(_LISTED, request.to)}
    return [type for type in request.types if type in listed]


async def _next(
    connection: asyncpg.Connection,
    request: _Request,
    types: Sequence[str],
    snapshot: str,
    before: str | None,
    position: int,
    limit: int,
) -> list[asyncpg.Record]:
    choice = _choice(request, types, snapshot, before)
    rows: list[asyncpg.Record] = await connection.fetch(
        _NEXT[request.cutover], *choice, position, limit
    )
    return rows


def _choice(
    request: _Request, types: Sequence[str], snapshot: str, before: str | None
) -> tuple[Any, ...]:
    """The parameters of `_CHOSEN`."""
    asked = arguments({**request.asked, "types": list(types)})
    first = request.first_snapshot or snapshot
    return (*asked, snapshot, before, first, request.id, request.first_epoch)


async def _not_taken(connection: asyncpg.Connection, request: _Request) -> bool:
    """The queue is missing: wait until its service creates it. Always False."""
    await _explain(connection, request, f"the queue of {request.to} does not take it")
    return False


async def _explain(connection: asyncpg.Connection, request: _Request, why: str) -> None:
    """Store the reason why an open request makes no progress."""
    if request.outcome == why:
        return
    await connection.execute("update messaging.job set outcome = $2 where id = $1", request.id, why)
    log.info("request waiting", request=str(request.id), reason=why)


async def _misconfigured(
    connection: asyncpg.Connection, request: _Request, error: Exception
) -> None:
    """Retry a cutover until its high watermark is published: until then the subscriber drops."""
    if not request.cutover:
        await _finish(connection, request.id, "failed", str(error))
        return
    await _explain(connection, request, f"tried again: {error}")
    await connection.execute(
        "update messaging.job set next_attempt_at = clock_timestamp() + $2 * interval '1 second' "
        "where id = $1",
        request.id,
        PAUSE_SECONDS,
    )


async def _finish(connection: asyncpg.Connection, id: UUID, state: str, outcome: str) -> None:
    await connection.execute(
        "update messaging.job set state = $2, outcome = $3, finished_at = clock_timestamp() "
        "where id = $1",
        id,
        state,
        outcome,
    )
    await connection.execute("delete from messaging.job_unsent where job = $1", id)
    log.info("request ended", request=str(id), state=state, outcome=outcome)


def _message(row: asyncpg.Record, service: str, request: _Request) -> Message:
    """The event for the subscriber: a repeat if it was published before the request began."""
    if request.asked.get("again") and not row["fresh"]:
        return repeated(row, service, to=request.to, request=request.id)
    message = replace(message_of(row, service), to=request.to)
    if request.asked.get("ids"):
        return replace(message, headers={**message.headers, REPAIR: str(request.id)})
    return message


def _request_of(row: asyncpg.Record) -> _Request:
    values = dict(row)
    asked = values.pop("asked")
    values["id"] = UUID(str(values["id"]))
    return _Request(asked=json.loads(asked) if isinstance(asked, str) else asked, **values)
