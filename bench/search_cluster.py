"""The searches of `bench.search` in both engines, one after the other: embedded, and in a cluster.

`HIREWIRE_SEARCH_URL` is the address of an OpenSearch cluster. Without it, nothing is measured.
"""

import os
import tempfile
import time
from pathlib import Path

from bench.board import board
from bench.measure import Figure, Options, percentile
from bench.places import Bench
from bench.search import Many
from hirewire.kit.search_clusters import connected, parse_cluster
from hirewire.vacancies.search.index.cluster.mapping import alias_of
from hirewire.vacancies.search.index.cluster.searching import ClusterSearch
from hirewire.vacancies.search.index.cluster.store import ClusterStore
from hirewire.vacancies.search.index.embedded import EmbeddedStore
from hirewire.vacancies.search.index.engine import SearchEngine, indexes_of
from hirewire.vacancies.search.index.folder import IndexFolder
from hirewire.vacancies.search.index.schema import VACANCIES
from hirewire.vacancies.search.updating import EVERY_SECONDS, SHARED_SECONDS, IndexUpdater

SIZE, QUICK_SIZE = 100_000, 2_000
SEARCHES, QUICK_SEARCHES = 400, 50


async def run(bench: Bench, options: Options) -> list[Figure]:
    """The same searches in both engines by turns, and the time until a new vacancy is found."""
    address = os.environ.get("HIREWIRE_SEARCH_URL")
    if address is None:
        return []
    cluster = parse_cluster(address)
    pair = await bench.pair("search")
    size = options.count(SIZE, QUICK_SIZE)
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="hirewire-bench-") as name:
        async with (
            board(pair.reader_url, "search_cluster_vacancies") as made,
            connected(cluster) as client,
        ):
            many, engine = Many(made), made.transactions.engine
            await many.grow(size)
            folder = IndexFolder(Path(name), "vacancies")
            search = ClusterSearch(client, VACANCIES, alias_of(VACANCIES, cluster))
            updaters = {
                "embedded": IndexUpdater(
                    EmbeddedStore(VACANCIES, engine, folder), made.transactions
                ),
                "cluster": IndexUpdater(
                    ClusterStore(client, VACANCIES, cluster, search), made.transactions
                ),
            }
            built: dict[str, float] = {}
            for kind, updater in updaters.items():
                started = time.monotonic()
                await updater.open()
                built[kind] = time.monotonic() - started
            engines: dict[str, SearchEngine] = {
                "embedded": indexes_of(engine)["vacancies"],
                "cluster": search,
            }
            costs: dict[str, list[float]] = {kind: [] for kind in engines}
            for _ in range(options.count(SEARCHES, QUICK_SEARCHES)):
                query = many.query()
                for kind, index in engines.items():
                    costs[kind].append(await many.searched(index, query))
            for kind, index in engines.items():
                every = SHARED_SECONDS if kind == "cluster" else EVERY_SECONDS
                soon = await many.found_after(index, updaters[kind], options.count(40, 5), every)
                figures += _figures(f"{kind}, {size:,} vacancies", built[kind], costs[kind], soon)
            for updater in updaters.values():
                await updater.close()
            await client.indices.delete(index=f"{cluster.prefix}-*")
            folder.close()
    return figures


def _figures(what: str, built: float, costs: list[float], soon: list[float]) -> list[Figure]:
    return [
        Figure(f"search with facets, {what}: p50", [percentile(costs, 0.5)], "ms"),
        Figure("… p95", [percentile(costs, 0.95)], "ms"),
        Figure("… committed -> found: p95", [percentile(soon, 0.95)], "ms"),
        Figure("… index built from the table", [built], "s"),
    ]
