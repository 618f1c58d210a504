"""A board of all trades for the benches: vacancies and resumes, and what their changes cost."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from random import Random
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from hirewire.esco import dictionary, occupations
from hirewire.kit.clock import now
from hirewire.kit.db import make_engine, migrate
from hirewire.launcher.memory import collect_seldom
from hirewire.messaging.database import connect
from hirewire.messaging.ids import new_id
from hirewire.messaging.transaction import Transactions
from hirewire.vacancies.recommendations import commands
from hirewire.vacancies.recommendations.commands import Resume
from hirewire.vacancies.recommendations.facts import demand_of, offer_of, prepare, ruleset
from hirewire.vacancies.recommendations.index.matching import forget, index_of
from hirewire.vacancies.recommendations.index.packing import pack_demand

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


@dataclass(slots=True)
class Costs:
    """Milliseconds of changes."""

    passed: list[float] = field(default_factory=list)
    worked: list[float] = field(default_factory=list)
    """Processor time of this process."""


@asynccontextmanager
async def board(server: str, name: str) -> AsyncIterator["Board"]:
    """A fresh database on this server."""
    url = make_url(server).set(database=name).render_as_string(hide_password=False)
    await migrate(url, "vacancies")
    engine = make_engine(url, pool=5, application="bench")
    connection = await connect(url, application="bench")
    prepare()
    collect_seldom()  # as a service does at its start
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
            await self.compare(
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
        await self.compare({id: Resume(id, version, offer_of(snapshot))})
        costs.passed.append((time.perf_counter() - started) * 1000)
        costs.worked.append((time.process_time() - worked) * 1000)

    async def compare(self, resumes: dict[UUID, Resume]) -> None:
        """Change these resumes in one transaction."""
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
