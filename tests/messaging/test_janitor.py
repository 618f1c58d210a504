"""Pruning: what is old and settled goes, what is open or unsent stays however old."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from hirewire.messaging.janitor import BATCH, Janitor
from hirewire.messaging.outbox import record
from hirewire.messaging.testing import hear
from tests.messaging.conftest import Noted, Place
from tests.messaging.test_consumer import Reader, noted, place_with_notes

__all__ = ["place_with_notes"]


async def counts(place: Place) -> tuple[int, int]:
    async with place.engine.connect() as connection:
        log = await connection.exec_driver_sql("select count(*) from messaging.outbox")
        inbox = await connection.exec_driver_sql("select count(*) from messaging.inbox")
        return log.scalar_one(), inbox.scalar_one()


async def age(place: Place) -> None:
    """Everything there is becomes 31 days old."""
    async with place.engine.begin() as connection:
        for table, column in (("outbox", "recorded_at"), ("inbox", "arrived_at")):
            await connection.exec_driver_sql(
                f"update messaging.{table} set {column} = {column} - interval '31 days'"
            )


@pytest.fixture
def janitor(place_with_notes: Place) -> Janitor:
    return Janitor(
        service="writer",
        transactions=place_with_notes.transactions(),
        retention=timedelta(days=30),
    )


async def test_old_and_settled_goes_and_nothing_else(
    place_with_notes: Place, janitor: Janitor
) -> None:
    place, reader = place_with_notes, Reader(place_with_notes)
    reader.broken = {"bad"}
    async with place.transactions()() as tx:
        record(tx, Noted(page=uuid4(), text="sent"))
        record(tx, Noted(page=uuid4(), text="unsent"))
    async with place.engine.begin() as connection:
        await connection.exec_driver_sql(
            "update messaging.outbox set sent_at = now() where body->>'text' = 'sent'"
        )
    await hear(reader.consumer, noted(uuid4(), "good", 1), noted(uuid4(), "bad", 1))
    await age(place)
    async with place.transactions()() as tx:
        record(tx, Noted(page=uuid4(), text="new"))
    await hear(reader.consumer, noted(uuid4(), "new", 1))
    assert await counts(place) == (3, 3)
    assert await janitor.step() is False
    assert await counts(place) == (2, 2)
    assert (await reader.counts())["retrying"] == 1


async def test_it_goes_in_batches_and_one_janitor_at_a_time(
    place_with_notes: Place, janitor: Janitor
) -> None:
    place = place_with_notes
    async with place.transactions()() as tx:
        for _ in range(BATCH + 10):
            record(tx, Noted(page=uuid4()))
    async with place.engine.begin() as connection:
        await connection.exec_driver_sql("update messaging.outbox set sent_at = now()")
    await age(place)
    found = await asyncio.gather(*(janitor.step() for _ in range(4)))
    assert True in found
    while await janitor.step():
        pass
    assert await counts(place) == (0, 0)
