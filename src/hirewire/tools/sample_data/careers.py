"""What all resumes of a person share: employers, positions and education."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from random import Random

from hirewire.tools.sample_data.city import CityTrade, city_trades
from hirewire.tools.sample_data.companies import (
    SMALL,
    Company,
    Industry,
    company,
    past_employer,
)
from hirewire.tools.sample_data.openings import ItOpening, Opening, openings
from hirewire.tools.sample_data.people import Person
from hirewire.tools.sample_data.phrases import achieved, capital, done, stock
from hirewire.tools.sample_data.salaries import GRADES, Grade
from hirewire.tools.sample_data.schools import Study, retrained, studied, trained
from hirewire.tools.sample_data.titles import Job, Title, graded
from hirewire.tools.sample_data.trades import trades

MONTHS: dict[Grade, tuple[int, int]] = {
    "junior": (4, 26),
    "middle": (28, 70),
    "senior": (66, 150),
    "lead": (110, 230),
}
Profession = Job | CityTrade
FIRST_JOBS = ("seller", "cashier", "courier", "waiter", "callcentre", "warehouse")
"""Jobs that people of any trade may have had earlier."""
LICENSED = frozenset({"doctor", "dentist", "lawyer", "nurse", "pharmacist"})
"""Trades that nobody enters from another one within a few months."""
MOSTLY_MEN = frozenset(
    {"builder", "electrician", "plumber", "welder", "mechanic", "driver", "tractor", "foreman"}
)
MOSTLY_WOMEN = frozenset({"nurse", "kindergarten", "manicurist", "hairdresser", "clinicdesk"})


@dataclass(frozen=True, slots=True)
class Named:
    """A job title, and what belongs to it."""

    text: str
    stack: tuple[str, ...] = ()
    """The tools of an IT title."""
    marks: frozenset[str] = frozenset()
    """The marks of a title outside IT."""


@dataclass(frozen=True, slots=True)
class Position:
    """A position at an employer."""

    company: str
    industry: Industry
    profession: Profession
    named: Named
    start: str
    end: str | None


@dataclass(frozen=True, slots=True)
class Life:
    """What all resumes of a person share."""

    home: Profession
    marks: frozenset[str]
    grade: Grade
    years: int
    positions: tuple[Position, ...]
    """The latest position first."""
    studies: tuple[Study, ...]
    languages: tuple[tuple[str, str], ...]
    changed: bool
    """Whether the trade is new to the person."""


def employer_near(seed: int, number: int) -> Company:
    """A company that hires near this person's home, for such work as theirs.

    People live where there is work for them, so even a small board has matches.
    """
    if number < SMALL:
        return company(seed, number * 3 // 5)
    return company(seed, Random(f"{seed}/near/{number}").randrange(number * 2 // 5))  # noqa: S311


def life_of(seed: int, who: Person, today: date) -> Life:
    """The career of a person."""
    rng = Random(f"{seed}/life/{who.number}")  # noqa: S311
    opening = _suiting(rng, seed, who)
    home: Profession = opening.job if isinstance(opening, ItOpening) else opening.work
    marks = frozenset() if isinstance(opening, ItOpening) else opening.title.marks
    grade = opening.grade if rng.random() < 0.55 else _grade_of(rng, home)
    changed = opening.trade not in LICENSED and grade in {"junior", "middle"} and rng.random() < 0.2
    months = rng.randint(*MONTHS[grade])
    if changed:
        grade = "junior"
    positions = _positions(rng, who, home, marks, grade, months, today, changed=changed)
    began = int(positions[-1].start[:4])
    studies = _studies(rng, who, home, positions, began, today)
    if changed and isinstance(home, CityTrade):
        studies = (retrained(rng, home, who, year=today.year), *studies)
    years = max(1, round(months / 12))
    languages = _languages(rng, who, home, marks)
    return Life(home, marks, grade, years, positions, studies, languages, changed)


def named(
    rng: Random,
    profession: Profession,
    grade: Grade,
    who: Person,
    marks: frozenset[str],
    industry: str | None = None,
) -> Named:
    """A title in this profession for a person, specific to an industry if one is given."""
    if isinstance(profession, CityTrade):
        title = profession.title(rng, grade, industry, marks=marks, man=not who.female)
        return Named(title.name.text(russian=who.russian), marks=title.marks)
    chosen = rng.choice(_it_titles(profession, grade, russian=who.russian))
    stacks = trades()[profession.trade].tools
    stack = stacks[chosen.stack] if chosen.stack else rng.choice(list(stacks.values()))
    return Named(graded(chosen, grade, russian=who.russian), stack)


def work(rng: Random, who: Person, life: Life) -> list[dict[str, str]]:
    """The positions in the format of `work` in JSON Resume."""
    found = []
    for position in life.positions:
        duties, achievements = _done_at(rng, position, who)
        lines = [f"{duty}." for duty in rng.sample(duties, min(len(duties), rng.randint(2, 3)))]
        if achievements and rng.random() < 0.7:
            lines.append(achievements[0])
        entry = {
            "name": position.company,
            "position": position.named.text,
            "startDate": position.start,
            "summary": "\n".join(f"— {capital(line)}" for line in lines),
        }
        if position.end:
            entry["endDate"] = position.end
        found.append(entry)
    return found


def _done_at(rng: Random, position: Position, who: Person) -> tuple[list[str], list[str]]:
    profession, russian = position.profession, who.russian
    if isinstance(profession, CityTrade):
        duties = profession.lines("duties", position.named.marks, russian=russian)
        phrases = profession.lines("done", position.named.marks, russian=russian)
        return duties, achieved(rng, phrases, 1, female=who.female)
    trade = trades()[profession.trade]
    duties = trade.duties(position.named.stack, russian=russian)
    return duties, done(rng, trade.kind, 1, russian=russian, female=who.female)


def _suiting(rng: Random, seed: int, who: Person) -> Opening:
    """A suitable vacancy of a nearby company; few women weld, and few men paint nails."""
    near = employer_near(seed, who.number)
    found = list(islice(openings(seed, near), min(near.size, 8)))
    rare = MOSTLY_MEN if who.female else MOSTLY_WOMEN
    weights = [0.04 if opening.trade in rare else 1.0 for opening in found]
    return rng.choices(found, weights)[0]


def _grade_of(rng: Random, home: Profession) -> Grade:
    if isinstance(home, CityTrade):
        return rng.choices(GRADES, (22, 45, 27, 6))[0]
    leads = not any(title.graded and title.for_beginners for title in home.english)
    return rng.choices(GRADES, (0, 0, 50, 50) if leads else (22, 40, 28, 10))[0]


def _positions(
    rng: Random,
    who: Person,
    home: Profession,
    marks: frozenset[str],
    grade: Grade,
    months: int,
    today: date,
    *,
    changed: bool,
) -> tuple[Position, ...]:
    now = today.year * 12 + today.month - 1
    last = now - (rng.randint(1, 5) if rng.random() < 0.3 else 0)
    fewest, most = (1, 2) if months < 28 else (1, 3) if months < 70 else (2, 4)
    bounds = sorted(rng.sample(range(10, 91), rng.randint(fewest, most) - 1))
    ends = [last - months, *(last - months + months * cut // 100 for cut in bounds), last]
    earlier = _earlier(rng, home)
    found = []
    for place, (start, end) in enumerate(zip(ends, ends[1:], strict=False)):
        current = place == len(ends) - 2
        other = changed or (not current and rng.random() < 0.3)
        profession = earlier if other and earlier is not None else home
        then = _grade_after((start + end) // 2 - ends[0], grade, current=current)
        if profession is not home:
            then = "junior" if then == "junior" else "middle"
        own = marks if profession is home else frozenset[str]()
        name, industry = past_employer(
            rng,
            profession.key if isinstance(profession, CityTrade) else profession.trade,
            it=isinstance(profession, Job),
            russian=who.russian,
        )
        begin = start + (rng.randint(0, 2) if place and end - start > 4 else 0)
        found.append(
            Position(
                name,
                industry,
                profession,
                named(rng, profession, then, who, own, industry.key),
                _month(begin),
                None if current and last == now else _month(end),
            )
        )
    return tuple(reversed(found))


def _earlier(rng: Random, home: Profession) -> CityTrade | None:
    """Another trade in a person's past."""
    if isinstance(home, Job):
        return city_trades()[rng.choice((*FIRST_JOBS, "teacher", "engineer", "salesmanager"))]
    if home.key in LICENSED:
        return None
    return city_trades()[rng.choice((*home.near, *home.near, *FIRST_JOBS[:4]))]


def _grade_after(months: int, grade: Grade, *, current: bool) -> Grade:
    """The grade in a position in whose middle the person had worked for `months`."""
    if current:
        return grade
    then: Grade = "junior" if months < 24 else "middle" if months < 60 else "senior"
    return min(then, grade, key=GRADES.index)


def _month(number: int) -> str:
    return f"{number // 12}-{number % 12 + 1:02}"


def _studies(
    rng: Random,
    who: Person,
    home: Profession,
    positions: Sequence[Position],
    began: int,
    today: date,
) -> tuple[Study, ...]:
    """Education for the person's first trade, if they studied it, else for the current one."""
    learnt = positions[-1].profession if rng.random() < 0.4 else home
    if isinstance(home, CityTrade) and home.key in LICENSED:
        learnt = home
    if isinstance(learnt, CityTrade):
        return (trained(rng, learnt, who, work_began=began, today_year=today.year),)
    kind = trades()[learnt.trade].kind
    return (studied(rng, kind, who, work_began=began, today_year=today.year),)


def _languages(
    rng: Random, who: Person, home: Profession, marks: frozenset[str]
) -> tuple[tuple[str, str], ...]:
    """Language names in the language of the resume, and CEFR levels."""
    english = rng.choice(("A2", "B1", "B1", "B2", "B2", "C1"))
    share = 0.85
    if isinstance(home, CityTrade):
        english, share = rng.choice(("A1", "A2", "A2", "B1", "B2")), 0.45
        if home.key == "tutor" and "e" in marks:
            english, share = rng.choice(("C1", "C2")), 1.0
        elif home.key == "hotel":
            english, share = rng.choice(("B1", "B2")), 0.8
    if who.russian:
        found = [("Русский", "native")]
        if rng.random() < share:
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


def _it_titles(job: Job, grade: Grade, *, russian: bool) -> tuple[Title, ...]:
    """Titles for this grade; beginners are not architects."""
    titles = job.russian if russian else job.english
    fitting = tuple(title for title in titles if grade != "junior" or title.for_beginners)
    return fitting or titles


def apart(rng: Random, name: Named, attempt: int, *, russian: bool) -> str:
    """A suffix that makes a title unique: first empty, then one word, then two, then more."""
    if not attempt:
        return ""
    words = name.stack or stock("apart", russian=russian, city=True)
    chosen = rng.sample(words, 1 if attempt < 8 else 2)
    return f" ({', '.join(chosen)}{f', {attempt}' if attempt > 50 else ''})"
