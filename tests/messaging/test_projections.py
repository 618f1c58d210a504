"""A projection built again beside the live one: nothing lost, doubled or out of order in either."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from hirewire.messaging.broker import Message, QueueStats, QueueTopology, open_broker
from hirewire.messaging.consuming import dead_letters
from hirewire.messaging.database import DatabaseUnavailable, connect
from hirewire.messaging.envelope import Received
from hirewire.messaging.event import EVENTS
from hirewire.messaging.projections import generations, switching
from hirewire.messaging.projections.dropping import StillUsed
from hirewire.messaging.projections.generations import (
    AlreadyBuilding,
    Generation,
    NoSuchGeneration,
    NotCaughtUp,
    OpenMessages,
    Projection,
    ProjectionError,
)
from hirewire.messaging.reconciliation import audit
from hirewire.messaging.retry import RetrySchedule
from hirewire.messaging.subscriptions import Rate, Subscription, on
from hirewire.messaging.transaction import Tx
from tests.builders import eventually
from tests.messaging.boards import Boards, board, create
from tests.messaging.conftest import Erased, Noted, Place
from tests.messaging.replaying import TYPE, Writer, killed_at


@pytest.fixture
async def writer(place: Place, broker_url: str) -> AsyncIterator[Writer]:
    made = Writer(place, broker_url)
    yield made
    await made.close()


@pytest.fixture
async def relay(writer: Writer) -> AsyncIterator[None]:
    """The writer's relay, at work."""
    relaying = asyncio.create_task(writer.relay.run())
    yield
    relaying.cancel()
    await asyncio.gather(relaying, return_exceptions=True)


@pytest.fixture
async def boards(
    writer: Writer, new_place: Callable[[], Awaitable[Place]], broker_url: str
) -> AsyncIterator[Boards]:
    made = Boards(await new_place(), broker_url, writer)
    yield made
    await made.close()


def words(*numbers: int) -> list[str]:
    return [f"w{number}" for number in numbers]


def capitals(*numbers: int) -> list[str]:
    return [f"W{number}" for number in numbers]


@asynccontextmanager
async def traffic(writer: Writer, pages: list[UUID]) -> AsyncIterator[list[int]]:
    """Events without end, one of each page in turn; yields how many each page has."""
    counts = [0] * len(pages)
    ends = asyncio.Event()

    async def write() -> None:
        while not ends.is_set():
            for nth, page in enumerate(pages):
                await writer.write(page, f"w{counts[nth]}")
                counts[nth] += 1

    writing = asyncio.create_task(write())
    try:
        yield counts
    finally:
        ends.set()
        await writing


@pytest.mark.usefixtures("relay")
async def test_it_is_built_beside_the_live_one_and_switched_amid_traffic(
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


async def test_a_switch_waits_for_the_past_and_then_for_what_the_live_one_has(
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
async def test_what_is_recorded_during_the_switch_is_in_both_once(
    writer: Writer, boards: Boards
) -> None:
    """The live one is kept from writing; it goes on after the switch, or after one that failed."""
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
async def test_what_was_given_up_is_behind_nothing(writer: Writer, boards: Boards) -> None:
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
async def test_dead_letters_of_the_old_one_hinder_nothing_and_stay_its_own(
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


@pytest.mark.usefixtures("relay")
async def test_a_rebuild_that_is_given_up_leaves_nothing_and_can_be_tried_again(
    writer: Writer, boards: Boards
) -> None:
    page = uuid4()
    one, _ = await boards.start(board())
    broken = board(2, refuses=lambda text: text == "w1")
    replica = boards.run(board(1), broken)
    await writer.write(page, *words(0, 1))
    await boards.expect(one, page, *words(0, 1))
    two, _ = await boards.start(broken)
    await boards.caught_up(two)
    with pytest.raises(NoSuchGeneration, match="board: no generation is retired"):
        await boards.drop()
    assert await boards.drop(abandon=True) == [two.number]
    with pytest.raises(NoSuchGeneration, match="board: no generation is building"):
        await boards.drop(abandon=True)
    with pytest.raises(NoSuchGeneration, match=f"generation {two.number} is dropped"):
        await boards.switch(two.number)
    with pytest.raises(NoSuchGeneration, match=f"generation {one.number} is live"):
        await boards.switch()
    async with boards.transactions() as tx:
        for sql in (
            "select count(*) from messaging.open_message",
            "select count(*) from messaging.progress where subscription like '%@' || $1",
            "select count(*) from messaging.awaiting",
            "select count(*) from messaging.handler where name like '%@' || $1",
            f"select count(*) from pg_namespace where nspname = '{two.schema}' and $1 <> ''",
        ):
            rows = await tx.exec_driver_sql(sql, (str(two.number),) if "$1" in sql else ())
            assert rows.scalar_one() == 0, sql
    async with writer.transactions() as tx:
        rows = await tx.exec_driver_sql(
            "select service from messaging.listener where until is null"
        )
        assert [row.service for row in rows] == [one.subscriber(boards.name)]
        rows = await tx.exec_driver_sql("select count(*) from messaging.job where state = 'open'")
        assert rows.scalar_one() == 0
    await boards.broker.declare([QueueTopology(two.topology(boards.name).queue, ())])
    assert await boards.broker.stats(two.topology(boards.name).queue) == QueueStats(0, 0)
    await boards.kill(replica)
    boards.run(board(1), board(2))
    three, new = await boards.start(board(2))
    assert (three.number > two.number, new) == (True, True)
    await boards.expect(three, page, *capitals(0, 1))
    await boards.caught_up(three)
    await boards.switch()
    await boards.expect(one, page, *words(0, 1))
    line = await boards.account(three)
    assert (line.counts["handled"], line.adds_up) == (2, True)


async def test_a_rebuild_is_given_up_before_any_of_the_past_was_sent(
    writer: Writer, boards: Boards
) -> None:
    page = uuid4()
    one, _ = await boards.start(board())
    boards.run(board(1), board(2))
    await writer.write(page, *words(0))
    await writer.come_to_rest()
    await boards.start(board(2))
    await boards.drop(abandon=True)
    await writer.write(page, *words(1))
    await writer.come_to_rest()
    await boards.expect(one, page, *words(0, 1))
    assert await writer.states() == {"done", "failed"}


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.usefixtures("relay")
async def test_a_start_may_be_killed_at_every_step(writer: Writer, boards: Boards) -> None:
    page = uuid4()
    one, _ = await boards.start(board())
    boards.run(board(1), board(2))
    written = 0
    for steps in range(1, 200, 13):
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


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.usefixtures("relay")
async def test_a_drop_may_be_killed_at_every_step(writer: Writer, boards: Boards) -> None:
    page = uuid4()
    live, _ = await boards.start(board())
    boards.run(board(1))
    for written, steps in enumerate(range(1, 400, 17)):
        new, _ = await boards.start(board(1))
        await boards.caught_up(new)
        await boards.switch()
        async with boards.operator() as by:
            ended = await killed_at(boards.drop(operator=by), steps, by.vanish)
        await boards.introduce()
        await writer.write(page, f"w{written}")
        state = (await boards.generation(live.number)).state
        if state != "dropped":
            assert state in ("dropping", "retired")
            assert await boards.drop() == [live.number]
        await boards.expect(new, page, *words(*range(written + 1)))
        live = new
        if ended:
            break
    else:
        raise AssertionError("it never came to its end")
    await boards.introduce()
    async with writer.transactions() as tx:
        rows = await tx.exec_driver_sql(
            "select service from messaging.listener where until is null"
        )
        assert [row.service for row in rows] == [live.subscriber(boards.name)]
    assert await writer.all_sent() or await eventually(writer.all_sent)


@pytest.mark.usefixtures("relay")
async def test_a_generation_is_not_consumed_before_its_owners_know_of_it(
    writer: Writer, boards: Boards
) -> None:
    """A consumer that binds its queue earlier would consume the present before the past."""
    page = uuid4()
    one, _ = await boards.start(board())
    replica = boards.run(board(1), board(2))
    await writer.write(page, *words(0, 1))
    await boards.expect(one, page, *words(0, 1))
    async with boards.transactions() as tx:
        two, _ = await generations.start(tx, board(2))
    await replica.generations.step()
    assert replica.generations.numbers == [one.number]
    await writer.write(page, *words(2))
    await boards.expect(one, page, *words(0, 1, 2))
    await boards.introduce()
    await boards.expect(two, page, *capitals(0, 1, 2))


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


@pytest.mark.usefixtures("relay")
async def test_tables_that_somebody_reads_are_not_dropped(writer: Writer, boards: Boards) -> None:
    page = uuid4()
    one, _ = await boards.start(board())
    boards.run(board(1), board(2))
    await writer.write(page, *words(0))
    await boards.expect(one, page, *words(0))
    async with boards.transactions() as tx:
        live = await generations.live(tx, "board")
        two, _ = await boards.start(board(2))
        await boards.caught_up(two)
        await boards.switch()
        with pytest.raises(StillUsed, match="board: transactions that began before"):
            await boards.drop(wait=0.3)
        rows = await tx.exec_driver_sql(f"select lines from {live.schema}.page")
        assert rows.scalar_one() == 1
    assert await boards.drop() == [one.number]
    await writer.write(page, *words(1))
    await boards.expect(two, page, *capitals(0, 1))


@pytest.mark.usefixtures("relay")
async def test_a_projection_is_dropped_whole(writer: Writer, boards: Boards) -> None:
    """And what a process that was frozen meanwhile has made of it goes once that is back."""
    page = uuid4()
    one, _ = await boards.start(board())
    replica = boards.run(board(1), board(2))
    await writer.write(page, *words(0))
    await boards.expect(one, page, *words(0))
    two, _ = await boards.start(board(2))
    await boards.caught_up(two)
    assert await boards.drop(whole=True) == [one.number, two.number]
    async with boards.transactions() as tx:
        with pytest.raises(NoSuchGeneration, match="projection board: it was never started"):
            await generations.live(tx, "board")
        await tx.exec_driver_sql(
            "insert into messaging.open_message (event_id, subscription, state, type, source, key,"
            " body, headers) values (gen_random_uuid(), $1, 'retrying', 'x', 'x', 'x', '', '{}')",
            (one.handlers[0],),
        )
    await boards.broker.declare([one.topology(boards.name)])
    replica.generations._left.add(one.number)
    await replica.generations.step()
    async with boards.transactions() as tx:
        assert (await dead_letters.counts(tx))["retrying"] == 0
    await boards.introduce()
    await writer.write(page, *words(1))

    async def unsent() -> bool:
        return await writer.all_sent()

    await eventually(unsent, what="it is nobody's, and holds nothing up")
    three, _ = await boards.start(board(2))
    await boards.expect(three, page, *capitals(0, 1))
    assert (three.state, three.number > two.number) == ("live", True)


async def test_numbers_go_on_above_those_of_an_earlier_life(boards: Boards) -> None:
    async with boards.transactions() as tx:
        one, _ = await generations.start(tx, board())
    async with boards.transactions() as tx:
        await tx.exec_driver_sql(
            "insert into messaging.lineage (epoch, why) values (95213, 'another server')"
        )
        two, _ = await generations.start(tx, board())
        three, _ = await generations.start(tx, board(name="other"))
    assert (one.number, two.number, three.number) == (1, 9521300, 9521301)


@pytest.mark.usefixtures("relay")
async def test_a_program_without_its_version_leaves_a_generation_alone(
    writer: Writer, boards: Boards
) -> None:
    page = uuid4()
    one, _ = await boards.start(board())
    newer = boards.run(board(2))
    two, _ = await boards.start(board(2))
    await writer.write(page, *words(0))
    await boards.expect(two, page, *capitals(0))
    assert newer.generations.numbers == [two.number]
    boards.run(board(1))
    await boards.expect(one, page, *words(0))


def test_a_generation_needs_the_handlers_that_it_was_started_with() -> None:
    def other(schema: str) -> list[Subscription]:
        return [*board().subscribe(schema), on(Erased, _nothing, name="boards.erased")]

    changed = Projection("board", 1, create, other)
    handlers, now = ["boards.board_lines@3"], datetime.now(UTC)
    row = Generation(
        3, "board", 1, "live", handlers, [TYPE], [], False, now, "", now, None, None, None
    )
    assert [one.name for one in generations.handlers_of(board(), row)] == ["boards.board_lines@3"]
    with pytest.raises(ProjectionError, match=r"board: version 1 has other handlers.* 3 was"):
        generations.handlers_of(changed, row)


async def _nothing(tx: Tx, received: Received[Erased]) -> None: ...


def test_what_cannot_be_a_projection_is_refused_with_its_name() -> None:
    async def note(tx: Tx, received: Received[Noted]) -> None: ...

    with pytest.raises(ValueError, match="projection 'A b': name"):
        Projection("A b", 1, create, lambda _: [on(Noted, note, name="n")])
    with pytest.raises(ValueError, match="projection x: version"):
        Projection("x", 0, create, lambda _: [on(Noted, note, name="n")])
    with pytest.raises(ValueError, match="projection x: subscribe"):
        Projection("x", 1, create, lambda _: [])
    with pytest.raises(ValueError, match="projection x: subscribe"):
        Projection("x", 1, create, lambda _: [on(Noted, note, name="n")] * 2)
    with pytest.raises(ValueError, match="projection x: n@1: a name has no @"):
        Projection("x", 1, create, lambda _: [on(Noted, note, name="n@1")])
    with pytest.raises(ValueError, match="projection x: n: has a rate"):
        Projection("x", 1, create, lambda _: [on(Noted, note, name="n", rate=Rate(1))])


@pytest.mark.usefixtures("relay")
async def test_the_audit_keeps_a_generation_and_its_service_apart(
    writer: Writer, boards: Boards
) -> None:
    """What one of them has handled says nothing of the other."""
    page = uuid4()
    seen: list[str] = []

    async def note(tx: Tx, received: Received[Noted]) -> None:
        seen.append(received.event.text)

    own = on(Noted, note, name="boards.own", retry=RetrySchedule(attempts=1))
    one, _ = await boards.start(board())
    boards.run(board())
    await writer.write(page, *words(0))
    await boards.expect(one, page, *words(0))
    events = await writer.log()
    async with boards.transactions() as tx:
        [found] = await audit.states_of(tx, [own], events)
        assert found.state == "missing"
        names = await generations.handlers_of_owner(tx, "writer")
        assert names == ["boards.board_lines@" + str(one.number)]
        assert await generations.handlers_of_owner(tx, "somebody") == []
        await tx.exec_driver_sql(
            "insert into messaging.awaiting (queue, type, job) values ($1, $2, gen_random_uuid())",
            (one.topology(boards.name).queue, TYPE),
        )
        [found] = await audit.states_of(tx, [own], events)
        assert found.state == "missing", "the replay is the generation's"
    async with boards.transactions() as tx:
        await tx.exec_driver_sql("delete from messaging.inbox")
        await tx.exec_driver_sql(
            "insert into messaging.inbox (event_id, subscription) values ($1, 'boards.own')",
            (next(iter(events)),),
        )
    assert (await boards.account(one)).counts["in flight"] == 1
    async with boards.transactions() as tx:
        await tx.exec_driver_sql("delete from messaging.awaiting")
        [found] = await audit.states_of(tx, [own], events)
        assert found.state == "handled"
    assert (await boards.account(one)).counts["missing"] == 1


@pytest.mark.usefixtures("relay")
async def test_what_a_generation_cannot_read_is_its_own_dead_letter(
    writer: Writer, boards: Boards
) -> None:
    page = uuid4()
    one, _ = await boards.start(board())
    boards.run(board())
    stranger = open_broker(boards.broker_url, client="stranger")
    id = str(uuid4())
    headers = {"id": id, "type": TYPE, "source": "x"}
    await stranger.publish([Message(id, TYPE, "k", b"{", headers)])
    await stranger.close()

    async def first_open() -> str:
        async with boards.transactions() as tx:
            count, found = await switching.open_messages(tx, one)
            return found[0] if count else ""

    assert await eventually(first_open) == f"{id} at (unreadable)@{one.number} (dead)"
    await writer.write(page, *words(0))
    await boards.expect(one, page, *words(0))
    async with boards.transactions() as tx:
        assert await dead_letters.replay(tx, event_id=UUID(id)) == 1

    async def tried_again() -> bool:
        async with boards.transactions() as tx:
            found = await dead_letters.open_messages(tx)
            return bool(found) and len(found[0].history) > 1

    await eventually(tried_again)
    async with boards.transactions() as tx:
        assert await dead_letters.discard(tx, UUID(id), why="of no use") == 1
        assert (await switching.open_messages(tx, one))[0] == 0


async def test_how_far_back_a_log_goes_is_known(writer: Writer) -> None:
    connection = await connect(writer.place.url, application="tests")
    await connection.execute(
        "insert into messaging.lineage (epoch, why, since) "
        "values (0, 'first look', now() - interval '9 days')"
    )
    assert await generations.log_begins(connection) is None
    await connection.execute(
        "insert into messaging.retention (ran_at, log_from) "
        "values (now(), now() - interval '30 days')"
    )
    assert await generations.log_begins(connection) is None
    await connection.execute("update messaging.retention set log_from = now() - interval '1 day'")
    assert await generations.log_begins(connection) is not None
    await connection.close()


def test_the_events_of_these_tests_are_known() -> None:
    assert EVENTS[TYPE].owner == "writer"
    assert QueueTopology("hirewire.b@board-3", (TYPE,)).bindings == (TYPE, "to.b@board-3.#")
