"""Matching of a changed resume with many open vacancies, and of a vacancy with many resumes.

Measured from the start of the transaction to its commit, with the recommendations and their events
in it, without a broker and an inbox. Processor time is that of this process, without PostgreSQL's:
the better measure on a machine with other work. The board has all trades: ESCO's 91 ICT occupations
and 909 composed of ESCO's skill groups, in 60 towns of different size; a quarter of the vacancies
is remote.
"""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from bench import plots
from bench.explain import Explained
from bench.hour import private
from bench.measure import Figure, Options, percentile
from bench.places import Bench
from hirewire.contracts.profiles import ResumeSnapshot, ResumeUpdated
from hirewire.esco import dictionary, occupations
from hirewire.kit.clock import now
from hirewire.kit.db import make_engine, migrate
from hirewire.kit.service import create_app
from hirewire.kit.settings import Settings
from hirewire.messaging.broker import Broker, Message, open_broker
from hirewire.messaging.database import connect
from hirewire.messaging.ids import new_id
from hirewire.messaging.transaction import Transactions
from hirewire.vacancies.app import SERVICE
from hirewire.vacancies.recommendations import commands
from hirewire.vacancies.recommendations.commands import Resume
from hirewire.vacancies.recommendations.facts import demand_of, offer_of, ruleset
from hirewire.vacancies.recommendations.index.matching import forget, index_of
from hirewire.vacancies.recommendations.index.packing import pack_demand

SIZES, QUICK_SIZES = (10_000, 100_000, 1_000_000), (2_000,)
AT_MOST = {100_000: 15.0, 1_000_000: 40.0}
RESUMES, QUICK_RESUMES = 100_000, 2_000
BURST, QUICK_BURST = 1_000, 50
BURST_SIZE = 100_000
PART = 10_000
VACANCY_COLUMNS = (
    *("id", "version", "status", "title", "requirements", "experience", "work_format", "area"),
    *("languages", "response_letter_required", "created_at", "updated_at", "published_at"),
)
COMPARABLE_COLUMNS = (
    *("id", "kind", "version", "state", "ruleset", "head", "skills", "languages", "words"),
)
CITIES = [f"City {nth}" for nth in range(60)]
CITY_WEIGHTS = [1 / (nth + 4) for nth in range(60)]
FORMATS = ("on_site", "on_site", "hybrid", "remote")
_VACANCIES = """
insert into vacancy (id, company_id, version, status, title, requirements, experience, work_format,
    area, languages, response_letter_required, created_at, updated_at, published_at)
select id, $2, 1, $3, title, requirements::jsonb, experience, work_format, area, '[]', false, now(),
    now(), now()
from unnest($1::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
    as u(id, title, requirements, experience, work_format, area)
"""


async def run(bench: Bench, options: Options) -> list[Figure]:
    """Both directions at growing sizes, and a burst."""
    sizes = QUICK_SIZES if options.quick else SIZES
    resumes = options.count(RESUMES, QUICK_RESUMES)
    pair = await bench.pair("matching")
    figures: list[Figure] = []
    costs: dict[int, Costs] = {}
    async with board(pair.reader_url, "forth_vacancies") as one:
        for size in sizes:
            await one.grow(size)
            figures += await _read(one, size)
            before = await one.recommendations()
            costs[size] = await one.resumes_change(options.count(400, 50))
            fitting = (await one.recommendations() - before) / options.count(200, 25)
            figures += _changed(size, costs[size], fitting)
            if size == BURST_SIZE or options.quick:
                count = options.count(BURST, QUICK_BURST)
                taken = await burst(pair.reader_url, bench.broker_url, one, count)
                what = f"{count:,} resumes change twice at once: all matched after"
                figures.append(Figure(what, [taken], "s", at_most=10))
        if options.folder is not None:
            await _explain(one, options.folder)
    async with board(pair.reader_url, "back_vacancies") as other:
        back = await other.vacancies_open(resumes, options.count(300, 50))
        found = await other.recommendations() / options.count(300, 50)
    if options.folder is not None:
        path = options.folder / "matching.png"
        passed = {size: one.passed for size, one in costs.items()}
        plots.sizes(
            path, "matching a changed resume with all vacancies", {"resume changed": passed}, 40
        )
    return [
        *figures,
        Figure(f"vacancy published, {resumes:,} resumes: p50", [percentile(back, 0.5)], "ms"),
        Figure("… p95", [percentile(back, 0.95)], "ms", at_most=20),
        Figure("… recommendations per vacancy, mean", [found], ""),
    ]


@dataclass(slots=True)
class Costs:
    """Milliseconds of changes."""

    passed: list[float] = field(default_factory=list)
    worked: list[float] = field(default_factory=list)
    """Processor time of this process."""


async def _read(one: "Board", size: int) -> list[Figure]:
    """What a start costs: reading the arrays of all vacancies."""
    before, started = private(os.getpid()), time.perf_counter()
    await one.read_index()
    taken = time.perf_counter() - started
    return [
        Figure(f"arrays of {size:,} vacancies: read in", [taken], "s"),
        Figure(
            "… memory of this process, more than before", [private(os.getpid()) - before], "MiB"
        ),
    ]


def _changed(size: int, costs: Costs, fitting: float) -> list[Figure]:
    passed, worked = costs.passed, costs.worked
    return [
        Figure(f"resume changed, {size:,} vacancies: p50", [percentile(passed, 0.5)], "ms"),
        Figure("… p95", [percentile(passed, 0.95)], "ms", at_most=AT_MOST.get(size)),
        Figure("… processor time: p50", [percentile(worked, 0.5)], "ms"),
        Figure("… processor time: p95", [percentile(worked, 0.95)], "ms"),
        Figure("… recommendations per resume, mean", [fitting], ""),
    ]


async def burst(server: str, broker_url: str, board: "Board", count: int) -> float:
    """Seconds from the first publication until the newest version of each resume is matched.

    The service `vacancies` consumes from RabbitMQ, with all its handlers. Each resume comes in two
    versions, all first versions before all second ones.
    """
    prefix = make_url(server).set(database="forth").render_as_string(hide_password=False)
    settings = Settings(database_url=prefix, broker_url=broker_url)
    app = create_app(SERVICE, settings, role="worker")
    broker = open_broker(broker_url, client="bench")
    ids = [new_id() for _ in range(count)]
    snapshots = [board.resume() | {"status": "published"} for _ in range(count)]
    await broker.declare([app.state.messaging.consumer.topology])
    async with app.router.lifespan_context(app):
        await _until_consumed(broker, board, [new_id()], [snapshots[0]], 1)  # the index is loaded
        started = time.perf_counter()
        first = [_message(id, 1, one) for id, one in zip(ids, snapshots, strict=True)]
        await broker.publish(first)
        await _until_consumed(broker, board, ids, snapshots, 2)
        taken = time.perf_counter() - started
    await broker.close()
    return taken


async def _until_consumed(
    broker: Broker,
    board: "Board",
    ids: Sequence[UUID],
    snapshots: Sequence[dict[str, Any]],
    version: int,
) -> None:
    """Publish this version of each resume, and wait until it is compared."""
    await broker.publish(
        [_message(*one) for one in zip(ids, [version] * len(ids), snapshots, strict=True)]
    )
    while len(ids) != await board.connection.fetchval(
        "select count(*) from comparable where id = any($1::uuid[]) and version = $2", ids, version
    ):
        await asyncio.sleep(0.02)


def _message(id: UUID, version: int, snapshot: dict[str, Any]) -> Message:
    event = ResumeUpdated(
        user_id=id,
        resume_id=id,
        action="updated",
        version=version,
        resume=ResumeSnapshot.model_validate(snapshot),
    )
    body = event.model_dump_json(by_alias=True).encode()
    return Message(str(new_id()), event.name, event.key, body, {})


async def _explain(one: "Board", folder: Path) -> None:
    """Save the plans of one comparison's statements, on the largest board."""
    explained = Explained(one.connection, "matching.md", f"Matching, at {one.count:,} vacancies")
    last = await one.connection.fetchval("select last from generation")
    pairs = await one.connection.fetch(
        "select id, vacancy_id, resume_id, score from recommendation order by id desc limit 100"
    )
    await explained.add("Start of a step", "update generation set last = last + 1 returning last")
    await explained.add(
        "Changes since the arrays were last updated",
        "select kind, number, state = 'open' as open, generation, head, skills, languages, words"
        " from comparable where generation > $1",
        last - 1,
    )
    await explained.add(
        "Previous recommendations",
        "select id, vacancy_id, resume_id, score, strength, resume_version, vacancy_version,"
        " ruleset, withdrawn from recommendation where resume_id = any($1::uuid[])",
        [pairs[0]["resume_id"]],
    )
    await explained.add(
        "A hundred recommendations",
        "insert into recommendation (id, vacancy_id, resume_id, company_id, user_id, score,"
        " strength, resume_version, vacancy_version, ruleset, state, created_at, updated_at)"
        " select gen_random_uuid(), u.vacancy_id, gen_random_uuid(), other.owner_id, $2, u.score,"
        " u.score, 3, 1, 'x', 'new', now(), now()"
        " from unnest($1::uuid[], $3::float8[]) as u(vacancy_id, score)"
        " join comparable other on other.id = u.vacancy_id"
        " returning id, vacancy_id, resume_id, company_id, user_id, score, resume_version,"
        " vacancy_version",
        [row["vacancy_id"] for row in pairs],
        new_id(),
        [row["score"] for row in pairs],
    )
    await explained.add(
        "A hundred that were there",
        "update recommendation r set score = u.score, strength = u.score, resume_version = 4,"
        " vacancy_version = 1, withdrawn = null, updated_at = now()"
        " from unnest($1::uuid[], $2::float8[]) as u(id, score) where r.id = u.id",
        [row["id"] for row in pairs],
        [row["score"] for row in pairs],
    )
    explained.write(folder)


@asynccontextmanager
async def board(server: str, name: str) -> AsyncIterator["Board"]:
    """A fresh database on this server."""
    url = make_url(server).set(database=name).render_as_string(hide_password=False)
    await migrate(url, "vacancies")
    engine = make_engine(url, pool=5, application="bench")
    connection = await connect(url, application="bench")
    try:
        yield Board(engine, connection)
    finally:
        await connection.close()
        await engine.dispose()


class Trades:
    """Vacancies and resumes of all trades; the same seed gives the same ones."""

    def __init__(self, seed: float) -> None:
        self.random = Random(20261124)
        known = dictionary().skills
        self.occupations = [
            (one.label, [known[id].label for id in one.skills if id in known])
            for one in occupations()
        ]
        self.occupations += self._made(1000 - len(self.occupations))
        self.skills = sorted({label for _, labels in self.occupations for label in labels})
        self.random = Random(seed)

    def _made(self, count: int) -> list[tuple[str, list[str]]]:
        """Occupations with most skills from one group."""
        groups: dict[str, list[str]] = {}
        for skill in dictionary().skills.values():
            for group in skill.groups:
                groups.setdefault(group, []).append(skill.label)
        large = [labels for _, labels in sorted(groups.items()) if len(labels) >= 30]
        every = sorted({label for labels in large for label in labels})
        made = []
        for _ in range(count):
            labels = self.random.sample(self.random.choice(large), 25)
            made.append((labels[0], list(dict.fromkeys(labels + self.random.sample(every, 10)))))
        return made

    def _some(self, least: int, most: int) -> tuple[str, list[str]]:
        one, labels = self.random.choice(self.occupations)
        count = min(len(labels), self.random.randint(least, most))
        return one, self.random.sample(labels, count)

    def _city(self) -> str:
        return self.random.choices(CITIES, CITY_WEIGHTS)[0]

    def vacancy(self) -> tuple[str, str, str, str, str]:
        """Title, requirements as JSON, experience, work format and area."""
        one, labels = self._some(6, 18)
        asked = [
            {"skill": label, "kind": "must" if nth < 2 else "nice", "level": None}
            for nth, label in enumerate(labels)
        ]
        band = self.random.choice(("noExperience", "between1And3", "between3And6"))
        format = self.random.choice(FORMATS)
        return one, json.dumps(asked), band, format, self._city()

    def resume(self) -> dict[str, Any]:
        """A resume snapshot, as in an event."""
        one, labels = self._some(8, 24)
        labels += self.random.sample(self.skills, len(labels) // 3)
        return {
            "title": one,
            "area": self._city(),
            "relocation": self.random.random() < 0.2,
            "experienceMonths": self.random.randint(0, 120),
            "skills": [
                {"name": label, "level": self.random.randint(1, 5)}
                for label in dict.fromkeys(labels)
            ],
        }


def packed(company: UUID, seed: float, count: int) -> list[tuple[tuple[Any, ...], tuple[Any, ...]]]:
    """Rows of `vacancy` and of `comparable`; called in a separate process."""
    trades = Trades(seed)
    moment = now()
    rows = []
    for _ in range(count):
        id = new_id()
        title, asked, band, format, area = trades.vacancy()
        facts = {
            "company_id": company,
            "title": title,
            "requirements": json.loads(asked),
            "experience": band,
            "work_format": format,
            "area": area,
            "employment_type": None,
            "salary": None,
            "languages": [],
        }
        known = pack_demand(demand_of(facts), id=id, version=1)
        rows.append(
            (
                (id, 1, "published", title, asked, band, format, area, "[]", False, *[moment] * 3),
                (
                    *(id, "vacancy", 1, "open", ruleset()),
                    *(known.head, known.skills, known.languages, known.words),
                ),
            )
        )
    return rows


class Board(Trades):
    """A database of vacancies and resumes to compare."""

    def __init__(self, engine: AsyncEngine, connection: asyncpg.Connection) -> None:
        super().__init__(20261124)
        self.transactions = Transactions(engine, "vacancies")
        self.connection = connection
        self.count = 0

    async def grow(self, vacancies: int) -> None:
        """Grow the board to this many open, compared vacancies, loaded as after a start."""
        await self._load(vacancies - self.count)
        self.count = vacancies
        await self._idle()
        forget(self.transactions.engine)

    async def read_index(self) -> None:
        """Read all that is compared into the arrays, as a start does."""
        async with self.transactions() as tx:
            index = index_of(tx)
            await index.catch_up(tx)
            list(index.demands), list(index.offers)

    async def resumes_change(self, changes: int) -> Costs:
        """What a change of a resume costs: half are new, half gain a skill."""
        await self._change(Costs(), new_id(), 1, self.resume())
        costs = Costs()
        for _ in range(changes // 2):
            id, snapshot = new_id(), self.resume()
            await self._change(costs, id, 1, snapshot)
            more = [*snapshot["skills"], {"name": self.random.choice(self.skills)}]
            await self._change(costs, id, 2, snapshot | {"skills": more})
        return costs

    async def vacancies_open(self, resumes: int, changes: int) -> list[float]:
        """Milliseconds per publication of a vacancy."""
        for start in range(0, resumes, 500):
            await self._compare(
                {
                    new_id(): Resume(UUID(int=nth), 1, offer_of(self.resume()))
                    for nth in range(start, min(start + 500, resumes))
                }
            )
        ids = await self._vacancies(changes, "published")
        await self._idle()
        taken = []
        for id in ids:
            started = time.perf_counter()
            async with self.transactions() as tx:
                await commands.compare_vacancies(tx, [id], {})
            taken.append((time.perf_counter() - started) * 1000)
        return taken

    async def _change(self, costs: Costs, id: UUID, version: int, snapshot: dict[str, Any]) -> None:
        started, worked = time.perf_counter(), time.process_time()
        await self._compare({id: Resume(id, version, offer_of(snapshot))})
        costs.passed.append((time.perf_counter() - started) * 1000)
        costs.worked.append((time.process_time() - worked) * 1000)

    async def _compare(self, resumes: dict[UUID, Resume]) -> None:
        async with self.transactions() as tx:
            await commands.compare_resumes(tx, resumes, {})

    async def _idle(self) -> None:
        await self.connection.execute("vacuum analyze comparable")
        await self.connection.execute("checkpoint")
        await asyncio.sleep(1)

    async def recommendations(self) -> int:
        """The number of recommendations."""
        found: int = await self.connection.fetchval("select count(*) from recommendation")
        return found

    async def _load(self, count: int) -> None:
        """Add this many vacancies as they are once compared: packed by the service's own code.

        Recommendations for earlier resumes are not computed again; only new resumes are measured.
        """
        company = new_id()
        await self.connection.execute(
            "insert into company (id, name, created_at) values ($1, 'Bench', now())", company
        )
        seeds = [(self.random.random(), min(PART, count - n)) for n in range(0, count, PART)]
        generation = await self.connection.fetchval(
            "update generation set last = last + 1 returning last"
        )
        loop = asyncio.get_running_loop()
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
            under_way = [loop.run_in_executor(pool, packed, company, *seed) for seed in seeds[:4]]
            for nth in range(len(seeds)):
                rows = await under_way[nth]
                if nth + 4 < len(seeds):
                    under_way.append(loop.run_in_executor(pool, packed, company, *seeds[nth + 4]))
                vacancies = [(*row[0], company) for row in rows]
                await self.connection.copy_records_to_table(
                    "vacancy", records=vacancies, columns=(*VACANCY_COLUMNS, "company_id")
                )
                comparables = [(*row[1], company, generation) for row in rows]
                await self.connection.copy_records_to_table(
                    "comparable",
                    records=comparables,
                    columns=(*COMPARABLE_COLUMNS, "owner_id", "generation"),
                )

    async def _vacancies(self, count: int, status: str) -> Sequence[UUID]:
        company = new_id()
        await self.connection.execute(
            "insert into company (id, name, created_at) values ($1, 'Bench', now())", company
        )
        ids = [new_id() for _ in range(count)]
        for start in range(0, count, 5_000):
            part = ids[start : start + 5_000]
            columns = list(zip(*(self.vacancy() for _ in part), strict=True))
            await self.connection.execute(
                _VACANCIES, part, company, status, *(list(column) for column in columns)
            )
        return ids
