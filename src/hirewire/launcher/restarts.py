"""An engine of ours that ends is started again, as a service would be."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import structlog

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.2
SHORTEST_PAUSE = 0.2
LONGEST_PAUSE = 10.0


class Engine(Protocol):
    """A server that runs as a child of this process."""

    name: str

    @property
    def has_ended(self) -> bool:
        """Whether its process is gone."""

    async def restart(self) -> None:
        """Start it again, at its address. Raises what says why it cannot be started now."""


@asynccontextmanager
async def kept_running(engine: Engine) -> AsyncIterator[None]:
    """Start the engine again whenever it ends, for as long as the block lasts."""
    keeping = asyncio.create_task(_keep(engine))
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.wait({keeping})


async def _keep(engine: Engine) -> None:
    pause = SHORTEST_PAUSE
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        if not engine.has_ended:
            continue
        log.warning("engine ended", engine=engine.name)
        try:
            await engine.restart()
        except Exception as error:  # a full disk, a process that is still on its way out: may pass
            log.warning("engine cannot start", engine=engine.name, error=str(error), again_in=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
        else:
            log.info("engine runs again", engine=engine.name)
            pause = SHORTEST_PAUSE
