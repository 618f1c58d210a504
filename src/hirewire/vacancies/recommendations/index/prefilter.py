"""A prefilter before the exact scorer: which vacancies and resumes can match.

It passes every match and few other pairs. It applies the gates and the parts of the strength as
`rules.strength` does, in doubles, and assumes the best case for languages, titles and companies.
The caller must still score every pair that passes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hirewire.esco.job_codes import OWN_TITLE, SAME_MINOR, SAME_UNIT, unit_group
from hirewire.vacancies.recommendations.index.codes import Codes, Floats, Ints, Mask
from hirewire.vacancies.recommendations.index.columns import Rows
from hirewire.vacancies.recommendations.index.segment import (
    EPSILON,
    LEAST_SKILLS,
    Segment,
    distinct,
    owners_of,
)
from hirewire.vacancies.recommendations.rules import (
    BAND_MONTHS,
    EXCESS,
    EXPERIENCE,
    LEVEL_LEAST,
    LEVEL_UNKNOWN,
    NAMED_SKILLS,
    OCCUPATION,
    ONE_JOB,
    SALARY,
    SALARY_GAP,
    SKILLS,
    THRESHOLD,
    TITLE,
    WORK_FORMATS,
    Ask,
    Demand,
    Offer,
    Part,
    joined,
    names_its_skills,
)

_BAND_MONTHS = np.array([*BAND_MONTHS, np.nan])
"""By band; the last item, -1, stands for none."""


def demands_for(segment: Segment, offer: Offer) -> Ints:
    """Slots of the vacancies that may match this resume."""
    codes = segment.codes
    levels = _levels(codes, {skill: have.level for skill, have in offer.skills.items()})
    mine = np.flatnonzero(levels >= 0)
    by_must = _union(segment.inverted, mine)
    by_must = by_must[segment.alive[by_must]]
    at, owner = segment.musts.positions(by_must)
    lacking = np.bincount(owner, levels[segment.must[at]] < 0, minlength=len(by_must))
    by_must = by_must[lacking == 0]
    others = _union(segment.prefixes, mine)
    by_skills = np.concatenate((by_must, others[segment.alive[others]]))
    related = _related(segment, offer, levels)
    slots = distinct(np.concatenate((_through(segment, by_skills, offer), related)))
    return _passing(segment, slots, offer, levels)


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
    slots = distinct(np.concatenate((by_skills, related)))
    levels = _levels(segment.codes, {ask.code: ask.level for ask in demand.skills})
    return _passing(segment, slots, demand, levels)


def _near(segment: Segment, slots: Ints, one: Demand | Offer) -> Ints:
    """Those of these slots that pass the gates, without relocation."""
    slots = _through(segment, slots, one)
    return slots[~_is_far(segment, slots, one)]


def _through(segment: Segment, slots: Ints, one: Demand | Offer) -> Ints:
    """Those of these slots that pass the gates."""
    good: Mask = np.ones(len(slots), np.bool_)
    for _, passing in gates(segment, slots, one):
        good &= passing
    return slots[good]


def _passing(segment: Segment, slots: Ints, one: Demand | Offer, levels: Any) -> Ints:
    """Those of these slots that can reach the threshold."""
    return slots[_at_best(_pairs(segment, slots, one, levels)) >= THRESHOLD - EPSILON]


def _levels(codes: Codes, levels: dict[int, int]) -> NDArray[np.int8]:
    """The level of each skill of one document, by the skill's number; -1 for skills it lacks."""
    numbered = [(codes.number(code), level) for code, level in levels.items()]
    found = np.full(max(len(codes), 1), -1, np.int8)  # afterwards: a thread may add codes
    for number, level in numbered:
        if number is not None:
            found[number] = level
    return found


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
        yield "salary", ~(_gaps(segment, slots, one) > SALARY_GAP + EPSILON)


def _gaps(segment: Segment, slots: Ints, one: Demand | Offer) -> Floats:
    """The share by which the expectation exceeds the highest offered pay; NaN if not stated."""
    if one.pay is None:
        return np.full(len(slots), np.nan)
    column = segment.column
    same = column["currency"][slots] == one.currency
    expected: Any
    most: Any
    if isinstance(one, Demand):
        expected, most = column["least"][slots], one.pay[1]
    else:
        expected, most = one.pay, column["most"][slots]
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = (expected - most) / np.asarray(most, np.float64)
    gap = np.where(np.asarray(most) > 0, gap, np.where(np.asarray(expected) <= 0, 0.0, 1.0))
    return np.where(same & ~np.isnan(expected) & ~np.isnan(most), gap, np.nan)


@dataclass(frozen=True, slots=True)
class Pairs:
    """A document paired with many: an array with an item per pair, or one number for all pairs."""

    shared: Any
    """The weight of the shared skills."""
    met: Any
    """The same, with each weight multiplied by its level factor."""
    demand: Any
    """The weight of the vacancy's skills."""
    offer: Any
    """The weight of the resume's skills."""
    least_months: Any
    """NaN for a vacancy that requires no experience."""
    months: Any
    gap: Floats
    alike: Floats
    kin: Ints
    """How related the occupations are, in per cent."""


def _pairs(segment: Segment, slots: Ints, one: Demand | Offer, levels: NDArray[np.int8]) -> Pairs:
    at, owner = segment.skills.positions(slots)
    code = segment.code[at]
    ours, theirs = levels[code], segment.level[at]
    weight = np.where(ours >= 0, segment.codes.weights[code], 0.0)
    factor = _factors(ours, theirs) if isinstance(one, Demand) else _factors(theirs, ours)
    shared = np.bincount(owner, weight, minlength=len(slots))
    met = np.bincount(owner, weight * factor, minlength=len(slots))
    weights, column = segment.weight[slots], segment.column
    gap, alike = _gaps(segment, slots, one), _alike(segment, slots, one.occupation)
    kin = np.where(_is_far(segment, slots, one), 0, _kinship(segment, slots, one)[0])
    if isinstance(one, Demand):
        band = -1 if one.band is None else one.band
        least, months = _BAND_MONTHS[band], column["months"][slots]
        return Pairs(shared, met, one.weight, weights, least, months, gap, alike, kin)
    least = _BAND_MONTHS[column["band"][slots]]
    return Pairs(shared, met, weights, one.weight, least, one.months, gap, alike, kin)


def _kinship(segment: Segment, slots: Ints, one: Demand | Offer) -> tuple[Ints, Ints]:
    """How related the occupations are, and the known ones, in per cent, as `rules.kinship` has it.

    Titles of their own, and none, are in no group of ISCO.
    """
    best, known = np.zeros(len(slots), np.int64), np.zeros(len(slots), np.int64)
    jobs, sure = segment.jobs[slots], segment.sure[slots].astype(np.int64)
    units = unit_group(jobs)
    minors = units // 10
    for mine, as_sure in one.jobs.items():
        related = np.where(jobs == mine, 100, 0)
        if mine < OWN_TITLE:
            unit = unit_group(mine)
            groups = np.where(
                units == unit, SAME_UNIT, np.where(minors == unit // 10, SAME_MINOR, 0)
            )
            related = np.maximum(related, groups)
        kin = (np.minimum(sure, as_sure) * related // 100).max(axis=1, initial=0)
        np.maximum(best, kin, out=best)
        if mine < OWN_TITLE:
            np.maximum(known, kin, out=known)
    return best, known


def _is_far(segment: Segment, slots: Ints, one: Demand | Offer) -> Mask:
    """As `rules.is_far`, for each slot."""
    area = segment.column["area"][slots]
    far = (area != -1) & (area != one.area) & (one.area is not None)
    if isinstance(one, Demand):
        return np.asarray(far & (one.work_format != WORK_FORMATS["remote"]), np.bool_)
    return np.asarray(far & (segment.column["formats"][slots] != WORK_FORMATS["remote"]), np.bool_)


def is_one_job(segment: Segment, slots: Ints, one: Demand | Offer) -> Mask:
    """Which pairs are of one occupation that does not name its skills, as in `rules.judge`."""
    is_one = (_kinship(segment, slots, one)[1] >= ONE_JOB) & ~_is_far(segment, slots, one)
    if isinstance(one, Demand):
        return np.asarray(is_one & (not names_its_skills(one)), np.bool_)
    first = unit_group(segment.jobs[slots, 0]) // 10
    return np.asarray(is_one & ~np.isin(first, list(NAMED_SKILLS)), np.bool_)


def _at_best(pairs: Pairs) -> Floats:
    """The strength of each pair, as in `rules.strength`, if the titles matched perfectly."""
    excess = np.maximum(0.0, pairs.offer - pairs.shared)
    long = EXCESS * (1 + np.log(np.maximum(excess, EXCESS) / EXCESS))
    damped = np.where(excess <= EXCESS, excess, long)
    size = np.sqrt(pairs.demand * (pairs.shared + damped))
    with np.errstate(divide="ignore", invalid="ignore"):
        points = np.where(size > 0, SKILLS * pairs.met / size, 0.0)
        reached = np.where(
            pairs.months >= pairs.least_months, 1.0, pairs.months / pairs.least_months
        )
    points += EXPERIENCE * np.where(np.isnan(pairs.least_months), 0.5, reached)
    paid = SALARY * np.where(pairs.gap <= 0, 1.0, 1 - 2 * pairs.gap / SALARY_GAP)
    points += np.where(np.isnan(pairs.gap), SALARY / 2, np.maximum(paid, -SALARY))
    points = np.clip(points + OCCUPATION * pairs.alike + TITLE, 0.0, 1.0)
    return np.asarray(joined(pairs.kin, points), np.float64)


def _factors(asked: Any, have: Any) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.maximum(LEVEL_LEAST, have / asked.astype(np.float64))
    share = np.where(have == 0, LEVEL_UNKNOWN, share)
    return np.where((asked == 0) | (have >= asked), 1.0, share)


def _alike(segment: Segment, slots: Ints, occupation: Any) -> Floats:
    mine = np.zeros(max([*occupation, segment.last_occupation]) + 2)
    for number, weight in occupation.items():
        mine[number] = weight
    # -1, for none, indexes the last item, which is empty.
    alike = (mine[segment.occupations[slots]] * segment.likeness[slots]).sum(axis=1)
    return np.asarray(np.minimum(1.0, alike), np.float64)
