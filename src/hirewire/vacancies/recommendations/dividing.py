"""Matching that the workers divide among them by shards of the vacancies.

A handler then only records that a vacancy or resume has changed. Whoever has a shard compares its
vacancies later with all that has changed since the shard's `done`, and notes how far it came in the
same transaction, with the shard's row locked. So it does no harm if two have a shard at once, and a
step that is interrupted is done again.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row

from hirewire.kit.turns import in_turns
from hirewire.messaging.envelope import Context
from hirewire.messaging.sharing import MEMBERS, member_lock
from hirewire.messaging.transaction import Tx, owner_of
from hirewire.vacancies.recommendations.facts import ruleset
from hirewire.vacancies.recommendations.index.matching import MatchingIndex, packed_row
from hirewire.vacancies.recommendations.index.reading import unpacked_demands, unpacked_offers
from hirewire.vacancies.recommendations.index.shards import SHARDS, shard_of, sql_shard
from hirewire.vacancies.recommendations.reconciling import Found, Pair, reconcile

SHARE = "matching shard"
"""What the workers divide, as the name of their locks."""
CHANNEL = "hirewire_matching"
AT_ONCE = 200
"""The fewest changes that end a step; those of one generation stay together."""
_DIVIDE = """
with begun as (update generation set divided = true where not divided returning last)
insert into matching_shard (number, done, ruleset)
select number, last, $1 from begun, generate_series(0, $2::integer - 1) as number
"""
_LOCK = """
select number, done, ruleset from matching_shard
where $1::integer[] is null or number = any($1) order by number for update skip locked
"""
# Whoever had the shard may have compared these by the rules of another version.
_AGAIN = """
update matching_shard set ruleset = $2, done = least(done, (
    select min(generation) - 1 from comparable where ruleset = $2))
where number = any($1)
"""
_UNTIL = f"""
select coalesce((
    select generation from comparable
    where generation > $1 and (kind = 'resume' or {sql_shard("id")} = any($2))
    order by generation offset $3 limit 1), last) as until, last
from generation
"""  # noqa: S608
_CHANGES = f"""
select id, kind, number, owner_id, version, state, cause::text as cause, head, skills, languages,
    words
from comparable
where generation > $1 and generation <= $2 and (kind = 'resume' or {sql_shard("id")} = any($3))
order by number
"""  # noqa: S608


class _Owed(NamedTuple):
    """What some locked shards have not compared yet."""

    shards: frozenset[int]
    done: int
    until: int
    """The generation up to which the next step compares."""
    is_all: bool
    """Whether nothing is left after it."""


async def divide(tx: Tx) -> None:
    """Let the shards compare what changes from now on, if they do not yet."""
    await tx.exec_driver_sql("select 1 from generation for update")  # after any `undivide`
    await tx.exec_driver_sql(_DIVIDE, (ruleset(), SHARDS))


async def undivide(tx: Tx, index: MatchingIndex) -> bool:
    """Once no worker divides any more: compare what the shards owe, and let handlers compare again.

    True if there is more to compare. `index` has all vacancies.
    """
    if not (await tx.exec_driver_sql("select divided from generation")).scalar_one():
        return False
    last = (await tx.exec_driver_sql("select last from generation for update")).scalar_one()
    workers = await tx.exec_driver_sql(MEMBERS, member_lock(SHARE, owner_of(tx)))
    if workers.scalar_one():
        return False
    if await compare_owed(tx, index):
        return True
    rest = await tx.exec_driver_sql("select 1 from matching_shard where done < $1", (last,))
    if rest.first() is None:
        await tx.exec_driver_sql("delete from matching_shard")
        await tx.exec_driver_sql("update generation set divided = false")
    return False


async def stop(tx: Tx) -> None:
    """Wait for the steps of all shards, and let none begin before the commit."""
    await tx.exec_driver_sql("select 1 from matching_shard order by number for update")


async def owe(tx: Tx) -> None:
    """Wake those who have the shards once `tx` has committed."""
    await tx.exec_driver_sql("select pg_notify($1, '')", (CHANNEL,))


def packed_cause(cause: Context | None) -> str | None:
    """The cause of a change as its row keeps it until all shards have compared it."""
    return None if cause is None else json.dumps(asdict(cause))


async def compare_owed(tx: Tx, index: MatchingIndex) -> bool:
    """Compare a part of what the shards of this index owe. True if there may be more.

    Those that are furthest behind go first, until all are equally far and are compared together.
    """
    owed = await _owed(tx, index.shards)
    if owed is None:
        return False
    if owed.until > owed.done:
        await _compare(tx, index, owed)
        await tx.exec_driver_sql(
            "update matching_shard set done = $2 where number = any($1)",
            (sorted(owed.shards), owed.until),
        )
    return not owed.is_all


async def _owed(tx: Tx, held: frozenset[int] | None) -> _Owed | None:
    """Lock the shards, and find what they owe; None if none is free, or matching is whole."""
    numbers = None if held is None else sorted(held)
    rows = (await tx.exec_driver_sql(_LOCK, (numbers,))).all()
    if others := [row.number for row in rows if row.ruleset != ruleset()]:
        await tx.exec_driver_sql(_AGAIN, (others, ruleset()))
        rows = (await tx.exec_driver_sql(_LOCK, (numbers,))).all()
    if not rows:
        return None
    done = min(row.done for row in rows)
    shards = frozenset(row.number for row in rows if row.done == done)
    found = (await tx.exec_driver_sql(_UNTIL, (done, sorted(shards), AT_ONCE))).one()
    until = min([found.until, *(row.done for row in rows if row.done > done)])
    return _Owed(shards, done, until, until == found.last)


async def _compare(tx: Tx, index: MatchingIndex, owed: _Owed) -> None:
    values = (owed.done, owed.until, sorted(owed.shards))
    rows = (await tx.exec_driver_sql(_CHANGES, values)).all()
    await index.catch_up(tx)
    resumes = [row for row in rows if row.kind == "resume"]
    vacancies = [row for row in rows if row.kind == "vacancy"]
    await _compare_resumes(tx, index, owed.shards, resumes)
    await _compare_vacancies(tx, index, vacancies)


async def _compare_resumes(
    tx: Tx, index: MatchingIndex, shards: frozenset[int], rows: Sequence[Row[Any]]
) -> None:
    """Compare these resumes with the vacancies of these shards."""
    open_ones = [row for row in rows if row.state == "open"]
    found: dict[Pair, Found] = {}
    offers = unpacked_offers(map(packed_row, open_ones))
    async for row, offer in in_turns(zip(open_ones, offers, strict=True)):
        for one in index.vacancies_for(offer):
            if shard_of(one.id) in shards:
                found[one.id, row.id] = Found(one.score, one.strength, row.version, one.version)
    why = {"open": "no_longer_fits", "closed": "resume_hidden", "deleted": "resume_deleted"}
    reasons = {row.id: why[row.state] for row in rows}
    await reconcile(tx, found, "resume_id", _owners(rows), reasons, _causes(rows), shards)


async def _compare_vacancies(tx: Tx, index: MatchingIndex, rows: Sequence[Row[Any]]) -> None:
    """Compare these vacancies with all resumes."""
    open_ones = [row for row in rows if row.state == "open"]
    found: dict[Pair, Found] = {}
    demands = unpacked_demands(map(packed_row, open_ones))
    async for row, demand in in_turns(zip(open_ones, demands, strict=True)):
        for one in index.resumes_for(demand):
            at = one.version or None
            found[row.id, one.id] = Found(one.score, one.strength, at, row.version)
    why = {"open": "no_longer_fits", "closed": "vacancy_closed"}
    reasons = {row.id: why[row.state] for row in rows}
    await reconcile(tx, found, "vacancy_id", _owners(rows), reasons, _causes(rows))


def _owners(rows: Sequence[Row[Any]]) -> dict[UUID, UUID]:
    return {row.id: row.owner_id for row in rows}


def _causes(rows: Sequence[Row[Any]]) -> dict[UUID, Context]:
    return {row.id: Context(**json.loads(row.cause)) for row in rows if row.cause is not None}
