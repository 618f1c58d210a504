"""How well a resume matches a vacancy: a pure function whose score is the sum of its reasons.

The score says how much of the vacancy's requirements are met: 1 is all of them. The strength says
how well the two match overall, including skills that the vacancy does not require; it decides which
pairs are recommended, and orders pairs with the same score. The occupations that both titles mean
count in both: those of one occupation match even if they share no skill.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt
from typing import Any, Literal, NamedTuple, TypeAlias

from hirewire.vacancies.recommendations.inputs import (
    BAND_MONTHS,
    EXPERIENCE_PRESUMED,
    LANGUAGES_PRESUMED,
    SKILLS_PRESUMED,
    WORK_FORMATS,
    Demand,
    Offer,
)
from hirewire.vacancies.recommendations.kinship import (
    ONE_JOB,
    Difference,
    difference,
    is_far,
    kinship,
    names_its_skills,
)

RULESET = "2026-7"
"""The same inputs and the same ruleset always give the same score: change this together with any
number or formula here, in `kinship` or in `inputs`, and with the dictionary.
"""

SKILLS, OCCUPATION, TITLE, EXPERIENCE, SALARY = 0.78, 0.09, 0.05, 0.04, 0.04
"""The maximum that each part can add to the strength; they add up to 1."""
JOB = 0.9
"""The strength of a pair with the same occupation, if nothing else matches."""
JOB_IN_SCORE = 0.5
"""The weight of the occupation in the score, relative to `SKILLS` for the skills."""
THRESHOLD = 0.5
"""A pair with less strength is not recommended."""
GATE = 0.04
"""The weight of a required place or language in the score, relative to `SKILLS` for the skills."""
LEVEL_UNKNOWN = 0.8
"""The factor of a skill whose level the vacancy requires and the resume does not state."""
LEVEL_LEAST = 0.5
"""The lowest factor of a skill, however far its level is below the required one. A lower value
would let one more required skill lower the score.
"""
CLOSE = 0.35
"""The share of a required skill's weight, in the score, for one that is close to it. Lower than
`LEVEL_LEAST`, or the skill itself would be worth less.
"""
EXCESS = 30.0
"""Weight of additional skills beyond which they count logarithmically: about ten skills."""
SALARY_GAP = 0.3
"""The share by which an expectation may exceed the offered pay."""
PRESUMED = 0.5
"""The share of its weight that a requirement has which only the text of the vacancy names."""

Verdict = Literal["met", "partly", "missing", "unknown", "conflict"]
Part = Literal[
    "skill",
    "occupation",
    "experience",
    "salary",
    "area",
    "work_format",
    "employment_type",
    "language",
    "company",
]
Kind = Literal["ability", "preference"]
PREFERENCES: frozenset[Part] = frozenset(
    {"salary", "area", "work_format", "employment_type", "company"}
)
"""What the two sides want; all other parts are what a person can do."""


class Term(NamedTuple):
    """One part of a score."""

    part: Part
    verdict: Verdict
    points: float
    """The points that it adds."""
    most: float
    """The points that it could add."""
    nth: int = 0
    """Of a `skill` or `language`: its position in the vacancy."""
    must: bool = False
    place: int | None = None
    """Of a `skill`: its position in the resume."""
    is_close: bool = False
    """Whether the resume has not this skill but one that is close to it, at `place`."""

    @property
    def kind(self) -> Kind:
        """Whether the part is about what a person can do or about what both sides want."""
        return "preference" if self.part in PREFERENCES else "ability"


Plain: TypeAlias = tuple[Part, Verdict, float, float, int, bool, int | None, bool]
"""A term as a tuple: most pairs are judged without anybody asking for the reasons."""
_ONE: tuple[int, bool, None, bool] = (0, False, None, False)
"""The end of a term that there is once."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """How well they match, with the reasons."""

    score: float
    """0 to 1, four digits: the sum of the terms' points. It is 1 only if all requirements are met.
    """
    strength: float
    """0 to 1, four digits: decides whether the pair is recommended."""
    parts: Sequence[Plain]
    """The terms before they are scaled to add up to the score."""
    whole: float
    """The sum of the points that they could add."""
    differs: Difference | None = None
    """Why the titles are less related than their occupations."""

    @property
    def terms(self) -> list[Term]:
        """The reasons: their points add up to the score."""
        whole = self.whole or 1.0
        return [
            Term(part, verdict, points / whole, most / whole, nth, must, place, is_close)
            for part, verdict, points, most, nth, must, place, is_close in self.parts
        ]

    @property
    def conflicts(self) -> list[Term]:
        """The terms that rule out a match, regardless of the score."""
        return [term for term in self.terms if term.verdict == "conflict"]

    @property
    def fits(self) -> bool:
        """Whether the pair is recommended."""
        if self.strength < THRESHOLD:
            return False
        return "conflict" not in [part[1] for part in self.parts]


def idf(occupations_with_it: int, occupations: int) -> float:
    """The weight of a skill: ``ln(1 + N / n)``; n is at least 1."""
    return log(1 + occupations / max(occupations_with_it, 1))


def damped(excess: float) -> float:
    """The weight of skills that a vacancy does not require, dampened in favour of long resumes."""
    return excess if excess <= EXCESS else EXCESS * (1 + log(excess / EXCESS))


def level_factor(asked: int, have: int) -> float:
    """The share of a skill's weight that counts, by the required and the offered level."""
    if not asked or have >= asked:
        return 1.0
    return max(LEVEL_LEAST, have / asked) if have else LEVEL_UNKNOWN


def judge(demand: Demand, offer: Offer) -> Judgement:
    """How well they match: the score with its terms, and the strength.

    The score is the weighted mean of the requirements met: skills, experience, place, languages,
    and pay if both sides state it in one currency. A skill that the resume lacks counts in part if
    it has one that is close to it; the strength knows nothing of that. Points that the vacancy does
    not require or does not state reduce nothing. One or related occupations add to it; another one
    takes away only if the vacancy names no skills, for then the occupation is what it requires.
    """
    kin, known = kinship(demand, offer)
    far = is_far(demand, offer)
    are_gates = far or known < ONE_JOB or names_its_skills(demand)
    parts = [*_occupation(demand, kin), *_skills(demand, offer, are_gates=are_gates)]
    parts += _experience(demand, offer.months)
    parts += [*_salary(demand, offer), *_gates(demand, offer)]
    whole = sum([part[3] for part in parts])
    unit = whole or 1.0
    score = min(1.0, round(sum([part[2] / unit for part in parts]), 4))
    strong = round(strength(demand, offer, 0 if far else kin), 4)
    return Judgement(score, strong, parts, whole, difference(demand, offer) if kin else None)


def strength(demand: Demand, offer: Offer, kin: int) -> float:
    """The strength of a match, from 0 to 1.

    The skills give ``SKILLS * sum(w * l) / sqrt(D * (F + damped(O - F)))``: the geometric mean of
    the share of the demand (of weight D) that is met and the share of the resume (of weight O) that
    is required, where F is the weight of the shared skills, w a skill's weight and l its level
    factor. The kinship of the occupations, `kin`, makes ``1 - (1 - JOB * kin) * (1 - strength)`` of
    it; it is 0 where one would have to relocate, so that skills alone decide there.
    """
    shared = met = 0.0
    for skill, _, level, weight, _ in demand.skills:
        found = offer.skills.get(skill)
        if found is not None:
            shared += weight
            met += weight * level_factor(level, found.level) if level else weight
    size = sqrt(demand.weight * (shared + damped(max(0.0, offer.weight - shared))))
    points = skills_weight(demand.presumed) * met / size if size else 0.0
    points += OCCUPATION * likeness(demand, offer) + TITLE * _same_words(demand, offer)
    if demand.band is None:
        points += EXPERIENCE / 2
    else:
        most = experience_weight(demand.presumed)
        points += most * _experienced(demand.band, offer.months) + (EXPERIENCE - most) / 2
    gap = salary_gap(demand, offer)
    if gap is None:
        points += SALARY / 2
    elif gap <= 0:
        points += SALARY
    else:
        points += max(-SALARY, SALARY * (1 - 2 * gap / SALARY_GAP))
    whole: float = joined(kin, max(0.0, points))
    return whole


def skills_weight(presumed: Any) -> Any:
    """The weight of the skills; also for numpy arrays."""
    return SKILLS * _share(presumed, SKILLS_PRESUMED)


def experience_weight(presumed: Any) -> Any:
    """The weight of the experience; also for numpy arrays."""
    return EXPERIENCE * _share(presumed, EXPERIENCE_PRESUMED)


def language_weight(presumed: Any) -> Any:
    """The weight of each language; also for numpy arrays."""
    return GATE * _share(presumed, LANGUAGES_PRESUMED)


def _share(presumed: Any, bit: int) -> Any:
    return 1 - (1 - PRESUMED) * ((presumed & bit) != 0)


def joined(kin: Any, points: Any) -> Any:
    """The strength from the kinship of the occupations and the strength of the rest.

    Also for numpy arrays.
    """
    return 1 - (1 - JOB * (kin / 100)) * (1 - points)


def likeness(demand: Demand, offer: Offer) -> float:
    """The similarity of the occupations that both resemble, from 0 to 1."""
    return min(1.0, sum([w * offer.occupation.get(o, 0.0) for o, w in demand.occupation.items()]))


def _same_words(demand: Demand, offer: Offer) -> float:
    either = len(demand.title | offer.title)
    return len(demand.title & offer.title) / either if either else 0.0


def _occupation(demand: Demand, kin: int) -> list[Plain]:
    if kin:
        points = JOB_IN_SCORE * (kin / 100)
        verdict: Verdict = "met" if kin == 100 else "partly"
        most = points if demand.skills and not demand.presumed & SKILLS_PRESUMED else JOB_IN_SCORE
        return [("occupation", verdict, points, most, *_ONE)]
    if demand.jobs and (not demand.skills or demand.presumed & SKILLS_PRESUMED):
        return [("occupation", "missing", 0.0, JOB_IN_SCORE, *_ONE)]
    return []


def _skills(demand: Demand, offer: Offer, *, are_gates: bool) -> list[Plain]:
    unit = skills_weight(demand.presumed) / demand.weight if demand.weight else 0.0
    lacking: Verdict
    terms: list[Plain] = []
    find = offer.skills.get
    offered = offer.skills.keys()
    for nth, (skill, must, level, weight, close) in enumerate(demand.skills):
        most = weight * unit
        found = find(skill)
        if found is None:
            lacking = "conflict" if must and are_gates else "missing"
            place = None if offered.isdisjoint(close) else _closest(close, offer)
            if place is None:
                terms.append(("skill", lacking, 0.0, most, nth, must, None, False))
            else:
                lacking = "partly" if lacking == "missing" else lacking
                terms.append(("skill", lacking, most * CLOSE, most, nth, must, place, True))
        elif (factor := level_factor(level, found.level) if level else 1.0) == 1.0:
            terms.append(("skill", "met", most, most, nth, must, found.place, False))
        else:
            terms.append(("skill", "partly", most * factor, most, nth, must, found.place, False))
    return terms


def _closest(close: tuple[int, ...], offer: Offer) -> int | None:
    """The place of the resume's first skill of these."""
    return min([offer.skills[one].place for one in close if one in offer.skills], default=None)


def _experience(demand: Demand, months: int) -> list[Plain]:
    if demand.band is None:
        return []
    share, most = _experienced(demand.band, months), experience_weight(demand.presumed)
    verdict: Verdict = "met" if share == 1 else "partly"
    return [("experience", verdict, most * share, most, *_ONE)]


def _experienced(band: int, months: int) -> float:
    least = BAND_MONTHS[band]
    return 1.0 if months >= least else months / least


def _salary(demand: Demand, offer: Offer) -> list[Plain]:
    if demand.pay is None:
        return []
    gap = salary_gap(demand, offer)
    if gap is None:
        return [("salary", "unknown", 0.0, 0.0, *_ONE)]
    if gap <= 0:
        return [("salary", "met", SALARY, SALARY, *_ONE)]
    if gap <= SALARY_GAP:
        return [("salary", "partly", SALARY * (1 - gap / SALARY_GAP), SALARY, *_ONE)]
    return [("salary", "conflict", 0.0, SALARY, *_ONE)]


def salary_gap(demand: Demand, offer: Offer) -> float | None:
    """The share by which the expectation exceeds the highest offered pay; None if not stated."""
    if demand.pay is None or offer.pay is None or demand.currency != offer.currency:
        return None
    most = demand.pay[1]
    return (offer.pay - most) / most if most > 0 else (0.0 if offer.pay <= 0 else 1.0)


def _gates(demand: Demand, offer: Offer) -> list[Plain]:
    terms: list[Plain] = []
    remote = demand.work_format == WORK_FORMATS["remote"]
    if demand.area is not None and not remote:
        near = offer.relocation or demand.area == offer.area
        terms.append(_gate("area", near or offer.area is not None, near, 0, GATE))
    if accepted := demand.work_format:
        known, good = bool(offer.work_formats), bool(accepted & offer.work_formats)
        terms.append(_gate("work_format", known, good))
    if accepted := demand.employment:
        known, good = bool(offer.employment), bool(accepted & offer.employment)
        terms.append(_gate("employment_type", known, good))
    most = language_weight(demand.presumed)
    lacking: Verdict = "missing" if demand.presumed & LANGUAGES_PRESUMED else "conflict"
    for nth, (language, level) in enumerate(demand.languages):
        known, spoken = bool(offer.languages), offer.languages.get(language, -1)
        terms.append(_gate("language", known, spoken >= level, nth, most, lacking))
    if demand.company in offer.hidden_from:
        terms.append(("company", "conflict", 0.0, 0.0, *_ONE))
    return terms


def _gate(
    part: Part,
    known: bool,
    good: bool,
    nth: int = 0,
    most: float = 0.0,
    lacking: Verdict = "conflict",
) -> Plain:
    if not known:
        return part, "unknown", most * 0.5, most, nth, False, None, False
    if good:
        return part, "met", most, most, nth, False, None, False
    return part, lacking, 0.0, most, nth, False, None, False
