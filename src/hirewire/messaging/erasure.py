"""Erased people: what this service remembers of them, and what it does to their messages.

A person is known by the id that events name as their `subject`. The list of the erased holds ids
only. Whatever is written for a person takes the person's lock and looks at the list first, so that
nothing comes back: not by a late or replayed event, and not by a request in progress.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any
from uuid import UUID

from pydantic_core import from_json

from hirewire.messaging.bodies import stores
from hirewire.messaging.broker import Delivery
from hirewire.messaging.event import EVENTS, REDACTED
from hirewire.messaging.subscriptions import Invocation
from hirewire.messaging.transaction import Tx, owner_of

EMPTY = b'{"redacted":true}'
"""What is left of a message that cannot be read as an event."""
WIPED = "redacted"
"""What is left of texts beside a message: errors, reasons, notes."""
LOCKS = 2048
"""A person's lock is one of so many: a batch may concern more people than PostgreSQL has locks."""
_SPACE = 0x45524153
"""The first of the two numbers of these advisory locks."""

_LOCK = "select messaging.erased_among($1, $2::integer[], $3::boolean[], $4::text[])"
_NAMED = """
select subject from messaging.erased
where position(convert_to(subject, 'UTF8') in $1::bytea) > 0 limit 1
"""
_MARK = """
insert into messaging.erased (subject, erasure_id, erased_at) values ($1, $2, clock_timestamp())
on conflict (subject) do nothing returning subject
"""
_LOGGED = """
select id, type, body::text as body from messaging.log
where type = any($1::text[]) and strpos(body::text, $2) > 0
"""
_REDACT_LOG = """
update messaging.log l set body = u.body
from unnest($1::uuid[], $2::json[]) as u(id, body) where l.id = u.id
"""
_SCHEDULED = """
select id, type, body::text as body from messaging.scheduled where strpos(body::text, $1) > 0
"""
_REDACT_SCHEDULED = """
update messaging.scheduled s set body = u.body, error = case when error is not null then $3 end
from unnest($1::uuid[], $2::json[]) as u(id, body) where s.id = u.id
"""
_OPEN = """
select event_id, subscription, type, body from messaging.open_message
where key = $1 or position(convert_to($1, 'UTF8') in body) > 0
order by arrival for update
"""
_REDACT_OPEN = """
update messaging.open_message o
set body = u.body, error = case when o.error is not null then $4 end,
    note = case when o.note is not null then $4 end,
    history = (select jsonb_agg(h || jsonb_build_object('error', $4::text))
        from jsonb_array_elements(o.history) h)
from unnest($1::uuid[], $2::text[], $3::bytea[]) as u(event_id, subscription, body)
where o.event_id = u.event_id and o.subscription = u.subscription
"""
_REDACT_EDITS = """
update messaging.edit set body_before = $2, body_after = $2, why = $3
where position(convert_to($1, 'UTF8') in body_before) > 0
    or position(convert_to($1, 'UTF8') in body_after) > 0
"""


async def lock(tx: Tx, subjects: Mapping[str, bool]) -> set[str]:
    """Take these people's locks until the commit, one alone to erase them (True); returns who of
    them was erased before. All in one statement, since every consumed batch does this.
    """
    numbers: dict[int, bool] = {}
    for subject, alone in subjects.items():
        number = int.from_bytes(sha256(subject.encode()).digest()[:4]) % LOCKS
        numbers[number] = numbers.get(number, False) or alone
    ordered = sorted(numbers)
    result = await tx.exec_driver_sql(
        _LOCK, (_SPACE, ordered, [numbers[n] for n in ordered], list(subjects))
    )
    return set(result.scalar_one())


async def is_erased(tx: Tx, subject: str) -> bool:
    """Whether this person was erased; they cannot be before the commit."""
    return bool(await lock(tx, {subject: False}))


async def mark(tx: Tx, subject: str, erasure_id: UUID) -> bool:
    """Remember that a person is erased. Waits for what is being written for them; False if it was
    known.
    """
    await lock(tx, {subject: True})
    result = await tx.exec_driver_sql(_MARK, (subject, erasure_id))
    return result.first() is not None


async def admit(tx: Tx, invocations: Sequence[Invocation]) -> None:
    """Redact the events about erased people: they are entered, and no handler gets them.

    Those of people whose erasure is in the same batch count as well: a batch is not handled
    strictly in order.
    """
    asked: dict[str, bool] = {}
    about: dict[str, bool] = {}
    for invocation in invocations:
        event = invocation.received.event
        if event.subject_field and event.erasure != "answers":
            (asked if event.erasure else about)[str(event.subject)] = event.erasure is not None
    if not asked and not about:
        return
    erased = asked.keys() | await lock(tx, about | asked)
    for invocation in invocations:
        event = invocation.received.event
        if event.erasure is None and event.subject in erased:
            invocation.received.redacted = True
            body = type(event).redacted(invocation.delivery.body)
            invocation.delivery = replace(invocation.delivery, body=body)


async def cleaned(tx: Tx, delivery: Delivery) -> Delivery:
    """An unreadable delivery; without its body if that names an erased person."""
    found = (await tx.exec_driver_sql(_NAMED, (delivery.body,))).first()
    return delivery if found is None else replace(delivery, body=EMPTY)


def is_redacted(body: bytes) -> bool:
    """Whether a stored body has been redacted."""
    if REDACTED.encode() not in body:
        return False
    try:
        payload = from_json(body)
    except ValueError:
        return False
    return isinstance(payload, dict) and payload.get(REDACTED) is True


async def redact(tx: Tx, subject: str) -> int:
    """Redact all messages about a person: the log, sent or not, what is to be recorded later, large
    bodies in the store, and unresolved messages with their history. Returns how many.

    Ids, keys, numbers and states stay. Raises `StoreUnavailable`.
    """
    owner = owner_of(tx)
    types = [e.name for e in EVENTS.values() if e.owner == owner and e.personal]
    logged = (await tx.exec_driver_sql(_LOGGED, (types, subject))).all() if types else []
    log = {row.id: body for row in logged if (body := _without(row, subject)) is not None}
    if log:
        await tx.exec_driver_sql(_REDACT_LOG, (list(log), [b.decode() for b in log.values()]))
    later = (await tx.exec_driver_sql(_SCHEDULED, (subject,))).all()
    scheduled = {row.id: body for row in later if (body := _without(row, subject)) is not None}
    if scheduled:
        bodies = [body.decode() for body in scheduled.values()]
        await tx.exec_driver_sql(_REDACT_SCHEDULED, (list(scheduled), bodies, WIPED))
    rows = (await tx.exec_driver_sql(_OPEN, (subject,))).all()
    opened = [(row, body) for row in rows if (body := _without(row, subject)) is not None]
    if opened:
        await tx.exec_driver_sql(
            _REDACT_OPEN,
            (
                [row.event_id for row, _ in opened],
                [row.subscription for row, _ in opened],
                [body for _, body in opened],
                WIPED,
            ),
        )
    edits = await tx.exec_driver_sql(_REDACT_EDITS, (subject, EMPTY, WIPED))
    if (store := stores.get(owner)) is not None:
        for id, body in log.items():
            await store.replace(UUID(str(id)), body)
    return len(log) + len(scheduled) + len(opened) + edits.rowcount


def redact_payload(name: str, body: bytes | str, subject: str) -> bytes | None:
    """The redacted body of a message that names this person; None if it stays as it is."""
    event = EVENTS.get(name)
    if event is None:
        return EMPTY
    if event.erasure is not None or not event.subject_field:
        return None
    try:
        payload: Any = from_json(body)
    except ValueError:
        return EMPTY
    if not isinstance(payload, dict):
        return EMPTY
    if payload.get(REDACTED) is True:
        return None
    alias = event.model_fields[event.subject_field].alias or event.subject_field
    # Of a payload that does not name its subject as it should, the id is anywhere.
    whose = str(payload.get(alias, subject)).lower()
    return event.redacted(json.dumps(payload)) if whose == subject else None


def _without(row: Any, subject: str) -> bytes | None:
    body = row.body if isinstance(row.body, str) else bytes(row.body)
    return redact_payload(row.type, body, subject)
