"""How related the occupations of many pairs are, in arrays: see `recommendations/kinship.py`."""

from typing import Any

import numpy as np

from hirewire.esco.job_codes import OWN_TITLE, SAME_MINOR, SAME_UNIT, family_of, unit_group
from hirewire.vacancies.recommendations.index.codes import Ints, Mask
from hirewire.vacancies.recommendations.index.segment import Segment
from hirewire.vacancies.recommendations.inputs import WORK_FORMATS, Demand, Offer
from hirewire.vacancies.recommendations.kinship import (
    LEVELS_APART,
    NAMED_SKILLS,
    ONE_JOB,
    OTHER_FIELD,
)

REMOTE = WORK_FORMATS["remote"]
_NAMED = list(NAMED_SKILLS)


def kinship(segment: Segment, slots: Ints, one: Demand | Offer) -> tuple[Ints, Ints]:
    """How related the occupations are, and the known ones, in per cent, as `kinship.kinship`.

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
    at = np.flatnonzero(best)
    share = _share(segment, slots[at], one)
    best[at], known[at] = best[at] * share // 100, known[at] * share // 100
    return best, known


def _share(segment: Segment, slots: Ints, one: Demand | Offer) -> Ints:
    """What levels and fields leave of the kinship, in per cent."""
    share = np.full(len(slots), 100)
    if one.level:
        levels = segment.column["level"][slots].astype(np.int64)
        apart = np.where(levels == 0, 0, np.minimum(np.abs(levels - one.level), 2))
        share = np.array(LEVELS_APART)[apart]
    if one.fields:
        share[_other_field(segment, slots, one)] = OTHER_FIELD
    return share


def _other_field(segment: Segment, slots: Ints, one: Demand | Offer) -> Mask:
    """As `kinship.other_field`, for each slot."""
    fields = segment.column["fields"][slots]
    theirs = fields if isinstance(one, Offer) else _with_shown(segment, slots, fields)
    mine = one.fields | one.shown if isinstance(one, Offer) else one.fields
    other: Mask = np.zeros(len(slots), np.bool_)
    for family in {family_of(field) for field in one.fields}:
        has = (family_of(fields) == family).any(axis=1)
        common = [field for field in mine if family_of(field) == family]
        other |= has & ~np.isin(theirs, common).any(axis=1)
    return other


def _with_shown(segment: Segment, slots: Ints, fields: Any) -> Any:
    return np.concatenate((fields, segment.column["shown"][slots]), axis=1)


def is_far(segment: Segment, slots: Ints, one: Demand | Offer) -> Mask:
    """As `kinship.is_far`, for each slot."""
    area = segment.column["area"][slots]
    far = (area != -1) & (area != one.area) & (one.area is not None)
    if isinstance(one, Demand):
        return np.asarray(far & (one.work_format != REMOTE), np.bool_)
    return np.asarray(far & (segment.column["formats"][slots] != REMOTE), np.bool_)


def is_one_job(segment: Segment, slots: Ints, one: Demand | Offer) -> Mask:
    """Which pairs are of one occupation that does not name its skills, as in `rules.judge`."""
    if not len(slots):  # as in most small segments
        return np.zeros(0, np.bool_)
    is_one = (kinship(segment, slots, one)[1] >= ONE_JOB) & ~is_far(segment, slots, one)
    first = next(iter(one.jobs), 0) if isinstance(one, Demand) else segment.jobs[slots, 0]
    return np.asarray(is_one & ~names_its_skills(first), np.bool_)


def names_its_skills(job: Any) -> Any:
    """As `kinship.names_its_skills`, by the first occupation of each vacancy."""
    return np.isin(unit_group(job) // 10, _NAMED)
