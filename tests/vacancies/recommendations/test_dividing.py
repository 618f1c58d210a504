"""Divided matching stores the same as matching in one process, whoever has the shards."""

import asyncio
from contextlib import suppress
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from hirewire.kit.clock import now
from hirewire.messaging.testing import consume, delivery
from hirewire.vacancies.recommendations import commands, dividing
from hirewire.vacancies.recommendations.background import undivide
from hirewire.vacancies.recommendations.index.matching import MatchingIndex
from hirewire.vacancies.recommendations.index.shards import SHARDS
from hirewire.vacancies.tables import resume
from tests.vacancies.recommendations.boards import PLAIN, Board, board, resume_event
from tests.vacancies.recommendations.divided import (
    BARE,
    PAIRS,
    SNAPSHOT,
    VACANCIES,
    Changing,
    Match,
    boards,
    fill,
)

__all__ = ["board", "boards"]

WORKERS = 3
ALL = frozenset(range(SHARDS))


class Killed(Exception):
    """Ends a step just before its commit."""


class Change(NamedTuple):
    """A change of a vacancy or resume."""

    kind: str
    number: int
    content: dict[str, Any] | None


class Turn(NamedTuple):
    """What a worker does: with these shards from now on, one step, which may be interrupted."""

    worker: int
    shards: frozenset[int]
    killed: bool


numbers = st.integers(0, 4)
skills = st.lists(st.sampled_from(["SQL", "Python", "Docker"]), min_size=1, max_size=2, unique=True)
asked = skills.map(lambda names: {**BARE, "requirements": [{"skill": one} for one in names]})
offered = skills.map(lambda names: {"skills": [{"name": one} for one in names]})
changed = (
    st.builds(Change, st.just("resume"), numbers, offered)
    | st.builds(Change, st.just("vacancy"), numbers, asked)
    | st.builds(Change, st.sampled_from(["resume", "vacancy", "deleted"]), numbers, st.none())
)
turns = st.builds(
    Turn, st.integers(0, WORKERS - 1), st.frozensets(st.integers(0, 4)), st.booleans()
)
histories = st.lists(changed | turns, min_size=15, max_size=30)


async def apply(board: Changing, change: Change) -> None:
    if change.kind == "vacancy":
        await board.vacancy(change.number, change.content)
    else:
        await board.resume(change.number, change.content, deleted=change.kind == "deleted")


async def take_turn(board: Changing, indexes: list[MatchingIndex], turn: Turn) -> None:
    index = indexes[turn.worker]
    with suppress(Killed):
        async with board.transactions() as tx:
            await index.hold(tx, turn.shards)
            await dividing.compare_owed(tx, index)
            if turn.killed:
                raise Killed


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories, at_once=st.booleans())
async def test_any_history_is_matched_as_in_one_process(
    boards: tuple[Changing, Changing], history: list[Change | Turn], at_once: bool
) -> None:
    """Shards move between workers, two have one at once, and steps are interrupted.

    If all that is owed is compared after each change, the events are the same too.
    """
    whole, divided = boards
    for one in boards:
        await one.empty()
    await divided.divide()
    indexes = [MatchingIndex(frozenset()) for _ in range(WORKERS)]
    for step in history:
        if isinstance(step, Turn):
            await take_turn(divided, indexes, step)
            continue
        for one in boards:
            await apply(one, step)
        if at_once:
            await drain(divided, indexes)
    await drain(divided, indexes)
    expected, found = await whole.matches(), await divided.matches()
    if at_once:
        assert (found, await divided.events()) == (expected, await whole.events())
    else:
        assert living(found) == living(expected)


def living(matches: list[Match]) -> list[Match]:
    return [one for one in matches if one.withdrawn is None]


async def drain(board: Changing, indexes: list[MatchingIndex]) -> None:
    for nth, index in enumerate(indexes):
        async with board.transactions() as tx:
            await index.hold(tx, frozenset(range(nth, SHARDS, len(indexes))))
    await board.drain(indexes)


async def test_workers_share_the_shards_and_take_over_from_one_that_ends(
    boards: tuple[Changing, Changing],
) -> None:
    _, board = boards
    first, second = (board.matcher() for _ in range(2))
    for matcher in (first, second, first, second):
        await matcher.share()
    assert (len(first.held), len(second.held), first.held & second.held) == (32, 32, frozenset())
    await fill(board)
    while await first.compare():
        pass
    assert 0 < len(await board.matches()) < PAIRS
    await first.close()
    await second.share()
    while await second.compare():
        pass
    assert (len(second.held), len(await board.matches())) == (SHARDS, PAIRS)
    await second.close()


async def test_two_that_have_the_same_shards_do_no_harm(
    boards: tuple[Changing, Changing],
) -> None:
    """As after a worker was frozen, and others have taken over its shards."""
    _, board = boards
    await board.divide()
    await fill(board)
    indexes = [MatchingIndex(ALL) for _ in range(3)]
    for _ in range(3):
        await asyncio.gather(*(board.step(one) for one in indexes))
    matches = await board.matches()
    assert (len(matches), len(await board.events())) == (PAIRS, PAIRS)


async def test_shards_that_a_frozen_step_keeps_locked_hold_up_no_others(
    boards: tuple[Changing, Changing],
) -> None:
    _, board = boards
    await board.divide()
    await fill(board)
    index = MatchingIndex(ALL)
    async with board.engine.connect() as frozen:
        await frozen.exec_driver_sql("select 1 from matching_shard where number < 32 for update")
        await board.drain([index])
        assert 0 < len(await board.matches()) < PAIRS
    await board.drain([index])
    assert (len(await board.matches()), len(await board.events())) == (PAIRS, PAIRS)


async def test_an_interrupted_step_is_done_again(boards: tuple[Changing, Changing]) -> None:
    _, board = boards
    await board.divide()
    await fill(board)
    await take_turn(board, [MatchingIndex(frozenset())], Turn(0, ALL, killed=True))
    assert await board.matches() == []
    await board.drain([MatchingIndex(ALL)])
    assert len(await board.matches()) == PAIRS


async def test_an_erased_person_is_not_matched_again_by_shards_that_are_behind(
    boards: tuple[Changing, Changing],
) -> None:
    _, board = boards
    await board.divide()
    await fill(board)
    index, user = MatchingIndex(ALL), UUID(int=2000)
    await board.drain([index])
    await board.resume(0, SNAPSHOT)
    async with board.transactions() as tx:
        values = {"resume_id": UUID(int=1000), "user_id": user, "state": "visible"}
        await tx.execute(insert(resume).values(values | {"updated_at": now()}))
        assert await commands.erase(tx, user) == 1 + VACANCIES
    await board.drain([index])
    assert {one.resume for one in await board.matches()} == {1, 2}
    withdrawn = [one for one in await board.events() if "resume_deleted" in one]
    assert len(withdrawn) == VACANCIES


async def test_when_nobody_divides_any_more_the_rest_is_compared_and_handlers_compare_again(
    boards: tuple[Changing, Changing],
) -> None:
    _, board = boards
    matcher = board.matcher()
    await matcher.share()
    await matcher.compare()
    await fill(board)
    assert not await undivide(board.transactions), "one worker still divides"
    assert await board.matches() == []
    await matcher.close()
    while await undivide(board.transactions):
        pass
    assert len(await board.matches()) == PAIRS
    await board.resume(7, SNAPSHOT)
    assert len(await board.matches()) == PAIRS + VACANCIES


async def test_what_a_worker_of_other_rules_compared_is_compared_again(
    boards: tuple[Changing, Changing],
) -> None:
    """While replicas are upgraded, a shard may be with one of the former version."""
    _, board = boards
    await board.divide()
    await fill(board)
    async with board.engine.begin() as connection:
        await connection.exec_driver_sql(
            "update matching_shard set ruleset = 'older', done = (select last from generation)"
        )
    await board.drain([MatchingIndex(ALL)])
    assert len(await board.matches()) == PAIRS


async def test_matches_of_shards_are_caused_by_what_has_changed(board: Board) -> None:
    """As those that a handler records itself: the trace of a request is not cut."""
    service = board.person.service
    async with service.messaging.transactions() as tx:
        await dividing.divide(tx)
    await board.publish(**PLAIN)
    changed = delivery(resume_event(uuid4(), 1), sequence=1)
    await consume(service.messaging.consumer, changed)
    async with service.messaging.transactions() as tx:
        await dividing.compare_owed(tx, MatchingIndex(ALL))
    [event] = await board.events()
    assert event.headers["causationid"] == changed.headers["id"]
    assert event.headers["correlationid"] == changed.headers["correlationid"]
