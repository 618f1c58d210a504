"""The page `/styleguide`: each component of the design system in each of its states."""

from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, Response

from hirewire.web.api.models.vacancies import OfferedSalary, Reason, Requirement, Vacancy
from hirewire.web.pages.rendering import Asking, Form, render

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
    Reason(part="skill", about="Kafka", points=0.12, verdict="partly"),
    Reason(part="skill", about="Airflow", points=0, verdict="missing"),
    Reason(part="area", about="Berlin", points=0, verdict="conflict"),
    Reason(part="salary", about=None, points=0.1, verdict="unknown"),
)
PAY = OfferedSalary(min=180_000, max=260_000, currency="RUB")
SKILLS = tuple(Requirement(skill=skill) for skill in ("Python", "SQL", "Kafka"))


@router.get("/styleguide")
async def styleguide(who: Asking) -> Response:
    """The components. The texts are samples; nothing here is from the board."""
    sample = SAMPLES[who.words.lang]
    form = Form({"title": sample.title, "workFormat": ["hybrid"]})
    form.errors = {"email": "value is not a valid email address"}
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
        who, "styleguide.html", sample=sample, vacancy=vacancy, reasons=REASONS, form=form
    )
