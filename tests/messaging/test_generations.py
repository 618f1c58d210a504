"""Generations of a projection: their consumers, their requirements, and their own ledger."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from hirewire.messaging.broker import Message, open_broker
from hirewire.messaging.consuming import dead_letters
from hirewire.messaging.database import connect
from hirewire.messaging.envelope import Received
from hirewire.messaging.projections import generations, switching
from hirewire.messaging.projections.generations import (
    Generation,
    Projection,
    ProjectionError,
)
from hirewire.messaging.reconciliation import audit
from hirewire.messaging.retry import RetrySchedule
from hirewire.messaging.subscriptions import Rate, Subscription, on
from hirewire.messaging.transaction import Tx
from tests.builders import eventually
from tests.messaging.boards import Boards, board, create
from tests.messaging.conftest import Erased, Noted
from tests.messaging.rebuilding import (
    boards,
    capitals,
    relay,
    words,
    writer,
)
from tests.messaging.replaying import TYPE, Writer

__all__ = ["boards", "relay", "writer"]


@pytest.mark.usefixtures("relay")
async def test_a_generation_is_not_consumed_before_its_owners_know_of_it(
    writer: Writer, boards: Boards
) -> None:
    """A consumer that binds its queue earlier would consume live events before the history."""
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


def test_an_invalid_projection_is_refused_with_its_name() -> None:
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
    """Events handled by one of them do not count for the other."""
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
async def test_an_unreadable_message_of_a_generation_is_its_own_dead_letter(
    writer: Writer, boards: Boards
) -> None:
    page = uuid4()
    one, _ = await boards.start(board())
    boards.run(board())
    external = open_broker(boards.broker_url, client="stranger")
    id = str(uuid4())
    headers = {"id": id, "type": TYPE, "source": "x"}
    await external.publish([Message(id, TYPE, "k", b"{", headers)])
    await external.close()

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


async def test_the_start_of_a_log_is_known(writer: Writer) -> None:
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
