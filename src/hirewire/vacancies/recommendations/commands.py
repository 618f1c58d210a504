"""Commands that update recommendations when vacancies and resumes change."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row, delete, select, update

from hirewire.kit.clock import now
from hirewire.kit.db import among
from hirewire.kit.errors import AppError, Kind, NotFound
from hirewire.kit.turns import in_turns
from hirewire.messaging.envelope import Context, Received, caused_by
from hirewire.messaging.transaction import Tx, opened_by
from hirewire.vacancies.recommendations import dividing
from hirewire.vacancies.recommendations.facts import demand_of, offer_of, ruleset
from hirewire.vacancies.recommendations.index.matching import MatchingIndex, index_of
from hirewire.vacancies.recommendations.index.packing import Packed, pack_demand, pack_offer
from hirewire.vacancies.recommendations.inputs import Demand, Offer
from hirewire.vacancies.recommendations.reconciling import Found, Pair, reconcile
from hirewire.vacancies.recommendations.rules import Judgement, judge
from hirewire.vacancies.tables import NOBODY, comparable, recommendation, resume, vacancy

_NEXT = "update generation set last = last + 1 returning last, divided"
_KEEP = """
insert into comparable (id, kind, owner_id, version, state, generation, ruleset, cause, head,
    skills, languages, words)
select id, $2, owner_id, version, state, $3, $4, cause::jsonb, head, skills, languages, words
from unnest($1::uuid[], $5::uuid[], $6::integer[], $7::text[], $8::text[], $9::bytea[],
    $10::bytea[], $11::bytea[], $12::bytea[])
    as u(id, owner_id, version, state, cause, head, skills, languages, words)
on conflict (id) do update set owner_id = excluded.owner_id, version = excluded.version,
    state = excluded.state, generation = excluded.generation, ruleset = excluded.ruleset,
    cause = excluded.cause, head = excluded.head, skills = excluded.skills,
    languages = excluded.languages, words = excluded.words
"""
_STALE = {
    "vacancy": """
select v.id from vacancy v left join comparable c on c.id = v.id
where v.status = 'published' and not v.held and c.ruleset is distinct from $1 and v.id > $2
order by v.id limit $3
""",
    "resume": """
select r.resume_id as id from resume r left join comparable c on c.id = r.resume_id
where r.state = 'visible' and r.snapshot ->> 'status' = 'published'
    and c.ruleset is distinct from $1 and r.resume_id > $2
order by r.resume_id limit $3
""",
}
_VISIBLE = """
select r.resume_id, r.user_id, r.version, r.snapshot::text as snapshot
from resume r left join comparable c on c.id = r.resume_id
where r.resume_id = any($1) and r.state = 'visible' and r.snapshot ->> 'status' = 'published'
    and c.ruleset is distinct from $2
"""


class NoSuchRecommendation(NotFound):
    """Recommendation not found, or you do not have access to it."""

    code = "recommendation_not_found"


class MoveNotAllowed(AppError):
    """This action is not allowed in the recommendation's current state."""

    slug = "move-not-allowed"
    code = "move_not_allowed"
    kind = Kind.CONFLICT


@dataclass(frozen=True, slots=True)
class Resume:
    """A resume as of its latest event; without an offer it is not recommended."""

    user_id: UUID
    version: int | None
    offer: Offer | None
    deleted: bool = False


def _found(judgement: Judgement, resume_version: int | None, vacancy_version: int) -> Found:
    return Found(judgement.score, judgement.strength, resume_version, vacancy_version)


@dataclass(slots=True)
class _Step:
    """The changes of the open transaction that the index does not contain yet."""

    index: MatchingIndex
    generation: int
    is_divided: bool
    """Whether others compare what changes here: see `dividing`."""
    vacancies: dict[UUID, tuple[int, Demand | None]] = field(default_factory=dict)
    resumes: dict[UUID, Resume] = field(default_factory=dict)


async def _step(tx: Tx) -> _Step:
    """Begin this transaction's only step; until the commit no other transaction can begin one."""
    kept = opened_by(tx).kept
    step: _Step | None = kept.get(_Step)
    if step is None:
        row = (await tx.exec_driver_sql(_NEXT)).one()
        index = index_of(tx)
        if row.divided:
            await dividing.owe(tx)
        else:
            await index.catch_up(tx)
        step = kept[_Step] = _Step(index, row.last, row.divided)
    return step


async def known_resumes(tx: Tx, ids: Iterable[UUID]) -> dict[UUID, tuple[int | None, bool]]:
    """Versions of the known resumes, and whether they are deleted; locked until the commit."""
    await _step(tx)
    found = await tx.execute(
        select(comparable.c.id, comparable.c.version, comparable.c.state).where(
            among(comparable.c.id, ids), comparable.c.kind == "resume"
        )
    )
    return {row.id: (row.version, row.state == "deleted") for row in found}


async def compare_resumes(
    tx: Tx, resumes: Mapping[UUID, Resume], causes: Mapping[UUID, Received[Any]]
) -> None:
    """Compare these resumes, in their new state, with all open vacancies.

    If matching is divided, only record that they have changed; so does `compare_vacancies`.
    """
    if not resumes:
        return
    step = await _step(tx)
    step.resumes.update(resumes)
    packed = {
        id: pack_offer(one.offer, id=id, version=one.version or 0)
        async for id, one in in_turns(resumes.items())
        if one.offer is not None
    }
    states = ["deleted" if r.deleted else "open" if r.offer else "closed" for r in resumes.values()]
    owners = [one.user_id for one in resumes.values()]
    versions = [one.version for one in resumes.values()]
    caused = {id: caused_by(one) for id, one in causes.items()}
    await _keep(tx, step, "resume", list(resumes), owners, versions, states, packed, caused)
    if step.is_divided:
        return
    found: dict[Pair, Found] = {}
    async for id, one in in_turns(resumes.items()):
        if one.offer is not None:
            found |= _vacancies_of(step, id, one.offer, one.version)
    gone = {id: "resume_deleted" if one.deleted else "resume_hidden" for id, one in resumes.items()}
    reasons = {id: "no_longer_fits" if resumes[id].offer else why for id, why in gone.items()}
    users = dict(zip(resumes, owners, strict=True))
    await reconcile(tx, found, "resume_id", users, reasons, caused)


def _vacancies_of(step: _Step, id: UUID, offer: Offer, version: int | None) -> dict[Pair, Found]:
    found = {}
    for one in step.index.vacancies_for(offer):
        if one.id not in step.vacancies:
            found[one.id, id] = Found(one.score, one.strength, version, one.version)
    for vacancy_id, (at, demand) in step.vacancies.items():
        if demand is not None and (judgement := judge(demand, offer)).fits:
            found[vacancy_id, id] = _found(judgement, version, at)
    return found


async def compare_vacancies(
    tx: Tx, ids: Iterable[UUID], causes: Mapping[UUID, Received[Any]]
) -> None:
    """Compare these vacancies, as stored in their table, with all visible resumes."""
    step = await _step(tx)
    rows = (await tx.execute(select(vacancy).where(among(vacancy.c.id, ids)))).all()
    open_ones = [row for row in rows if row.status == "published" and not row.held]
    demands = {row.id: demand_of(dict(row._mapping)) async for row in in_turns(open_ones)}
    step.vacancies.update({row.id: (row.version, demands.get(row.id)) for row in rows})
    packed = {
        row.id: pack_demand(demands[row.id], id=row.id, version=row.version)
        async for row in in_turns(rows)
        if row.id in demands
    }
    states = ["open" if row.id in demands else "closed" for row in rows]
    owners, versions = [row.company_id for row in rows], [row.version for row in rows]
    ids, caused = [row.id for row in rows], {id: caused_by(one) for id, one in causes.items()}
    await _keep(tx, step, "vacancy", ids, owners, versions, states, packed, caused)
    if step.is_divided:
        return
    found: dict[Pair, Found] = {}
    async for row in in_turns(rows):
        if row.id in demands:
            found |= _resumes_of(step, row, demands[row.id])
    reasons = {row.id: "no_longer_fits" if row.id in demands else "vacancy_closed" for row in rows}
    companies = {row.id: row.company_id for row in rows}
    await reconcile(tx, found, "vacancy_id", companies, reasons, caused)


def _resumes_of(step: _Step, row: Row[Any], demand: Demand) -> dict[Pair, Found]:
    found = {}
    for match in step.index.resumes_for(demand):
        if match.id not in step.resumes:
            at = match.version or None
            found[row.id, match.id] = Found(match.score, match.strength, at, row.version)
    for resume_id, one in step.resumes.items():
        if one.offer is not None and (judgement := judge(demand, one.offer)).fits:
            found[row.id, resume_id] = _found(judgement, one.version, row.version)
    return found


async def _keep(
    tx: Tx,
    step: _Step,
    kind: str,
    ids: Sequence[UUID],
    owners: Sequence[UUID],
    versions: Sequence[int | None],
    states: Sequence[str],
    packed: Mapping[UUID, Packed],
    caused: Mapping[UUID, Context],
) -> None:
    parts = [packed.get(id) for id in ids]
    columns = [
        [getattr(part, name) if part else None for part in parts]
        for name in ("head", "skills", "languages", "words")
    ]
    causes = [dividing.packed_cause(caused.get(id)) if step.is_divided else None for id in ids]
    described = (ids, kind, step.generation, ruleset(), owners, versions, states, causes)
    await tx.exec_driver_sql(_KEEP, (*described, *columns))


async def stale(tx: Tx, kind: Literal["vacancy", "resume"], after: UUID, limit: int) -> list[UUID]:
    """Ids of documents that were never compared, or by another ruleset, in ascending order."""
    found = await tx.exec_driver_sql(_STALE[kind], (ruleset(), after, limit))
    return [row.id for row in found]


async def compare_stale_resumes(tx: Tx, ids: Sequence[UUID]) -> None:
    """Compare those of these resumes that are still stale."""
    await _step(tx)
    rows = await tx.exec_driver_sql(_VISIBLE, (list(ids), ruleset()))
    resumes = {
        row.resume_id: Resume(row.user_id, row.version, offer_of(json.loads(row.snapshot)))
        async for row in in_turns(rows)
    }
    await compare_resumes(tx, resumes, {})


async def decide(
    tx: Tx, company_id: UUID, id: UUID, state: str, *, reason: str | None = None
) -> None:
    """Store the employer's decision about a recommendation.

    Raises `NoSuchRecommendation`, and `MoveNotAllowed` for a withdrawn one.
    """
    table = recommendation.c
    row = (
        await tx.execute(
            select(recommendation)
            .where(table.id == id, table.company_id == company_id)
            .with_for_update()
        )
    ).first()
    if row is None:
        raise NoSuchRecommendation
    if row.withdrawn is not None:
        raise MoveNotAllowed(extra={"allowed": []})
    await tx.execute(
        update(recommendation)
        .where(table.id == id)
        .values(
            state=state,
            dismiss_reason=reason if state == "dismissed" else None,
            updated_at=now(),
        )
    )


async def erase(tx: Tx, user_id: UUID) -> int:
    """Take the resumes of a user who is erased out of matching, and delete their recommendations;
    returns how many rows. Records `RecommendationWithdrawn`.

    Runs before `activity` forgets whose the resumes were.
    """
    mine = select(resume.c.resume_id).where(resume.c.user_id == user_id)
    ids = (await tx.execute(mine.order_by(resume.c.resume_id).with_for_update())).scalars().all()
    step = await _step(tx)
    its = comparable.c
    rows = (await tx.execute(select(its.id, its.version).where(among(its.id, ids)))).all()
    gone = {row.id: Resume(user_id, row.version, None, deleted=True) for row in rows}
    await compare_resumes(tx, gone, {})
    if step.is_divided:  # the shards would come too late: the rows are deleted here
        await dividing.stop(tx)
        await reconcile(tx, {}, "resume_id", {}, dict.fromkeys(gone, "resume_deleted"), {})
    await tx.execute(update(comparable).where(among(its.id, ids)).values(owner_id=NOBODY))
    matches = await tx.execute(delete(recommendation).where(recommendation.c.user_id == user_id))
    return len(rows) + matches.rowcount
