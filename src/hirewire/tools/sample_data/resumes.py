"""Resumes of a person: a JSON Resume to import, and the changes that complete it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import count
from random import Random
from typing import NamedTuple, NotRequired, TypedDict

from hirewire.esco import Skill, dictionary
from hirewire.tools.sample_data.companies import Industry, past_employer
from hirewire.tools.sample_data.people import Person, person
from hirewire.tools.sample_data.phrases import capital, done, pick, years_ru
from hirewire.tools.sample_data.salaries import Grade, wished
from hirewire.tools.sample_data.schools import Study, studied
from hirewire.tools.sample_data.titles import Job, Title, graded, jobs
from hirewire.tools.sample_data.trades import skills_of, trades, written

EACH = (5, 10, 15, 8, 12, 10, 6, 14)
"""Resumes of one person after another: 10 on average. Logging in costs as much as several resumes
do, so that a board of people with one resume each would take far longer to make."""
MONTHS: dict[Grade, tuple[int, int]] = {
    "junior": (4, 26),
    "middle": (28, 70),
    "senior": (66, 150),
    "lead": (110, 230),
}
LEVELS = {1: "Beginner", 2: "Elementary", 3: "Intermediate", 4: "Advanced", 5: "Expert"}


class Basics(TypedDict):
    """Who somebody is."""

    name: str
    label: str
    summary: str
    location: dict[str, str]


class Document(TypedDict):
    """The members of a JSON Resume that the sample data have."""

    basics: Basics
    work: list[dict[str, str]]
    education: list[dict[str, str]]
    skills: list[dict[str, str]]
    languages: list[dict[str, str]]


class Changes(TypedDict):
    """What JSON Resume has no fields for."""

    status: str
    relocation: bool
    employmentTypes: list[str]
    workFormats: list[str]
    visibility: str
    salary: NotRequired[dict[str, object]]


class Written(NamedTuple):
    """A resume, and what it was made from."""

    job: Job
    document: Document
    """For `POST /api/profiles/resumes/import`."""
    changes: Changes
    """For `PATCH /api/profiles/resumes/{id}`."""
    hidden: bool
    """Whether it is hidden at last; only a published one can be."""

    @property
    def title(self) -> str:
        """Its title, which no other resume of the person has."""
        return self.document["basics"]["label"]


@dataclass(frozen=True, slots=True)
class Position:
    """Where somebody worked, and as what."""

    company: str
    industry: Industry
    grade: Grade
    start: str
    end: str | None


@dataclass(frozen=True, slots=True)
class Life:
    """What all resumes of a person have in common."""

    grade: Grade
    years: int
    positions: tuple[Position, ...]
    """The latest first."""
    study: Study
    languages: tuple[tuple[str, str], ...]


def candidates(seed: int, resumes: int) -> Iterator[tuple[Person, int]]:
    """As many as have this many resumes together, each with their share of them."""
    left = resumes
    for number in count():
        if left <= 0:
            return
        share = EACH[number % len(EACH)]
        yield person(seed, "candidate", number), min(left, share)
        left -= share


def resumes_of(seed: int, who: Person, count_: int, today: date) -> list[Written]:
    """The first resumes of a person, each for another kind of job like the first."""
    rng = Random(f"{seed}/life/{who.number}")  # noqa: S311
    [home] = rng.choices(jobs(), [job.weight for job in jobs()])
    while not home.english[0].graded and rng.random() < 0.5:  # those who lead are few
        [home] = rng.choices(jobs(), [job.weight for job in jobs()])
    life = _life(rng, who, home, today)
    found: list[Written] = []
    for number in range(count_):
        rng = Random(f"{seed}/resume/{who.number}/{number}")  # noqa: S311
        taken = {resume.title for resume in found}
        found.append(_resume(rng, who, life, home if not number else _near(rng, home), taken))
    return found


def _near(rng: Random, home: Job) -> Job:
    """An occupation of the same kind of work, one of the same trade rather than another."""
    kind = trades()[home.trade].kind
    if kind == "lead":
        return home
    others = [job for job in jobs() if trades()[job.trade].kind == kind]
    [found] = rng.choices(others, [6.0 if job.trade == home.trade else 0.3 for job in others])
    return found


def _life(rng: Random, who: Person, home: Job, today: date) -> Life:
    leads = not any(title.graded and title.for_beginners for title in home.english)
    grades: tuple[Grade, ...] = ("junior", "middle", "senior", "lead")
    [grade] = rng.choices(grades, (0, 0, 50, 50) if leads else (22, 40, 28, 10))
    months = rng.randint(*MONTHS[grade])
    last = today.year * 12 + today.month - 1 - (rng.randint(1, 5) if rng.random() < 0.3 else 0)
    works = last == today.year * 12 + today.month - 1
    count_ = {"junior": (1, 1), "middle": (1, 3), "senior": (2, 4), "lead": (3, 4)}[grade]
    bounds = sorted(rng.sample(range(10, 91), rng.randint(*count_) - 1))
    places = [last - months, *(last - months + months * cut // 100 for cut in bounds), last]
    positions = []
    for place, (start, end) in enumerate(zip(places, places[1:], strict=False)):
        company, industry = past_employer(rng, home.trade, russian=who.russian)
        current = place == len(places) - 2
        positions.append(
            Position(
                company,
                industry,
                _grade_after((start + end) // 2 - places[0], grade, current=current),
                _month(start + (rng.randint(0, 2) if place and end - start > 4 else 0)),
                None if current and works else _month(end),
            )
        )
    study = studied(
        rng, trades()[home.trade].kind, who, work_began=places[0] // 12, today_year=today.year
    )
    return Life(
        grade, max(1, round(months / 12)), tuple(reversed(positions)), study, _languages(rng, who)
    )


def _grade_after(months: int, grade: Grade, *, current: bool) -> Grade:
    """What one was in a position; `months` of work lie before the middle of it."""
    if current:
        return grade
    then: Grade = "junior" if months < 24 else "middle" if months < 60 else "senior"
    order = ("junior", "middle", "senior", "lead")
    return min(then, grade, key=order.index)


def _month(number: int) -> str:
    return f"{number // 12}-{number % 12 + 1:02}"


def _languages(rng: Random, who: Person) -> tuple[tuple[str, str], ...]:
    """Names in the language of the resume, and levels of CEFR."""
    english = rng.choice(("A2", "B1", "B1", "B2", "B2", "C1"))
    if who.russian:
        found = [("Русский", "native")]
        if rng.random() < 0.85:
            found.append(("Английский", english))
        if rng.random() < 0.08:
            found.append((rng.choice(("Немецкий", "Французский", "Китайский")), "A2"))
        return tuple(found)
    own = who.place.language
    if who.from_russia:
        own = "Russian"
    if own is None:
        foreign = [(rng.choice(("French", "Spanish", "German")), "B1")]
        return (("English", "native"), *(foreign if rng.random() < 0.3 else ()))
    level = rng.choice(("B2", "C1", "C1", "C2"))
    return (own, "native"), ("English", level)


def _resume(rng: Random, who: Person, life: Life, job: Job, taken: set[str]) -> Written:
    for attempt in count():
        trade = trades()[job.trade]
        title = rng.choice(_titles(job, life.grade, russian=who.russian))
        stack = trade.tools[title.stack] if title.stack else rng.choice(list(trade.tools.values()))
        plain = graded(title, life.grade, russian=who.russian)
        name = plain + _apart(rng, stack, attempt)
        if name not in taken:
            break
        job = _near(rng, job)
    skills = _skills(rng, who, life, job, stack)
    document: Document = {
        "basics": {
            "name": who.full_name,
            "label": name,
            "summary": _summary(rng, who, life, plain, stack, trade.kind),
            "location": {"city": who.place.name(russian=who.russian)},
        },
        "work": _work(rng, who, life, job, title, stack),
        "education": [life.study.entry()],
        "skills": skills,
        "languages": [{"language": name, "fluency": level} for name, level in life.languages],
    }
    changes, hidden = _changes(rng, who, life, trade.kind)
    return Written(job, document, changes, hidden)


def _titles(job: Job, grade: Grade, *, russian: bool) -> tuple[Title, ...]:
    """What somebody of this grade may be called; beginners are no architects."""
    titles = job.russian if russian else job.english
    fitting = tuple(title for title in titles if grade != "junior" or title.for_beginners)
    return fitting or titles


def _apart(rng: Random, stack: tuple[str, ...], attempt: int) -> str:
    """What tells a title from others of the person: nothing, then a tool, then two, then more."""
    if not attempt:
        return ""
    tools = rng.sample(stack, 1 if attempt < 8 else 2)
    return f" ({', '.join(tools)}{f', {attempt}' if attempt > 50 else ''})"


def _changes(rng: Random, who: Person, life: Life, kind: str) -> tuple[Changes, bool]:
    [status] = rng.choices(("published", "draft", "hidden"), (93, 4, 3))
    [visibility] = rng.choices(("recommended", "applied", "link", "no_one"), (90, 5, 3, 2))
    at_desk = kind not in {"stage", "support"}
    formats = [
        name
        for name, share in (
            ("on_site", 0.5 if at_desk else 1.0),
            ("hybrid", 0.6 if at_desk else 0.2),
            ("remote", 0.75 if at_desk else 0.05),
        )
        if rng.random() < share
    ]
    kinds = ["FULL_TIME"]
    kinds += ["PART_TIME"] if rng.random() < 0.15 else []
    kinds += ["CONTRACTOR"] if rng.random() < 0.2 else []
    found: Changes = {
        "status": "published" if status == "hidden" else status,
        "relocation": rng.random() < 0.25,
        "employmentTypes": kinds,
        "workFormats": formats or ["hybrid"],
        "visibility": visibility,
    }
    if rng.random() < 0.7:
        found["salary"] = wished(rng, kind, life.grade, who.place)
    return found, status == "hidden"


def _skills(
    rng: Random, who: Person, life: Life, job: Job, stack: tuple[str, ...]
) -> list[dict[str, str]]:
    """Half to most of the occupation's skills, the tools of the trade, a few skills of others."""
    known = skills_of(job.occupation)
    own = rng.sample(known, max(1, round(len(known) * rng.uniform(0.5, 0.85))))
    others = skills_of(_near(rng, job).occupation)
    chosen: dict[str, Skill] = {skill.id: skill for skill in own}
    for skill in rng.sample(others, min(len(others), rng.randint(1, 3))):
        chosen.setdefault(skill.id, skill)
    named = [written(skill, rng, russian=who.russian) for skill in chosen.values()]
    tools = [tool for tool in stack if dictionary().id_of(tool) not in chosen]
    usual = {"junior": 2, "middle": 3, "senior": 4, "lead": 4}[life.grade]
    found = []
    for name in [*tools[: rng.randint(2, 5)], *named]:
        entry = {"name": name}
        if rng.random() < 0.7:
            entry["level"] = LEVELS[max(1, min(5, usual + rng.choice((-1, 0, 0, 1))))]
        found.append(entry)
    return found


def _summary(
    rng: Random, who: Person, life: Life, name: str, stack: tuple[str, ...], kind: str
) -> str:
    russian, few = who.russian, ", ".join(stack[:3])
    industry = life.positions[0].industry
    if russian:
        first = f"{name}, опыт работы {years_ru(life.years)}."
        tools = rng.choice(("Основные инструменты", "Рабочие инструменты")) + f": {few}."
        last = f"Последняя компания {industry.russian}."
    else:
        years = "1 year" if life.years == 1 else f"{life.years} years"
        first = f"{name} with {years} of experience."
        tools = rng.choice((f"My main tools are {few}.", f"I work with {few}."))
        last = f"My latest company {industry.english}."
    desk = kind in {"build", "data"}
    said = [first, tools, *([last] if rng.random() < 0.6 else [])]
    said.append(pick(rng, "trait", russian=russian, female=who.female))
    said.append(pick(rng, "seek" if desk else "seek_any", russian=russian, female=who.female))
    return " ".join(said)


def _work(
    rng: Random, who: Person, life: Life, job: Job, title: Title, stack: tuple[str, ...]
) -> list[dict[str, str]]:
    trade = trades()[job.trade]
    duties = trade.duties(stack, russian=who.russian)
    achieved = done(rng, trade.kind, 3, russian=who.russian, female=who.female)
    found = []
    for position in life.positions:
        lines = [f"{duty}." for duty in rng.sample(duties, min(len(duties), rng.randint(2, 3)))]
        if achieved and rng.random() < 0.7:
            lines.append(achieved.pop())
        entry = {
            "name": position.company,
            "position": graded(title, position.grade, russian=who.russian),
            "startDate": position.start,
            "summary": "\n".join(f"— {capital(line)}" for line in lines),
        }
        if position.end:
            entry["endDate"] = position.end
        found.append(entry)
    return found
