"""Vacancies of a company, as bodies of `POST /api/vacancies/vacancies`."""

from collections.abc import Iterator
from datetime import date, timedelta
from html import escape
from itertools import islice
from random import Random
from typing import Any, NamedTuple

from hirewire.esco import Skill, dictionary
from hirewire.tools.sample_data import city_vacancies
from hirewire.tools.sample_data.companies import Company
from hirewire.tools.sample_data.openings import CityOpening, ItOpening, openings
from hirewire.tools.sample_data.phrases import pick, stock
from hirewire.tools.sample_data.places import remote
from hirewire.tools.sample_data.salaries import BASE, Grade, offered
from hirewire.tools.sample_data.texts import bulleted, introduced
from hirewire.tools.sample_data.titles import Job, Title
from hirewire.tools.sample_data.trades import (
    forms,
    is_knowledge,
    russian_label,
    skills_of,
    trades,
    written,
)

ON_SITE = {"stage", "support"}
BY_TOOLS = {"build", "data", "design", "operate", "check"}
"""Kinds of trades whose people are chosen by the tools that they know."""
ON_SITE_TRADES = {"cnc", "datacentre", "telecom", "avia"}


class Drafted(NamedTuple):
    """A vacancy, and what it was made from."""

    job: Job | None
    """The IT occupation; None for another trade."""
    trade: str
    body: dict[str, Any]


class Frame(NamedTuple):
    """The choices made for a vacancy before its text is written."""

    company: Company
    job: Job
    title: Title
    grade: Grade
    stack: tuple[str, ...]
    experience: str
    work_format: str
    languages: list[dict[str, str]]


def vacancies_of(seed: int, company: Company, count_: int, today: date) -> list[Drafted]:
    """The first vacancies of a company; no two have one title."""
    return list(islice(_vacancies(seed, company, today), count_))


def _vacancies(seed: int, company: Company, today: date) -> Iterator[Drafted]:
    for opening in openings(seed, company):
        if isinstance(opening, CityOpening):
            body = city_vacancies.drafted(opening, company, today)
            yield Drafted(None, opening.trade, body)
        else:
            frame = _frame(opening, company)
            body = _body(opening.rng, frame, opening.name, today)
            yield Drafted(opening.job, opening.trade, body)


def _frame(opening: ItOpening, company: Company) -> Frame:
    rng, job, title, grade = opening.rng, opening.job, opening.title, opening.grade
    trade = trades()[job.trade]
    stack = trade.tools[title.stack] if title.stack else rng.choice(list(trade.tools.values()))
    experience = {
        "junior": ("noExperience", "between1And3"),
        "middle": ("between1And3", "between3And6"),
        "senior": ("between3And6", "between3And6", "moreThan6"),
        "lead": ("moreThan6",),
    }[grade]
    shares = (80, 17, 3) if trade.kind in ON_SITE or job.trade in ON_SITE_TRADES else (25, 40, 35)
    [work_format] = rng.choices(("on_site", "hybrid", "remote"), shares)
    return Frame(
        company,
        job,
        title,
        grade,
        stack,
        rng.choice(experience),
        work_format,
        _languages(rng, company),
    )


def _body(rng: Random, frame: Frame, name: str, today: date) -> dict[str, Any]:
    company, russian = frame.company, frame.company.russian
    [employment] = rng.choices(("FULL_TIME", "PART_TIME", "CONTRACTOR", "TEMPORARY"), (86, 5, 7, 2))
    away = frame.work_format == "remote" and rng.random() < 0.4
    skills = _asked(rng, frame.job)
    body: dict[str, Any] = {
        "title": name,
        "description": describe(rng, frame, skills),
        "requirements": _requirements(rng, frame, skills),
        "experience": frame.experience,
        "employmentType": employment,
        "workFormat": frame.work_format,
        "area": remote(russian=russian) if away else company.place.name(russian=russian),
        "languages": frame.languages,
        "validThrough": str(today + timedelta(days=rng.randint(20, 60))),
        "responseLetterRequired": rng.random() < 0.2,
    }
    if rng.random() < 0.75:
        trade = trades()[frame.job.trade]
        body["salary"] = offered(rng, BASE[trade.kind], frame.grade, company.place)
    return body


def _languages(rng: Random, company: Company) -> list[dict[str, str]]:
    if company.russian:
        found = [{"language": "Русский", "level": rng.choice(("C1", "C2", "native"))}]
        if rng.random() < 0.35:
            found.append({"language": "Английский", "level": rng.choice(("B1", "B1", "B2"))})
        return found
    found = [{"language": "English", "level": rng.choice(("B2", "B2", "C1"))}]
    local = company.place.language
    if local and rng.random() < 0.25:
        found.append({"language": local, "level": rng.choice(("A2", "B1", "B2"))})
    return found


def _asked(rng: Random, job: Job) -> list[Skill]:
    """Two to four of the occupation's skills."""
    known = skills_of(job.occupation)
    return rng.sample(known, min(rng.randint(2, 4), len(known)))


def _requirements(rng: Random, frame: Frame, skills: list[Skill]) -> list[dict[str, Any]]:
    """The tools of the stack, the first of them required, and some skills of the occupation.

    Of those who build something, tools alone are required; of others one of the skills as well.
    """
    level = {"junior": 2, "middle": 3, "senior": 4, "lead": 5}[frame.grade]
    builds = trades()[frame.job.trade].kind in BY_TOOLS
    taken = {skill.id for skill in skills}
    tools = [tool for tool in frame.stack if dictionary().id_of(tool) not in taken]
    tools = tools[: rng.randint(3, 5)]
    musts = {*tools[: rng.randint(1, 3) if builds else 1]}
    names = [written(skill, rng, russian=frame.company.russian) for skill in skills]
    musts |= set() if builds else {*names[:1]}
    found = []
    for name in (*tools, *names):
        one: dict[str, Any] = {"skill": name, "kind": "must" if name in musts else "nice"}
        if rng.random() < 0.45:
            one["level"] = max(1, min(5, level - rng.choice((0, 0, 1))))
        found.append(one)
    return found


def describe(rng: Random, frame: Frame, skills: list[Skill]) -> str:
    """The description in HTML: company, duties, requirements and benefits."""
    russian = frame.company.russian
    trade = trades()[frame.job.trade]
    duties = trade.duties(frame.stack, russian=russian)
    few = rng.sample(duties, min(len(duties), rng.randint(3, 5)))
    parts = [
        introduced(rng, frame.company, city=False),
        bulleted(pick(rng, "duties", russian=russian), few),
        bulleted(pick(rng, "wanted", russian=russian), _wanted(rng, frame, skills)),
    ]
    if rng.random() < 0.5:
        extra = rng.sample(stock("extra", russian=russian), 2)
        parts.append(bulleted(pick(rng, "nice", russian=russian), extra))
    parts.append(bulleted(pick(rng, "offered", russian=russian), _offers(rng, frame)))
    if rng.random() < 0.6:
        parts.append(f"<p>{escape(pick(rng, 'closing', russian=russian))}</p>")
    return "".join(parts)


def _wanted(rng: Random, frame: Frame, skills: list[Skill]) -> list[str]:
    russian = frame.company.russian
    few = ", ".join(frame.stack[: rng.randint(2, 3)])
    years = {
        "noExperience": ("Опыт не обязателен: всему научим", "No experience needed: we will teach"),
        "between1And3": ("Опыт в похожей роли от 1 года", "At least 1 year in a similar role"),
        "between3And6": ("Опыт в похожей роли от 3 лет", "At least 3 years in a similar role"),
        "moreThan6": ("Опыт в похожей роли от 6 лет", "At least 6 years in a similar role"),
    }[frame.experience]
    items = [years[0] if russian else years[1]]
    if frame.experience == "noExperience":
        items.append(f"Базовое знакомство с {few}" if russian else f"A basic knowledge of {few}")
    else:
        items.append(f"Уверенное владение: {few}" if russian else f"A good command of {few}")
    if russian:
        names = [name for skill in skills if (name := russian_label(skill))][:4]
        if len(names) > 1:
            items.append(f"Ключевые навыки: {'; '.join(names)}")
    else:
        items += _in_english(skills[:4])
    items.append(pick(rng, "soft", russian=russian))
    for one in frame.languages[1:]:
        language, level = one["language"], one["level"]
        named = f"{language} язык на уровне {level}" if russian else f"{language}, level {level}"
        items.append(f"{named} и выше" if russian else f"{named} or higher")
    return items


def _in_english(skills: list[Skill]) -> list[str]:
    """Knowledge and abilities, in a line each."""
    known = [forms(skill.id, False)[0] for skill in skills if is_knowledge(skill)]
    able = [forms(skill.id, False)[0] for skill in skills if not is_knowledge(skill)]
    lines = (
        [f"Knowledge of {', '.join(known[:-1])} and {known[-1]}"]
        if len(known) > 1
        else ([f"Knowledge of {known[0]}"] if known else [])
    )
    return lines + ([f"Relevant skills: {'; '.join(able)}"] if able else [])


def _offers(rng: Random, frame: Frame) -> list[str]:
    company, russian = frame.company, frame.company.russian
    where = company.place.locative if russian else company.place.english
    formats = {
        "on_site": (f"Работа в офисе в {where}", f"Work at our office in {where}"),
        "hybrid": (
            f"Гибридный формат: офис в {where} и дни из дома",
            f"Hybrid work: our {where} office and days at home",
        ),
        "remote": ("Полностью удалённая работа", "Fully remote work"),
    }[frame.work_format]
    kind = trades()[frame.job.trade].kind
    if kind in ON_SITE or frame.job.trade in ON_SITE_TRADES:
        site = (f"Работа на площадках в {where}", f"Work on site in {where}")
        formats = site if frame.work_format == "on_site" else formats
    key = "offers" if not russian or company.place.country == "ru" else "offers_abroad"
    choice = stock(key, russian=russian)
    if kind in ON_SITE and frame.work_format == "on_site":
        choice = [offer for offer in choice if "ноутбук" not in offer and "laptop" not in offer]
    return [formats[0] if russian else formats[1], *rng.sample(choice, rng.randint(3, 4))]
