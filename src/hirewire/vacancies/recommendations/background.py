"""The background task that compares new documents, and those compared under another ruleset."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Literal
from uuid import UUID

import structlog

from hirewire.kit.service import PeriodicTask
from hirewire.messaging.background import describe
from hirewire.messaging.database import DatabaseUnavailable
from hirewire.messaging.transaction import Transactions
from hirewire.vacancies.recommendations import commands
from hirewire.vacancies.recommendations.facts import prepare

log = structlog.get_logger(__name__)
BATCH = 200
FIRST = UUID(int=0)
Kind = Literal["vacancy", "resume"]
KINDS: tuple[Kind, ...] = ("vacancy", "resume")


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
            await _compare(transactions, kind, ids)
            yield len(ids)


async def _compare(transactions: Transactions, kind: Kind, ids: Sequence[UUID]) -> None:
    """Compare these documents. One that cannot be compared costs the others nothing."""
    try:
        async with transactions() as tx:
            if kind == "vacancy":
                await commands.compare_vacancies(tx, ids, {})
            else:
                await commands.compare_stale_resumes(tx, ids)
    except DatabaseUnavailable:
        raise
    except Exception as error:
        if len(ids) == 1:
            log.error("document not compared", kind=kind, id=str(ids[0]), error=describe(error))
            return
        for id in ids:
            await _compare(transactions, kind, [id])
