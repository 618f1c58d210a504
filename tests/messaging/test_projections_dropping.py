"""An abandoned or dropped generation of a projection leaves nothing behind."""

from contextlib import suppress
from uuid import uuid4

import pytest

from hirewire.messaging.broker import BrokerUnavailable, QueueStats, QueueTopology
from hirewire.messaging.consuming import dead_letters
from hirewire.messaging.projections import generations
from hirewire.messaging.projections.dropping import StillUsed
from hirewire.messaging.projections.generations import (
    NoSuchGeneration,
)
from tests.builders import eventually
from tests.messaging.boards import Boards, board
from tests.messaging.rebuilding import (
    boards,
    capitals,
    relay,
    words,
    writer,
)
from tests.messaging.replaying import Writer, killed_at

__all__ = ["boards", "relay", "writer"]


@pytest.mark.usefixtures("relay")
async def test_an_abandoned_rebuild_leaves_nothing_and_can_be_restarted(
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
    queue = QueueTopology(two.topology(boards.name).queue, ())

    async def is_new() -> bool:
        # RabbitMQ may still be deleting the queue, and the new one of its name with it.
        with suppress(BrokerUnavailable):
            await boards.broker.declare([queue])
            return await boards.broker.stats(queue.queue) == QueueStats(0, 0)
        return False

    await eventually(is_new)
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


async def test_a_rebuild_can_be_abandoned_before_its_replay_starts(
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
    await eventually(writer.all_sent)


@pytest.mark.usefixtures("relay")
async def test_tables_in_use_are_not_dropped(writer: Writer, boards: Boards) -> None:
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
async def test_a_projection_is_dropped_completely(writer: Writer, boards: Boards) -> None:
    """What a frozen process has created of it meanwhile is removed when the process resumes."""
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

    async def has_left() -> bool:
        return not replica.generations.numbers and not replica.generations._left

    await eventually(has_left)  # or it would delete the queue while it is declared
    await boards.broker.declare([one.topology(boards.name)])
    replica.generations._left.add(one.number)
    await replica.generations.step()
    async with boards.transactions() as tx:
        assert (await dead_letters.counts(tx))["retrying"] == 0
    await boards.introduce()
    await writer.write(page, *words(1))

    await eventually(writer.all_sent, what="it is nobody's, and holds nothing up")
    three, _ = await boards.start(board(2))
    await boards.expect(three, page, *capitals(0, 1))
    assert (three.state, three.number > two.number) == ("live", True)


async def test_generation_numbers_continue_above_those_of_an_earlier_epoch(boards: Boards) -> None:
    async with boards.transactions() as tx:
        one, _ = await generations.start(tx, board())
    async with boards.transactions() as tx:
        await tx.exec_driver_sql(
            "insert into messaging.lineage (epoch, why) values (95213, 'another server')"
        )
        two, _ = await generations.start(tx, board())
        three, _ = await generations.start(tx, board(name="other"))
    assert (one.number, two.number, three.number) == (1, 9521300, 9521301)
