"""Scores one document with many at once, in arrays, with exactly the results of `rules.judge`.

The same doubles are added in another order, so that a sum may differ in its last digits. Results
have four: where a sum is so near to the middle of two that it could be rounded either way, the pair
is left to `judge`, as are all whose reasons somebody wants to read.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hirewire.vacancies.recommendations.facts import close_to
from hirewire.vacancies.recommendations.index.codes import Codes, Floats, Ints, Mask
from hirewire.vacancies.recommendations.index.columns import inverted
from hirewire.vacancies.recommendations.index.kinship import (
    REMOTE,
    is_far,
    kinship,
    names_its_skills,
)
from hirewire.vacancies.recommendations.index.reading import demands_from, offers_from
from hirewire.vacancies.recommendations.index.segment import Segment
from hirewire.vacancies.recommendations.inputs import (
    BAND_MONTHS,
    LANGUAGES_PRESUMED,
    SKILLS_PRESUMED,
    Demand,
    Offer,
)
from hirewire.vacancies.recommendations.kinship import ONE_JOB
from hirewire.vacancies.recommendations.rules import (
    CLOSE,
    EXCESS,
    EXPERIENCE,
    GATE,
    JOB_IN_SCORE,
    LEVEL_LEAST,
    LEVEL_UNKNOWN,
    OCCUPATION,
    SALARY,
    SALARY_GAP,
    THRESHOLD,
    TITLE,
    Judgement,
    experience_weight,
    joined,
    judge,
    language_weight,
    skills_weight,
)

ROUNDING = 1e-9
"""More than a sum of doubles between 0 and 1 changes with the order in which they are added."""
FEW = 8
"""Arrays have a cost per operation: up to this many documents are judged one by one in less time.
"""
_BAND_MONTHS = np.array([*BAND_MONTHS, np.nan])
"""By band; the last item, -1, stands for none."""


class Fit(NamedTuple):
    """A document that matches."""

    slot: int
    score: float
    strength: float


class Sums(NamedTuple):
    """What is known of each pair before it is rounded."""

    score: Floats
    strength: Floats
    conflict: Mask
    unsure: Mask
    """Whether the conflict depends on the last digits of a sum."""


def fitting(segment: Segment, slots: Ints, one: Demand | Offer) -> Iterator[Fit]:
    """Which of these documents match, and how well."""
    if len(slots) <= FEW:
        judged = zip(slots.tolist(), _judged(segment, slots, one), strict=True)
        return (Fit(slot, found.score, found.strength) for slot, found in judged if found.fits)
    sums = _sums(segment, slots, one)
    score, strength = np.minimum(1.0, _rounded(sums.score)), _rounded(sums.strength)
    fits = (strength >= THRESHOLD) & ~sums.conflict
    at = np.flatnonzero(sums.unsure | _is_middle(sums.score) | _is_middle(sums.strength))
    if len(at):
        unclear = _judged(segment, slots[at], one)
        score[at] = [found.score for found in unclear]
        strength[at] = [found.strength for found in unclear]
        fits[at] = [found.fits for found in unclear]
    return map(Fit, *(column[fits].tolist() for column in (slots, score, strength)))


def _judged(segment: Segment, slots: Ints, one: Demand | Offer) -> list[Judgement]:
    if isinstance(one, Demand):
        return [judge(one, offer) for offer in offers_from(segment, slots)]
    return [judge(demand, one) for demand in demands_from(segment, slots)]


def _rounded(values: Floats) -> Floats:
    """As `round(value, 4)`, except in the middle."""
    return np.asarray(np.rint(values * 1e4) / 1e4, np.float64)


def _is_middle(values: Floats) -> Mask:
    """Whether a value is so near to the middle of two of four digits that it may be either."""
    digits = values * 1e4
    return np.asarray(np.abs(digits - np.floor(digits) - 0.5) < ROUNDING * 1e4, np.bool_)


def _sums(segment: Segment, slots: Ints, one: Demand | Offer) -> Sums:
    """As `rules.judge`, for each slot. The names are those of the terms there."""
    mine = _values(one)
    columns = [segment.column[name][slots] for name in _Values._fields[:-1]]
    theirs = _Values._make([*columns, segment.jobs[slots, 0]])
    demand, offer = (mine, theirs) if isinstance(one, Demand) else (theirs, mine)
    kin, known = kinship(segment, slots, one)
    far = is_far(segment, slots, one)
    gap = salary_gaps(segment, slots, one)
    skills = _skills(segment, slots, one)
    languages = _languages(segment, slots, one)
    experienced = _experienced(demand.band, offer.months)

    has_skills = demand.weight > 0
    are_gates = far | (known < ONE_JOB) | names_its_skills(demand.job)
    is_somewhere = (demand.area != -1) & (demand.formats != REMOTE)
    near = (offer.relocation != 0) | (demand.area == offer.area)
    conflict = (skills.lacking & are_gates) | (gap > SALARY_GAP)
    conflict |= languages.conflict & (demand.presumed & LANGUAGES_PRESUMED == 0)
    conflict |= is_somewhere & ~near & (offer.area != -1)
    for asked, accepted in (
        (demand.formats, offer.formats),
        (demand.employment, offer.employment),
    ):
        conflict |= (asked != 0) & (accepted != 0) & (asked & accepted == 0)
    conflict |= _hidden(segment, slots, one)

    occupation = JOB_IN_SCORE * (kin / 100)
    credit = skills.met + CLOSE * skills.close
    skilled, seasoned = skills_weight(demand.presumed), experience_weight(demand.presumed)
    points = occupation + skilled * credit / np.where(has_skills, demand.weight, 1.0)
    is_listed = has_skills & (demand.presumed & SKILLS_PRESUMED == 0)
    whole = np.where(is_listed, occupation, JOB_IN_SCORE * (demand.job != 0))
    whole += skilled * has_skills
    for share, most in (
        (experienced, seasoned),
        (np.clip(1 - gap / SALARY_GAP, 0.0, 1.0), SALARY),
    ):
        points += most * np.nan_to_num(share)
        whole += most * ~np.isnan(share)
    placed = np.where(near, 1.0, np.where(offer.area == -1, 0.5, 0.0))
    spoken = language_weight(demand.presumed)
    points += GATE * is_somewhere * placed + spoken * languages.points
    whole += GATE * is_somewhere + spoken * languages.most

    excess = np.maximum(0.0, offer.weight - skills.shared)
    size = np.sqrt(demand.weight * (skills.shared + _damped(excess)))
    strength = skilled * skills.met / np.where(size > 0, size, 1.0)
    strength += OCCUPATION * _likeness(segment, slots, one.occupation)
    strength += TITLE * _same_words(segment, slots, one)
    strength += seasoned * np.where(np.isnan(experienced), 0.5, experienced)
    strength += (EXPERIENCE - seasoned) / 2
    paid = np.clip(1 - 2 * gap / SALARY_GAP, -1.0, 1.0)
    strength += SALARY * np.where(np.isnan(gap), 0.5, paid)
    strength = joined(np.where(far, 0, kin), np.maximum(0.0, strength))
    unsure = np.abs(gap - SALARY_GAP) < ROUNDING
    return Sums(points / np.where(whole > 0, whole, 1.0), strength, conflict, unsure)


class _Values(NamedTuple):
    """Values of one side of the pairs: an array, or a number for all of them, as columns have it.

    What only the other side has is 0.
    """

    area: Any
    formats: Any
    employment: Any
    relocation: Any
    months: Any
    band: Any
    presumed: Any
    weight: Any
    job: Any
    """The first occupation of the title; 0 for none."""


def _values(one: Demand | Offer) -> _Values:
    area, job = -1 if one.area is None else one.area, next(iter(one.jobs), 0)
    if isinstance(one, Demand):
        formats, employment = one.work_format or 0, one.employment or 0
        band = -1 if one.band is None else one.band
        return _Values(area, formats, employment, 0, 0, band, one.presumed, one.weight, job)
    formats, employment = one.work_formats, one.employment
    relocation, months = one.relocation, one.months
    return _Values(area, formats, employment, relocation, months, 0, 0, one.weight, job)


class _Skills(NamedTuple):
    shared: Any
    """The weight of the shared skills."""
    met: Any
    """The same, with each weight multiplied by its level factor."""
    close: Any
    """The weight of the lacking skills to which the resume has a close one."""
    lacking: Mask
    """Whether a must-have is lacking."""


def _skills(segment: Segment, slots: Ints, one: Demand | Offer) -> _Skills:
    levels = levels_of(segment.codes, one)
    at, owner = segment.skills.positions(slots)
    code = segment.code[at]
    ours, theirs = levels[code], segment.level[at]
    is_shared = ours >= 0
    weight = np.where(is_shared, segment.codes.weights[code], 0.0)
    if isinstance(one, Demand):
        factor = _factors(ours, theirs)
        musts = [segment.codes.number(ask.code) for ask in one.skills if ask.must]
        is_must = np.zeros(max(len(segment.codes), 1), np.bool_)  # afterwards: see `levels_of`
        is_must[[number for number in musts if number is not None]] = True
        lacking = np.bincount(owner, is_must[code], minlength=len(slots)) < len(musts)
        close: Any = _close_to_asked(segment, slots, one)
    else:
        factor = _factors(theirs, ours)
        unmet = segment.is_must[at].astype(np.bool_) & ~is_shared
        lacking = np.bincount(owner, unmet, minlength=len(slots)) > 0
        is_close = _is_close(segment.codes, one)[code] & ~is_shared
        lesser = np.where(is_close, segment.codes.weights[code], 0.0)
        close = np.bincount(owner, lesser, minlength=len(slots))
    shared = np.bincount(owner, weight, minlength=len(slots))
    met = np.bincount(owner, weight * factor, minlength=len(slots))
    return _Skills(shared, met, close, lacking)


def _is_close(codes: Codes, offer: Offer) -> Mask:
    """Whether a resume has a skill close to one, by the one's number: closeness is mutual."""
    numbered = [codes.number(one) for skill in offer.skills for one in close_to(skill)]
    found: Mask = np.zeros(max(len(codes), 1), np.bool_)  # afterwards: a thread may add codes
    found[[number for number in numbered if number is not None]] = True
    return found


def _close_to_asked(segment: Segment, slots: Ints, demand: Demand) -> Floats:
    """The weight of the skills that each resume lacks while it has one close to them."""
    asks = [ask for ask in demand.skills if ask.close]
    weights = np.array([ask.weight for ask in asks])
    having = _having(segment, slots, [*(ask.close for ask in asks), *((ask.code,) for ask in asks)])
    close, same = having[: len(asks)], having[len(asks) :]
    return np.asarray(weights @ (close & ~same), np.float64)


def _having(segment: Segment, slots: Ints, sets: Sequence[Iterable[int]]) -> Mask:
    """For each of these sets, which documents have at least one of its skills."""
    codes, numbers, owners = segment.codes, [], []
    for nth, skills in enumerate(sets):
        for skill in skills:
            if (number := codes.number(skill)) is not None:
                numbers.append(number)
                owners.append(nth)
    # The length comes after the numbers: a thread may add codes.
    rows, of_row = inverted(np.array(numbers, np.int64), np.array(owners, np.int64), len(codes))
    at, slot = segment.skills.positions(slots)
    found: Mask = np.zeros((len(sets), len(slots)), np.bool_)
    chosen, item = rows.positions(segment.code[at])
    found[of_row[chosen], slot[item]] = True
    return found


def levels_of(codes: Codes, one: Demand | Offer) -> NDArray[np.int8]:
    """The level of each skill of one document, by the skill's number; -1 for skills it lacks."""
    if isinstance(one, Demand):
        numbered = [(codes.number(ask.code), ask.level) for ask in one.skills]
    else:
        numbered = [(codes.number(code), have.level) for code, have in one.skills.items()]
    found = np.full(max(len(codes), 1), -1, np.int8)  # afterwards: a thread may add codes
    for number, level in numbered:
        if number is not None:
            found[number] = level
    return found


def _factors(asked: Any, have: Any) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.maximum(LEVEL_LEAST, have / asked.astype(np.float64))
    share = np.where(have == 0, LEVEL_UNKNOWN, share)
    return np.where((asked == 0) | (have >= asked), 1.0, share)


def _damped(excess: Floats) -> Floats:
    long = EXCESS * (1 + np.log(np.maximum(excess, EXCESS) / EXCESS))
    return np.where(excess <= EXCESS, excess, long)


class _Languages(NamedTuple):
    points: Any
    most: Any
    conflict: Any


def _languages(segment: Segment, slots: Ints, one: Demand | Offer) -> _Languages:
    if not one.languages and isinstance(one, Demand):
        return _Languages(0.0, 0.0, False)
    at, owner = segment.languages.positions(slots)
    count = np.bincount(owner, minlength=len(slots))
    language, level = segment.language["code"][at], segment.language["level"][at]
    if isinstance(one, Demand):
        met = np.zeros(len(slots), np.int64)
        for asked, least in one.languages:
            good = (language == asked) & (level >= least)
            met += np.bincount(owner, good, minlength=len(slots)) > 0
        known, most = count > 0, len(one.languages)
        return _Languages(np.where(known, met, 0.5 * most), most, known & (met < most))
    if not one.languages:
        return _Languages(0.5 * count, count, False)
    good = np.zeros(len(at), np.bool_)
    for spoken, have in one.languages.items():
        good |= (language == spoken) & (level <= have)
    met = np.bincount(owner, good, minlength=len(slots))
    return _Languages(met, count, met < count)


def _hidden(segment: Segment, slots: Ints, one: Demand | Offer) -> Any:
    """Whether the resume is hidden from the company."""
    if isinstance(one, Offer):
        if not one.hidden_from:
            return False
        return np.isin(segment.column["company"][slots], list(one.hidden_from))
    at, owner, is_title = _words(segment, slots)
    is_hidden = ~is_title & (segment.word[at] == one.company)
    return np.bincount(owner, is_hidden, minlength=len(slots)) > 0


def _same_words(segment: Segment, slots: Ints, one: Demand | Offer) -> Floats:
    if isinstance(one, Demand):
        at, owner, is_title = _words(segment, slots)
        at, owner = at[is_title], owner[is_title]
    else:
        at, owner = segment.words.positions(slots)
    same = np.bincount(owner, np.isin(segment.word[at], list(one.title)), minlength=len(slots))
    either = np.bincount(owner, minlength=len(slots)) + len(one.title) - same
    return np.asarray(same / np.maximum(either, 1), np.float64)


def _words(segment: Segment, slots: Ints) -> tuple[Ints, Ints, Mask]:
    """Where the words of resumes stand, whose they are, and which are of the title."""
    at, owner = segment.words.positions(slots)
    end = at[segment.word[at] == 0]  # one a resume
    return at, owner, np.asarray(at < end[owner], np.bool_)


def _experienced(band: Any, months: Any) -> Floats:
    """The share of the required experience; NaN if none is required."""
    least = _BAND_MONTHS[band]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(months >= least, 1.0, months / least)
    return np.asarray(np.where(np.isnan(least), np.nan, share), np.float64)


def salary_gaps(segment: Segment, slots: Ints, one: Demand | Offer) -> Floats:
    """The share by which the expectation exceeds the highest offered pay; NaN if not stated."""
    if one.pay is None:
        return np.full(len(slots), np.nan)
    column = segment.column
    same = column["currency"][slots] == (-1 if one.currency is None else one.currency)
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


def _likeness(segment: Segment, slots: Ints, occupation: Mapping[int, float]) -> Floats:
    mine = np.zeros(max([*occupation, segment.last_occupation]) + 2)
    for number, weight in occupation.items():
        mine[number] = weight
    # -1, for none, indexes the last item, which is empty.
    alike = (mine[segment.occupations[slots]] * segment.likeness[slots]).sum(axis=1)
    return np.asarray(np.minimum(1.0, alike), np.float64)
