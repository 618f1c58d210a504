"""Two replicas with one key or one message: one waits for the other, and nothing is done twice."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from hirewire.messaging.background import Wake
from hirewire.messaging.broker import Delivery
from hirewire.messaging.consuming import dead_letters, pauses
from hirewire.messaging.consuming.lanes import Patience
from hirewire.messaging.consuming.retries import Retries
from hirewire.messaging.envelope import Received
from hirewire.messaging.retry import Later, RetrySchedule
from hirewire.messaging.subscriptions import on
from hirewire.messaging.testing import consume
from hirewire.messaging.transaction import Tx
from tests.messaging.conftest import Noted, Place
from tests.messaging.readers import (
    AT_ONCE,
    Reader,
    noted,
    notes,
    place_with_notes,
    reader,
    write,
)
from tests.messaging.scripted import (
    MetTransactions,
    lock_awaited,
    rows,
)

__all__ = ["place_with_notes", "reader"]


class Pausing(Reader):
    """A reader whose handler stops once within its transaction until the test continues it."""

    def __init__(self, place: Place, pauses_at: str, **options: object) -> None:
        self.pauses_at = pauses_at
        self.pausing, self.go = asyncio.Event(), asyncio.Event()
        super().__init__(place, **options)

    async def on_noted(self, tx: Tx, received: Received[Noted]) -> None:
        if received.event.text == self.pauses_at and not self.broken:
            self.pausing.set()
            await self.go.wait()
        await super().on_noted(tx, received)


async def test_a_retry_keeps_its_key_until_it_is_committed(place_with_notes: Place) -> None:
    """If followers may overtake: one that arrives during the retry takes effect after it, or the
    retry is marked as late.
    """
    page = uuid4()
    slow = Pausing(place_with_notes, "1", behind_failed="skip")
    slow.broken = {"1"}
    await consume(slow.consumer, noted(page, "1", 1))
    slow.broken = set()
    retrying = asyncio.create_task(slow.retries.step())
    await slow.pausing.wait()
    live = Reader(place_with_notes, behind_failed="skip")
    arriving = asyncio.create_task(consume(live.consumer, noted(page, "2", 2)))
    await lock_awaited(place_with_notes.engine, arriving)
    slow.go.set()
    await asyncio.gather(retrying, arriving)
    written = await notes(place_with_notes.engine)
    assert [text for text in written if text not in slow.lates] == ["1", "2"]


async def test_a_retry_is_made_by_one_replica(place_with_notes: Place) -> None:
    page = uuid4()
    first, second = Pausing(place_with_notes, "1"), Reader(place_with_notes)
    first.broken = {"1"}
    await consume(first.consumer, noted(page, "1", 1))
    first.broken = set()
    retrying = asyncio.create_task(first.retries.step())
    await first.pausing.wait()
    await due_now_unless_locked(place_with_notes)
    too = asyncio.create_task(second.retries.step())
    await lock_awaited(place_with_notes.engine, too)
    first.go.set()
    await asyncio.gather(retrying, too)
    await second.try_again()
    assert await notes(place_with_notes.engine) == ["1"]


async def due_now_unless_locked(place: Place) -> None:
    """Expire the claims whose row nobody has locked, as if 30 seconds had passed."""
    async with place.engine.begin() as connection:
        await connection.exec_driver_sql(
            "update messaging.open_message set next_attempt_at = clock_timestamp() "
            "where (event_id, subscription) in (select event_id, subscription "
            "from messaging.open_message where state = 'retrying' for update skip locked)"
        )


async def test_a_retry_that_was_given_up_meanwhile_is_not_made(place_with_notes: Place) -> None:
    """An operator discards the message after it was claimed and before it is handled."""
    reader = Reader(place_with_notes)
    transactions = met(reader)
    one = noted(uuid4(), "1", 1)
    reader.broken = {"1"}
    await consume(reader.consumer, one)
    reader.broken = set()
    calls = list(reader.calls)

    async def discard_once_claimed() -> None:
        found = await rows(
            place_with_notes.engine,
            "select 1 from messaging.open_message where claimed_by is not null",
        )
        if found:
            transactions.before_each = None
            async with place_with_notes.transactions("reader")() as tx:
                await dead_letters.discard(tx, UUID(one.headers["id"]), why="a test")

    transactions.before_each = discard_once_claimed
    await reader.retries.step()
    assert not transactions.waiting
    assert reader.calls == calls
    assert await notes(place_with_notes.engine) == []


async def test_a_replica_that_was_frozen_does_not_handle_messages_claimed_by_another(
    place_with_notes: Place,
) -> None:
    many = RetrySchedule(attempts=9, first=timedelta(0))
    slow, other = (Reader(place_with_notes, retry=many) for _ in range(2))
    impatient(other)
    transactions = met(slow)
    slow.broken = other.broken = {"1"}
    await consume(slow.consumer, noted(uuid4(), "1", 1))
    slow.calls.clear()

    async def fail_elsewhere_once_claimed() -> None:
        found = await rows(
            place_with_notes.engine,
            "select 1 from messaging.open_message where claimed_by is not null",
        )
        if found:
            transactions.before_each = None
            await due_now_unless_locked(place_with_notes)
            assert await other.retries.step()

    transactions.before_each = fail_elsewhere_once_claimed
    await slow.retries.step()
    assert not transactions.waiting
    assert (slow.calls, other.calls) == ([], ["1"])


async def test_a_retry_that_took_effect_is_not_made_again(place_with_notes: Place) -> None:
    """If followers may overtake, effect and release are one transaction."""
    reader = Reader(place_with_notes, behind_failed="skip")
    reader.broken = {"1"}
    await consume(reader.consumer, noted(uuid4(), "1", 1))
    reader.broken = set()
    assert await reader.retries.step()
    assert not await reader.retries.step()
    assert await notes(place_with_notes.engine) == ["1"]
    assert await reader.counts() == {"retrying": 0, "waiting": 0, "dead": 0}


async def test_a_fresh_claim_of_another_replica_is_respected(place_with_notes: Place) -> None:
    """Between the claim and the handling nothing is locked."""
    many = RetrySchedule(attempts=9, first=timedelta(0))
    slow, other = (Reader(place_with_notes, retry=many) for _ in range(2))
    transactions = met(slow)
    for one in (slow, other):
        impatient(one, lease=3600)
    slow.broken = {"1"}
    await consume(slow.consumer, noted(uuid4(), "1", 1))
    slow.broken, slow.calls = set(), []

    async def look_once_claimed() -> None:
        if await rows(
            place_with_notes.engine,
            "select 1 from messaging.open_message where claimed_by is not null",
        ):
            transactions.before_each = None
            assert not await other.retries.step()

    transactions.before_each = look_once_claimed
    await slow.retries.step()
    assert not transactions.waiting
    assert (slow.calls, other.calls) == (["1"], [])


def impatient(reader: Reader, *, lease: float = 0) -> None:
    """Let a replica take over expired claims at once."""
    reader.retries = Retries(
        consumer=reader.consumer,
        transactions=reader.transactions,
        wake=Wake(),
        patience=Patience(lease=lease, watch=0),
    )


async def test_a_retry_waits_for_its_time(place_with_notes: Place) -> None:
    reader = Reader(place_with_notes, retry=RetrySchedule(first=timedelta(hours=1)))
    reader.broken = {"1"}
    await consume(reader.consumer, noted(uuid4(), "1", 1))
    reader.calls.clear()
    assert not await reader.retries.step()
    assert reader.calls == []


async def test_attempts_are_limited_for_a_retry_that_kills_its_process(
    place_with_notes: Place,
) -> None:
    reader = Reader(place_with_notes)
    reader.broken = {"1"}
    await consume(reader.consumer, noted(uuid4(), "1", 1))
    reader.mood = {"1": KeyboardInterrupt()}
    ended = 0
    for _ in range(AT_ONCE.attempts + 3):
        impatient(reader)  # and another process
        try:
            await reader.retries.step()
        except KeyboardInterrupt:
            ended += 1
        await due_now_unless_locked(place_with_notes)
    assert ended == AT_ONCE.attempts - 1
    assert await reader.counts() == {"retrying": 0, "waiting": 0, "dead": 1}


def met(reader: Reader) -> MetTransactions:
    """Give a reader transactions that something can precede."""
    transactions = MetTransactions(reader.place.engine, "reader")
    place = reader.place

    class Met(Place):
        def transactions(self, owner: str = "writer") -> MetTransactions:
            return transactions

    reader.place = Met(place.url, place.engine)
    reader.build([reader.subscription])
    return transactions


async def test_a_failure_is_not_entered_for_a_message_handled_by_another_replica(
    place_with_notes: Place,
) -> None:
    """It was handled between our failed attempt and our entering it as failed."""
    one = noted(uuid4(), "1", 1)
    failing, other = Reader(place_with_notes), Reader(place_with_notes)
    transactions = met(failing)
    failing.broken = {"1"}

    async def handle_once_failed() -> None:
        if failing.calls.count("1") == 2:  # in the batch, and alone
            transactions.before_each = None
            await consume(other.consumer, one)

    transactions.before_each = handle_once_failed
    await consume(failing.consumer, one)
    assert not transactions.waiting
    assert await notes(place_with_notes.engine) == ["1"]
    assert await failing.counts() == {"retrying": 0, "waiting": 0, "dead": 0}
    await consume(other.consumer, noted(UUID(one.headers["partitionkey"]), "2", 2))
    assert await notes(place_with_notes.engine) == ["1", "2"]


@pytest.mark.parametrize(
    ("table", "of"),
    [
        ("messaging.inbox (event_id, subscription)", lambda d: (d.headers["id"], "reader.notes")),
        (
            "messaging.progress (subscription, source, key)",
            lambda d: ("reader.notes", d.headers["source"], d.headers["partitionkey"]),
        ),
    ],
)
async def test_a_batch_takes_its_rows_in_one_order(
    reader: Reader, table: str, of: Callable[[Delivery], tuple[str, ...]]
) -> None:
    """Two replicas with batches in different order never deadlock: while this one waits for the
    lowest row, it holds none of the others.
    """
    batch = [noted(uuid4(), str(n), 1) for n in range(6)]
    low, *others = sorted(batch, key=of)
    marks = ", ".join(f"${n}" for n in range(1, len(of(low)) + 1))
    insert = f"insert into {table} values ({marks})"
    transactions = met(reader)
    opened = 0

    async def count() -> None:
        nonlocal opened
        opened += 1

    transactions.before_each = count
    async with reader.place.engine.connect() as holder:
        await holder.begin()
        await holder.exec_driver_sql("set local lock_timeout = '2s'")
        await holder.exec_driver_sql(insert, of(low))
        handling = asyncio.create_task(
            consume(reader.consumer, *sorted(batch, key=of, reverse=True))
        )
        await lock_awaited(reader.place.engine)
        for one in others:
            await holder.exec_driver_sql(insert, of(one))
        await holder.rollback()
    await handling
    assert len(await notes(reader.place.engine)) == 6
    assert opened == 1  # the batch was not split, as it would be after a deadlock


async def test_a_repeat_in_a_batch_does_not_split_it(reader: Reader) -> None:
    """One transaction, and each handler called once."""
    transactions = met(reader)
    opened = 0

    async def count() -> None:
        nonlocal opened
        opened += 1

    batch = [noted(uuid4(), str(n), 1) for n in range(4)]
    await consume(reader.consumer, batch[1])
    transactions.before_each = count
    await consume(reader.consumer, *batch, batch[3])
    assert opened == 1
    assert reader.calls == ["1", "0", "2", "3"]
    assert await notes(reader.place.engine) == ["1", "0", "2", "3"]


async def test_many_parked_at_once_come_in_order_before_what_comes_later(
    reader: Reader,
) -> None:
    """There are more of them than are claimed at once."""
    page = uuid4()
    texts = list("123456789abcdefghijk")
    reader.broken = {"1"}
    await consume(reader.consumer, noted(page, "1", 1))
    await consume(reader.consumer, *(noted(page, t, n) for n, t in enumerate(texts[1:], 2)))
    assert await reader.counts() == {"retrying": 1, "waiting": 19, "dead": 0}
    reader.broken = {"3"}
    await reader.try_again()
    assert await notes(reader.place.engine) == ["1", "2"]
    assert await reader.counts() == {"retrying": 0, "waiting": 17, "dead": 1}
    await consume(reader.consumer, noted(page, "l", 21))
    assert await notes(reader.place.engine) == ["1", "2"]
    reader.broken = set()
    assert await reader.replay() == 1
    await reader.try_again()
    assert await notes(reader.place.engine) == [*texts, "l"]
    await consume(reader.consumer, noted(page, "m", 22))
    assert await notes(reader.place.engine) == [*texts, "l", "m"]
    assert not reader.lates


async def test_a_due_retry_does_not_claim_messages_that_are_not_due(reader: Reader) -> None:
    later, now = noted(uuid4(), "later", 1), noted(uuid4(), "now", 1)
    reader.mood = {"later": Later(timedelta(hours=1))}
    reader.broken = {"now"}
    await consume(reader.consumer, later)
    await consume(reader.consumer, now)
    reader.calls.clear()
    await reader.try_again()
    assert reader.calls == ["now"] * (AT_ONCE.attempts - 1)


async def test_a_pause_stops_a_retry_that_is_about_to_start(reader: Reader) -> None:
    """The pause comes after the lane was found to have work, and before it claims it."""
    transactions = met(reader)
    reader.broken = {"1"}
    await consume(reader.consumer, noted(uuid4(), "1", 1))
    reader.calls.clear()
    begun = 0

    async def pause_then() -> None:
        nonlocal begun
        begun += 1
        if begun == 2:
            async with Place(reader.place.url, reader.place.engine).transactions("reader")() as tx:
                await pauses.pause(tx, "reader.notes", why="a test")

    transactions.before_each = pause_then
    await reader.retries.step()
    assert reader.calls == []
    transactions.before_each = None
    async with reader.transactions() as tx:
        await pauses.resume(tx, "reader.notes")
    await reader.retries.step()
    assert reader.calls == ["1"]


async def test_claims_of_a_stopped_process_are_free_at_once(
    place_with_notes: Place,
) -> None:
    first, second = Pausing(place_with_notes, "1"), Reader(place_with_notes)
    first.broken = {"1"}
    await consume(first.consumer, noted(uuid4(), "1", 1))
    first.broken = set()
    retrying = asyncio.create_task(first.retries.step())
    await first.pausing.wait()
    retrying.cancel()
    await asyncio.wait({retrying})
    assert await second.retries.step()
    assert await notes(place_with_notes.engine) == ["1"]
    assert await second.counts() == {"retrying": 0, "waiting": 0, "dead": 0}


async def test_large_messages_are_not_claimed_together(reader: Reader) -> None:
    taken: list[object] = []
    fails = True

    async def look(tx: Tx, received: Received[Noted]) -> None:
        if fails:
            raise ValueError("broken")
        taken.extend(
            await rows(
                reader.place.engine,
                "select count(*) from messaging.open_message where claimed_by is not null",
            )
        )

    reader.build([on(Noted, look, name="reader.notes", retry=AT_ONCE)])
    for size in (1, 3_900_000, 3_900_000, 3_900_000, 3_900_000):
        await consume(reader.consumer, noted(uuid4(), "x" * size, 1))
    fails = False
    await reader.try_again()
    assert len(taken) == 5
    assert not {(3,), (4,)} & set(taken)  # that would be more than eight megabytes


async def test_an_event_is_late_if_a_later_one_has_taken_effect(reader: Reader) -> None:
    page = uuid4()
    await consume(reader.consumer, noted(page, "3", 3))
    for text, number in (("1", 1), ("2", 2), ("again 3", 3), ("4", 4)):
        await consume(reader.consumer, noted(page, text, number))
    await consume(reader.consumer, noted(page, "6", 6), noted(page, "5", 5), noted(page, "7", 7))
    assert reader.lates == ["1", "2", "5"]
    late = await rows(reader.place.engine, "select count(*) from messaging.inbox where late")
    assert late == [(3,)]


async def test_a_late_retry_does_not_reset_the_keys_progress(place_with_notes: Place) -> None:
    reader = Reader(place_with_notes, behind_failed="skip")
    page = uuid4()
    reader.broken = {"1"}
    await consume(reader.consumer, noted(page, "1", 1), noted(page, "3", 3))
    reader.broken = set()
    await reader.try_again()
    await consume(reader.consumer, noted(page, "2", 2))
    assert await notes(place_with_notes.engine) == ["3", "1", "2"]
    assert reader.lates == ["1", "2"]
    late = await rows(place_with_notes.engine, "select count(*) from messaging.inbox where late")
    assert late == [(2,)]


async def test_a_message_is_claimed_before_its_attempt_begins(reader: Reader) -> None:
    """Seen by another session while the handler runs: if the process dies, the claim shows it."""
    claimed: list[object] = []

    async def look(tx: Tx, received: Received[Noted]) -> None:
        claimed.extend(
            await rows(
                reader.place.engine, "select claimed_by is not null from messaging.open_message"
            )
        )
        raise ValueError("broken")

    reader.build([on(Noted, look, name="reader.notes", retry=AT_ONCE)])
    await consume(reader.consumer, noted(uuid4(), "1", 1))
    await reader.try_again()
    assert claimed == [(True,), (True,)]
    assert await reader.counts() == {"retrying": 0, "waiting": 0, "dead": 1}


async def test_a_retry_knows_the_message_by_the_same_id(reader: Reader) -> None:
    """Also if it came without an id: it got one when it was first consumed."""
    ids: list[UUID] = []

    async def look(tx: Tx, received: Received[Noted]) -> None:
        ids.append(received.id)
        if len(ids) < 4:
            raise ValueError("broken")
        await write(tx, received.event.text)

    reader.build([on(Noted, look, name="reader.notes", retry=AT_ONCE)])
    external = Delivery(body=Noted(page=uuid4(), text="x").body(), routing_key="test.noted")
    await consume(reader.consumer, external)
    await reader.try_again()
    [(kept,)] = await rows(reader.place.engine, "select event_id::text from messaging.inbox")
    assert [str(id) for id in ids[2:]] == [kept, kept]
    assert await notes(reader.place.engine) == ["x"]


async def test_a_forged_message_stays_refused_however_often_it_is_tried(reader: Reader) -> None:
    forged = Delivery(
        body=Noted(page=uuid4(), text="forged").body(), routing_key="test.noted", user_id="stranger"
    )
    await consume(reader.consumer, forged)
    assert await reader.replay() == 1
    await reader.try_again()
    assert await reader.counts() == {"retrying": 0, "waiting": 0, "dead": 1}
    assert await notes(reader.place.engine) == []


async def test_replaying_the_dead_leaves_those_behind_them_where_they_are(reader: Reader) -> None:
    page = uuid4()
    reader.broken = {"1", "x"}
    await consume(reader.consumer, *(noted(page, str(n), n) for n in (1, 2, 3)))
    await reader.try_again()
    await consume(reader.consumer, noted(uuid4(), "x", 1))
    assert await reader.counts() == {"retrying": 1, "waiting": 2, "dead": 1}
    assert await reader.replay() == 1
    assert await reader.counts() == {"retrying": 2, "waiting": 2, "dead": 0}
    async with reader.transactions() as tx:
        [first, *_] = await dead_letters.open_messages(tx, states=["waiting"])
        with pytest.raises(dead_letters.NoSuchMessage):
            await dead_letters.discard(tx, first.event_id, why="it only waits")
