"""The arrays equal the table, even after very large and interrupted updates."""

import asyncio
import itertools
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from hirewire.kit.db import make_engine
from hirewire.vacancies.recommendations.facts import demand_of, offer_of, ruleset
from hirewire.vacancies.recommendations.index import matching, side
from hirewire.vacancies.recommendations.index.matching import MatchingIndex
from hirewire.vacancies.recommendations.index.packing import Packed, pack_demand, pack_offer
from hirewire.vacancies.recommendations.index.side import Side
from tests.services import copy_of_migrated

SKILLS = ("SQL", "Python", "Docker", "first aid")


@pytest.fixture
async def engine(fresh_database: Callable[[], Awaitable[str]]) -> AsyncIterator[AsyncEngine]:
    url = await fresh_database() + "_matching"
    await copy_of_migrated(url, "vacancies")
    made = make_engine(url, pool=2, application="tests")
    yield made
    await made.dispose()


def vacancy(number: int, changed: int = 0) -> Packed:
    skill = SKILLS[(number + changed) % 4]
    demand = demand_of({"title": "x", "requirements": [{"skill": skill}], "company_id": None})
    return pack_demand(demand, id=UUID(int=number), version=1 + changed)


def resume(number: int, changed: int = 0) -> Packed:
    offer = offer_of({"skills": [{"name": SKILLS[(number + changed) % 4]}]})
    return pack_offer(offer, id=UUID(int=1000 + number), version=1 + changed)


async def write(
    engine: AsyncEngine, generation: int, numbers: Iterable[int], closed: Iterable[int] = ()
) -> None:
    """Change the vacancies and resumes with these numbers; some of them are closed."""
    async with engine.begin() as tx:
        for kind, make, first in (("vacancy", vacancy, 0), ("resume", resume, 1000)):
            for number in numbers:
                one = make(number, generation)
                state = "closed" if number in closed else "open"
                await tx.exec_driver_sql(
                    "insert into comparable (id, kind, owner_id, version, state, generation,"
                    " ruleset, head, skills, languages, words)"
                    " values ($1, $2, $1, 1, $3, $4, $5, $6, $7, $8, $9)"
                    " on conflict (id) do update set state = $3, generation = $4, head = $6,"
                    " skills = $7",
                    (
                        *(UUID(int=first + number), kind, state, generation, ruleset()),
                        *(one.head, one.skills, one.languages, one.words),
                    ),
                )


async def catch_up(engine: AsyncEngine, known: MatchingIndex) -> None:
    async with engine.connect() as tx:
        await known.catch_up(tx)


def pairs(known: MatchingIndex) -> set[tuple[UUID, UUID]]:
    """All matches, queried from both sides; each once."""
    forth, back = [], []
    for number in range(4):
        offer = offer_of({"skills": [{"name": SKILLS[number]}]})
        forth += [(UUID(int=number), one.id) for one in known.vacancies_for(offer)]
        row = {"title": "x", "requirements": [{"skill": SKILLS[number]}], "company_id": None}
        back += [(UUID(int=number), one.id) for one in known.resumes_for(demand_of(row))]
    assert len(set(forth)) == len(forth)
    assert len(set(back)) == len(back)
    return {*forth, *back}


async def test_a_large_update_is_read_in_parts_with_the_same_result(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matching, "READ_AT_ONCE", 7)
    parts: list[int] = []
    unpacked = Side.unpacked

    def counted(side: Side, opened: list[Packed]) -> object:
        parts.append(len(opened))
        return unpacked(side, opened)

    monkeypatch.setattr(Side, "unpacked", counted)
    known = MatchingIndex()
    await write(engine, 1, range(30), closed=range(0, 30, 5))
    await catch_up(engine, known)
    assert max(parts) <= 7
    assert (len(known.demands), len(known.offers)) == (24, 24)
    await write(engine, 2, range(10, 40), closed=range(20, 25))
    await catch_up(engine, known)  # far, including known ones
    await write(engine, 3, [3], closed=[3])
    await catch_up(engine, known)  # a little
    monkeypatch.setattr(matching, "READ_AT_ONCE", 8192)
    rebuilt = MatchingIndex()
    await catch_up(engine, rebuilt)
    assert known.generation == rebuilt.generation == 3
    assert pairs(known) == pairs(rebuilt)
    assert len(known.demands) == len(rebuilt.demands)
    assert len(known.offers) == len(rebuilt.offers)


async def test_vacancies_of_shards_that_are_released_are_gone_and_read_again_later(
    engine: AsyncEngine,
) -> None:
    known = MatchingIndex(frozenset({1, 2, 3}))
    await write(engine, 1, range(10))
    await catch_up(engine, known)
    assert (len(known.demands), len(known.offers)) == (3, 10)
    for generation, held, changed, there in (
        (2, {2, 3, 4}, [2, 5], 3),
        (3, {3}, [2, 4], 1),
        (4, {2, 3, 5}, [5], 2),
    ):
        async with engine.connect() as tx:
            await known.hold(tx, frozenset(held))
        await write(engine, generation, changed, closed=[2] if generation > 2 else [])
        await catch_up(engine, known)
        assert len(known.demands) == there
    fresh = MatchingIndex(frozenset({2, 3, 5}))
    await catch_up(engine, fresh)
    assert pairs(known) == pairs(fresh)


@pytest.mark.parametrize("nth", [0, 2])
async def test_a_cancelled_update_changes_nothing(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    """A request is cancelled while a thread works for it, and the thread continues."""
    monkeypatch.setattr(matching, "READ_AT_ONCE", 7, raising=False)
    monkeypatch.setattr(side, "LARGEST_MERGED", 7)
    monkeypatch.setattr(side, "MOST_WAITING", 3)
    await write(engine, 1, range(30))
    loop, begun, given_up = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
    in_thread, calls = asyncio.to_thread, itertools.count()

    async def watched(work: Callable[..., Any], *arguments: Any) -> Any:
        is_this = next(calls) == nth

        def working() -> Any:
            if is_this:
                loop.call_soon_threadsafe(begun.set)
                given_up.wait(10)
            return work(*arguments)

        return await in_thread(working)

    monkeypatch.setattr(asyncio, "to_thread", watched)
    known = MatchingIndex()
    task = asyncio.create_task(catch_up(engine, known))
    _, pending = await asyncio.wait(
        [task, asyncio.create_task(begun.wait())], return_when=asyncio.FIRST_COMPLETED
    )
    for one in (task, *pending):
        one.cancel()
    await asyncio.wait([task])
    given_up.set()
    await in_thread(time.sleep, 0.1)  # the thread has ended
    assert known.generation == 0
    await catch_up(engine, known)
    assert (len(known.demands), len(known.offers)) == (30, 30)
    pairs(known)
