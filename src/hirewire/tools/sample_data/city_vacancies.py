"""Vacancies of trades outside IT, as bodies of `POST /api/vacancies/vacancies`."""

import re
from datetime import date, timedelta
from html import escape
from random import Random
from typing import Any

from hirewire.esco import dictionary
from hirewire.tools.sample_data.city import Line
from hirewire.tools.sample_data.companies import Company
from hirewire.tools.sample_data.openings import CityOpening
from hirewire.tools.sample_data.phrases import pick, stock
from hirewire.tools.sample_data.places import remote
from hirewire.tools.sample_data.salaries import Grade, offered
from hirewire.tools.sample_data.texts import bulleted, introduced

CORE = 5
"""The number of a trade's first skills that are most typical of it."""
STREETS = [
    "ул. Гагарина",
    "ул. Мира",
    "ул. Ленина",
    "ул. Советская",
    "ул. Садовая",
    "ул. Победы",
    "ул. Пушкина",
    "пр. Строителей",
    "ул. Заводская",
    "ул. Молодёжная",
    "ул. Чехова",
    "ул. Набережная",
    "ул. Кирова",
]
EXPERIENCE: dict[Grade, tuple[str, ...]] = {
    "junior": ("noExperience",),
    "middle": ("between1And3",),
    "senior": ("between3And6",),
    "lead": ("between3And6", "moreThan6"),
}
YEARS = {
    "noExperience": ("Можно без опыта: всему научим", "No experience needed: we will teach you"),
    "between1And3": ("Опыт работы от 1 года", "At least 1 year of experience"),
    "between3And6": ("Опыт работы от 3 лет", "At least 3 years of experience"),
    "moreThan6": ("Опыт работы от 6 лет", "At least 6 years of experience"),
}
SPEAKING = {"hotel": "d", "tutor": "e"}
"""Trades that speak English, with the mark of the titles that do."""
_SHIFTS = re.compile(r"график|\d/\d|вахта|смен|групп|нагрузка|слоты|утро|часы", re.IGNORECASE)


def drafted(opening: CityOpening, company: Company, today: date) -> dict[str, Any]:
    """The vacancy as a request body."""
    rng, work, russian = opening.rng, opening.work, company.russian
    shares = (62, 26, 12) if work.office else (100, 0, 0)
    [work_format] = rng.choices(("on_site", "hybrid", "remote"), shares)
    if "нлайн" in opening.title.name.russian:
        work_format = "remote"
    [employment] = rng.choices(
        ("FULL_TIME", "PART_TIME", "TEMPORARY", "CONTRACTOR"), (82, 13, 3, 2)
    )
    experience = rng.choice(EXPERIENCE[opening.grade])
    away = work_format == "remote" and rng.random() < 0.5
    body: dict[str, Any] = {
        "title": opening.name,
        "description": _described(rng, opening, company, experience, work_format),
        "requirements": _requirements(rng, opening, russian=russian),
        "experience": experience,
        "employmentType": employment,
        "workFormat": work_format,
        "area": remote(russian=russian) if away else company.place.name(russian=russian),
        "languages": _languages(rng, opening, russian=russian),
        "validThrough": str(today + timedelta(days=rng.randint(20, 60))),
        "responseLetterRequired": work.office and rng.random() < 0.15,
    }
    if rng.random() < 0.8:
        body["salary"] = offered(rng, work.pay, opening.grade, company.place, work.per)
    if work_format == "on_site" and company.place.country == "ru" and russian:
        body["address"] = f"{rng.choice(STREETS)}, {rng.randint(1, 98)}"
    return body


def asked(rng: Random, opening: CityOpening) -> list[Line]:
    """Skills of the trade that go with the title, mainly the most typical ones."""
    fitting = [line for line in opening.work.skills if line.goes_with(opening.title.marks)]
    core, rest = fitting[:CORE], fitting[CORE:]
    chosen = rng.sample(core, min(len(core), rng.randint(3 if rest else 4, CORE)))
    return chosen + rng.sample(rest, min(len(rest), rng.randint(1, 4)))


def _requirements(rng: Random, opening: CityOpening, *, russian: bool) -> list[dict[str, Any]]:
    """Documents that the work requires, one or two required skills, and some optional ones."""
    papers = [line for line in opening.work.papers if line.goes_with(opening.title.marks)]
    found: list[dict[str, Any]] = [
        {"skill": line.text(russian=russian), "kind": "must"} for line in papers if line.needed
    ]
    level = {"junior": 2, "middle": 3, "senior": 4, "lead": 4}[opening.grade]
    musts = rng.choice((1, 1, 2)) - bool(found)
    for place, line in enumerate(asked(rng, opening)):
        one: dict[str, Any] = {
            "skill": line.written(rng, russian=russian),
            "kind": "must" if place < musts else "nice",
        }
        if rng.random() < 0.25:
            one["level"] = level
        found.append(one)
    optional = [line for line in papers if not line.needed and rng.random() < 0.35]
    found += [{"skill": line.text(russian=russian), "kind": "nice"} for line in optional[:2]]
    by_id = {dictionary().id_of(one["skill"]): one for one in reversed(found)}
    return list(reversed(by_id.values()))


def _languages(rng: Random, opening: CityOpening, *, russian: bool) -> list[dict[str, str]]:
    name = "Английский" if russian else "English"
    speaks = SPEAKING.get(opening.work.key)
    if speaks is not None and speaks in opening.title.marks:
        levels = ("C1", "C1", "C2") if opening.work.key == "tutor" else ("A2", "B1", "B1", "B2")
        return [{"language": name, "level": rng.choice(levels)}]
    if not russian and rng.random() < 0.6:
        return [{"language": name, "level": rng.choice(("B1", "B1", "B2"))}]
    return []


def _described(
    rng: Random, opening: CityOpening, company: Company, experience: str, work_format: str
) -> str:
    russian, marks = company.russian, opening.title.marks
    duties = opening.work.lines("duties", marks, russian=russian)
    wanted = opening.work.lines("wanted", marks, russian=russian)
    conditions = rng.sample(wanted, min(len(wanted), rng.randint(2, 3)))
    parts = [
        introduced(rng, company, city=True),
        bulleted(
            pick(rng, "duties", russian=russian),
            rng.sample(duties, min(len(duties), rng.randint(3, 5))),
        ),
        bulleted(
            pick(rng, "wanted", russian=russian),
            [
                YEARS[experience][0 if russian else 1],
                *(line for line in conditions if not _teaches(line) or experience[:2] == "no"),
                pick(rng, "soft", russian=russian, city=True),
            ],
        ),
    ]
    if rng.random() < 0.35:
        extra = rng.sample(stock("extra", russian=russian, city=True), 2)
        parts.append(bulleted(pick(rng, "nice", russian=russian), extra))
    offers = _offers(rng, opening, company, work_format)
    parts.append(bulleted(pick(rng, "offered", russian=russian), offers))
    if rng.random() < 0.6:
        parts.append(f"<p>{escape(pick(rng, 'closing', russian=russian, city=True))}</p>")
    return "".join(parts)


def _teaches(line: str) -> bool:
    """Whether the text welcomes beginners, which not every vacancy may do."""
    return (
        re.search(
            "опыт не|опыт в рознице|опыт будет|experience is|experience in a shop", line, re.I
        )
        is not None
    )


def _offers(rng: Random, opening: CityOpening, company: Company, work_format: str) -> list[str]:
    """A work format, other benefits of the trade, and common benefits of any employer."""
    russian = company.russian
    lines = [line for line in opening.work.schedule if line.goes_with(opening.title.marks)]
    shifts = [line for line in lines if _SHIFTS.search(line.russian)]
    others = [line for line in lines if line not in shifts]
    chosen = [rng.choice(shifts)] if shifts else []
    chosen += rng.sample(others, min(len(others), 1))
    where = company.place.locative if russian else company.place.english
    formats = {
        "hybrid": (f"Гибрид: офис в {where} и дни из дома", f"Hybrid: {where} and days at home"),
        "remote": ("Полностью удалённая работа", "Fully remote work"),
    }
    found = [line.text(russian=russian) for line in chosen]
    if work_format in formats:
        found.append(formats[work_format][0 if russian else 1])
    key = "offers" if not russian or company.place.country == "ru" else "offers_abroad"
    stocked = stock(key, russian=russian, city=True)
    return found + rng.sample(stocked, min(len(stocked), rng.randint(2, 3)))
