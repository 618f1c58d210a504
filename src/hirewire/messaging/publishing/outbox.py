"""The outbox: an event is a row, recorded in the transaction of the change it describes."""

import json
from collections.abc import Sequence
from uuid import UUID

from hirewire.messaging import tracing
from hirewire.messaging.envelope import (
    MAX_BODY,
    MAX_NAME,
    Context,
    Received,
    caused_by,
    fits_a_name,
)
from hirewire.messaging.event import Event
from hirewire.messaging.ids import new_id
from hirewire.messaging.transaction import PendingEvent, Tx, context, execute, opened_by

# The counters are locked in key order, so that transactions with several keys cannot deadlock. A
# counter's lock is held until the commit, and a row's position is drawn under it: within a key,
# position, sequence and commit have the same order. A new counter starts above all that retention
# has forgotten, which may have been of the same key.
_FLUSH = """
with recorded as materialized (
    select * from unnest($1::uuid[], $2::text[], $3::text[], $4::json[], $5::text[], $6::text[],
            $7::text[], $8::smallint[])
        with ordinality as r(id, type, key, body, correlation_id, causation_id, traceparent,
            version, nth)
), counted as (
    insert into messaging.counter as c (key, last)
    select key, count(*) from recorded group by key order by key
    on conflict (key) do update set last = c.last + excluded.last, used_on = current_date
    returning key, base + last as last
), numbered as (
    select r.*, c.last - count(*) over (partition by r.key)
        + row_number() over (partition by r.key order by r.nth) as sequence
    from recorded r join counted c using (key)
), logged as (
    insert into messaging.log (id, position, type, key, sequence, correlation_id, causation_id,
        traceparent, version, body)
    select id, nextval('messaging.position'), type, key, sequence, correlation_id, causation_id,
        traceparent, version, body
    from (select * from numbered order by nth) n
    returning position, id, key, octet_length(body::text) as size
)
insert into messaging.outbox (position, id, key, size) select position, id, key, size from logged
"""
_FLUSH_ONE = """
with counted as (
    insert into messaging.counter as c (key, last)
    values ($3, 1)
    on conflict (key) do update set last = c.last + 1, used_on = current_date
    returning base + last as last
), logged as (
    insert into messaging.log (id, position, type, key, sequence, correlation_id, causation_id,
        traceparent, version, body)
    select $1, nextval('messaging.position'), $2, $3, last, $5, $6, $7, $8, $4 from counted
    returning position, octet_length(body::text) as size
)
insert into messaging.outbox (position, id, key, size) select position, $1, $3, size from logged
"""


def record(tx: Tx, event: Event, *, cause: Received[Event] | None = None) -> UUID:
    """Record `event` in the caller's transaction; it is published once that has committed.

    An event recorded by a handler is caused by the handled event; a handler of a batch names one of
    its events as the `cause`. Returns the event's id. A rollback of a savepoint also rolls back the
    events recorded in it. Raises `RuntimeError` if `tx` was not opened by `Transactions`, or the
    event belongs to another service, and `ValueError` for an event that no consumer would accept: a
    body over `MAX_BODY` bytes, or an invalid key.
    """
    return record_prepared(
        tx, prepare(tx, event, part_of=caused_by(cause) if cause is not None else None)
    )


def prepare(tx: Tx, event: Event, *, part_of: Context | None = None) -> PendingEvent:
    """Check an event as `record` does, and give it an id and its context, without recording it."""
    owner = opened_by(tx).owner
    if event.owner != owner:
        raise RuntimeError(f"{event.name} belongs to {event.owner}, not to {owner}")
    body = event.body()
    if len(body) > MAX_BODY:
        raise ValueError(f"{event.name}: body of {len(body)} bytes; at most {MAX_BODY}")
    if b"NaN" in body or b"Infinity" in body:
        json.loads(body, parse_constant=_not_finite)
    key = event.key
    if not fits_a_name(key):
        raise ValueError(
            f"{event.name}: {event.key_field}: a key has 1 to {MAX_NAME} characters, all printable"
        )
    id = new_id()
    found = part_of or context.get() or Context(correlation_id=str(id))
    trace = found.traceparent or tracing.new_traceparent()
    if tracing.enabled():
        trace = tracing.created(event.name, str(id), trace)
    found = Context(found.correlation_id, found.causation_id, trace)
    return PendingEvent(id, event.name, key, body.decode(), event.schema_version, found)


def _not_finite(constant: str) -> None:
    raise ValueError(f"{constant} is no number in JSON")


def record_prepared(tx: Tx, prepared: PendingEvent) -> UUID:
    """Record what `prepare` returned. Returns the event's id."""
    opened_by(tx).add(prepared, _flush)
    return prepared.id


async def _flush(tx: Tx, events: Sequence[PendingEvent]) -> None:
    if len(events) == 1:
        await execute(tx, _FLUSH_ONE, _row(events[0]))
    elif events:
        await execute(tx, _FLUSH, [list(c) for c in zip(*map(_row, events), strict=True)])


def _row(
    recorded: PendingEvent,
) -> tuple[UUID, str, str, str, str, str | None, str | None, int | None]:
    found = recorded.context
    return (
        recorded.id,
        recorded.type,
        recorded.key,
        recorded.body,
        found.correlation_id,
        found.causation_id,
        found.traceparent,
        recorded.version if recorded.version > 1 else None,
    )
