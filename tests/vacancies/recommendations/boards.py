"""Vacancies and resumes that are matched as their events arrive."""

from typing import Any
from uuid import UUID

import pytest

from hirewire.contracts.profiles import ResumeSnapshot, ResumeUpdated
from hirewire.messaging.testing import Recorded, consume, delivery, recorded
from tests.vacancies.conftest import Person

RESUME: dict[str, Any] = {
    "title": "Backend developer",
    "status": "published",
    "visibility": "recommended",
    "area": "Omsk",
    "experienceMonths": 30,
    "skills": [{"name": "питон", "level": 4}, {"name": "SQL"}],
    "languages": [{"language": "английский", "level": "B2"}],
}
PLAIN = {
    "requirements": [{"skill": "SQL"}, {"skill": "PostgreSQL", "kind": "nice"}],
    "languages": [],
    "salary": None,
}


def resume_event(
    resume: UUID, version: int | None, action: str = "updated", **changes: Any
) -> ResumeUpdated:
    snapshot = ResumeSnapshot.model_validate(RESUME | changes)
    return ResumeUpdated(
        user_id=UUID(int=resume.int ^ 1),
        resume_id=resume,
        action=action,
        version=version,
        resume=None if action == "deleted" else snapshot,
    )


class Board:
    """A service that receives its own events, as over a broker."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.consumed: set[UUID] = set()

    async def consume_own(self) -> None:
        """Consume the vacancies' own events that were not consumed yet."""
        for row in await recorded(self.person.service.engine):
            if row.type.startswith("vacancy.") and row.id not in self.consumed:
                self.consumed.add(row.id)
                await consume(
                    self.person.service.messaging.consumer,
                    delivery(row.event, id=row.id, sequence=row.sequence),
                )

    async def publish(self, **changes: Any) -> str:
        id = await self.person.vacancy(**changes)
        await self.person.call("POST", f"/vacancies/{id}/publish")
        await self.consume_own()
        return id

    async def publish_resume(
        self, resume: UUID, version: int | None, *args: Any, **changes: Any
    ) -> None:
        event = resume_event(resume, version, *args, **changes)
        await consume(self.person.service.messaging.consumer, event)

    async def fits(self, vacancy: str) -> dict[str, float]:
        page = await self.person.call("GET", f"/vacancies/{vacancy}/recommendations?limit=100")
        return {item["resumeId"]: item["score"] for item in page["items"]}

    async def events(self) -> list[Recorded]:
        rows = await recorded(self.person.service.engine)
        return [row for row in rows if row.type.startswith("recommendation.")]


@pytest.fixture
async def board(anna: Person) -> Board:
    await anna.hire()
    return Board(anna)
