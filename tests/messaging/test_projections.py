"""A projection rebuilt beside the live one: nothing lost, duplicated or reordered in either."""

import asyncio
from uuid import uuid4

import pytest

from hirewire.messaging.broker import QueueTopology
from hirewire.messaging.consuming import dead_letters
from hirewire.messaging.database import DatabaseUnavailable, connect
from hirewire.messaging.event import EVENTS
from hirewire.messaging.projections import generations, switching
from hirewire.messaging.projections.generations import (
    AlreadyBuilding,
    NoSuchGeneration,
    NotCaughtUp,
    OpenMessages,
)
from tests.builders import eventually
from tests.messaging.boards import Boards, board
from tests.messaging.rebuilding import boards, capitals, relay, traffic, words, writer
from tests.messaging.replaying import TYPE, Writer, killed_at

__all__ = ["boards", "relay", "writer"]


@pytest.mark.usefixtures("relay")
async def test_a_projection_is_rebuilt_and_switched_under_traffic(
    writer: Writer, boards: Boards
) -> None:
    pages = [uuid4() for _ in range(3)]
    one, new = await boards.start(board())
    assert (one.state, new) == ("live", True)
    boards.run(board(1), board(2))
    reads: list[int] = []

    ends = asyncio.Event()

    async def read() -> None:
        while not ends.is_set():
            reads.append(await boards.read())
            await asyncio.sleep(0.001)

    async with traffic(writer, pages) as counts:

        async def some(least: int) -> bool:
            return await boards.read() >= least

        await eventually(lambda: some(60))
        reading = asyncio.create_task(read())
        two, _ = await boards.start(board(2))
        assert two.state == "building"
        before = await boards.read()
        await boards.caught_up(two)
        await eventually(lambda: some(before + 1), what="the live one goes on meanwhile")
        assert (await boards.switch()).number == two.number
        seen = len(reads)
        later = reads[-1] + 30
        await eventually(lambda: some(later))
        ends.set()
        await reading
    assert len(reads) > seen
    assert reads == sorted(reads), "no reader goes back in time"
    for page, count in zip(pages, counts, strict=True):
        await boards.expect(one, page, *words(*range(count)))
        await boards.expect(two, page, *capitals(*range(count)))
    states = [(await boards.generation(n)).state for n in (one.number, two.number)]
    assert states == ["retired", "live"]
    for generation in (one, two):
        line = await boards.account(generation)
        assert (line.counts["handled"], line.late, line.adds_up) == (sum(counts), 0, True)


async def test_a_switch_waits_for_the_history_and_then_for_the_live_generation(
    writer: Writer, boards: Boards
) -> None:
    page = uuid4()
    one, _ = await boards.start(board())
    boards.run(board(1), board(2))
    await writer.write(page, *words(0, 1))
    await writer.come_to_rest()
    await boards.expect(one, page, *words(0, 1))
    two, _ = await boards.start(board(2))
    with pytest.raises(NotCaughtUp, match=f"generation {two.number} has not consumed .* of {TYPE}"):
        await boards.switch(force=True)
    await writer.come_to_rest()
    await boards.caught_up(two)
    other = await connect(boards.place.url, application="tests")
    transaction = other.transaction()
    await transaction.start()
    await other.execute(f"lock table {two.schema}.line in access exclusive mode")
    await writer.write(page, *words(2))
    await writer.come_to_rest()
    await boards.expect(one, page, *words(0, 1, 2))
    with pytest.raises(NotCaughtUp, match=f"behind generation {one.number} in 1 keys"):
        await boards.switch(wait=0.3)
    await writer.write(page, *words(3))
    await writer.come_to_rest()
    await boards.expect(one, page, *words(0, 1, 2, 3))
    assert (await boards.generation(one.number)).state == "live"
    switching = asyncio.create_task(boards.switch(wait=20))
    await transaction.rollback()
    await other.close()
    assert (await switching).number == two.number
    assert await boards.lines(two, page) == capitals(0, 1, 2, 3)


@pytest.mark.usefixtures("relay")
async def test_a_switch_that_is_killed_has_done_nothing(writer: Writer, boards: Boards) -> None:
    page = uuid4()
    one, _ = await boards.start(board())
    boards.run(board(1), board(2))
    two, _ = await boards.start(board(2))
    await boards.caught_up(two)
    other = await connect(boards.place.url, application="tests")
    transaction = other.transaction()
    await transaction.start()
    await other.execute(f"lock table {two.schema}.line in access exclusive mode")
    await writer.write(page, *words(0))
    await boards.expect(one, page, *words(0))
    switching = asyncio.create_task(boards.switch(wait=60))

    async def holding() -> int:
        sql = (
            "select max(pid) from pg_locks where mode = 'ShareLock' and granted "
            f"and relation = '{one.schema}.line'::regclass"
        )
        return int(await other.fetchval(sql) or 0)

    pid = await eventually(holding)
    await writer.write(page, *words(1))
    await other.execute("select pg_terminate_backend($1)", pid)
    with pytest.raises(DatabaseUnavailable):
        await switching
    await boards.expect(one, page, *words(0, 1))
    assert (await boards.generation(one.number)).state == "live"
    await transaction.rollback()
    await other.close()
    assert (await boards.switch()).number == two.number
    await boards.expect(two, page, *capitals(0, 1))


@pytest.mark.usefixtures("relay")
async def test_events_recorded_during_the_switch_are_in_both_generations_once(
    writer: Writer, boards: Boards
) -> None:
    """The live generation's writes are blocked; it continues after the switch, or after a failed
    one.
    """
    page = uuid4()
    one, _ = await boards.start(board())
    boards.run(board(1), board(2))
    two, _ = await boards.start(board(2))
    await boards.caught_up(two)
    held = asyncio.Event()

    async def hold_and_write() -> None:
        async with boards.transactions() as tx:
            await switching._hold(tx, one)
            await writer.write(page, *words(0))
            await boards.expect(two, page, *capitals(0))
            assert await boards.lines(one, page) == []
            held.set()

    await hold_and_write()
    assert held.is_set()
    await boards.expect(one, page, *words(0))
    switch = asyncio.create_task(boards.switch())
    await writer.write(page, *words(1, 2, 3))
    await switch
    await boards.expect(one, page, *words(0, 1, 2, 3))
    await boards.expect(two, page, *capitals(0, 1, 2, 3))


@pytest.mark.usefixtures("relay")
async def test_open_messages_refuse_the_switch_unless_it_is_forced(
    writer: Writer, boards: Boards
) -> None:
    page, other = uuid4(), uuid4()
    one, _ = await boards.start(board())
    broken = board(2, refuses=lambda text: text == "w1")
    boards.run(board(1), broken)
    await writer.write(page, *words(0, 1, 2))
    await writer.write(other, *words(0))
    await boards.expect(one, page, *words(0, 1, 2))
    two, _ = await boards.start(broken)
    await boards.caught_up(two)
    await boards.expect(two, other, *capitals(0))
    failing = next(reversed(list(await writer.log())[:2]))

    async def is_open() -> bool:
        async with boards.transactions() as tx:
            return (await switching.open_messages(tx, two))[0] == 2

    await eventually(is_open)
    with pytest.raises(
        OpenMessages, match=rf"projection board.* has 2 unresolved messages: {failing}"
    ):
        await boards.switch()
    line = await boards.account(one)
    assert (line.counts["handled"], line.adds_up) == (4, True)
    line = await boards.account(two)
    assert (line.counts["handled"], line.counts["waiting"], line.adds_up) == (2, 1, True)
    assert (await boards.generation(one.number)).state == "live"
    assert (await boards.switch(force=True)).number == two.number
    assert await boards.lines(two, page) == capitals(0)


@pytest.mark.usefixtures("relay")
async def test_a_discarded_message_does_not_block_the_switch(
    writer: Writer, boards: Boards
) -> None:
    page = uuid4()
    one, _ = await boards.start(board())
    broken = board(2, refuses=lambda text: text == "w0")
    boards.run(board(1), broken)
    await writer.write(page, *words(0))
    await boards.expect(one, page, *words(0))
    two, _ = await boards.start(broken)
    await boards.caught_up(two)
    [id] = await writer.log()

    async def give_up() -> bool:
        async with boards.transactions() as tx:
            try:
                return bool(await dead_letters.discard(tx, id, why="of no use", by="tests"))
            except dead_letters.NoSuchMessage:
                return False

    await eventually(give_up)
    assert (await boards.switch()).number == two.number
    await writer.write(page, *words(1))
    await boards.expect(two, page, *capitals(1))
    line = await boards.account(two)
    assert (line.counts["discarded"], line.counts["handled"]) == (1, 1)


@pytest.mark.usefixtures("relay")
async def test_dead_letters_of_the_old_generation_stay_with_it(
    writer: Writer, boards: Boards
) -> None:
    page = uuid4()
    bad = {"w1"}
    old = board(1, refuses=lambda text: text in bad)
    one, _ = await boards.start(old)
    boards.run(old, board(2))
    await writer.write(page, *words(0, 1, 2))
    await boards.expect(one, page, *words(0))
    two, _ = await boards.start(board(2))
    await boards.caught_up(two)
    await boards.switch()
    await boards.expect(two, page, *capitals(0, 1, 2))
    line = await boards.account(one)
    assert line.counts["handled"] == 1
    line = await boards.account(two)
    assert (line.counts["handled"], line.adds_up) == (3, True)
    bad.clear()
    await boards.expect(one, page, *words(0, 1, 2))
    assert (await boards.switch(one.number)).number == one.number, "and back"
    assert await boards.drop() == [two.number]


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.usefixtures("relay")
async def test_a_start_may_be_killed_at_every_step(writer: Writer, boards: Boards) -> None:
    page = uuid4()
    one, _ = await boards.start(board())
    boards.run(board(1), board(2))
    written = 0
    for steps in range(1, 600, 13):
        async with boards.transactions() as tx:
            two, _ = await generations.start(tx, board(2))
        async with boards.operator() as by:
            ended = await killed_at(boards.introduce(by), steps, by.vanish)
        await writer.write(page, f"w{written}")
        again, new = await boards.start(board(2))
        assert (again.number, new) == (two.number, False)
        await writer.write(page, f"w{written + 1}")
        written += 2
        await boards.expect(two, page, *capitals(*range(written)))
        await boards.expect(one, page, *words(*range(written)))
        await boards.caught_up(two)
        await boards.drop(abandon=True)
        if ended:
            break
    else:
        raise AssertionError("it never came to its end")


@pytest.mark.usefixtures("relay")
async def test_two_operators_at_once_do_it_once(writer: Writer, boards: Boards) -> None:
    page = uuid4()
    await boards.start(board())
    boards.run(board(1), board(2))
    await writer.write(page, *words(0))
    started = await asyncio.gather(*(boards.start(board(2)) for _ in range(3)))
    assert len({generation.number for generation, _ in started}) == 1
    assert sorted(new for _, new in started) == [False, False, True]
    with pytest.raises(AlreadyBuilding, match=r"board: generation .* of version 2 is being built"):
        await boards.start(board(1))
    two = started[0][0]
    await boards.caught_up(two)
    switches = await asyncio.gather(
        *(
            switching.switch(boards.transactions, boards.name, "board", number=two.number)
            for _ in range(3)
        )
    )
    assert sorted(new for _, new in switches) == [False, False, True]
    dropped = await asyncio.gather(*(boards.drop() for _ in range(2)), return_exceptions=True)
    assert [one for one in dropped if isinstance(one, list)]
    assert all(isinstance(one, (list, NoSuchGeneration)) for one in dropped)
    await boards.expect(two, page, *capitals(0))


@pytest.mark.usefixtures("relay")
async def test_replicas_that_are_killed_and_stopped_lose_nothing(
    writer: Writer, boards: Boards
) -> None:
    pages = [uuid4(), uuid4()]
    one, _ = await boards.start(board())
    programs = [boards.run(board(1), board(2)) for _ in range(2)]
    async with traffic(writer, pages) as counts:

        async def written(least: int) -> bool:
            return counts[0] >= least

        await eventually(lambda: written(20))
        two, _ = await boards.start(board(2))
        await boards.kill(programs[0])
        boards.run(board(2))
        await boards.caught_up(two)
        await programs[1].stop()
        boards.running.remove(programs[1])
        boards.run(board(1))
        least = counts[0] + 20
        await eventually(lambda: written(least))
    await boards.switch(wait=20)
    for page, count in zip(pages, counts, strict=True):
        await boards.expect(one, page, *words(*range(count)))
        await boards.expect(two, page, *capitals(*range(count)))


@pytest.mark.usefixtures("relay")
async def test_it_switches_by_itself_once_it_has_caught_up(writer: Writer, boards: Boards) -> None:
    page = uuid4()
    one, _ = await boards.start(board())
    boards.run(board(1), board(2))
    await writer.write(page, *words(0))
    two, _ = await boards.start(board(2), switch_when_ready=True)

    async def switched() -> bool:
        return (await boards.generation(two.number)).state == "live"

    await eventually(switched)
    await boards.expect(two, page, *capitals(0))
    await writer.write(page, *words(1))
    await boards.expect(one, page, *words(0, 1))


def test_the_events_of_these_tests_are_known() -> None:
    assert EVENTS[TYPE].owner == "writer"
    assert QueueTopology("hirewire.b@board-3", (TYPE,)).bindings == (TYPE, "to.b@board-3.#")
