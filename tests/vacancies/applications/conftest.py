"""A company with an open vacancy, and a candidate with a known resume."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest

from hirewire.contracts.profiles import ResumeSnapshot, ResumeUpdated, SnapshotSkill
from hirewire.messaging.testing import consume, delivery, recorded
from tests.vacancies.conftest import Person

PUBLISHED = {"title": "Developer", "area": "Omsk", "status": "published"}


@dataclass
class Board:
    """`boss` hires for `vacancy`; `vera` applies with `resume`."""

    boss: Person
    vera: Person
    vacancy: str
    resume: UUID

    async def say(self, person: Person, resume: UUID, version: int, **snapshot: Any) -> None:
        """Consume a resume event of `profiles`."""
        event = ResumeUpdated(
            user_id=person.id,
            resume_id=resume,
            action="created" if version == 1 else "updated",
            version=version,
            resume=ResumeSnapshot.model_validate(PUBLISHED | snapshot),
        )
        await consume(person.service.messaging.consumer, delivery(event, sequence=version))

    async def delete(self, person: Person, resume: UUID, version: int = 9) -> None:
        """Consume its deletion."""
        event = ResumeUpdated(
            user_id=person.id, resume_id=resume, action="deleted", version=version
        )
        await consume(person.service.messaging.consumer, delivery(event, sequence=version))

    async def open_vacancy(self, **changes: object) -> str:
        """Open another vacancy of the boss."""
        id = await self.boss.vacancy(**{"responseLetterRequired": False, **changes})
        await self.boss.call("POST", f"/vacancies/{id}/publish")
        return id

    async def somebody(self) -> tuple[Person, UUID]:
        """Another person with a resume."""
        person, resume = Person(self.boss.service, uuid4()), uuid4()
        await self.say(person, resume, 1)
        return person, resume

    async def apply(self, expect: int = 201, **more: object) -> Any:
        """Vera applies."""
        body = {"resumeId": str(self.resume)} | more
        path = f"/vacancies/{self.vacancy}/applications"
        return await self.vera.call("POST", path, body, expect=expect)

    async def invite(self, expect: int = 201, **more: object) -> Any:
        """The boss invites Vera."""
        body = {"resumeId": str(self.resume)} | more
        path = f"/vacancies/{self.vacancy}/invitations"
        return await self.boss.call("POST", path, body, expect=expect)

    async def move(self, id: str, stage: str, expect: int = 200, **more: object) -> Any:
        """The boss moves an application."""
        body = {"stage": stage} | more
        return await self.boss.call("POST", f"/applications/{id}/stage", body, expect=expect)

    async def close(self, reason: str = "filled") -> None:
        """The boss closes the vacancy, and the service consumes the event."""
        await self.boss.call("POST", f"/vacancies/{self.vacancy}/close", {"reason": reason})
        await self.consume_own("vacancy.closed")

    async def consume_own(self, name: str) -> None:
        """Let the service consume all of its own events of this name."""
        service = self.boss.service
        for row in await recorded(service.engine, name):
            received = delivery(row.event, id=row.id, sequence=row.sequence)
            await consume(service.messaging.consumer, received)

    async def published(self, name: str = "application.stage_changed") -> list[dict[str, Any]]:
        """The recorded events about applications."""
        return [row.body for row in await recorded(self.boss.service.engine, name)]

    async def steps(self) -> list[tuple[str | None, str, str]]:
        """The stage events: former and new stage, and what the applicant sees."""
        return [
            (one["previousStage"], one["stage"], one["applicantState"])
            for one in await self.published()
        ]


@pytest.fixture
async def board(anna: Person, boris: Person) -> Board:
    await anna.hire()
    made = Board(anna, boris, "", uuid4())
    made.vacancy = await made.open_vacancy()
    await made.say(boris, made.resume, 1, skills=[SnapshotSkill(name="Go", level=3)])
    return made
