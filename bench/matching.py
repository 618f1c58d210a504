"""A changed resume meets many open vacancies, and a published vacancy many resumes.

From the start of the transaction to its commit, with the recommendations and their events in it;
without a broker and an inbox. The board is of all trades: ESCO's 91 ICT occupations and 909 that
are made of ESCO's skill groups, in 60 towns of different size, a quarter of the vacancies remote.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.measure import Figure, Options, percentile
from bench.places import Bench
from hirewire.esco import dictionary, occupations
from hirewire.kit.db import make_engine, migrate
from hirewire.messaging.database import connect
from hirewire.messaging.ids import new_id
from hirewire.messaging.outbox import Transactions
from hirewire.vacancies.recommendations import commands, duties
from hirewire.vacancies.recommendations.commands import Resume
from hirewire.vacancies.recommendations.facts import offer_of

MANY = 100_000
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
    """Both ways, each over as many of the other side."""
    many, changes = options.count(MANY, 2_000), options.count(300, 50)
    pair = await bench.pair("matching")
    async with board(pair.reader_url, "matching_resumes") as one:
        forth = await one.resumes_change(many, changes)
        found_forth = await one.recommendations() / (changes // 2)
    async with board(pair.reader_url, "matching_vacancies") as other:
        back = await other.vacancies_open(many, changes)
        found_back = await other.recommendations() / changes
    size = f"{many:,}"
    return [
        Figure(f"resume changed, {size} vacancies: p50", [percentile(forth, 0.5)], "ms"),
        Figure("… p95", [percentile(forth, 0.95)], "ms", at_most=12),
        Figure("… recommendations a resume", [found_forth], ""),
        Figure(f"vacancy published, {size} resumes: p50", [percentile(back, 0.5)], "ms"),
        Figure("… p95", [percentile(back, 0.95)], "ms", at_most=20),
        Figure("… recommendations a vacancy", [found_back], ""),
    ]


@asynccontextmanager
async def board(server: str, name: str) -> AsyncIterator["Board"]:
    """A fresh database on that server."""
    url = make_url(server).set(database=name).render_as_string(hide_password=False)
    await migrate(url, "vacancies")
    engine = make_engine(url, pool=5, application="bench")
    connection = await connect(url, application="bench")
    try:
        yield Board(engine, connection)
    finally:
        await connection.close()
        await engine.dispose()


class Board:
    """A database of vacancies and resumes to compare."""

    def __init__(self, engine: AsyncEngine, connection: asyncpg.Connection) -> None:
        self.transactions = Transactions(engine, "vacancies")
        self.connection = connection
        self.random = Random(20261124)
        known = dictionary().skills
        self.occupations = [
            (one.label, [known[id].label for id in one.skills if id in known])
            for one in occupations()
        ]
        self.occupations += self._made(1000 - len(self.occupations))
        self.skills = sorted({label for _, labels in self.occupations for label in labels})

    async def resumes_change(self, vacancies: int, changes: int) -> list[float]:
        """Milliseconds a change of a resume: half are new, half gain a skill."""
        await self._vacancies(vacancies, "published")
        while await duties.step(self.transactions):
            pass
        await self._settled()
        taken: list[float] = []
        for _ in range(changes // 2):
            id, snapshot = new_id(), self._resume()
            taken.append(await self._change(id, 1, snapshot))
            more = [*snapshot["skills"], {"name": self.random.choice(self.skills)}]
            taken.append(await self._change(id, 2, snapshot | {"skills": more}))
        return taken

    async def vacancies_open(self, resumes: int, changes: int) -> list[float]:
        """Milliseconds a vacancy's publication."""
        for start in range(0, resumes, 500):
            await self._compare(
                {
                    new_id(): Resume(UUID(int=nth), 1, offer_of(self._resume()))
                    for nth in range(start, min(start + 500, resumes))
                }
            )
        ids = await self._vacancies(changes, "published")
        await self._settled()
        taken = []
        for id in ids:
            started = time.perf_counter()
            async with self.transactions() as tx:
                await commands.compare_vacancies(tx, [id], {})
            taken.append((time.perf_counter() - started) * 1000)
        return taken

    async def _change(self, id: UUID, version: int, snapshot: dict[str, Any]) -> float:
        started = time.perf_counter()
        await self._compare({id: Resume(id, version, offer_of(snapshot))})
        return (time.perf_counter() - started) * 1000

    async def _compare(self, resumes: dict[UUID, Resume]) -> None:
        async with self.transactions() as tx:
            await commands.compare_resumes(tx, resumes, {})

    async def _settled(self) -> None:
        await self.connection.execute("vacuum analyze comparable")
        await self.connection.execute("checkpoint")
        await asyncio.sleep(1)

    async def recommendations(self) -> int:
        """How many there are."""
        found: int = await self.connection.fetchval("select count(*) from recommendation")
        return found

    async def _vacancies(self, count: int, status: str) -> Sequence[UUID]:
        company = new_id()
        await self.connection.execute(
            "insert into company (id, name, created_at) values ($1, 'Bench', now())", company
        )
        ids = [new_id() for _ in range(count)]
        for start in range(0, count, 5_000):
            part = ids[start : start + 5_000]
            columns = list(zip(*(self._vacancy() for _ in part), strict=True))
            await self.connection.execute(
                _VACANCIES, part, company, status, *(list(column) for column in columns)
            )
        return ids

    def _made(self, count: int) -> list[tuple[str, list[str]]]:
        """Occupations of which most skills are of one group."""
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

    def _vacancy(self) -> tuple[str, str, str, str, str]:
        one, labels = self._some(6, 18)
        asked = [
            {"skill": label, "kind": "must" if nth < 2 else "nice", "level": None}
            for nth, label in enumerate(labels)
        ]
        band = self.random.choice(("noExperience", "between1And3", "between3And6"))
        format = self.random.choice(FORMATS)
        return one, json.dumps(asked), band, format, self._city()

    def _resume(self) -> dict[str, Any]:
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
