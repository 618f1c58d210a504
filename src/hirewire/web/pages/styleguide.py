"""The page `/styleguide`: each component of the design system in each of its states."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from fastapi import APIRouter, Response

from hirewire.kit.clock import now
from hirewire.web.api.models.applications import Application
from hirewire.web.api.models.vacancies import (
    Card,
    JobFigures,
    OfferedSalary,
    Reason,
    Requirement,
    Vacancy,
)
from hirewire.web.pages.checking import value_of
from hirewire.web.pages.rendering import Asking, Form, render
from hirewire.web.pages.undo import Undo
from hirewire.web.problems import Problem

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Sample:
    """Texts in one language."""

    title: str
    skill: str
    place: str
    text: str
    companies: tuple[str, ...]
    people: tuple[str, ...]


SAMPLES = {
    "en": Sample(
        "Data engineer",
        "Python",
        "Berlin",
        "You will build the pipelines that tell our drivers which parcel goes first.",
        ("Corvet Lab", "Northwind", "Orbit Delta", "Acme", "Velo Parts", "Blue Tea"),
        ("Anna Keller", "Tom Brook"),
    ),
    "ru": Sample(
        "Инженер данных",
        "Python",
        "Казань",
        "Вы будете строить потоки данных, которые подсказывают курьерам, что везти первым.",
        ("ООО «Корвет Лаб»", "Север", "Дельта", "Восток-Финанс", "Вело", "Чай"),
        ("Анна Котова", "Пётр Лунин"),
    ),
}
REASONS = (
    Reason(part="skill", about="Python", points=0.32, verdict="met"),
    Reason(
        part="skill", about="Kafka", points=0.04, most=0.12, verdict="partly", closeTo="RabbitMQ"
    ),
    Reason(part="skill", about="Airflow", most=0.1, verdict="missing"),
    Reason(part="area", kind="preference", most=0.04, verdict="conflict"),
    Reason(part="salary", kind="preference", points=0.04, most=0.04, verdict="met"),
)
PAY = OfferedSalary(min=180_000, max=260_000, currency="RUB")
SKILLS = tuple(Requirement(skill=skill) for skill in ("Python", "SQL", "Kafka"))

DAY = "2026-03-02T09:00:00+00:00"
STAGES = ("interview", "offer", "discard_by_employer")


@dataclass(frozen=True)
class Cards:
    """Applications as the board shows them."""

    unread: Application
    read: Application
    invited: Application
    declined: Application


def _cards(sample: Sample) -> Cards:
    """The ages are counted from now, so that they always look the same."""
    at = (now() - timedelta(days=3, hours=1)).isoformat()
    plain = Application(
        id="read",
        side="employer",
        origin="response",
        vacancyId=str(UUID(int=0)),
        vacancyTitle=sample.title,
        companyId=str(UUID(int=0)),
        companyName=sample.companies[0],
        resumeId=str(UUID(int=0)),
        resumeTitle=sample.title,
        stage="response",
        applicantState="response",
        open=True,
        createdAt=at,
        updatedAt=at,
        acceptedAt=at,
        score=0.62,
        allowedStages=STAGES,
    )
    ended = {"stage": "discard_by_employer", "reason": "salary", "open": False, "allowedStages": ()}
    return Cards(
        unread=plain.model_copy(update={"id": "unread", "unread": 1, "score": 0.86}),
        read=plain,
        invited=plain.model_copy(
            update={"id": "invited", "origin": "invitation", "acceptedAt": None, "score": None}
        ),
        declined=plain.model_copy(update={"id": "declined", **ended}),
    )


def _jobs(sample: Sample) -> tuple[JobFigures, ...]:
    busy = JobFigures(
        id="busy",
        title=sample.title,
        status="published",
        area=sample.place,
        daysOpen=12,
        applications=1240,
        unread=3,
        matches=1000,
    )
    quiet = {"id": "quiet", "status": "paused", "unread": 0, "applications": 0, "matches": 0}
    draft = {"id": "draft", "status": "draft", "area": None}
    return busy, busy.model_copy(update=quiet), busy.model_copy(update=draft)


@router.get("/styleguide")
async def styleguide(who: Asking) -> Response:
    """The components. All texts are samples; no data of the board is shown."""
    sample = SAMPLES[who.words.lang]
    form = Form({"title": sample.title, "workFormat": ["hybrid"]})
    form.errors = {"email": Problem("email_invalid")}
    vacancy = Vacancy(
        id=str(UUID(int=0)),
        companyId=str(UUID(int=0)),
        companyName=sample.companies[0],
        status="published",
        title=sample.title,
        area=sample.place,
        workFormat="hybrid",
        salary=PAY,
        requirements=SKILLS,
    )
    return render(
        who,
        "styleguide.html",
        sample=sample,
        vacancy=vacancy,
        reasons=REASONS,
        form=form,
        cards=_cards(sample),
        jobs=_jobs(sample),
        read={
            "position": value_of(sample.title),
            "start": value_of("2019-03", f"{sample.title}, {sample.companies[0]}, 03/2019 – 2021"),
            "end": value_of("2021"),
        },
        resume=Card(title=sample.title, area=sample.place, relocation=True, experienceMonths=74),
        day=DAY,
        undone=Undo("match", UUID(int=0), "seen"),
    )
