"""Search for vacancies with filters and exact counts, and the time until a new one is found.

Each search does what the list's route does, without HTTP: the index, the rows of the page,
highlights, facets. The mix: words of titles and descriptions in their natural frequency, and skills
by name, some with a typo; two in five searches have a filter. Few results are widened, as in the
list of the pages.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

from bench import plots
from bench.board import Board, board
from bench.explain import Explained
from bench.measure import Figure, Options, percentile
from bench.places import Bench
from hirewire.messaging.ids import new_id
from hirewire.places.gazetteer import place_key
from hirewire.vacancies.search import queries
from hirewire.vacancies.search.index.documents import text_of
from hirewire.vacancies.search.index.embedded import EmbeddedStore
from hirewire.vacancies.search.index.engine import SearchEngine, indexes_of
from hirewire.vacancies.search.index.folder import IndexFolder
from hirewire.vacancies.search.index.query import SearchFilters, SearchQuery
from hirewire.vacancies.search.index.schema import VACANCIES
from hirewire.vacancies.search.updating import EVERY_SECONDS, IndexUpdater

SIZES, QUICK_SIZES = (10_000, 100_000, 1_000_000), (2_000,)
SEARCHES, QUICK_SEARCHES = 500, 50
COMPANIES = 20_000
EMPLOYMENT = ("FULL_TIME", "FULL_TIME", "FULL_TIME", "PART_TIME", "CONTRACTOR", "INTERN")
_INSERT = """
insert into vacancy (id, company_id, version, status, title, description, requirements, experience,
    employment_type, work_format, area, salary, languages, response_letter_required, created_at,
    updated_at, published_at)
select id, company_id, 1, 'published', title, description, requirements::jsonb, experience,
    employment_type, work_format, area, salary::jsonb, '[]', false, now(), now(),
    now() - random() * interval '60 days'
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::text[], $9::text[], $10::text[])
    as u(id, company_id, title, description, requirements, experience, employment_type, work_format,
        area, salary)
"""


async def run(bench: Bench, options: Options) -> list[Figure]:
    """At each size: searches, and the time until a new vacancy is found."""
    sizes = QUICK_SIZES if options.quick else SIZES
    pair = await bench.pair("search")
    figures: list[Figure] = []
    costs: dict[int, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="hirewire-bench-") as name:
        async with board(pair.reader_url, "search_vacancies") as made:
            many = Many(made)
            for size in sizes:
                await many.grow(size)
                folder = IndexFolder(Path(name), f"vacancies-{size}")
                store = EmbeddedStore(VACANCIES, made.transactions.engine, folder)
                updater = IndexUpdater(store, made.transactions)
                started = time.monotonic()
                await updater.open()
                built = time.monotonic() - started
                costs[size] = await many.searches(options.count(SEARCHES, QUICK_SEARCHES))
                index = indexes_of(made.transactions.engine)["vacancies"]
                soon = await many.found_after(index, updater, options.count(40, 5))
                await updater.close()
                folder.close()
                last = size == sizes[-1]
                figures += _figures(size, built, costs[size], soon, demanded=last)
            if options.folder is not None:
                await _explain(made, options.folder)
    if options.folder is not None:
        plots.sizes(
            options.folder / "search.png", "search with exact facets", {"search": costs}, 40
        )
    return figures


def _figures(
    size: int, built: float, costs: list[float], soon: list[float], *, demanded: bool
) -> list[Figure]:
    return [
        Figure(f"search with facets, {size:,} vacancies: p50", [percentile(costs, 0.5)], "ms"),
        Figure("… p95", [percentile(costs, 0.95)], "ms", at_most=40 if demanded else None),
        Figure("… most", [max(costs)], "ms"),
        Figure("… committed -> found: p95", [percentile(soon, 0.95)], "ms", at_most=2000),
        Figure("… index built from the table", [built], "s"),
    ]


class Many:
    """A board whose vacancy table grows."""

    def __init__(self, made: Board) -> None:
        self._board = made
        self._random = Random(20261125)
        self._count = 0
        self._companies = [uuid4() for _ in range(COMPANIES)]
        self._titles: list[str] = []
        self._words: list[str] = []

    async def grow(self, size: int) -> None:
        """Grow the table to this size."""
        if self._count == 0:
            await self._board.connection.execute(
                "insert into company (id, name, created_at) "
                "select id, 'Company ' || nth, now() from unnest($1::uuid[]) with ordinality"
                " as u(id, nth)",
                self._companies,
            )
        while self._count < size:
            part = min(5_000, size - self._count)
            columns = zip(*(self._one() for _ in range(part)), strict=True)
            await self._board.connection.execute(_INSERT, *(list(column) for column in columns))
            self._count += part
        await self._board.connection.execute("vacuum analyze vacancy")
        await self._board.connection.execute("checkpoint")

    def _one(self) -> tuple[Any, ...]:
        chance = self._random
        title, labels = chance.choice(self._board.occupations)
        asked = chance.sample(labels, min(len(labels), chance.randint(6, 18)))
        text = ". ".join(chance.sample(self._board.skills, 12) + asked[:6])
        if len(self._titles) < 5_000:
            self._titles.append(title)
            self._words += text.split()[:40]
        low = chance.randint(40, 400) * 1000
        salary = {"min": low, "max": low * 3 // 2, "currency": "RUB", "unit": "MONTH"}
        return (
            new_id(),
            self._companies[min(int(chance.paretovariate(0.5)), COMPANIES - 1)],
            title,
            f"<p>{text}</p>",
            json.dumps([{"skill": label, "kind": "must", "level": None} for label in asked]),
            chance.choice(("noExperience", "between1And3", "between3And6", "moreThan6")),
            chance.choice(EMPLOYMENT),
            chance.choice(("on_site", "hybrid", "remote")),
            self._board._city(),
            json.dumps(salary | {"gross": True}) if chance.random() < 0.6 else None,
        )

    def query(self) -> SearchQuery:
        """A search of the mix."""
        chance = self._random
        kind = chance.random()
        if kind < 0.5:
            words = chance.choice(self._titles).split()[: chance.randint(1, 3)]
        elif kind < 0.8:
            words = chance.choice(self._board.skills).split()[:4]
        else:
            words = [chance.choice(self._words)]
        if chance.random() < 0.1:
            word = words[0]
            words[0] = word[: len(word) // 2] + word[len(word) // 2 + 1 :]
        values: dict[str, Sequence[str]] = {}
        if chance.random() < 0.4:
            values = chance.choice(
                [
                    {"area": [place_key(self._board._city())]},
                    {"workFormat": ["remote"]},
                    {"experience": ["between1And3", "between3And6"]},
                    {"employmentType": ["FULL_TIME"], "workFormat": ["hybrid"]},
                ]
            )
        return SearchQuery(
            SearchFilters(" ".join(words), values),
            order=chance.choice(("relevance", "relevance", "time")),
            widen=True,
            facets=VACANCIES.facets,
        )

    async def searches(self, count: int) -> list[float]:
        """Milliseconds per search."""
        index = indexes_of(self._board.transactions.engine)["vacancies"]
        return [await self.searched(index, self.query()) for _ in range(count + 10)][10:]

    async def searched(self, index: SearchEngine, query: SearchQuery) -> float:
        """Milliseconds that a search takes."""
        started = time.perf_counter()
        async with self._board.transactions() as tx:
            await index.refreshed()
            found = await index.search(query)
            counting = asyncio.create_task(asyncio.to_thread(found.count))
            rows = await queries.open_vacancies(tx, found.ids[:20])
            texts = [text_of(row.description) for row in rows.values()]
            await index.highlighted("description", found.parsed, texts)
            await counting
        return (time.perf_counter() - started) * 1000

    async def found_after(
        self,
        index: SearchEngine,
        updater: IndexUpdater,
        count: int,
        every: float = EVERY_SECONDS,
    ) -> list[float]:
        """Milliseconds from the commit of a vacancy until a search finds it that does not ask for
        changes itself; these are looked for `every` so many seconds.
        """
        following = asyncio.create_task(_follow(updater, every))
        taken = []
        for nth in range(count):
            await asyncio.sleep(self._random.random() * every)
            word = f"quokka{self._count}x{nth}"
            row = list(self._one())
            row[2] = word
            await self._board.connection.execute(_INSERT, *([value] for value in row))
            committed = time.perf_counter()
            while not (await index.search(SearchQuery(SearchFilters(word)))).total:
                await asyncio.sleep(0.005)
            taken.append((time.perf_counter() - committed) * 1000)
        following.cancel()
        return taken


async def _follow(updater: IndexUpdater, every: float) -> None:
    while True:
        await updater.catch_up()
        await asyncio.sleep(every)


async def _explain(made: Board, folder: Path) -> None:
    explained = Explained(made.connection, "search.md", "Search, at 1,000,000 vacancies")
    horizon = await made.connection.fetchval("select pg_snapshot_xmin(pg_current_snapshot())")
    await explained.add(
        "Changes since the last update",
        "select id, changed from vacancy"
        " where changed >= $1 and changed < pg_snapshot_xmax(pg_current_snapshot())",
        horizon,
    )
    ids = [row["id"] for row in await made.connection.fetch("select id from vacancy limit 20")]
    await explained.add(
        "The rows of a page",
        "select v.*, c.name from vacancy v join company c on c.id = v.company_id"
        " where v.id = any($1::uuid[]) and v.status = 'published'",
        ids,
    )
    await explained.add(
        "A page of the list without a query",
        "select v.*, c.name from vacancy v join company c on c.id = v.company_id"
        " where v.status = 'published' and (v.published_at, v.id) < (now(), $1::uuid)"
        " order by v.published_at desc, v.id desc limit 21",
        UUID(int=2**128 - 1),
    )
    explained.write(folder)
