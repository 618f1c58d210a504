"""Which component is at fault if a delivery is not handled: database, handler or sender."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from uuid import uuid4

import asyncpg
import pytest
from pydantic import field_validator
from sqlalchemy.exc import IntegrityError

from hirewire.messaging.background import Backoff
from hirewire.messaging.broker import Delivery
from hirewire.messaging.consuming import consumer as consumers
from hirewire.messaging.consuming.poison_guard import GUARD_AFTER, MAX_START_ATTEMPTS
from hirewire.messaging.database import DatabaseUnavailable, connect
from hirewire.messaging.envelope import Received
from hirewire.messaging.event import Event
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.retry import Later, RetrySchedule
from hirewire.messaging.subscriptions import UNREADABLE, on, on_batch
from hirewire.messaging.testing import consume, delivery
from hirewire.messaging.transaction import Tx
from tests.messaging.conftest import Noted
from tests.messaging.faults import HOURS, dead, publish_to, reader, reads_with, running, until
from tests.messaging.readers import Reader, noted, notes, write

__all__ = ["reader"]


class Checked(Event, name="test.checked", owner="writer", key="page"):
    """An event whose validator has a bug."""

    page: str

    @field_validator("page")
    @classmethod
    def _check(cls, page: str) -> str:
        if page == "recursion":
            raise RecursionError
        if page == "key":
            raise KeyError("a value")
        return page


async def test_a_handler_that_catches_a_database_error_affects_only_its_message(
    reader: Reader,
) -> None:
    async def tolerant(tx: Tx, received: Received[Noted]) -> None:
        with suppress(IntegrityError):  # "the row already exists"
            await write(tx, received.event.text)

    async with reader.transactions() as tx:
        await write(tx, "taken")
    reads_with(reader, tolerant)
    texts = [f"{nth:02}" for nth in range(20)]
    texts.insert(7, "taken")
    await consume(reader.consumer, *(noted(uuid4(), text, 1) for text in texts))
    assert sorted(await notes(reader.place.engine)) == sorted(texts)
    [message] = await dead(reader)
    assert "CommitRefused" in (message.error or "")


@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(),
        FileNotFoundError(2, "no such file"),
        ConnectionRefusedError(111, "refused"),
        asyncpg.LockNotAvailableError("could not obtain lock"),
        asyncpg.DiskFullError("of another database"),
        asyncpg.InterfaceError("of another connection"),
        asyncpg.InvalidCatalogNameError("another database"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_an_error_of_the_handler_is_a_failed_attempt(
    reader: Reader, error: Exception
) -> None:
    reader.mood = {"bad": error}
    await consume(reader.consumer, noted(uuid4(), "good", 1), noted(uuid4(), "bad", 1))
    assert await notes(reader.place.engine) == ["good"]
    [message] = await dead(reader)
    assert type(error).__name__ in (message.error or "")


async def test_a_lost_connection_commits_nothing(reader: Reader) -> None:
    async def lose_it(tx: Tx, received: Received[Noted]) -> None:
        number = (await tx.exec_driver_sql("select pg_backend_pid()")).scalar_one()
        other = await connect(reader.place.url, application="test")
        await other.execute("select pg_terminate_backend($1, 5000)", number)
        await other.close()
        await write(tx, received.event.text)

    reads_with(reader, lose_it)
    with pytest.raises(DatabaseUnavailable):
        await consume(reader.consumer, noted(uuid4(), "note", 1))
    assert await dead(reader) == []


async def test_a_message_no_decoder_can_read_is_a_dead_letter(reader: Reader) -> None:
    """None of these stops the queue, and later messages take effect."""
    page = uuid4()
    good = noted(page, "good", 1)
    strange = [
        replace(good, headers={**good.headers, "sequence": "9" * 5000}, message_id="a"),
        replace(good, headers={**good.headers, "sequence": "²"}, message_id="b"),
        replace(good, headers={**good.headers, "time": "9" * 5000}, message_id="c"),
        replace(good, headers={"type": "hirewire.history", "id": "\ud800"}, message_id="d"),
        replace(good, headers={"type": "hirewire.fence", "id": "[" * 300}, message_id="e"),
        replace(good, headers={"id": "\ud800", "source": "\ud800"}, body=b"{}"),
        replace(good, body=b"[" * 100_000, message_id="f", headers={}),
        replace(good, body=b'{"page": ' + b"9" * 10_000 + b"}", message_id="g", headers={}),
    ]
    strange = [
        replace(one, headers={**one.headers, "id": str(uuid4())})
        if one.headers.get("id") == good.headers["id"]
        else one
        for one in strange
    ]
    await reader.consumer.handle([*strange, good])
    assert await notes(reader.place.engine) == ["good"]
    assert len(await dead(reader)) == len(strange)


@pytest.mark.parametrize("page", ["recursion", "key"])
async def test_a_validator_may_raise_anything(reader: Reader, page: str) -> None:
    async def handler(tx: Tx, received: Received[Checked]) -> None:
        await write(tx, received.event.page)

    reader.build([on(Checked, handler, name="reader.checked")])
    good = delivery(Checked(page="good"))
    bad = replace(
        delivery(Checked(page="bad")), body=b'{"page": "%s"}' % page.encode(), message_id=None
    )
    await reader.consumer.handle([bad, good])
    assert await notes(reader.place.engine) == ["good"]
    [message] = await dead(reader)
    assert (message.subscription, message.error) == (
        UNREADABLE,
        "cannot be read: " + {"recursion": "RecursionError", "key": "KeyError"}[page],
    )


async def test_failures_of_the_database_dead_letter_nothing(reader: Reader) -> None:
    """However often they occur: the process is alive, and the message stays."""
    note = replace(noted(uuid4(), "note", 1), delivery_count=GUARD_AFTER)
    away = True

    async def handler(tx: Tx, received: Received[Noted]) -> None:
        if away:
            number = (await tx.exec_driver_sql("select pg_backend_pid()")).scalar_one()
            other = await connect(reader.place.url, application="test")
            await other.execute("select pg_terminate_backend($1, 5000)", number)
            await other.close()
        await write(tx, received.event.text)

    reads_with(reader, handler)
    for _ in range(MAX_START_ATTEMPTS + 2):
        with pytest.raises(DatabaseUnavailable):
            await reader.consumer.handle([note])
    away = False
    await reader.consumer.handle([note])
    assert await notes(reader.place.engine) == ["note"]
    assert await dead(reader) == []


async def test_a_poison_message_without_an_id_ends_as_dead(reader: Reader) -> None:
    """A message without an id gets a new one at each read, and is still recognised as the same."""
    kills = 0

    async def handler(tx: Tx, received: Received[Noted]) -> None:
        nonlocal kills
        kills += 1
        raise KeyboardInterrupt

    body = Noted(page=uuid4(), text="poison").body()
    for count in range(20):
        consumer = reads_with(reader, handler)
        poison = Delivery(body=body, routing_key="test.noted", delivery_count=count)
        try:
            await consumer.handle([poison])
        except KeyboardInterrupt:
            continue
        break
    assert kills == GUARD_AFTER + MAX_START_ATTEMPTS
    [message] = await dead(reader)
    assert "processes ended" in (message.error or "")


async def test_a_handled_message_has_no_start_attempts(reader: Reader) -> None:
    """An equal message without an id, maybe another fact, is handled each time it arrives."""

    async def handler(tx: Tx, received: Received[Noted]) -> None:
        await write(tx, str(uuid4()))

    body = Noted(page=uuid4(), text="again").body()
    for _ in range(MAX_START_ATTEMPTS + 2):
        consumer = reads_with(reader, handler)  # a new process each time
        external = Delivery(body=body, routing_key="test.noted", delivery_count=GUARD_AFTER)
        await consumer.handle([external])
    assert len(await notes(reader.place.engine)) == MAX_START_ATTEMPTS + 2
    assert await dead(reader) == []


async def test_retries_by_the_kind_of_error(reader: Reader) -> None:
    schedule = RetrySchedule(
        attempts=3,
        first=timedelta(hours=1),
        by_error={
            LookupError: None,
            ConnectionError: RetrySchedule(first=HOURS, longest=HOURS, jitter=0),
        },
    )
    reads_with(reader, reader.on_noted, retry=schedule)
    reader.mood = {"never": KeyError(), "later": ConnectionResetError(), "usual": ValueError()}
    await consume(reader.consumer, *(noted(uuid4(), text, 1) for text in reader.mood))
    found = {m.error: m for m in await dead(reader)}
    states = {str(error).partition(":")[0]: m.state for error, m in found.items()}
    assert states == {
        "KeyError": "dead",
        "ConnectionResetError": "retrying",
        "ValueError": "retrying",
    }
    [later] = [m for m in found.values() if "Connection" in str(m.error)]
    assert later.next_attempt_at is not None
    assert later.next_attempt_at - later.arrived_at > timedelta(hours=4)


async def test_a_slow_batch_makes_the_next_ones_smaller(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fast batches make the next ones larger again, while a transaction stays short."""
    monkeypatch.setattr(consumers, "LONGEST_BATCH_SECONDS", 0.04)
    sizes: list[int] = []
    pause = 0.002

    async def many(tx: Tx, received: Sequence[Received[Noted]]) -> None:
        sizes.append(len(received))
        await asyncio.sleep(pause * len(received))

    async with running(reader, on_batch(Noted, many, name="reader.notes")):
        await publish_to(reader, 1200)
        await until(lambda: sum(sizes) == 1200)
        assert min(sizes) < 50
        monkeypatch.setattr(consumers, "LONGEST_BATCH_SECONDS", 1000)
        pause = 0
        await publish_to(reader, 3000)
        await until(lambda: sum(sizes) == 4200)
        assert max(sizes[-5:]) > 100


async def test_a_failed_large_batch_is_continued(reader: Reader) -> None:
    """Nothing arrives afterwards, so only its own failure can trigger the next attempt."""
    lost = False

    async def lose_once(tx: Tx, received: Received[Noted]) -> None:
        nonlocal lost
        if not lost:
            lost = True
            number = (await tx.exec_driver_sql("select pg_backend_pid()")).scalar_one()
            other = await connect(reader.place.url, application="test")
            await other.execute("select pg_terminate_backend($1, 5000)", number)
            await other.close()
        await write(tx, received.event.text)

    async with running(reader, on(Noted, lose_once, name="reader.notes"), first=300):

        async def all_there() -> bool:
            return len(await notes(reader.place.engine)) == 300

        await until(all_there)
    assert lost
    assert await dead(reader) == []


class Unspeakable(Exception):
    """An error whose text cannot be read."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    "error",
    [GeneratorExit(), BaseExceptionGroup("several", [GeneratorExit()]), Unspeakable()],
    ids=lambda error: type(error).__name__,
)
async def test_an_odd_error_is_a_failed_attempt(reader: Reader, error: BaseException) -> None:
    reader.mood = {"bad": error}
    await consume(reader.consumer, noted(uuid4(), "good", 1), noted(uuid4(), "bad", 1))
    assert await notes(reader.place.engine) == ["good"]
    [message] = await dead(reader)
    assert type(error).__name__ in (message.error or "")


@pytest.mark.parametrize("delay", [timedelta.max, timedelta.min], ids=["max", "min"])
async def test_later_is_within_a_year(reader: Reader, delay: timedelta) -> None:
    reader.mood = {"bad": Later(delay)}
    await consume(reader.consumer, noted(uuid4(), "bad", 1))
    [message] = await dead(reader)
    assert (message.subscription, message.state) == ("reader.notes", "retrying")


@pytest.mark.long
async def test_a_handler_that_cancels_its_own_task_stops_nobody_else(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "Backoff", partial(Backoff, longest=0.2))

    async def suicidal(tx: Tx, received: Received[Noted]) -> None:
        await write(tx, received.event.text)
        if received.event.text == "bad":
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.sleep(0)

    async with running(reader, on(Noted, suicidal, name="reader.notes")):
        async with reader.place.transactions()() as tx:
            for text in ("first", "bad", "last"):
                record(tx, Noted(page=uuid4(), text=text))

        async def done() -> bool:
            found = await notes(reader.place.engine)
            return sorted(found) == ["first", "last"] and len(await dead(reader)) == 1

        await until(done)


async def test_a_handler_that_commits_affects_no_other_message(reader: Reader) -> None:
    async def commits(tx: Tx, received: Received[Noted]) -> None:
        await tx.commit()

    reader.build(
        [
            on(Noted, commits, name="reader.commits", retry=RetrySchedule(attempts=1)),
            on(Noted, reader.on_noted, name="reader.notes"),
        ]
    )
    await consume(reader.consumer, *(noted(uuid4(), f"{nth}", 1) for nth in range(10)))
    assert sorted(await notes(reader.place.engine)) == [f"{nth}" for nth in range(10)]
    assert len(await dead(reader)) == 10
