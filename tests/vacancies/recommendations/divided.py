"""Vacancies and resumes whose changes are recorded as handlers do, in a database of their own."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from sqlalchemy import delete, insert
from sqlalchemy.ext.asyncio import AsyncEngine

from hirewire.kit.clock import now
from hirewire.kit.db import make_engine
from hirewire.messaging.testing import recorded
from hirewire.messaging.transaction import Transactions
from hirewire.vacancies.recommendations import commands, dividing
from hirewire.vacancies.recommendations.background import Matcher
from hirewire.vacancies.recommendations.commands import Resume
from hirewire.vacancies.recommendations.facts import offer_of
from hirewire.vacancies.recommendations.index.matching import MatchingIndex, forget
from hirewire.vacancies.recommendations.index.shards import SHARDS
from hirewire.vacancies.tables import company, vacancy
from tests.services import copy_of_migrated
from tests.vacancies.recommendations.pairs import COMPANY

EMPTIED = ("comparable", "recommendation", "vacancy", "matching_shard")
RESUMES, VACANCIES = 3, 8
PAIRS = RESUMES * VACANCIES
BARE: dict[str, Any] = {"title": "x", "requirements": [{"skill": "SQL"}], "languages": []}
SNAPSHOT: dict[str, Any] = {"skills": [{"name": "SQL"}]}


class Match(NamedTuple):
    """A stored recommendation, without what differs from run to run."""

    vacancy: int
    resume: int
    owners: tuple[UUID, UUID]
    score: float
    strength: float
    versions: tuple[int | None, int]
    withdrawn: str | None


class Changing:
    """A database of vacancies and resumes, by small numbers."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.transactions = Transactions(engine, "vacancies")
        self.versions: dict[int, int] = {}
        self._events = 0

    @classmethod
    async def at(cls, url: str) -> "Changing":
        """A new database at this address."""
        await copy_of_migrated(url, "vacancies")
        made = cls(make_engine(url, pool=4, application="tests"))
        async with made.transactions() as tx:
            await tx.execute(insert(company).values(id=COMPANY, name="x", created_at=now()))
        return made

    async def divide(self) -> None:
        """Let shards compare from now on."""
        async with self.transactions() as tx:
            await dividing.divide(tx)

    async def resume(
        self, number: int, snapshot: dict[str, Any] | None = None, *, deleted: bool = False
    ) -> None:
        """A new version of a resume; without a snapshot it is hidden."""
        id = UUID(int=1000 + number)
        version = self.versions[number] = self.versions.get(number, 0) + 1
        offer = offer_of(snapshot) if snapshot is not None and not deleted else None
        async with self.transactions() as tx:
            changed = {id: Resume(UUID(int=2000 + number), version, offer, deleted)}
            await commands.compare_resumes(tx, changed, {})

    async def vacancy(self, number: int, row: dict[str, Any] | None = None) -> None:
        """A new version of a vacancy; without a row it is closed."""
        id = UUID(int=number)
        version = self.versions[-number - 1] = self.versions.get(-number - 1, 0) + 1
        values = {"response_letter_required": False, "created_at": now(), "updated_at": now()}
        status = "closed" if row is None else "published"
        values |= (row or BARE) | {"company_id": COMPANY, "status": status}
        async with self.transactions() as tx:
            await tx.execute(delete(vacancy).where(vacancy.c.id == id))
            await tx.execute(insert(vacancy).values(id=id, version=version, **values))
            await commands.compare_vacancies(tx, [id], {})

    def matcher(self) -> Matcher:
        """A worker that takes part in the division."""
        url = self.engine.url.render_as_string(hide_password=False)
        return Matcher(self.transactions, url)

    async def drain(self, indexes: Sequence[MatchingIndex]) -> None:
        """Compare all that the shards of these indexes owe."""
        for index in indexes:
            while await self.step(index):
                pass

    async def step(self, index: MatchingIndex) -> bool:
        """Compare a part of what the shards of an index owe."""
        async with self.transactions() as tx:
            return await dividing.compare_owed(tx, index)

    async def matches(self) -> list[Match]:
        """All stored recommendations."""
        async with self.engine.connect() as connection:
            rows = await connection.exec_driver_sql(
                "select * from recommendation order by vacancy_id, resume_id"
            )
            return [
                Match(
                    *(row.vacancy_id.int, row.resume_id.int - 1000, (row.company_id, row.user_id)),
                    *(row.score, row.strength, (row.resume_version, row.vacancy_version)),
                    row.withdrawn,
                )
                for row in rows
            ]

    async def events(self) -> list[str]:
        """What was recorded about each pair, in its order."""
        rows = (await recorded(self.engine))[self._events :]
        rows.sort(key=lambda one: (one.body["vacancyId"], one.body["resumeId"]))
        for one in rows:
            del one.body["recommendationId"]
        return [f"{one.type} {sorted(one.body.items())}" for one in rows]

    async def empty(self) -> None:
        """Forget everything but the company."""
        self.versions.clear()
        self._events = len(await recorded(self.engine))
        async with self.engine.begin() as connection:
            for table in EMPTIED:
                await connection.exec_driver_sql(f"delete from {table}")
            await connection.exec_driver_sql("update generation set divided = false")
        forget(self.engine)


@pytest.fixture
async def boards(
    fresh_database: Callable[[], Awaitable[str]],
) -> AsyncIterator[tuple[Changing, Changing]]:
    """One whose matching is whole, and one whose matching can be divided."""
    made = [await Changing.at(await fresh_database() + "_matching") for _ in range(2)]
    yield made[0], made[1]
    for one in made:
        await one.engine.dispose()


async def fill(board: Changing) -> None:
    """A new version of each of the resumes and vacancies, all of which match."""
    for number in range(RESUMES):
        await board.resume(number, SNAPSHOT)
    for number in range(0, SHARDS, SHARDS // VACANCIES):
        await board.vacancy(number, BARE)
