"""Keeping what candidates did, and what their resumes are now."""

from collections.abc import Sequence

from hirewire.contracts.profiles import ResumeUpdated
from hirewire.kit.clock import now
from hirewire.messaging.envelope import Received
from hirewire.messaging.outbox import Tx
from hirewire.vacancies.activity import rules

_NOTE = """
insert into activity (event_id, resume_id, user_id, action, item_id, version, occurred_at, heard_at)
select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::integer[],
    $7::timestamptz[], $8::timestamptz[])
on conflict (event_id) do nothing
"""
# Versions tell which state is newer; where a stranger counts none, what is heard later is. A
# message without a snapshot does not say who may see the resume: that stays as it was.
_PROJECT = """
insert into resume as r (resume_id, user_id, version, state, snapshot, updated_at)
select * from unnest($1::uuid[], $2::uuid[], $3::integer[], $4::text[], $5::jsonb[],
    $6::timestamptz[])
on conflict (resume_id) do update
set version = coalesce(excluded.version, r.version),
    state = case when excluded.snapshot is null and excluded.state <> 'deleted' then r.state
        else excluded.state end,
    snapshot = case when excluded.state = 'deleted' then null
        else coalesce(excluded.snapshot, r.snapshot) end,
    updated_at = excluded.updated_at, user_id = excluded.user_id
where excluded.version is null or r.version is null or excluded.version > r.version
"""


async def note(tx: Tx, heard: Sequence[Received[ResumeUpdated]]) -> None:
    """One line of activity an event; one heard twice is one line."""
    moment = now()
    events = [one.event for one in heard]
    await tx.exec_driver_sql(
        _NOTE,
        (
            [one.id for one in heard],
            [event.resume_id for event in events],
            [event.user_id for event in events],
            [rules.known_action(event.action) for event in events],
            [event.experience_id or event.education_id for event in events],
            [event.version for event in events],
            [one.time or moment for one in heard],
            [moment] * len(heard),
        ),
    )


async def project(tx: Tx, heard: Sequence[Received[ResumeUpdated]]) -> None:
    """Keep the newest version of each resume; an older one that comes late changes nothing."""
    newest: dict[object, Received[ResumeUpdated]] = {}
    for one in heard:
        known = newest.get(one.event.resume_id)
        version = one.event.version
        if (
            known is None
            or version is None
            or known.event.version is None
            or version > known.event.version
        ):
            newest[one.event.resume_id] = one
    ordered = [newest[key] for key in sorted(newest, key=str)]
    events = [one.event for one in ordered]
    await tx.exec_driver_sql(
        _PROJECT,
        (
            [event.resume_id for event in events],
            [event.user_id for event in events],
            [event.version for event in events],
            [_state(event) for event in events],
            [
                event.resume.model_dump_json(by_alias=True) if event.resume else None
                for event in events
            ],
            [one.time or now() for one in ordered],
        ),
    )


def _state(event: ResumeUpdated) -> str:
    snapshot = event.resume
    return rules.state_of(
        event.action,
        snapshot.visibility if snapshot else None,
        snapshot.status if snapshot else None,
    )
