"""How many resumes each condition of a vacancy excludes, taken alone."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from hirewire.vacancies.recommendations.index.kinship import is_one_job
from hirewire.vacancies.recommendations.index.prefilter import gates
from hirewire.vacancies.recommendations.index.segment import Segment
from hirewire.vacancies.recommendations.inputs import LANGUAGES_PRESUMED, Demand
from hirewire.vacancies.recommendations.rules import Part


class Condition(NamedTuple):
    """A condition of a vacancy."""

    part: Part
    nth: int = 0
    """The position of a `skill` or `language` among the vacancy's."""


def excluded(segments: Iterable[Segment], demand: Demand) -> tuple[int, Counter[Condition]]:
    """The number of resumes this company may see, and how many of them each condition excludes.

    Conditions that exclude no resume are left out.
    """
    total, found = 0, Counter[Condition]()
    for segment in segments:
        slots = np.flatnonzero(segment.alive & ~segment.hidden_from(demand.company))
        total += len(slots)
        for part, passing in gates(segment, slots, demand):
            found[Condition(part)] += int(np.count_nonzero(~passing))
        related = segment.with_jobs(demand.jobs)
        tolerated = np.isin(slots, related[is_one_job(segment, related, demand)])
        for nth, ask in enumerate(demand.skills):
            if ask.must:
                lacking = ~segment.having(ask.code)[slots] & ~tolerated
                found[Condition("skill", nth)] += int(np.count_nonzero(lacking))
        languages = [] if demand.presumed & LANGUAGES_PRESUMED else demand.languages
        for nth, (language, level) in enumerate(languages):
            passing = segment.speaking(language, level)[slots]
            found[Condition("language", nth)] += int(np.count_nonzero(~passing))
    return total, +found
