"""Stored recommendations and the matches of a comparison: what is new, changed and gone."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias
from uuid import UUID

from sqlalchemy import Row

from hirewire.contracts.vacancies import RecommendationCreated, RecommendationWithdrawn
from hirewire.kit.clock import now
from hirewire.messaging.envelope import Context
from hirewire.messaging.ids import new_id
from hirewire.messaging.publishing.outbox import prepare, record_prepared
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.recommendations.facts import ruleset
from hirewire.vacancies.recommendations.index.shards import sql_shard

_INSERT = {
    side: f"""
insert into recommendation (id, vacancy_id, resume_id, company_id, user_id, score, strength,
    resume_version, vacancy_version, ruleset, state, created_at, updated_at)
select u.id, u.vacancy_id, u.resume_id, {owners}, u.score, u.strength, u.resume_version,
    u.vacancy_version, $9, 'new', $10, $10
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::float8[], $6::float8[],
    $7::integer[], $8::integer[])
    as u(id, vacancy_id, resume_id, owner_id, score, strength, resume_version, vacancy_version)
join comparable other on other.id = u.{other}
returning id, vacancy_id, resume_id, company_id, user_id, score, resume_version, vacancy_version
"""  # noqa: S608
    for side, other, owners in (
        ("resume_id", "vacancy_id", "other.owner_id, u.owner_id"),
        ("vacancy_id", "resume_id", "u.owner_id, other.owner_id"),
    )
}
_UPDATE = """
with changed as (
    update recommendation r set user_id = coalesce(u.user_id, r.user_id), score = u.score,
        strength = u.strength, resume_version = u.resume_version,
        vacancy_version = u.vacancy_version, ruleset = $8, withdrawn = null, updated_at = $9
    from unnest($1::uuid[], $2::uuid[], $3::float8[], $4::float8[], $5::integer[], $6::integer[],
        $7::boolean[])
        as u(id, user_id, score, strength, resume_version, vacancy_version, was_withdrawn)
    where r.id = u.id
    returning r.id, r.vacancy_id, r.resume_id, r.company_id, r.user_id, r.score, r.resume_version,
        r.vacancy_version, r.state, u.was_withdrawn
)
select * from changed where was_withdrawn and state <> 'dismissed'
"""
_BEFORE = {
    side: f"""
select id, vacancy_id, resume_id, score, strength, resume_version, vacancy_version, ruleset,
    withdrawn
from recommendation where {side} = any($1)
"""  # noqa: S608
    for side in ("resume_id", "vacancy_id")
}
_BEFORE_IN_SHARDS = f"{_BEFORE['resume_id']} and {sql_shard('vacancy_id')} = any($2)"
_WITHDRAW = """
update recommendation r set withdrawn = u.reason, updated_at = $3
from unnest($1::uuid[], $2::text[]) as u(id, reason) where r.id = u.id
returning r.id, r.vacancy_id, r.resume_id, r.company_id, r.user_id, r.withdrawn
"""
Side: TypeAlias = Literal["resume_id", "vacancy_id"]
"""The side of the pairs that has changed."""
Pair = tuple[UUID, UUID]
"""A vacancy's id and a resume's."""


class Found(NamedTuple):
    """How well a pair matches, and the versions that were compared."""

    score: float
    strength: float
    resume_version: int | None
    vacancy_version: int


async def reconcile(
    tx: Tx,
    found: Mapping[Pair, Found],
    concerned: Side,
    owners: Mapping[UUID, UUID],
    reasons: Mapping[UUID, str],
    causes: Mapping[UUID, Context],
    shards: frozenset[int] | None = None,
) -> None:
    """Store matches, withdraw recommendations that no longer match, and record both as events.

    With `shards`, which resumes may be compared with, only of their vacancies.
    """
    if shards is None:
        rows = await tx.exec_driver_sql(_BEFORE[concerned], (list(reasons),))
    else:
        rows = await tx.exec_driver_sql(_BEFORE_IN_SHARDS, (list(reasons), sorted(shards)))
    before = {(row.vacancy_id, row.resume_id): row for row in rows}
    there = {pair for pair, row in before.items() if row.withdrawn is None}
    new = {pair: one for pair, one in found.items() if pair not in before}
    changed = [(row, found[pair]) for pair, row in before.items() if pair in found]
    changed = [(row, one) for row, one in changed if _differs(row, one)]
    created = [
        *(await _insert(tx, new, concerned, owners) if new else ()),
        *(await _update(tx, changed, owners) if changed else ()),
    ]
    for row in created:
        _record(tx, _created(row), causes)
    gone = [before[pair] for pair in there if pair not in found]
    if gone:
        why = [reasons.get(row.resume_id) or reasons[row.vacancy_id] for row in gone]
        for row in await tx.exec_driver_sql(_WITHDRAW, ([row.id for row in gone], why, now())):
            _record(tx, _withdrawn(row), causes)


def _differs(row: Row[Any], one: Found) -> bool:
    return (
        row.withdrawn,
        row.score,
        row.strength,
        row.resume_version,
        row.vacancy_version,
        row.ruleset,
    ) != (None, one.score, one.strength, one.resume_version, one.vacancy_version, ruleset())


def _record(
    tx: Tx,
    event: RecommendationCreated | RecommendationWithdrawn,
    causes: Mapping[UUID, Context],
) -> None:
    cause = causes.get(event.resume_id) or causes.get(event.vacancy_id)
    record_prepared(tx, prepare(tx, event, part_of=cause))


async def _insert(
    tx: Tx, new: Mapping[Pair, Found], concerned: Side, owners: Mapping[UUID, UUID]
) -> Sequence[Row[Any]]:
    """Store matches of pairs that never matched before, and return them."""
    vacancies, resumes = [pair[0] for pair in new], [pair[1] for pair in new]
    mine = resumes if concerned == "resume_id" else vacancies
    values = (
        [new_id() for _ in new],
        vacancies,
        resumes,
        [owners[id] for id in mine],
        *_columns(new.values()),
        ruleset(),
        now(),
    )
    return (await tx.exec_driver_sql(_INSERT[concerned], values)).all()


async def _update(
    tx: Tx, changed: Sequence[tuple[Row[Any], Found]], owners: Mapping[UUID, UUID]
) -> Sequence[Row[Any]]:
    """Store matches of pairs that have matched before, and return those that were withdrawn."""
    values = (
        [row.id for row, _ in changed],
        [owners.get(row.resume_id) for row, _ in changed],
        *_columns(one for _, one in changed),
        [row.withdrawn is not None for row, _ in changed],
        ruleset(),
        now(),
    )
    return (await tx.exec_driver_sql(_UPDATE, values)).all()


def _columns(values: Iterable[Found]) -> Iterable[list[Any]]:
    return map(list, zip(*values, strict=True))


def _created(row: Row[Any]) -> RecommendationCreated:
    return RecommendationCreated(
        recommendation_id=row.id,
        vacancy_id=row.vacancy_id,
        company_id=row.company_id,
        resume_id=row.resume_id,
        user_id=row.user_id,
        score=row.score,
        resume_version=row.resume_version,
        vacancy_version=row.vacancy_version,
        ruleset=ruleset(),
    )


def _withdrawn(row: Row[Any]) -> RecommendationWithdrawn:
    return RecommendationWithdrawn(
        recommendation_id=row.id,
        vacancy_id=row.vacancy_id,
        company_id=row.company_id,
        resume_id=row.resume_id,
        user_id=row.user_id,
        reason=row.withdrawn,
    )
