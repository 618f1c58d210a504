"""A past in bulk: rows of the owners, and their events as they stay in the logs once published."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from hirewire.contracts.auth import UserBlocked, UserEmailChanged, UserRegistered
from hirewire.contracts.profiles import ResumeSnapshot, ResumeUpdated
from hirewire.contracts.vacancies import (
    ApplicationMessageSent,
    ApplicationStageChanged,
    ApplicationSubmitted,
    EmployerProfileCreated,
    RecommendationCreated,
    VacancyClosed,
    VacancyPaused,
    VacancyPublished,
    VacancyUpdated,
)
from hirewire.kit.settings import Settings
from hirewire.messaging.database import connect
from hirewire.messaging.event import Event
from hirewire.messaging.ids import new_id
from hirewire.messaging.publishing.outbox import _FLUSH

OWNERS = ("auth", "profiles", "vacancies")
CHUNK = 2000
FORGOTTEN = 10
"""The log has nothing of one person in so many, nor of what is theirs."""
SINCE = datetime(2026, 10, 1, tzinfo=UTC)


class Owner:
    """An owner's database, to which rows and events are added."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._connection = connection
        self._events: list[Event] = []
        self.logged = 0

    async def rows(self, table: str, columns: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Add rows to a table."""
        names = [one.strip() for one in columns.split(",")]
        await self._connection.copy_records_to_table(table, records=rows, columns=names)

    def log(self, *events: Event) -> None:
        """Add events to the log."""
        self._events += events

    async def flush(self, *, is_past: bool = True) -> None:
        """Write the events as transactions record them; of the past, as if they were published."""
        for start in range(0, len(self._events), CHUNK):
            events = self._events[start : start + CHUNK]
            columns: tuple[list[Any], ...] = tuple([] for _ in range(8))
            for one in events:
                id = new_id()
                values = (id, one.name, one.key, one.body().decode(), str(id), None, None, None)
                for column, value in zip(columns, values, strict=True):
                    column.append(value)
            async with self._connection.transaction():
                await self._connection.execute(_FLUSH, *columns)
                if is_past:
                    await self._connection.execute(
                        "delete from messaging.outbox where id = any($1::uuid[])", columns[0]
                    )
        self.logged += len(self._events)
        self._events.clear()


@asynccontextmanager
async def owner_of(settings: Settings, name: str) -> AsyncIterator[Owner]:
    connection = await connect(settings.service_database(name), application="bench")
    try:
        owner = Owner(connection)
        yield owner
        await owner.flush()
        await connection.execute("analyze")
    finally:
        await connection.close()


async def make_past(settings: Settings, count: int) -> int:
    """Make a past with at least this many events in the logs; returns their number."""
    past = _Past(max(count * 21 // 100, 100))
    logged = 0
    async with owner_of(settings, "auth") as auth:
        await past.accounts(auth)
    logged += auth.logged
    async with owner_of(settings, "profiles") as profiles:
        await past.resumes(profiles)
    logged += profiles.logged
    async with owner_of(settings, "vacancies") as vacancies:
        await past.jobs(vacancies)
        await past.applications(vacancies)
    return logged + vacancies.logged


class _Past:
    """So many people; every tenth is an employer."""

    def __init__(self, people: int) -> None:
        self.people = [new_id() for _ in range(people)]
        self.companies = [new_id() for _ in range(people // 20)]
        self.vacancy_ids = [new_id() for _ in range(people * 3 // 10)]
        self.candidates = [id for n, id in enumerate(self.people) if n % 10]
        self.resume_ids = [new_id() for _ in self.candidates]

    def _company(self, n: int) -> UUID:
        return self.companies[n % len(self.companies)]

    async def accounts(self, auth: Owner) -> None:
        """Registrations, changed addresses, and blocks."""
        rows = []
        for n, id in enumerate(self.people):
            moved, blocked = n % 20 == 3, n % 100 == 7
            email = f"{'new' if moved else 'p'}{n}@past.example"
            at = SINCE + timedelta(seconds=n)
            why = "spam" if blocked else None
            rows.append((id, email, email, "applicant", at, at if blocked else None, why))
            if n % FORGOTTEN == 0:
                continue
            auth.log(UserRegistered(id=id, email=f"p{n}@past.example", registered_at=at))
            if moved:
                auth.log(UserEmailChanged(user_id=id, email=email, at=at))
            if blocked:
                auth.log(UserBlocked(user_id=id, blocked=True, at=at))
        columns = "id, email, email_key, role, registered_at, blocked_at, blocked_why"
        await auth.rows("user_account", columns, rows)

    async def resumes(self, profiles: Owner) -> None:
        """A resume of each candidate, changed once."""
        rows = []
        empty = json.dumps([])
        for n, (id, user) in enumerate(zip(self.resume_ids, self.candidates, strict=True)):
            status = "hidden" if n % 9 == 0 else "published"
            title, at = f"Cook {n}", SINCE + timedelta(seconds=n)
            lists = ([], [], *([empty] * 5))
            rows.append((id, user, 2, status, title, False, *lists, "recommended", [], at, at))
            if n % FORGOTTEN == 0:
                continue
            for version, text in ((1, f"Chef {n}"), (2, title)):
                shown = ResumeSnapshot(title=text, status=status)
                profiles.log(
                    ResumeUpdated(
                        user_id=user,
                        resume_id=id,
                        action="created" if version == 1 else "updated",
                        version=version,
                        resume=shown,
                    )
                )
        columns = (
            "id, user_id, version, status, title, relocation, employment_types, work_formats, "
            "skills, languages, certificates, links, projects, visibility, hidden_from, "
            "created_at, updated_at"
        )
        await profiles.rows("resume", columns, rows)

    async def jobs(self, vacancies: Owner) -> None:
        """Companies with two employers each, and six vacancies, some paused or closed."""
        names = {id: f"Company {n}" for n, id in enumerate(self.companies)}
        await vacancies.rows(
            "company", "id, name, created_at", [(id, name, SINCE) for id, name in names.items()]
        )
        employers = [id for n, id in enumerate(self.people) if n % 10 == 0]
        rows: list[tuple[Any, ...]] = []
        for n, user in enumerate(employers):
            company = self._company(n)
            rows.append((user, company, None, SINCE))
            if n % FORGOTTEN:
                vacancies.log(
                    EmployerProfileCreated(
                        user_id=user, company_id=company, phone=None, company_name=names[company]
                    )
                )
        columns = "user_id, company_id, phone, created_at"
        await vacancies.rows("employer_profile", columns, rows)
        rows = []
        for n, id in enumerate(self.vacancy_ids):
            company, title = self._company(n), f"Cook at {n}"
            ids: dict[str, Any] = {"vacancy_id": id, "company_id": company}
            status = "closed" if n % 6 == 1 else "paused" if n % 6 == 2 else "published"
            is_changed = status != "published" or n % 6 < 4
            rows.append(
                (id, company, 2 + is_changed, status, title, "[]", "[]", False, SINCE, SINCE, SINCE)
            )
            if n % FORGOTTEN == 0:
                continue
            vacancies.log(VacancyPublished(**ids, version=2, title=title))
            if status == "closed":
                vacancies.log(VacancyClosed(**ids, version=3, reason="filled"))
            elif status == "paused":
                vacancies.log(VacancyPaused(**ids, version=3))
            elif is_changed:
                vacancies.log(VacancyUpdated(**ids, version=3, title=title))
        columns = (
            "id, company_id, version, status, title, requirements, languages, "
            "response_letter_required, created_at, updated_at, published_at"
        )
        await vacancies.rows("vacancy", columns, rows)

    async def applications(self, vacancies: Owner) -> None:
        """Two thirds of the candidates applied; half of them were moved and got a message."""
        rows = []
        for n, (resume, user) in enumerate(zip(self.resume_ids, self.candidates, strict=True)):
            company = self._company(n)
            vacancy = self.vacancy_ids[n % len(self.vacancy_ids)]
            ids: dict[str, Any] = {
                "vacancy_id": vacancy,
                "company_id": self._company(n % len(self.vacancy_ids)),
                "resume_id": resume,
                "user_id": user,
            }
            company = ids["company_id"]
            is_old = n % FORGOTTEN == 0
            if n % 4 == 0 and not is_old:
                vacancies.log(RecommendationCreated(recommendation_id=new_id(), score=0.5, **ids))
            if n % 3 == 0:
                continue
            id, is_moved = new_id(), n % 2 == 0
            stage = "consider" if is_moved else "response"
            rows.append(
                (id, vacancy, company, resume, user, "response", stage, 1, SINCE, SINCE, SINCE)
            )
            if is_old:
                continue
            its = {"application_id": id} | ids
            first = ApplicationStageChanged(
                **its, previous_stage=None, stage="response", applicant_state="sent"
            )
            vacancies.log(ApplicationSubmitted(**its, origin="response", submitted_at=SINCE), first)
            if is_moved:
                moved = ApplicationStageChanged(
                    **its,
                    previous_stage="response",
                    stage="consider",
                    applicant_state="in_progress",
                )
                vacancies.log(moved, ApplicationMessageSent(**its, side="employer"))
        columns = (
            "id, vacancy_id, company_id, resume_id, user_id, origin, stage, version, created_at, "
            "updated_at, accepted_at"
        )
        await vacancies.rows("application", columns, rows)
