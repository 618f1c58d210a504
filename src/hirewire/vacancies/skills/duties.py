"""What the typeahead needs is made before somebody types."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hirewire.kit.settings import Settings
from hirewire.messaging.transaction import Transactions
from hirewire.vacancies.skills.index import typeahead

AFTER_SECONDS = 3.0
"""What a start itself needs comes first: making it takes a second of a core."""


@asynccontextmanager
async def warm_up(_: Transactions, __: Settings) -> AsyncIterator[None]:
    """Make it in the background, soon after the start."""

    async def make() -> None:
        await asyncio.sleep(AFTER_SECONDS)
        await asyncio.to_thread(typeahead)

    task = asyncio.create_task(make())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
