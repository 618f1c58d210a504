"""The background tasks that compare: new documents and those compared under another ruleset, and
what has changed, if the workers divide the matching.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Literal
from uuid import UUID

import structlog

from hirewire.kit.service import PeriodicTask
from hirewire.kit.settings import Settings
from hirewire.messaging.background import Wake, describe, run_steps
from hirewire.messaging.database import DatabaseUnavailable
from hirewire.messaging.locks import IDLE_SECONDS
from hirewire.messaging.sharing import LOST, Share
from hirewire.messaging.transaction import Transactions
from hirewire.vacancies.recommendations import commands, dividing
from hirewire.vacancies.recommendations.facts import prepare
from hirewire.vacancies.recommendations.index.matching import MatchingIndex, index_of
from hirewire.vacancies.recommendations.index.shards import SHARDS

log = structlog.get_logger(__name__)
BATCH = 100
"""Documents of a step. Others run between them, and a transaction may rest 40 s at most."""
FIRST = UUID(int=0)
Kind = Literal["vacancy", "resume"]
SHARE_SECONDS = 1.0
UNDIVIDE_SECONDS = 30.0
KINDS: tuple[Kind, ...] = ("vacancy", "resume")


def load_dictionaries(_: Settings) -> None:
    """Before the first message: a handler that loads them lets everybody else wait meanwhile."""
    prepare()


async def compare_stale(transactions: Transactions) -> bool:
    """Compare all stale documents in batches, so that handlers do not wait long."""
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


class Matcher:
    """The part of one worker in divided matching: its shards, and the steps that compare them."""

    def __init__(
        self,
        transactions: Transactions,
        database_url: str,
        *,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._transactions = transactions
        self._share = Share(dividing.SHARE, transactions.owner, database_url, idle_seconds)
        self.index = MatchingIndex(frozenset())
        self.held: frozenset[int] = frozenset()
        """The shards that this worker has now; the index follows at the next step."""
        self.wake = Wake()

    async def run(self) -> None:
        """Compare until cancelled.

        Sharing goes on beside a step, so that a long one does not seem to be a frozen worker.
        """
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(run_steps("matching shares", self.share, idle=SHARE_SECONDS))
                group.create_task(
                    run_steps("divided matching", self.compare, self.wake, idle=SHARE_SECONDS)
                )
        finally:
            await self.close()

    async def close(self) -> None:
        """Release all shards."""
        self.held = frozenset()
        await self._share.close()

    async def share(self) -> bool:
        """Take or release shards, so that all workers have an equal share."""
        before = self.held
        try:
            await self._open_share()
            most = await self._share.most(SHARDS)
            for number in sorted(self.held)[most:]:
                self.held -= {number}
                await self._share.release(number)
            for number in range(SHARDS):
                if len(self.held) >= most:
                    break
                if number not in self.held and await self._share.take(number):
                    self.held |= {number}
        except (DatabaseUnavailable, *LOST):
            await self.close()
            raise
        if self.held != before:
            log.info("matching shards", held=len(self.held), before=len(before))
            self.wake()
        return False

    async def _open_share(self) -> None:
        if self._share.is_open:
            await self._share.check()
        else:
            self.held = frozenset()
            await self._share.open()
            await self._share.connection.add_listener(dividing.CHANNEL, lambda *_: self.wake())
            async with self._transactions() as tx:
                await dividing.divide(tx)

    async def compare(self) -> bool:
        """Compare a part of what its shards owe. True if there may be more."""
        async with self._transactions() as tx:
            if self.index.shards != self.held:
                await self.index.hold(tx, self.held)
                await self.index.catch_up(tx)
            return await dividing.compare_owed(tx, self.index)


async def compare_changes(transactions: Transactions, settings: Settings) -> None:
    """Take part in divided matching; if it is whole, end what a division has left."""
    if settings.matching == "divided":
        await Matcher(transactions, settings.service_database(transactions.owner)).run()
    else:
        await run_steps("whole matching", partial(undivide, transactions), idle=UNDIVIDE_SECONDS)


async def undivide(transactions: Transactions) -> bool:
    """Compare a part of what the shards owe that no worker divides any more."""
    async with transactions() as tx:
        return await dividing.undivide(tx, index_of(tx))
