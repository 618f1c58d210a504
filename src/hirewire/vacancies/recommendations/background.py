"""The background task that compares new documents, and those compared under another ruleset."""

import asyncio
from collections.abc import AsyncIterator
from typing import Literal
from uuid import UUID

from hirewire.kit.service import PeriodicTask
from hirewire.messaging.transaction import Transactions
from hirewire.vacancies.recommendations import commands
from hirewire.vacancies.recommendations.facts import prepare

BATCH = 200
FIRST = UUID(int=0)
KINDS: tuple[Literal["vacancy", "resume"], ...] = ("vacancy", "resume")


async def compare_stale(transactions: Transactions) -> bool:
    """Compare all stale documents in batches, so that handlers do not wait long."""
    await asyncio.to_thread(prepare)
    async for _ in steps(transactions):
        await asyncio.sleep(0)
    return False


COMPARE_STALE = PeriodicTask("stale matches", compare_stale, every=600.0)


async def steps(transactions: Transactions) -> AsyncIterator[int]:
    """Compare all stale documents once; each step is a batch and yields its size.

    Reading the ids takes no lock; only a comparing step does.
    """
    for kind in KINDS:
        after = FIRST
        while True:
            async with transactions() as tx:
                ids = await commands.stale(tx, kind, after, BATCH)
            if not ids:
                break
            after = ids[-1]
            async with transactions() as tx:
                if kind == "vacancy":
                    await commands.compare_vacancies(tx, ids, {})
                else:
                    await commands.compare_stale_resumes(tx, ids)
            yield len(ids)
