"""The page `/styleguide`: each component of the design system in each of its states."""

from fastapi import APIRouter, Response

from hirewire.web.pages.rendering import Asking, Form, render
from hirewire.web.problems import Problem

router = APIRouter(include_in_schema=False)
SAMPLES = {
    "en": {
        "title": "Data engineer",
        "skill": "Python",
        "place": "Berlin",
        "text": "You will build the pipelines that tell our drivers which parcel goes first.",
        "companies": ("Corvet Lab", "Northwind", "Ozon Delta", "Acme", "Velo Parts", "Blue Tea"),
        "people": ("Anna Keller", "Tom Brook"),
    },
    "ru": {
        "title": "Инженер данных",
        "skill": "Python",
        "place": "Казань",
        "text": "Вы будете строить потоки данных, которые подсказывают курьерам, что везти первым.",
        "companies": ("ООО «Корвет Лаб»", "Север", "Дельта", "Восток-Финанс", "Вело", "Чай"),
        "people": ("Анна Котова", "Пётр Лунин"),
    },
}
REASONS = (
    {"part": "skill", "about": "Python", "points": 0.32, "verdict": "met"},
    {"part": "skill", "about": "Kafka", "points": 0.12, "verdict": "partly"},
    {"part": "skill", "about": "Airflow", "points": 0, "verdict": "missing"},
    {"part": "area", "about": "Berlin", "points": 0, "verdict": "conflict"},
    {"part": "salary", "about": "", "points": 0.1, "verdict": "unknown"},
)


@router.get("/styleguide")
async def styleguide(who: Asking) -> Response:
    """The components. The texts are samples; nothing here is from the board."""
    sample = SAMPLES[who.words.lang]
    form = Form({"title": sample["title"], "workFormat": ["hybrid"]})
    form.errors = {"email": Problem("email_invalid")}
    vacancy = {
        "id": "00000000-0000-0000-0000-000000000000",
        "title": sample["title"],
        "companyName": sample["companies"][0],
        "companyLogo": None,
        "area": sample["place"],
        "workFormat": "hybrid",
        "salary": {"min": 180_000, "max": 260_000, "currency": "RUB", "unit": "MONTH"},
        "publishedAt": None,
        "highlights": None,
        "requirements": [{"skill": "Python"}, {"skill": "SQL"}, {"skill": "Kafka"}],
    }
    shown = {**sample, "vacancy": vacancy, "reasons": REASONS}
    return render(who, "styleguide.html", sample=shown, form=form)
