"""A prefilter before the scoring: which vacancies and resumes can match.

It passes every match. It applies the gates, except those for languages and companies, and follows
skills and occupations. The caller must still score every pair that passes.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from hirewire.vacancies.recommendations.index.codes import Ints, Mask
from hirewire.vacancies.recommendations.index.columns import Rows
from hirewire.vacancies.recommendations.index.kinship import is_far, is_one_job
from hirewire.vacancies.recommendations.index.scoring import levels_of, salary_gaps
from hirewire.vacancies.recommendations.index.segment import (
    EPSILON,
    LEAST_SKILLS,
    Segment,
    distinct,
    owners_of,
)
from hirewire.vacancies.recommendations.inputs import WORK_FORMATS, Ask, Demand, Offer
from hirewire.vacancies.recommendations.rules import (
    SALARY_GAP,
    Part,
)


def demands_for(segment: Segment, offer: Offer) -> Ints:
    """Slots of the vacancies that may match this resume."""
    levels = levels_of(segment.codes, offer)
    mine = np.flatnonzero(levels >= 0)
    by_must = _union(segment.inverted, mine)
    by_must = by_must[segment.alive[by_must]]
    at, owner = segment.musts.positions(by_must)
    lacking = np.bincount(owner, levels[segment.must[at]] < 0, minlength=len(by_must))
    by_must = by_must[lacking == 0]
    others = _union(segment.prefixes, mine)
    by_skills = np.concatenate((by_must, others[segment.alive[others]]))
    related = _related(segment, offer, levels)
    return distinct(np.concatenate((_through(segment, by_skills, offer), related)))


def _related(segment: Segment, offer: Offer, levels: NDArray[np.int8]) -> Ints:
    """Vacancies of related occupations, and not those that the lack of a must-have rules out."""
    slots = _near(segment, segment.with_jobs(offer.jobs), offer)
    at, owner = segment.musts.positions(slots)
    lacking = np.bincount(owner, levels[segment.must[at]] < 0, minlength=len(slots))
    can: Mask = lacking == 0
    can[~can] = is_one_job(segment, slots[~can], offer)
    return slots[can]


def offers_for(segment: Segment, demand: Demand) -> Ints:
    """Slots of the resumes that may match this vacancy."""
    asks = [(segment.codes.number(ask.code), ask) for ask in demand.skills]
    musts = [number for number, ask in asks if ask.must]
    rows, owners = segment.inverted
    if None in musts:
        slots = np.empty(0, np.int64)
    elif musts:
        lists = sorted((owners_of(rows, owners, number or 0) for number in musts), key=len)
        slots = lists[0]
        for other in lists[1:]:
            slots = slots[_contains(other, slots)]
    else:
        slots = distinct(_union(segment.inverted, _prefix(asks, demand, rows)))
    related = _near(segment, segment.with_jobs(demand.jobs), demand)
    if musts:
        related = related[is_one_job(segment, related, demand)]
    by_skills = _through(segment, slots[segment.alive[slots]], demand)
    return distinct(np.concatenate((by_skills, related)))


def _near(segment: Segment, slots: Ints, one: Demand | Offer) -> Ints:
    """Those of these slots that pass the gates, without relocation."""
    slots = _through(segment, slots, one)
    return slots[~is_far(segment, slots, one)]


def _through(segment: Segment, slots: Ints, one: Demand | Offer) -> Ints:
    """Those of these slots that pass the gates."""
    good: Mask = np.ones(len(slots), np.bool_)
    for _, passing in gates(segment, slots, one):
        good &= passing
    return slots[good]


def _union(lists: tuple[Rows, NDArray[np.int32]], numbers: Ints) -> Ints:
    rows, owners = lists
    here = numbers[numbers < len(rows.ends) - 1]
    return owners[rows.positions(here)[0]].astype(np.int64)


def _contains(sorted_: Ints, values: Ints) -> Mask:
    if not len(sorted_):
        return np.zeros(len(values), np.bool_)
    at = np.minimum(np.searchsorted(sorted_, values), len(sorted_) - 1)
    return np.asarray(sorted_[at] == values, np.bool_)


def _prefix(asks: list[tuple[int | None, Ask]], demand: Demand, rows: Rows) -> Ints:
    """The rarest skills of a demand without must-haves; every match has at least one of them."""

    def popularity(number: int | None) -> int:
        if number is None or number >= len(rows.ends) - 1:
            return 0
        return int(rows.ends[number + 1] - rows.ends[number])

    left, chosen = demand.weight, []
    for number, ask in sorted(asks, key=lambda one: popularity(one[0])):
        if left < LEAST_SKILLS**2 * demand.weight - EPSILON:
            break
        left -= ask.weight
        if number is not None:
            chosen.append(number)
    return np.array(chosen, np.int64)


def gates(segment: Segment, slots: Ints, one: Demand | Offer) -> Iterator[tuple[Part, Mask]]:
    """Which slots pass each gate with a document, except the gates for skills and languages.

    A gate that either side leaves open is passed.
    """
    column = segment.column
    if isinstance(one, Demand):
        formats, employment = one.work_format or 0, one.employment or 0
        is_anywhere = formats == WORK_FORMATS["remote"]
    else:
        formats, employment = one.work_formats, one.employment
        is_anywhere = one.relocation
    if formats:
        theirs = column["formats"][slots]
        yield "work_format", (theirs == 0) | (theirs & formats != 0)
    if employment:
        theirs = column["employment"][slots]
        yield "employment_type", (theirs == 0) | (theirs & employment != 0)
    if one.area is not None and not is_anywhere:
        area = column["area"][slots]
        if isinstance(one, Demand):
            are_anywhere = column["relocation"][slots] != 0
        else:
            are_anywhere = column["formats"][slots] == WORK_FORMATS["remote"]
        yield "area", (area == -1) | (area == one.area) | are_anywhere
    if one.pay is not None:
        yield "salary", ~(salary_gaps(segment, slots, one) > SALARY_GAP + EPSILON)
