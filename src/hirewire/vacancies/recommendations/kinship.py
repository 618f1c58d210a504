"""How related the occupations of a vacancy and a resume are, by their titles: pure functions."""

from typing import Literal

from hirewire.esco.job_codes import OWN_TITLE, family_of, related, unit_group
from hirewire.vacancies.recommendations.inputs import WORK_FORMATS, Demand, Offer

ONE_JOB = 56
"""The kinship in per cent from which both titles count as the same occupation."""
MOST_JOBS = 4
"""The maximum number of occupations of a vacancy or resume."""
LEVELS_APART = (100, 80, 40)
"""What is left of the kinship, in per cent, by how many ranks the levels of both titles differ."""
OTHER_FIELD = 40
"""The same where both name a subject or speciality of one family, and nothing in common. It makes
one occupation less than two of one unit group.
"""
MOST_FIELDS, MOST_SHOWN = 6, 8
"""The maximum number of fields of a title, and of further ones that a resume shows."""
NAMED_SKILLS = frozenset({133, 251, 252, 351, 352})
"""ISCO minor groups of ICT.

Resumes of these trades name their skills as vacancies do, so that a resume lacks a must-have that
it does not name. In other trades each side words its skills differently, and within one known
occupation an unnamed must-have rules nothing out, unless the candidate would have to relocate.
"""
Difference = Literal["field", "level"]


def kinship(demand: Demand, offer: Offer) -> tuple[int, int]:
    """How related the occupations of both titles are in per cent: of all, and of those in ESCO.

    Titles of different levels or fields are less related.
    """
    best = known = 0
    for job, sure in demand.jobs.items():
        for other, as_sure in offer.jobs.items():
            most = min(sure, as_sure)
            if most <= known:
                continue
            kin = most * related(job, other) // 100
            best = max(best, kin)
            if job < OWN_TITLE:
                known = max(known, kin)
    share = LEVELS_APART[levels_apart(demand, offer)]
    if best and other_field(demand, offer):
        share = min(share, OTHER_FIELD)
    return best * share // 100, known * share // 100


def difference(demand: Demand, offer: Offer) -> Difference | None:
    """Why two titles are less related than their occupations."""
    if other_field(demand, offer):
        return "field"
    return "level" if levels_apart(demand, offer) else None


def levels_apart(demand: Demand, offer: Offer) -> int:
    """How far the levels of both titles are apart, from 0 to 2; 0 if either is unknown."""
    return min(abs(demand.level - offer.level), 2) if demand.level and offer.level else 0


def other_field(demand: Demand, offer: Offer) -> bool:
    """Whether both titles name fields of one family, and the resume shows none of the vacancy's."""
    for family in {family_of(one) for one in offer.fields}:
        asked = {one for one in demand.fields if family_of(one) == family}
        if asked and asked.isdisjoint(offer.fields) and asked.isdisjoint(offer.shown):
            return True
    return False


def is_far(demand: Demand, offer: Offer) -> bool:
    """Whether the vacancy is elsewhere, so that only relocation makes it possible."""
    if demand.work_format == WORK_FORMATS["remote"] or demand.area is None or offer.area is None:
        return False
    return demand.area != offer.area


def names_its_skills(demand: Demand) -> bool:
    """Whether a vacancy's must-haves are gates, because its most similar occupation is of ICT."""
    return bool(demand.jobs) and unit_group(next(iter(demand.jobs))) // 10 in NAMED_SKILLS
