"""Keeps the search indexes up to date, and opens or builds those of this process alone."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from hirewire.kit.settings import Settings
from hirewire.messaging.background import Backoff, run_steps
from hirewire.messaging.transaction import Transactions
from hirewire.vacancies.search.index.embedded import EmbeddedStore
from hirewire.vacancies.search.index.engine import Lost, indexes_of
from hirewire.vacancies.search.index.folder import IndexFolder
from hirewire.vacancies.search.index.schema import RESUMES, VACANCIES, IndexSchema
from hirewire.vacancies.search.updating import IndexUpdater, follow


def are_built(engine: AsyncEngine) -> bool:
    """Whether both indexes can be searched."""
    return {VACANCIES.name, RESUMES.name} <= indexes_of(engine).keys()


@asynccontextmanager
async def keep_indexes(transactions: Transactions, settings: Settings) -> AsyncIterator[None]:
    """Keep both indexes up to date while the block runs."""
    async with _kept((VACANCIES, RESUMES), transactions, settings):
        yield


@asynccontextmanager
async def keep_vacancies(transactions: Transactions, settings: Settings) -> AsyncIterator[None]:
    """Keep the index of the vacancies up to date: alerts ask it which words occur at all."""
    async with _kept((VACANCIES,), transactions, settings):
        yield


@asynccontextmanager
async def _kept(
    indexes: Sequence[IndexSchema], transactions: Transactions, settings: Settings
) -> AsyncIterator[None]:
    if settings.search_url is None:
        keeping = [_keep(fields, transactions, settings.search_dir) for fields in indexes]
    else:
        # Loaded only by who has a cluster: its client takes 16 MiB.
        from hirewire.vacancies.search.leading import keep_shared

        keeping = [keep_shared(fields, transactions, settings) for fields in indexes]
    tasks = [asyncio.create_task(one) for one in keeping]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


async def _keep(fields: IndexSchema, transactions: Transactions, above: Path | None) -> None:
    """Keep the index open and up to date; open it again after an error, empty if it was lost."""
    backoff, lost = Backoff(longest=10.0), False

    async def step() -> bool:
        nonlocal lost
        try:
            async with _opened(fields, transactions, above, empty=lost) as updater:
                backoff.reset()
                lost = False
                await follow(updater)
        except Lost:
            lost = True
            raise
        return False

    # Not a `PeriodicTask`, whose steps have nothing but transactions: the index stays open from one
    # look at the changes to the next, and is closed with its folder at the end.
    await run_steps("open search index", step, backoff=backoff, index=fields.name)


@asynccontextmanager
async def _opened(
    fields: IndexSchema, transactions: Transactions, above: Path | None, *, empty: bool
) -> AsyncIterator[IndexUpdater]:
    """The index in a folder of its own, ready to follow changes; `empty` builds it from nothing."""
    folder = await asyncio.to_thread(IndexFolder, above, fields.name) if above else None
    try:
        if empty and folder is not None:
            await asyncio.to_thread(folder.empty)
        updater = IndexUpdater(EmbeddedStore(fields, transactions.engine, folder), transactions)
        try:
            await updater.open()
            yield updater
        finally:
            await asyncio.shield(updater.close())
    finally:
        if folder is not None:
            folder.close()
