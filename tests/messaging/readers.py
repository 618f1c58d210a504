"""A service that stores what it consumes: shared by the tests of consumers."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from hirewire.messaging.background import Wake
from hirewire.messaging.broker import Delivery
from hirewire.messaging.consuming import dead_letters
from hirewire.messaging.consuming.consumer import Consumer
from hirewire.messaging.consuming.lanes import Patience
from hirewire.messaging.consuming.retries import Retries
from hirewire.messaging.envelope import Received
from hirewire.messaging.retry import RetrySchedule
from hirewire.messaging.subscriptions import Subscription, on
from hirewire.messaging.testing import delivery
from hirewire.messaging.transaction import Tx
from tests.messaging.conftest import Erased, Noted, Place
from tests.services import NoBroker

NAME = "reader.notes"
AT_ONCE = RetrySchedule(attempts=3, first=timedelta(0))


class Reader:
    """A service that stores what it consumes in its own tables, and fails on demand."""

    def __init__(self, place: Place, **options: object) -> None:
        self.place = place
        self.broken: set[str] = set()
        self.calls: list[str] = []
        self.lates: list[str] = []
        self.mood: dict[str, BaseException] = {}
        retry: RetrySchedule = options.pop("retry", AT_ONCE)  # type: ignore[assignment]
        self.subscription = on(Noted, self.on_noted, name=NAME, retry=retry, **options)  # type: ignore[arg-type]
        self.build([self.subscription])

    def build(self, subscriptions: Sequence[Subscription]) -> None:
        transactions = self.place.transactions("reader")
        wake = Wake()
        self.consumer = Consumer(
            service="reader",
            transactions=transactions,
            broker=NoBroker(),
            subscriptions=subscriptions,
            services=frozenset({"writer", "reader", "stranger"}),
            wake=wake,
        )
        self.retries = Retries(
            consumer=self.consumer,
            transactions=transactions,
            wake=wake,
            patience=Patience(lease=0, watch=0),
        )
        self.transactions = transactions

    async def on_noted(self, tx: Tx, received: Received[Noted]) -> None:
        self.calls.append(received.event.text)
        await write(tx, received.event.text)
        if received.late:
            self.lates.append(received.event.text)
        if received.event.text in self.mood:
            raise self.mood[received.event.text]
        if received.event.text in self.broken:
            raise ValueError("broken")

    async def try_again(self) -> None:
        while await self.retries.step():
            pass

    async def counts(self) -> dict[str, int]:
        async with self.transactions() as tx:
            return await dead_letters.counts(tx)

    async def replay(self) -> int:
        async with self.transactions() as tx:
            return await dead_letters.replay(tx)


async def write(tx: Tx, text: str) -> None:
    await tx.exec_driver_sql("insert into note (text) values ($1)", (text,))


async def notes(engine: AsyncEngine) -> list[str]:
    """The committed effects, in order."""
    async with engine.connect() as connection:
        result = await connection.exec_driver_sql("select text from note order by n")
        return [row[0] for row in result]


@pytest.fixture
async def place_with_notes(place: Place) -> Place:
    async with place.engine.begin() as connection:
        await connection.exec_driver_sql(
            "create table note (n bigint generated always as identity, text text)"
        )
    return place


@pytest.fixture
def reader(place_with_notes: Place) -> Reader:
    return Reader(place_with_notes)


def noted(page: UUID, text: str, sequence: int) -> Delivery:
    return delivery(Noted(page=page, text=text), sequence=sequence)


def strange(page: UUID) -> Delivery:
    """An external program's event that the reader does not subscribe to."""
    body = Erased(page=page).body()
    return Delivery(body=body, routing_key="test.erased", message_id=str(uuid4()))
