"""How well the visitor's resumes match a job."""

from collections.abc import Sequence
from dataclasses import dataclass

from hirewire.web.api.models.profiles import ResumeInList
from hirewire.web.api.models.vacancies import Score, Vacancy
from hirewire.web.pages.applications import Own
from hirewire.web.pages.naming import named
from hirewire.web.pages.rendering import is_good, or_none
from hirewire.web.sessions import Visitor


@dataclass(frozen=True, slots=True)
class Fit:
    """The section about the visitor's resumes on a job's page."""

    resume: ResumeInList | None
    """The published resume that matches best, or else one to publish; None without resumes."""
    match: Score | None = None
    """How well it matches, if it is published."""
    is_best: bool = False
    """Whether it is the best of several resumes."""


async def fit_of(who: Visitor, vacancy: Vacancy, own: Own) -> Fit | None:
    """How well the visitor matches a job; None for employers, or while a service is unavailable."""
    if vacancy.allowedActions or not vacancy.is_open or not is_good(own["resumes"]):
        return None
    mine = own["resumes"].data.items
    if not mine:
        hires = await or_none(who.vacancies.employer_profile())
        return None if hires is None or hires.is_good else Fit(None)
    published = [one for one in mine if one.status == "published"]
    return await _best(who, vacancy, published) if published else Fit(mine[0])


async def _best(who: Visitor, vacancy: Vacancy, resumes: Sequence[ResumeInList]) -> Fit | None:
    answer = await or_none(who.vacancies.best_fit(vacancy.id, [one.id for one in resumes]))
    if not is_good(answer) or not answer.data.items:
        return None
    best = answer.data.items[0]
    resume = next(one for one in resumes if one.id == best.resumeId)
    return Fit(resume, await named(who, best), is_best=len(resumes) > 1)
