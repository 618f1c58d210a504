"""Commands that store candidates' activity and the current state of their resumes."""

import json
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import delete, select, update

from hirewire.contracts.profiles import ResumeUpdated
from hirewire.kit.clock import now
from hirewire.kit.db import among
from hirewire.messaging.envelope import Received
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.activity import rules
from hirewire.vacancies.activity.rules import Known, ResumeMessage
from hirewire.vacancies.tables import NOBODY, activity, resume

_MEET = """
insert into resume (resume_id, user_id, state, updated_at)
select id, user_id, 'visible', $3 from unnest($1::uuid[], $2::uuid[]) as u(id, user_id)
order by id
on conflict do nothing
"""
_PROJECT = """
update resume r
set version = u.version, state = u.state, user_id = u.user_id, updated_at = $6,
    snapshot = coalesce(u.snapshot, case when r.snapshot -> 'hiddenFrom' <> '[]'
        then jsonb_build_object('hiddenFrom', r.snapshot -> 'hiddenFrom') end)
from unnest($1::uuid[], $2::uuid[], $3::integer[], $4::text[], $5::jsonb[])
    as u(resume_id, user_id, version, state, snapshot)
where r.resume_id = u.resume_id
"""
# The index activity_fact also recognises some repeats that have no event id.
_NOTE = """
insert into activity (event_id, resume_id, user_id, action, item_id, version, occurred_at,
    heard_at, shown)
select event_id, resume_id, user_id, action, item_id, version, occurred_at, $9, shown
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::integer[],
    $7::timestamptz[], $8::boolean[]) with ordinality
    as u(event_id, resume_id, user_id, action, item_id, version, occurred_at, shown, nth)
order by nth
on conflict do nothing
"""


async def note(tx: Tx, received: Sequence[Received[ResumeUpdated]]) -> None:
    """Store one activity row per event, and the newest version of each resume.

    An event that is delivered twice leaves one row. A batch has the same effect as its messages in
    separate batches.
    """
    people = {item.event.resume_id: item.event.user_id for item in received}
    before = await _locked(tx, people)
    states = dict(before)
    shown: list[bool] = []
    for item in received:
        message, id = _message_of(item), item.event.resume_id
        known = rules.after(states[id], message)
        if known is not states[id]:
            states[id], people[id] = known, item.event.user_id
        shown.append(rules.shown(message, known))
    changed = {id: known for id, known in states.items() if known is not before[id]}
    if changed:
        await _project(tx, changed, people)
    await _note(tx, received, shown)


async def _locked(tx: Tx, people: Mapping[UUID, UUID]) -> dict[UUID, Known]:
    """Lock the stored state of these resumes; insert a row for a resume that is new here."""
    ids = sorted(people)
    await tx.exec_driver_sql(_MEET, (ids, [people[id] for id in ids], now()))
    rows = await tx.execute(
        select(resume.c.resume_id, resume.c.version, resume.c.state)
        .where(among(resume.c.resume_id, ids))
        .order_by(resume.c.resume_id)
        .with_for_update()
    )
    return {row.resume_id: Known(row.version, row.state) for row in rows}


async def _project(tx: Tx, changed: Mapping[UUID, Known], people: Mapping[UUID, UUID]) -> None:
    snapshots = [known.snapshot for known in changed.values()]
    await tx.exec_driver_sql(
        _PROJECT,
        (
            list(changed),
            [people[id] for id in changed],
            [known.version for known in changed.values()],
            [known.state for known in changed.values()],
            [None if s is None else json.dumps(s) for s in snapshots],
            now(),
        ),
    )


async def _note(tx: Tx, received: Sequence[Received[ResumeUpdated]], shown: Sequence[bool]) -> None:
    moment = now()
    events = [item.event for item in received]
    await tx.exec_driver_sql(
        _NOTE,
        (
            [item.id for item in received],
            [event.resume_id for event in events],
            [event.user_id for event in events],
            [rules.known_action(event.action) for event in events],
            [_item(event) for event in events],
            [event.version for event in events],
            [rules.occurred_at(item.time, moment) for item in received],
            list(shown),
            moment,
        ),
    )


def _message_of(item: Received[ResumeUpdated]) -> ResumeMessage:
    event = item.event
    snapshot = event.resume.model_dump(mode="json", by_alias=True) if event.resume else None
    return ResumeMessage(rules.known_action(event.action), event.version, snapshot, item.late)


def _item(event: ResumeUpdated) -> UUID | None:
    return event.education_id if event.action.startswith("education_") else event.experience_id


async def erase(tx: Tx, user_id: UUID) -> int:
    """Delete the activity and the resumes of a user who is erased; returns how many rows.

    The ids of the resumes stay as deleted ones: that removes them from the search index.
    """
    mine = resume.c.user_id == user_id
    locked = select(resume.c.resume_id).where(mine).order_by(resume.c.resume_id).with_for_update()
    ids = (await tx.execute(locked)).scalars().all()
    gone = await tx.execute(
        update(resume)
        .where(mine)
        .values(state="deleted", snapshot=None, user_id=NOBODY, updated_at=now())
    )
    lines = await tx.execute(delete(activity).where(among(activity.c.resume_id, ids)))
    return gone.rowcount + lines.rowcount
