"""Replicas whose retries run, are slow or are stopped: shared by the tests of retries."""

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
    """Give the replica other times after which it takes over abandoned claims."""
    reader.retries = Retries(
        consumer=reader.consumer, transactions=reader.transactions, wake=Wake(), patience=patience
    )
    return reader


def next_process(reader: Reader) -> None:
    """As after a kill: only what the process has committed remains."""
    reader.build([reader.subscription])


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until the condition holds."""
    while not await holds():
        await asyncio.sleep(0.01)


@asynccontextmanager
async def running(reader: Reader) -> AsyncIterator[None]:
    """Run the retries of this replica."""
    task = asyncio.create_task(reader.retries.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


class Gate:
    """A point where a handler waits until it is released."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.open = asyncio.Event()

    async def pass_through(self) -> None:
        self.reached.set()
        await self.open.wait()
