"""A reader whose handlers fail or hang: shared by the tests of faults."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.engine import make_url

from hirewire.messaging.broker import open_broker
from hirewire.messaging.consuming import dead_letters
from hirewire.messaging.consuming.consumer import Consumer
from hirewire.messaging.database import connect
from hirewire.messaging.envelope import Received
from hirewire.messaging.introduction import introduce
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.publishing.relay import Relay
from hirewire.messaging.subscriptions import on
from hirewire.messaging.transaction import Tx
from tests.messaging.conftest import Noted, Place
from tests.messaging.readers import Reader

HOURS = timedelta(hours=5)
Handler = Callable[[Tx, Received[Noted]], Awaitable[None]]


@pytest.fixture
async def reader(place: Place) -> Reader:
    async with place.engine.begin() as tx:
        await tx.exec_driver_sql(
            "create table note (n bigint generated always as identity, text text unique)"
        )
    return Reader(place)


def reads_with(reader: Reader, handler: Handler, **options: Any) -> Consumer:
    reader.build([on(Noted, handler, name="reader.notes", **options)])
    return reader.consumer


async def dead(reader: Reader) -> list[dead_letters.OpenMessage]:
    async with reader.transactions() as tx:
        return await dead_letters.open_messages(tx, states=("dead", "retrying"))


class running:  # noqa: N801  (a context manager, named as it reads)
    """The reader's consumer over the PostgreSQL broker, with `first` notes already in its queue."""

    def __init__(self, reader: Reader, subscription: Any, *, first: int = 0) -> None:
        self.reader, self.subscription, self.first = reader, subscription, first

    async def __aenter__(self) -> None:
        reader = self.reader
        url = make_url(reader.place.url)
        self.broker = open_broker(reader.place.url, client="reader")
        reader.consumer = Consumer(
            service="reader",
            transactions=reader.transactions,
            broker=self.broker,
            subscriptions=[self.subscription],
        )
        owner = await connect(url.render_as_string(hide_password=False), application="test")
        await introduce(self.broker, {"writer": owner}, [reader.consumer.topology])
        await owner.close()
        self.publisher = open_broker(reader.place.url, client="writer")
        self.relay = Relay(service="writer", database_url=reader.place.url, broker=self.publisher)
        if self.first:
            await publish_to(reader, self.first)
            while await self.relay.step():
                pass
        self.tasks = [
            asyncio.create_task(self.relay.run()),
            asyncio.create_task(reader.consumer.run()),
        ]

    async def __aexit__(self, *_: object) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.wait(self.tasks)
        await self.broker.close()
        await self.publisher.close()


async def publish_to(reader: Reader, count: int) -> None:
    """Record this many notes, each on a separate page."""
    async with reader.place.transactions()() as tx:
        for _ in range(count):
            record(tx, Noted(page=uuid4(), text=str(uuid4())))


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait until the condition holds."""
    async with asyncio.timeout(60):
        while True:
            found = condition()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.02)
