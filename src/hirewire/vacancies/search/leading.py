"""The search in a cluster: every process searches the index, one of them writes it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from opensearchpy import AsyncOpenSearch

from hirewire.kit.search_clusters import SearchCluster, connected
from hirewire.kit.settings import Settings
from hirewire.messaging.background import Backoff, run_steps
from hirewire.messaging.locks import BEAT_SECONDS, Session, lock_number, open_session
from hirewire.messaging.transaction import Transactions
from hirewire.vacancies.search.index.cluster.mapping import alias_of
from hirewire.vacancies.search.index.cluster.searching import ClusterSearch
from hirewire.vacancies.search.index.cluster.store import ClusterStore, drop, other_formats
from hirewire.vacancies.search.index.engine import Lost, indexes_of
from hirewire.vacancies.search.index.schema import IndexSchema
from hirewire.vacancies.search.updating import SHARED_SECONDS, Due, IndexUpdater, follow

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 600.0
STANDBY_SECONDS = 1.0
"""Pause between two tries to become the writer."""


class SharedIndex:
    """One index in a cluster, as a process uses it."""

    def __init__(
        self,
        client: AsyncOpenSearch,
        fields: IndexSchema,
        cluster: SearchCluster,
        transactions: Transactions,
        database: str,
    ) -> None:
        """`database`: the direct address of the service's database, for the lock."""
        self._client = client
        self._fields = fields
        self._cluster = cluster
        self._transactions = transactions
        self._database = database
        alias = alias_of(fields, cluster)
        self._lock = lock_of(alias)
        self.search = ClusterSearch(client, fields, alias)
        self._is_lost = False
        self.leads = False
        """Whether this process writes the index."""
        self._session: Session | None = None

    async def step(self) -> bool:
        """Write the index for as long as this process holds the lock; False if another does."""
        if self._session is None or self._session.is_closed:
            name = f"search {self._fields.name}"
            self._session = await open_session(self._database, application=name)
        if not await self._session.try_lock(self._lock):
            return False
        try:
            await self._write(self._session)
        finally:
            self.leads = False
            await self.close()
        return True

    async def sweep(self, session: Session) -> None:
        """Delete the indexes of versions of the board of which no process runs any more."""
        for alias in await other_formats(self._client, self._fields, self._cluster):
            lock = lock_of(alias)
            if await session.try_lock(lock):
                await drop(self._client, self._cluster, alias)
                await session.unlock(lock)
                log.info("index of another version deleted", alias=alias)

    async def close(self) -> None:
        """Release the lock."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _write(self, session: Session) -> None:
        is_swept = Due(SWEEP_SECONDS)

        async def check() -> None:
            await session.check(self._lock)
            if is_swept.now():
                await self.sweep(session)

        store = ClusterStore(
            self._client, self._fields, self._cluster, self.search, is_lost=self._is_lost
        )
        updater = IndexUpdater(store, self._transactions)
        try:
            await updater.open()
            self.leads, self._is_lost = True, False
            log.info("this process writes the search index", index=self._fields.name)
            await follow(updater, idle=SHARED_SECONDS, check=check, every=BEAT_SECONDS)
        except Lost:
            self._is_lost = True
            raise
        finally:
            await updater.close()


def lock_of(alias: str) -> int:
    """The lock of who writes an index: while a process holds it or waits for it, it is in use."""
    return lock_number(f"search index {alias}")


@asynccontextmanager
async def shared_search(
    fields: IndexSchema, transactions: Transactions, settings: Settings
) -> AsyncIterator[SharedIndex]:
    """The index of the cluster in the settings. Searches use it, whether or not it answers."""
    cluster = settings.search_cluster
    assert cluster is not None
    database = settings.service_database(transactions.owner)
    ready = indexes_of(transactions.engine)
    async with connected(cluster) as client:
        shared = SharedIndex(client, fields, cluster, transactions, database)
        ready[fields.name] = shared.search
        try:
            yield shared
        finally:
            ready.pop(fields.name, None)
            await shared.close()


async def keep_shared(fields: IndexSchema, transactions: Transactions, settings: Settings) -> None:
    """Search the cluster's index, and write it while no other process does."""
    async with shared_search(fields, transactions, settings) as shared:
        await run_steps(
            "search cluster",
            shared.step,
            idle=STANDBY_SECONDS,
            backoff=Backoff(longest=10.0),
            index=fields.name,
        )
