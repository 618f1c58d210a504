"""A writer, its relay and its boards: shared by the tests of projections."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import pytest

from hirewire.messaging.projections import runner
from tests.messaging.boards import Boards
from tests.messaging.conftest import Place
from tests.messaging.replaying import Writer


@pytest.fixture
async def writer(place: Place, broker_url: str) -> AsyncIterator[Writer]:
    made = Writer(place, broker_url)
    yield made
    await made.close()


@pytest.fixture
async def relay(writer: Writer) -> AsyncIterator[None]:
    """The writer's running relay."""
    relaying = asyncio.create_task(writer.relay.run())
    yield
    relaying.cancel()
    await asyncio.gather(relaying, return_exceptions=True)


@pytest.fixture
async def boards(
    writer: Writer,
    new_place: Callable[[], Awaitable[Place]],
    broker_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Boards]:
    """They look for what operators have decided more often than once a second."""
    monkeypatch.setattr(runner, "LOOK_SECONDS", 0.1)
    made = Boards(await new_place(), broker_url, writer)
    yield made
    await made.close()


def words(*numbers: int) -> list[str]:
    return [f"w{number}" for number in numbers]


def capitals(*numbers: int) -> list[str]:
    return [f"W{number}" for number in numbers]


@asynccontextmanager
async def traffic(writer: Writer, pages: list[UUID]) -> AsyncIterator[list[int]]:
    """Continuous events, one for each page in turn; yields how many each page has."""
    counts = [0] * len(pages)
    ends = asyncio.Event()

    async def write() -> None:
        while not ends.is_set():
            for nth, page in enumerate(pages):
                await writer.write(page, f"w{counts[nth]}")
                counts[nth] += 1

    writing = asyncio.create_task(write())
    try:
        yield counts
    finally:
        ends.set()
        await writing
