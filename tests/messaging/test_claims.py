"""Claims across stops, crashes and other replicas."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from hirewire.messaging.consuming import claims, dead_letters, inbox, resolution
from hirewire.messaging.consuming.lanes import Patience
from hirewire.messaging.consuming.poison_guard import GUARD_AFTER, MAX_START_ATTEMPTS
from hirewire.messaging.envelope import Received
from hirewire.messaging.retry import RetrySchedule
from hirewire.messaging.subscriptions import on
from hirewire.messaging.testing import consume
from hirewire.messaging.transaction import Tx
from tests.builders import blocked
from tests.messaging.conftest import Erased, Noted
from tests.messaging.readers import (
    AT_ONCE,
    NAME,
    Reader,
    noted,
    notes,
    place_with_notes,
    reader,
    strange,
    write,
)
from tests.messaging.retrying import Gate, next_process, patient, running

__all__ = ["place_with_notes", "reader"]


async def test_database_failures_spend_no_attempt(reader: Reader) -> None:
    reader.broken = {"1"}
    await consume(reader.consumer, noted(uuid4(), "1", 1))
    failing = True

    async def loses_its_connection(tx: Tx, received: Received[Noted]) -> None:
        if failing:
            await tx.exec_driver_sql("select pg_terminate_backend(pg_backend_pid())")
        await write(tx, received.event.text)

    reader.build([on(Noted, loses_its_connection, name=NAME, retry=AT_ONCE)])
    for _ in range(AT_ONCE.attempts + 1):
        with pytest.raises(Exception, match=r"clos|terminat"):
            await reader.retries.step()
    failing = False
    await reader.try_again()
    assert await notes(reader.place.engine) == ["1"]


async def test_stops_spend_no_attempt(reader: Reader) -> None:
    reader.broken = {"1"}
    await consume(reader.consumer, noted(uuid4(), "1", 1))
    for _ in range(AT_ONCE.attempts + 1):
        gate = Gate()

        async def slow(tx: Tx, received: Received[Noted], gate: Gate = gate) -> None:
            await write(tx, received.event.text)
            await gate.pass_through()

        reader.build([on(Noted, slow, name=NAME, retry=AT_ONCE)])
        patient(reader, Patience(lease=3600, watch=3600))
        async with running(reader):
            await gate.reached.wait()
    reader.broken.clear()
    next_process(reader)
    await reader.try_again()
    assert await notes(reader.place.engine) == ["1"]


async def test_a_claim_is_released_even_while_its_commit_is_in_flight(reader: Reader) -> None:
    async def fail(tx: Tx, received: Received[Noted]) -> None:
        raise ValueError("broken")

    reader.build([on(Noted, fail, name=NAME, retry=AT_ONCE)])
    await consume(reader.consumer, noted(uuid4(), "0", 1))
    instance = uuid4()

    async def give_back(heads: Sequence[UUID]) -> None:
        async with reader.transactions() as tx:
            await claims.give_back(tx, NAME, instance, heads)

    async with reader.transactions() as tx:
        claim = await claims.take_fresh(tx, NAME, instance, most=1, attempts=5, lease=20)
        assert claim is not None
        giving = asyncio.create_task(give_back(claim.heads))
        await blocked(reader.place.engine, giving)
    await giving
    async with reader.place.engine.connect() as connection:
        claimed = await connection.exec_driver_sql("select claimed_by from messaging.open_message")
        assert claimed.scalar_one() is None


async def test_messages_of_a_batch_that_killed_its_process_are_retried_singly(
    reader: Reader,
) -> None:
    """The poison message runs out of attempts, and the others lose none."""
    page = uuid4()
    retry = RetrySchedule(attempts=2, first=timedelta(0))
    reader.subscription = on(Noted, reader.on_noted, name=NAME, retry=retry)
    next_process(reader)
    reader.broken = {"1"}
    await consume(reader.consumer, *(noted(page, str(n), n) for n in range(1, 8)))
    await reader.try_again()
    reader.broken.clear()
    reader.mood = {"4": KeyboardInterrupt()}
    await reader.replay()
    deaths = 0
    found = True
    while found:
        try:
            found = await reader.retries.step()
        except KeyboardInterrupt:
            deaths += 1
            next_process(reader)
    assert await notes(reader.place.engine) == ["1", "2", "3"]
    assert await reader.counts() == {"retrying": 0, "waiting": 3, "dead": 1}
    assert deaths == 1 + retry.attempts
    async with reader.transactions() as tx:
        [dead] = await dead_letters.open_messages(tx)
        assert "process ended" in (dead.error or "")
        await dead_letters.discard(tx, dead.event_id, why="a test")
    await reader.try_again()
    assert await notes(reader.place.engine) == ["1", "2", "3", "5", "6", "7"]


@pytest.mark.parametrize("fails", [False, True], ids=["handled", "failed"])
async def test_claims_of_a_frozen_process_are_taken_over(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    """It resumes when another replica has handled the message, or postponed it after a failure."""
    page = uuid4()
    reader = Reader(reader.place, retry=RetrySchedule(attempts=9, first=timedelta(0)))
    reader.broken = {"1"}
    await consume(reader.consumer, noted(page, "1", 1), noted(page, "2", 2))
    reader.broken.clear()
    gate, lock = Gate(), claims.lock

    async def frozen(tx: Tx, *arguments: object) -> object:
        await gate.pass_through()
        return await lock(tx, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(claims, "lock", frozen)
    step = asyncio.create_task(reader.retries.step())
    await gate.reached.wait()
    monkeypatch.setattr(claims, "lock", lock)
    retry = RetrySchedule(attempts=9, first=timedelta(hours=1), longest=timedelta(hours=1))
    other = Reader(reader.place, retry=retry)
    other.broken = {"1"} if fails else set()
    await other.try_again()
    expected = [] if fails else ["1", "2"]
    assert await notes(reader.place.engine) == expected
    reader.calls.clear()
    gate.open.set()
    await step
    await reader.try_again()
    assert await notes(reader.place.engine) == expected
    assert reader.calls == []
    assert (await reader.counts())["retrying"] == fails


async def test_a_message_being_handled_is_not_handled_by_another_replica(reader: Reader) -> None:
    """The row's lock keeps others away, though the claim has expired."""
    gate, page = Gate(), uuid4()
    reader.broken = {"1"}
    await consume(reader.consumer, noted(page, "1", 1))

    async def slow(tx: Tx, received: Received[Noted]) -> None:
        await gate.pass_through()
        await write(tx, received.event.text)

    reader.build([on(Noted, slow, name=NAME, retry=AT_ONCE)])
    step = asyncio.create_task(reader.retries.step())
    await gate.reached.wait()
    other = Reader(reader.place)
    assert not await other.retries.step()
    gate.open.set()
    await step
    assert await notes(reader.place.engine) == ["1"]
    assert other.calls == []


async def test_a_claim_is_left_alone_for_its_time(reader: Reader) -> None:
    reader.broken = {"1"}
    await consume(reader.consumer, noted(uuid4(), "1", 1))
    reader.mood = {"1": KeyboardInterrupt()}
    with pytest.raises(KeyboardInterrupt):
        await reader.retries.step()
    for patience in (Patience(lease=0, watch=3600), Patience(lease=3600, watch=0)):
        other = patient(Reader(reader.place), patience)
        assert not await other.retries.step()
        assert other.calls == []
        async with reader.transactions() as tx:
            await tx.exec_driver_sql(
                "update messaging.open_message "
                "set next_attempt_at = clock_timestamp() + interval '1 hour'"
            )


async def test_a_handled_message_is_released_by_the_next_process(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process is killed between the commit of the effect and the release of its key."""
    page = uuid4()
    reader.broken = {"1"}
    await consume(reader.consumer, *(noted(page, str(n), n) for n in (1, 2, 3)))
    reader.broken.clear()

    async def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(resolution, "close", killed)
        with pytest.raises(KeyboardInterrupt):
            await reader.retries.step()
    assert await notes(reader.place.engine) == ["1"]
    await consume(reader.consumer, noted(page, "4", 4))
    async with reader.transactions() as tx:
        [first, *_] = await dead_letters.open_messages(tx, states=("waiting", "retrying"))
        assert first.sequence == 2  # not the one being handled
        with pytest.raises(dead_letters.NoSuchMessage):
            [id] = [r.event_id for r in await _closing(tx)]
            await dead_letters.discard(tx, id, why="too late")
    next_process(reader)
    await reader.try_again()
    assert await notes(reader.place.engine) == ["1", "2", "3", "4"]
    assert not reader.lates


async def _closing(tx: Tx) -> Sequence[dead_letters.OpenMessage]:
    result = await tx.exec_driver_sql(
        "select event_id from messaging.open_message where closing is not null"
    )
    return result.all()  # type: ignore[return-value]


async def test_an_unreadable_message_is_read_again_once(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process is killed between the effect and the removal of the unreadable message."""
    erased: list[UUID] = []

    async def on_erased(tx: Tx, received: Received[Erased]) -> None:
        erased.append(received.event.page)

    page = uuid4()
    await consume(reader.consumer, strange(page))
    subscriptions = [reader.subscription, on(Erased, on_erased, name="reader.erased")]
    reader.build(subscriptions)
    await reader.replay()

    async def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(resolution, "resolve", killed)
        with pytest.raises(KeyboardInterrupt):
            await reader.retries.step()
    reader.build(subscriptions)
    await reader.try_again()
    assert erased == [page]
    assert await reader.counts() == {"retrying": 0, "waiting": 0, "dead": 0}


async def test_a_poison_message_waits_for_its_turn_to_be_dead(reader: Reader) -> None:
    """The consumer gives it up while an earlier message of its key is being retried."""
    page = uuid4()
    reader.broken = {"1"}
    await consume(reader.consumer, noted(page, "1", 1))
    poison = noted(page, "2", 2)
    invocation = reader.consumer.reader.read([poison]).invocations[0]
    async with reader.transactions() as tx:
        attempts = GUARD_AFTER + MAX_START_ATTEMPTS
        assert await inbox.open_failed(tx, invocation, "it kills", delay=None, attempts=attempts)
    await consume(reader.consumer, noted(page, "3", 3))
    assert await reader.counts() == {"retrying": 1, "waiting": 2, "dead": 0}
    reader.broken.clear()
    await reader.try_again()
    assert await notes(reader.place.engine) == ["1"]
    assert await reader.counts() == {"retrying": 0, "waiting": 1, "dead": 1}
    assert "2" not in reader.calls
    await reader.replay()
    await reader.try_again()
    assert await notes(reader.place.engine) == ["1", "2", "3"]
