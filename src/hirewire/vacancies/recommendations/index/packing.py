"""The binary format of vacancies and resumes in the table `comparable`."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np

from hirewire.vacancies.recommendations.inputs import Demand, Offer
from hirewire.vacancies.recommendations.kinship import MOST_FIELDS, MOST_JOBS, MOST_SHOWN

HEAD = np.dtype(
    [
        ("number", "<i8"),
        ("id", "V16"),
        ("version", "<i4"),
        ("formats", "u1"),
        ("employment", "u1"),
        ("band", "i1"),
        ("relocation", "u1"),
        ("months", "<i4"),
        ("area", "<i8"),
        ("company", "<i8"),
        ("currency", "<i8"),
        ("least", "<f8"),
        ("most", "<f8"),
        ("occupations", "<i2", (3,)),
        ("likeness", "<f8", (3,)),
        ("jobs", "<i4", (MOST_JOBS,)),
        ("sure", "u1", (MOST_JOBS,)),
        ("level", "i1"),
        ("fields", "<i4", (MOST_FIELDS,)),
        ("shown", "<i4", (MOST_SHOWN,)),
        ("presumed", "u1"),
    ]
)
"""Scalar values of every vacancy and resume.

-1 stands for none, NaN for no pay, and 0 for no occupation, level or field. Rows packed under
earlier rules lack the last members, which are read as zeros until they are compared again.
"""


SKILL = np.dtype([("code", "<i8"), ("place", "<i2"), ("level", "i1"), ("must", "u1")])
"""A skill. The place of an implied one is inverted, so that it is negative: it has no weight."""
LANGUAGE = np.dtype([("code", "<i8"), ("level", "i1")])


@dataclass(frozen=True, slots=True)
class Packed:
    """A vacancy or resume in the tables' binary format."""

    number: int
    """Its permanent number among the vacancies or the resumes."""
    head: bytes
    skills: bytes
    languages: bytes
    words: bytes
    """Codes of the title's words; a resume's are followed by 0 and the companies it is hidden from.
    """


def pack_demand(demand: Demand, *, id: UUID, version: int, number: int = 0) -> Packed:
    """Encode a vacancy."""
    head = _head(id, version, demand)
    head["formats"], head["employment"] = demand.work_format or 0, demand.employment or 0
    head["band"] = -1 if demand.band is None else demand.band
    head["company"], head["presumed"] = demand.company, demand.presumed
    if demand.pay is not None:
        head["least"], head["most"] = demand.pay
    skills = [(ask.code, nth, ask.level, ask.must) for nth, ask in enumerate(demand.skills)]
    return Packed(
        number,
        head.tobytes(),
        np.array(skills, SKILL).tobytes(),
        np.array(list(demand.languages), LANGUAGE).tobytes(),
        np.array(sorted(demand.title), "<i8").tobytes(),
    )


def pack_offer(offer: Offer, *, id: UUID, version: int, number: int = 0) -> Packed:
    """Encode a resume."""
    head = _head(id, version, offer)
    head["shown"] = _padded(offer.shown, MOST_SHOWN)
    head["formats"], head["employment"] = offer.work_formats, offer.employment
    head["relocation"], head["months"] = offer.relocation, offer.months
    if offer.pay is not None:
        head["least"] = head["most"] = offer.pay
    skills = [
        (skill, ~have.place if have.is_implied else have.place, have.level, 0)
        for skill, have in offer.skills.items()
    ]
    return Packed(
        number,
        head.tobytes(),
        np.array(skills, SKILL).tobytes(),
        np.array(list(offer.languages.items()), LANGUAGE).tobytes(),
        np.array([*sorted(offer.title), 0, *sorted(offer.hidden_from)], "<i8").tobytes(),
    )


def _head(id: UUID, version: int, one: Demand | Offer) -> Any:
    head = np.zeros((), HEAD)
    head["id"], head["version"] = np.void(id.bytes), version
    head["area"] = -1 if one.area is None else one.area
    head["currency"] = -1 if one.currency is None else one.currency
    head["level"], head["fields"] = one.level, _padded(one.fields, MOST_FIELDS)
    head["least"] = head["most"] = np.nan
    head["band"] = -1
    likest = [*one.occupation.items(), *[(-1, 0.0)] * 3][:3]
    head["occupations"], head["likeness"] = [o for o, _ in likest], [w for _, w in likest]
    named = [*one.jobs.items(), *[(0, 0)] * MOST_JOBS][:MOST_JOBS]
    head["jobs"], head["sure"] = [job for job, _ in named], [sure for _, sure in named]
    return head


def _padded(fields: Iterable[int], count: int) -> list[int]:
    return [*sorted(fields), *[0] * count][:count]
