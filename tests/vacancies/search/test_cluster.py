"""The index in a cluster equals the tables, whatever happens to the cluster or to who writes it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID, uuid4

import pytest
from opensearchpy import AsyncOpenSearch
from sqlalchemy.ext.asyncio import AsyncEngine

from hirewire.kit.search_clusters import SearchCluster, connected, parse_cluster
from hirewire.messaging.locks import Session, open_session
from hirewire.messaging.transaction import Transactions
from hirewire.vacancies.search import updating
from hirewire.vacancies.search.index.cluster import store
from hirewire.vacancies.search.index.cluster.mapping import alias_of
from hirewire.vacancies.search.index.cluster.searching import ClusterSearch
from hirewire.vacancies.search.index.cluster.store import ClusterStore
from hirewire.vacancies.search.index.documents import Document
from hirewire.vacancies.search.index.engine import (
    Lost,
    SearchNotReady,
    SearchUnavailable,
    Superseded,
)
from hirewire.vacancies.search.index.query import SearchFilters, SearchQuery
from hirewire.vacancies.search.index.schema import VACANCIES
from hirewire.vacancies.search.leading import SharedIndex, lock_of
from hirewire.vacancies.search.updating import IndexUpdater
from tests.builders import eventually
from tests.opensearch_node import OpenSearchNode
from tests.vacancies.search.test_index import any_history, engine, write

__all__ = ["engine"]  # a fixture


class Cluster:
    """The cluster of a test, with one search and as many writers as there are."""

    def __init__(self, client: AsyncOpenSearch, cluster: SearchCluster) -> None:
        self.client = client
        self.cluster = cluster
        self.alias = alias_of(VACANCIES, cluster)
        self.search = ClusterSearch(client, VACANCIES, self.alias)

    def store(self, *, is_lost: bool = False) -> ClusterStore:
        return ClusterStore(self.client, VACANCIES, self.cluster, self.search, is_lost=is_lost)

    async def found(self, text: str) -> set[UUID]:
        return set((await self.search.search(SearchQuery(SearchFilters(text), limit=100))).ids)

    async def indexes(self) -> set[str]:
        return set(await self.client.indices.get(index=f"{self.alias}-*"))


@pytest.fixture
async def cluster(search_cluster: str) -> AsyncIterator[Cluster]:
    address = parse_cluster(search_cluster)
    async with connected(address) as client:
        yield Cluster(client, address)


@asynccontextmanager
async def kept(
    engine: AsyncEngine, cluster: Cluster, *, is_lost: bool = False
) -> AsyncIterator[IndexUpdater]:
    written = cluster.store(is_lost=is_lost)
    updater = IndexUpdater(written, Transactions(engine, "vacancies"))
    await updater.open()
    try:
        yield updater
    finally:
        await updater.close()


async def test_any_history_ends_as_the_tables_are(engine: AsyncEngine, cluster: Cluster) -> None:
    async with kept(engine, cluster) as updater:
        for title, ids in (await any_history(engine, updater, steps=60)).items():
            assert await cluster.found(title) == ids
        await updater.check()


async def test_a_restart_goes_on_with_the_index(engine: AsyncEngine, cluster: Cluster) -> None:
    one, two = uuid4(), uuid4()
    await write(engine, one, "alpha")
    with pytest.raises(SearchNotReady):
        await cluster.found("alpha")
    async with kept(engine, cluster):
        assert await cluster.found("alpha") == {one}
    await write(engine, one, "beta")
    await write(engine, two, "alpha")
    before = await cluster.indexes()
    async with kept(engine, cluster):
        assert await cluster.found("alpha") == {two}
        assert await cluster.found("beta") == {one}
    assert await cluster.indexes() == before


@pytest.mark.parametrize("damage", ["index", "alias", "state", "writing", "foreign", "future"])
async def test_a_lost_index_is_built_again(
    engine: AsyncEngine, cluster: Cluster, damage: str
) -> None:
    one = uuid4()
    await write(engine, one, "alpha")
    async with kept(engine, cluster):
        pass
    client, [index] = cluster.client, await cluster.indexes()
    states = f"{cluster.cluster.prefix}-state"
    if damage == "index":
        await client.indices.delete(index=index)
    elif damage == "alias":
        await client.indices.delete_alias(index=index, name=cluster.alias)
    elif damage == "writing":
        await client.indices.delete_alias(index=index, name=f"{cluster.alias}-writing")
    elif damage == "state":
        await client.indices.delete(index=states)
    else:
        changes = {"foreign": {"database": "1/1/1"}, "future": {"horizon": 2**60}}
        state = (await client.get(index=states, id=cluster.alias))["_source"]
        state["feed"] |= changes[damage]
        await client.index(index=states, id=cluster.alias, body=state)
    await write(engine, one, "beta")
    async with kept(engine, cluster) as updater:
        assert await cluster.found("alpha") == set()
        assert await cluster.found("beta") == {one}
        await updater.check()
    assert len(await cluster.indexes()) == 1


async def test_an_index_that_vanishes_under_work_is_reported(
    engine: AsyncEngine, cluster: Cluster
) -> None:
    """And not made again by the cluster, with a mapping of its own."""
    await write(engine, uuid4(), "alpha")
    async with kept(engine, cluster) as updater:
        await cluster.client.indices.delete(index=f"{cluster.alias}-*")
        await write(engine, uuid4(), "alpha")
        with pytest.raises(Lost):
            await updater.catch_up()
    assert await cluster.indexes() == set()


async def test_searches_see_the_old_index_until_the_new_one_is_whole(
    engine: AsyncEngine, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(updating, "READ_AT_ONCE", 5)
    ids = {uuid4() for _ in range(30)}
    for id in ids:
        await write(engine, id, "alpha")
    async with kept(engine, cluster):
        pass
    late = uuid4()
    seen: list[set[UUID]] = []
    put = ClusterStore.put

    async def watched(store: ClusterStore, *args: object, **how: object) -> None:
        await put(store, *args, **how)  # type: ignore[arg-type]
        if not seen:
            await write(engine, late, "alpha")  # while the index is filled
        await cluster.client.indices.refresh(index=f"{cluster.alias}-writing")
        seen.append(await cluster.found("alpha"))

    monkeypatch.setattr(ClusterStore, "put", watched)
    async with kept(engine, cluster, is_lost=True):
        assert len(seen) >= 7
        assert all(found == ids for found in seen)
        assert await cluster.found("alpha") == ids | {late}


async def test_an_index_that_was_left_half_filled_is_dropped(
    engine: AsyncEngine, cluster: Cluster
) -> None:
    one = uuid4()
    await write(engine, one, "alpha")
    killed = cluster.store()
    await killed.load()
    await killed.start_over()
    await killed.put([(str(uuid4()), {"title": "alpha", "time": 1})], fresh=True)
    with pytest.raises(SearchNotReady):
        await cluster.found("alpha")
    async with kept(engine, cluster):
        assert await cluster.found("alpha") == {one}
    assert len(await cluster.indexes()) == 1


async def test_what_a_writer_sends_late_changes_nothing(
    engine: AsyncEngine, cluster: Cluster
) -> None:
    """A writer that was frozen with a request in flight, while another one took over."""
    one, two = uuid4(), uuid4()
    await write(engine, one, "alpha")
    await write(engine, two, "alpha")
    frozen = cluster.store()
    updater = IndexUpdater(frozen, Transactions(engine, "vacancies"))
    await updater.open()
    await write(engine, one, "beta")
    await write(engine, two, "beta", "paused")
    async with kept(engine, cluster) as later:
        assert await cluster.found("beta") == {one}
        stale: Document = {"title": "alpha", "time": 1}
        old = [(str(id), stale) for id in (one, two)]
        await frozen.put(old, fresh=False)
        with pytest.raises(Superseded):
            await frozen.publish({"horizon": 0})
        await cluster.client.indices.refresh(index=cluster.alias)
        assert await cluster.found("alpha") == set()
        assert await cluster.found("beta") == {one}
        await later.check()


async def test_after_an_erasure_deleted_documents_are_merged_away(
    engine: AsyncEngine, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = sorted(uuid4() for _ in range(20))
    for id in ids:
        await write(engine, id, "zyx")

    async def deleted() -> int:
        stats = await cluster.client.indices.stats(index=cluster.alias, metric="docs")
        return int(stats["_all"]["primaries"]["docs"]["deleted"])

    async with kept(engine, cluster) as updater:
        async with engine.begin() as tx:
            await tx.exec_driver_sql(
                "insert into messaging.erased values ($1, $2, now())", (str(uuid4()), uuid4())
            )
            await tx.exec_driver_sql(
                "update vacancy set title = '', status = 'archived' where id = $1", (ids[3],)
            )
        await updater.catch_up()
        assert len(await cluster.found("zyx")) == 19
        assert await deleted() > 0
        assert not await updater.rewrite()
        assert await deleted() > 0, "a copy may need it"

        async def merged_away() -> bool:
            monkeypatch.setattr(store, "EXPUNGE_SECONDS", 0.0)
            monkeypatch.setattr(updater._store, "_expunge_at", None)
            return await updater._store.expunge() == "done" and await deleted() == 0

        await eventually(merged_away, within=90)
        monkeypatch.setattr(updater._store, "_expunge_at", 1.0)
        assert not await updater.rewrite()
        assert not await updater.rewrite(), "nobody more"
        assert len(await cluster.found("zyx")) == 19
    states = await cluster.client.get(index=f"{cluster.cluster.prefix}-state", id=cluster.alias)
    assert states["_source"]["feed"]["erased"] == 1


async def test_one_of_several_processes_writes_and_another_takes_over(
    engine: AsyncEngine, cluster: Cluster
) -> None:
    database = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    first, second = (
        SharedIndex(
            cluster.client,
            VACANCIES,
            cluster.cluster,
            Transactions(engine, "vacancies"),
            database,
        )
        for _ in range(2)
    )
    one, two = uuid4(), uuid4()
    await write(engine, one, "alpha")

    async def finds(shared: SharedIndex, *ids: UUID) -> bool:
        try:
            found = await shared.search.search(SearchQuery(SearchFilters("alpha")))
        except SearchNotReady:
            return False
        return set(found.ids) == set(ids)

    async with _running(first):
        await eventually(lambda: finds(second, one))
        await eventually(lambda: _leads(first))
        assert not await second.step()
    assert first.search.catch_up is None
    await write(engine, two, "alpha")
    async with _running(second):
        await eventually(lambda: finds(first, one, two))
        await eventually(lambda: _leads(second))
        assert not first.leads
        assert not await first.step()
    for shared in (first, second):
        await shared.close()


async def _leads(shared: SharedIndex) -> bool:
    return shared.leads


@asynccontextmanager
async def _running(shared: SharedIndex) -> AsyncIterator[None]:
    writing = asyncio.create_task(shared.step())
    try:
        yield
    finally:
        writing.cancel()
        with suppress(asyncio.CancelledError):
            await writing


async def test_indexes_of_a_version_that_does_not_run_any_more_are_deleted(
    engine: AsyncEngine, search_cluster: str
) -> None:
    """Another number of shards is another format, as another mapping is."""
    database = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    await write(engine, uuid4(), "alpha")
    addresses = [parse_cluster(f"{search_cluster}?shards={shards}") for shards in (1, 2)]
    async with connected(addresses[0]) as client:
        old, new = Cluster(client, addresses[0]), Cluster(client, addresses[1])
        for one in (old, new):
            async with kept(engine, one):
                pass
        running = await open_session(database, application="the old version")
        assert await running.try_lock(lock_of(old.alias))
        shared = SharedIndex(
            client, VACANCIES, addresses[1], Transactions(engine, "vacancies"), database
        )
        session = await open_session(database, application="the new version")
        await shared.sweep(session)
        assert len(await old.indexes()) == 1, "it is in use"
        await running.close()
        await eventually(lambda: _swept(shared, session, old))
        assert len(await new.indexes()) == 1
        async with kept(engine, old), kept(engine, new):  # a version that comes back
            assert len(await old.found("alpha")) == len(await new.found("alpha")) == 1
        await session.close()


async def _swept(shared: SharedIndex, session: Session, old: Cluster) -> bool:
    await shared.sweep(session)
    return not await old.indexes()


async def test_a_killed_node_is_said_and_what_was_written_meanwhile_is_found_after(
    engine: AsyncEngine, cluster: Cluster, opensearch_node: OpenSearchNode
) -> None:
    one, two = uuid4(), uuid4()
    await write(engine, one, "alpha")
    async with kept(engine, cluster) as updater:
        opensearch_node.kill()
        with pytest.raises(SearchUnavailable):
            await cluster.found("alpha")
        await write(engine, two, "alpha")
        with pytest.raises(SearchUnavailable):
            await updater.catch_up()
        await opensearch_node.start()

        async def caught_up() -> bool:
            try:
                await updater.catch_up()
                return await cluster.found("alpha") == {one, two}
            except SearchUnavailable:
                return False

        await eventually(caught_up, within=60)
        await updater.check()
