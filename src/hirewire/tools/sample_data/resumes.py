"""Resumes of a person: a JSON Resume to import, and the update that completes it."""

from collections.abc import Iterator
from datetime import date
from functools import cache
from itertools import count
from random import Random
from typing import Any, NamedTuple

from hirewire.esco import Skill, dictionary
from hirewire.tools.sample_data.careers import (
    Life,
    Named,
    Profession,
    apart,
    employer_near,
    life_of,
    named,
    work,
)
from hirewire.tools.sample_data.city import CityTrade, Line, city_trades
from hirewire.tools.sample_data.city_vacancies import CORE
from hirewire.tools.sample_data.people import Person, person
from hirewire.tools.sample_data.phrases import lowered, pick, years_ru
from hirewire.tools.sample_data.salaries import BASE, Grade, wished
from hirewire.tools.sample_data.titles import Job, jobs
from hirewire.tools.sample_data.trades import skills_of, trades, written

SMALL = 60
"""The number of people with few resumes: a small board has many people."""
FEW = (3, 2, 4, 3)
EACH = (5, 10, 15, 8, 12, 10, 6, 14)
"""The numbers of resumes of further people, in turn: 10 on average.

Logging in costs as much as creating several resumes, so a large board of people with few resumes
would take far longer.
"""
LEVELS = {1: "Beginner", 2: "Elementary", 3: "Intermediate", 4: "Advanced", 5: "Expert"}


class Written(NamedTuple):
    """A resume, and what it was made from."""

    profession: Profession
    marks: frozenset[str]
    document: dict[str, Any]
    """A JSON Resume."""
    changes: dict[str, Any]
    """Fields that JSON Resume lacks."""

    @property
    def title(self) -> str:
        """Its title, which is unique among the person's resumes."""
        return str(self.document["basics"]["label"])


def candidates(seed: int, resumes: int) -> Iterator[tuple[Person, int]]:
    """People who together have this many resumes, each with their share."""
    left = resumes
    for number in count():
        if left <= 0:
            return
        share = FEW[number % len(FEW)] if number < SMALL else EACH[(number - SMALL) % len(EACH)]
        yield candidate(seed, number), min(left, share)
        left -= share


def candidate(seed: int, number: int) -> Person:
    """The candidate with this number, usually in a city where companies hire for such work."""
    elsewhere = Random(f"{seed}/elsewhere/{number}").random() < 0.05  # noqa: S311
    place = None if elsewhere else employer_near(seed, number).place
    return person(seed, "candidate", number, place)


def resumes_of(seed: int, who: Person, count_: int, today: date) -> list[Written]:
    """The first resumes of a person, each for a job similar to the first one."""
    life = life_of(seed, who, today)
    found: list[Written] = []
    for number in range(count_):
        rng = Random(f"{seed}/resume/{who.number}/{number}")  # noqa: S311
        taken = {resume.title for resume in found}
        profession = _near(rng, life.home) if number else life.home
        found.append(_resume(rng, who, life, profession, taken))
    return found


def _near(rng: Random, home: Profession) -> Profession:
    """Another occupation of the same kind, or a trade to which its people also move."""
    if isinstance(home, CityTrade):
        return city_trades()[rng.choice(home.near)] if home.near and rng.random() < 0.5 else home
    kind = trades()[home.trade].kind
    if kind == "lead":
        return home
    others = [job for job in jobs() if trades()[job.trade].kind == kind]
    [found] = rng.choices(others, [6.0 if job.trade == home.trade else 0.3 for job in others])
    return found


def _resume(
    rng: Random, who: Person, life: Life, profession: Profession, taken: set[str]
) -> Written:
    own = profession is life.home
    grade: Grade = life.grade if own or isinstance(profession, Job) else "middle"
    for attempt in count():
        plain = named(rng, profession, grade, who, life.marks if own else frozenset())
        name = plain.text + apart(rng, plain, max(0, attempt - 2), russian=who.russian)
        if name not in taken:
            break
        if isinstance(profession, Job):
            profession = _near(rng, profession)
    skills = (
        _city_skills(rng, who, life, profession, plain)
        if isinstance(profession, CityTrade)
        else _it_skills(rng, who, life, profession, plain.stack)
    )
    document: dict[str, Any] = {
        "basics": {
            "name": who.full_name,
            "label": name,
            "summary": _summary(rng, who, life, profession, plain, skills),
            "location": {"city": who.place.name(russian=who.russian)},
        },
        "work": work(rng, who, life),
        "education": [study.entry() for study in life.studies],
        "skills": _levelled(rng, skills, life.grade, _papers()),
        "languages": [{"language": name, "fluency": level} for name, level in life.languages],
    }
    changes = _changes(rng, who, life, profession, first=not taken)
    return Written(profession, plain.marks, document, changes)


def _changes(
    rng: Random, who: Person, life: Life, profession: Profession, *, first: bool
) -> dict[str, Any]:
    """The fields that JSON Resume lacks.

    The first resume of a person is nearly always that of a job seeker.
    """
    states = (98, 1, 1) if first else (92, 5, 3)
    [status] = rng.choices(("published", "draft", "hidden"), states)
    shares_of = (97, 1, 1, 1) if first else (88, 6, 4, 2)
    [visibility] = rng.choices(("recommended", "applied", "link", "no_one"), shares_of)
    if isinstance(profession, CityTrade):
        shares = (1.0, 0.5, 0.4) if profession.office else (1.0, 0.0, 0.0)
        part_time, pay = 0.4, profession.pay
    else:
        kind = trades()[profession.trade].kind
        shares = (1.0, 0.2, 0.05) if kind in {"stage", "support"} else (0.5, 0.6, 0.75)
        part_time, pay = 0.15, BASE[kind]
    formats = [
        name
        for name, share in zip(("on_site", "hybrid", "remote"), shares, strict=True)
        if rng.random() < share
    ]
    kinds = ["FULL_TIME"]
    kinds += ["PART_TIME"] if rng.random() < part_time else []
    kinds += ["CONTRACTOR"] if rng.random() < 0.2 else []
    found: dict[str, Any] = {
        "status": status,
        "relocation": rng.random() < 0.3,
        "employmentTypes": kinds,
        "workFormats": formats or ["hybrid"],
        "visibility": visibility,
    }
    if rng.random() < 0.7:
        found["salary"] = wished(rng, pay, life.grade, who.place)
    return found


def _levelled(
    rng: Random, names: list[str], grade: Grade, papers: frozenset[str]
) -> list[dict[str, str]]:
    """The skills, most of them with a level; documents have none."""
    usual = {"junior": 2, "middle": 3, "senior": 4, "lead": 4}[grade]
    found = []
    for name in names:
        entry = {"name": name}
        if name not in papers and rng.random() < 0.7:
            entry["level"] = LEVELS[max(1, min(5, usual + rng.choice((-1, 0, 0, 1))))]
        found.append(entry)
    return found


@cache
def _papers() -> frozenset[str]:
    """The documents and tools of all trades outside IT, in both languages."""
    lines = [line for trade in city_trades().values() for line in trade.papers]
    return frozenset(text for line in lines for text in (line.english, line.russian))


def _it_skills(rng: Random, who: Person, life: Life, job: Job, stack: tuple[str, ...]) -> list[str]:
    """The trade's tools, several of the occupation's skills, and one of a neighbouring one."""
    known = skills_of(job.occupation)
    least, most = (2, 4) if life.changed else (4, 8)
    own = rng.sample(known, min(len(known), rng.randint(least, most)))
    near = _near(rng, job)
    others = skills_of(near.occupation) if isinstance(near, Job) else ()
    chosen: dict[str, Skill] = {skill.id: skill for skill in own}
    for skill in rng.sample(others, min(len(others), 1)):
        chosen.setdefault(skill.id, skill)
    names = [written(skill, rng, russian=who.russian) for skill in chosen.values()]
    tools = [tool for tool in stack if dictionary().id_of(tool) not in chosen]
    return [*tools[: rng.randint(2, 5)], *names]


def _city_skills(rng: Random, who: Person, life: Life, trade: CityTrade, plain: Named) -> list[str]:
    """The person's skills and documents, and one or two skills of other trades."""
    fitting = [line for line in trade.skills if line.goes_with(plain.marks)]
    share = rng.uniform(0.45, 0.9)
    if life.changed or trade is not life.home:
        share = rng.uniform(0.3, 0.55)
    chosen: list[Line] = [
        line
        for place, line in enumerate(fitting)
        if rng.random() < min(0.95, share + (0.25 if place < CORE else 0.0))
    ] or fitting[:2]
    if rng.random() < 0.25:  # some write little about themselves
        chosen = chosen[: rng.randint(3, 5)]
    for line in trade.papers:
        if line.goes_with(plain.marks) and (line.needed or rng.random() < 0.6):
            chosen.append(line)
    before = {
        position.profession.key: position.profession
        for position in life.positions
        if isinstance(position.profession, CityTrade) and position.profession is not trade
    }
    for other in before.values():
        chosen += rng.sample([line for line in other.skills if not line.marks], 1)
    names = {
        dictionary().id_of(text): text
        for line in chosen
        for text in [line.written(rng, russian=who.russian)]
    }
    return list(names.values())


def _summary(
    rng: Random,
    who: Person,
    life: Life,
    profession: Profession,
    plain: Named,
    skills: list[str],
) -> str:
    russian, city = who.russian, isinstance(profession, CityTrade)
    latest = life.positions[0]
    if isinstance(profession, CityTrade):
        few = ", ".join(lowered(skill) for skill in skills[:3])
        desk = False
    else:
        few = ", ".join(plain.stack[:3])
        desk = trades()[profession.trade].kind in {"build", "data"}
    if russian:
        first = f"{plain.text}, опыт работы {years_ru(life.years)}."
        heads = (
            ("Ключевые навыки", "Сильные стороны")
            if city
            else ("Основные инструменты", "Рабочие инструменты")
        )
        tools = f"{rng.choice(heads)}: {few}."
        last = f"Последняя компания {latest.industry.russian}."
    else:
        years = "1 year" if life.years == 1 else f"{life.years} years"
        first = f"{plain.text} with {years} of experience."
        tools = rng.choice((f"My main tools are {few}.", f"I work with {few}."))
        tools = f"Key skills: {few}." if city else tools
        last = f"My latest company {latest.industry.english}."
    if city:
        last = (
            f"Последнее место работы — {latest.company}."
            if russian
            else f"My latest employer is {latest.company}."
        )
    if life.changed:
        past = latest.named.text
        first = (
            f"{plain.text}. До этого: {lowered(past)}."
            if russian
            else (f"{plain.text}. Before: {past}.")
        )
    said = [first, tools, *([last] if rng.random() < 0.5 and not life.changed else [])]
    female = who.female
    if life.changed and city:
        said.append(pick(rng, "changed", russian=russian, female=female, city=True))
    said.append(pick(rng, "trait", russian=russian, female=female, city=city))
    seek = "seek" if desk or city else "seek_any"
    said.append(pick(rng, seek, russian=russian, female=female, city=city))
    return " ".join(said)
