"""What a company hires for: trade, title and grade of each of its vacancies."""

from collections.abc import Iterator
from itertools import count
from random import Random
from typing import NamedTuple

from hirewire.tools.sample_data.city import CityTitle, CityTrade, city_trades
from hirewire.tools.sample_data.companies import IT, Company, affinity
from hirewire.tools.sample_data.phrases import stock
from hirewire.tools.sample_data.salaries import GRADES, Grade
from hirewire.tools.sample_data.titles import Job, Title, graded, jobs

TRIES = 6
"""Attempts to draw another title before a suffix in brackets makes one unique."""


class ItOpening(NamedTuple):
    """A vacancy for one of the IT occupations."""

    rng: Random
    name: str
    grade: Grade
    job: Job
    title: Title

    @property
    def trade(self) -> str:
        """The name of its trade."""
        return self.job.trade


class CityOpening(NamedTuple):
    """A vacancy for another trade."""

    rng: Random
    name: str
    grade: Grade
    work: CityTrade
    title: CityTitle

    @property
    def trade(self) -> str:
        """The name of its trade."""
        return self.work.key


Opening = ItOpening | CityOpening


def openings(seed: int, company: Company) -> Iterator[Opening]:
    """The company's openings, in the order of its vacancies; no two have the same title.

    The random sequence of an opening continues with the text of its vacancy.
    """
    hires = company.industry.hires
    weights = [job.weight * affinity(job.trade, company.industry) for job in jobs()]
    taken: set[str] = set()
    for number in count():
        rng = Random(f"{seed}/vacancy/{company.number}/{number}")  # noqa: S311
        attempt = 0
        while True:
            [key] = rng.choices(list(hires), list(hires.values()))
            found = (
                _of_it(rng, company, weights)
                if key == IT
                else _of_city(rng, company, city_trades()[key])
            )
            if attempt >= TRIES:
                places = stock("teams", russian=company.russian, city=key != IT)
                found = found._replace(name=f"{found.name} ({rng.choice(places)})")
            if found.name not in taken:
                break
            attempt += 1
        taken.add(found.name)
        yield found


def _of_it(rng: Random, company: Company, weights: list[float]) -> Opening:
    [job] = rng.choices(jobs(), weights)
    title = rng.choice(job.russian if company.russian else job.english)
    [grade] = rng.choices(GRADES, (18, 40, 32, 10))
    if not title.graded or (grade == "junior" and not title.for_beginners):
        grade = "senior"
    return ItOpening(rng, graded(title, grade, russian=company.russian), grade, job, title)


def _of_city(rng: Random, company: Company, work: CityTrade) -> Opening:
    [grade] = rng.choices(GRADES, (28, 44, 23, 5))
    title = work.title(rng, grade, company.industry.key)
    if grade not in title.grades:
        grade = rng.choice(title.grades)
    return CityOpening(rng, title.name.text(russian=company.russian), grade, work, title)
