"""The service `notifications`, with a company of two and an applicant."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from hirewire.contracts.auth import UserRegistered
from hirewire.contracts.profiles import ResumeSnapshot, ResumeUpdated
from hirewire.contracts.vacancies import (
    ApplicationMessageSent,
    ApplicationStageChanged,
    ApplicationSubmitted,
    EmployerProfileCreated,
    RecommendationCreated,
    RecommendationWithdrawn,
    VacancyPublished,
)
from hirewire.messaging.broker import Delivery
from hirewire.messaging.event import Event
from hirewire.messaging.testing import consume, delivery
from hirewire.notifications.app import SERVICE
from tests.services import Running, running


@dataclass
class Board:
    """Two employers of a company, an applicant with a resume, a vacancy and an application."""

    service: Running
    company: UUID = field(default_factory=uuid4)
    carla: UUID = field(default_factory=uuid4)
    dan: UUID = field(default_factory=uuid4)
    anna: UUID = field(default_factory=uuid4)
    resume: UUID = field(default_factory=uuid4)
    vacancy: UUID = field(default_factory=uuid4)
    application: UUID = field(default_factory=uuid4)
    sequences: dict[tuple[str, str], int] = field(default_factory=dict)

    def sent(self, event: Event, *, at: datetime | None = None) -> Delivery:
        """The delivery of an event, with the next number of its key."""
        place = (event.owner, event.key)
        self.sequences[place] = self.sequences.get(place, 0) + 1
        made = delivery(event, sequence=self.sequences[place])
        if at is None:
            return made
        return replace(made, headers={**made.headers, "time": at.isoformat()})

    async def consume(self, *events: Event | Delivery) -> None:
        """Let the service handle these in one batch, each with the next number of its key."""
        sent = [one if isinstance(one, Delivery) else self.sent(one) for one in events]
        await consume(self.service.messaging.consumer, *sent)

    def people(self) -> list[Event]:
        """What introduces everybody and everything."""
        return [
            UserRegistered(id=self.carla, email="carla@example.org"),
            UserRegistered(id=self.dan, email="dan@example.org"),
            UserRegistered(id=self.anna, email="anna@example.org"),
            *(
                EmployerProfileCreated(
                    user_id=one, company_id=self.company, phone=None, company_name="Acme"
                )
                for one in (self.carla, self.dan)
            ),
            VacancyPublished(
                vacancy_id=self.vacancy, company_id=self.company, version=2, title="Cook"
            ),
            self.resumed(1, "Chef"),
        ]

    def resumed(self, version: int, title: str, **fields: Any) -> ResumeUpdated:
        """A change of the resume."""
        shown = ResumeSnapshot(**{"title": title, "status": "published"} | fields)
        return ResumeUpdated(
            user_id=self.anna,
            resume_id=self.resume,
            action="updated",
            version=version,
            resume=shown,
        )

    @property
    def ids(self) -> dict[str, UUID]:
        return {
            "application_id": self.application,
            "vacancy_id": self.vacancy,
            "company_id": self.company,
            "resume_id": self.resume,
            "user_id": self.anna,
        }

    def submitted(self, origin: str = "response") -> ApplicationSubmitted:
        return ApplicationSubmitted(**self.ids, origin=origin)

    def moved(
        self, previous: str | None, stage: str, state: str, reason: str | None = None
    ) -> ApplicationStageChanged:
        return ApplicationStageChanged(
            **self.ids, previous_stage=previous, stage=stage, applicant_state=state, reason=reason
        )

    def written(self, side: str) -> ApplicationMessageSent:
        return ApplicationMessageSent(**self.ids, side=side)

    def matched(
        self, *, resume: UUID | None = None, vacancy: UUID | None = None
    ) -> RecommendationCreated:
        return RecommendationCreated(
            recommendation_id=uuid4(),
            vacancy_id=vacancy or self.vacancy,
            company_id=self.company,
            resume_id=resume or self.resume,
            user_id=self.anna,
            score=0.9,
        )

    def unmatched(self, match: RecommendationCreated) -> RecommendationWithdrawn:
        same = match.model_dump(include={"vacancy_id", "company_id", "resume_id", "user_id"})
        return RecommendationWithdrawn(
            **same, recommendation_id=match.recommendation_id, reason="no_longer_fits"
        )

    async def call(
        self, user: UUID, method: str, path: str, body: object = None, *, expect: int = 200
    ) -> Any:
        """Call a path below `/api/notifications/notices` as this person."""
        answer = await self.service.client.request(
            method,
            f"/api/notifications/notices{path}",
            json=body,
            headers=self.service.as_user(user),
        )
        assert answer.status_code == expect, answer.text
        return answer.json() if answer.content else None

    async def notices(self, user: UUID) -> list[dict[str, Any]]:
        """A person's notices, newest first."""
        found: list[dict[str, Any]] = (await self.call(user, "GET", "?limit=100"))["items"]
        return found

    async def kinds(self, user: UUID) -> list[tuple[str, str | None]]:
        """Kind and detail of a person's notices, the oldest first."""
        found = await self.notices(user)
        return [(one["kind"], one["detail"]) for one in reversed(found)]

    async def complete(self) -> None:
        """The owners have stated all that was before."""
        async with self.service.engine.begin() as connection:
            await connection.exec_driver_sql("update beginning set complete_at = now()")

    async def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        async with self.service.engine.connect() as connection:
            return [tuple(row) for row in await connection.exec_driver_sql(sql, values)]


LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
async def empty(fresh_address: str) -> AsyncIterator[Board]:
    """The service, which knows nobody."""
    async with running(SERVICE, fresh_address) as service:
        board = Board(service)
        await board.complete()
        yield board


@pytest.fixture
async def board(empty: Board) -> Board:
    """With the people and things."""
    await empty.consume(*empty.people())
    return empty
