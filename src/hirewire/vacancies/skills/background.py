"""Loads the operator's skills dictionary and the typeahead before requests need them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hirewire import esco
from hirewire.kit.settings import Settings, SettingsError
from hirewire.messaging.transaction import Transactions
from hirewire.vacancies.skills.index import typeahead
from hirewire.vacancies.skills.meaning import suggesting

AFTER_SECONDS = 3.0
"""With an operator's dictionary it takes a second of a core, so the start itself comes first."""


def use_dictionary(settings: Settings) -> None:
    """Add the operator's own skills and spellings to the dictionary. Raises `SettingsError`."""
    try:
        esco.extend(settings.dictionary)
    except esco.BadAdditions as error:
        raise SettingsError(f"HIREWIRE_DICTIONARY: {error}") from None


@asynccontextmanager
async def warm_up(_: Transactions, settings: Settings) -> AsyncIterator[None]:
    """Load the typeahead in the background, soon after the start.

    Skills are suggested by meaning while the service runs.
    """

    async def make() -> None:
        await asyncio.sleep(AFTER_SECONDS)
        await asyncio.to_thread(typeahead)

    task = asyncio.create_task(make())
    try:
        async with suggesting(settings):
            yield
    finally:
        task.cancel()
        await asyncio.wait([task])
