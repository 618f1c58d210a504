"""Replicas whose retries are at work, slow or stopped: what the tests of retries share."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from hirewire.messaging.background import Wake
from hirewire.messaging.consuming.lanes import Patience
from hirewire.messaging.consuming.retries import Retries
from tests.messaging.readers import (
    Reader,
)


def patient(reader: Reader, patience: Patience) -> Reader:
    """The replica, with other times after which it takes what others left behind."""
    reader.retries = Retries(
        consumer=reader.consumer, transactions=reader.transactions, wake=Wake(), patience=patience
    )
    return reader


def next_process(reader: Reader) -> None:
    """As after a kill: nothing is left of the process but what it has committed."""
    reader.build([reader.subscription])


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Return once that holds."""
    while not await holds():
        await asyncio.sleep(0.01)


@asynccontextmanager
async def running(reader: Reader) -> AsyncIterator[None]:
    """With the retries of this replica at work."""
    task = asyncio.create_task(reader.retries.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


class Gate:
    """Where a handler stops until it is let through."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.open = asyncio.Event()

    async def pass_through(self) -> None:
        self.reached.set()
        await self.open.wait()
