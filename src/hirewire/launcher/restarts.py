"""Restarts an embedded engine that has ended unexpectedly."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import structlog

from hirewire.messaging.background import Backoff

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.2
LONGEST_PAUSE = 10.0


class Engine(Protocol):
    """A server that runs as a child of this process."""

    name: str

    @property
    def has_ended(self) -> bool:
        """Whether its process is gone."""

    async def restart(self) -> None:
        """Restart it at the same address. Raises if it cannot be started now."""


@asynccontextmanager
async def kept_running(engine: Engine) -> AsyncIterator[None]:
    """Restart the engine whenever it ends, until the block is left."""
    watching = asyncio.create_task(_watch(engine))
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.wait({watching})


async def _watch(engine: Engine) -> None:
    backoff = Backoff(longest=LONGEST_PAUSE)
    while True:
        await asyncio.sleep(POLL_SECONDS)
        if not engine.has_ended:
            continue
        log.warning("engine stopped unexpectedly", engine=engine.name)
        try:
            await engine.restart()
        except Exception as error:  # this may pass: a full disk, or a process that is still ending
            pause = backoff.next()
            log.warning("engine cannot start", engine=engine.name, error=str(error), retry_in=pause)
            await asyncio.sleep(pause)
        else:
            log.info("engine restarted", engine=engine.name)
            backoff.reset()
