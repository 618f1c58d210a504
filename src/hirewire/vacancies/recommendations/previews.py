"""Previews of the effect of a change, computed with the function that computes real matches."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import select

from hirewire.kit.db import among
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.recommendations.asking import asked_skills, skill_codes
from hirewire.vacancies.recommendations.facts import (
    demand_of,
    offer_of,
    weight_of,
)
from hirewire.vacancies.recommendations.index.excluding import excluded
from hirewire.vacancies.recommendations.index.matching import MatchingIndex, index_of
from hirewire.vacancies.recommendations.inputs import Demand, Have, Offer
from hirewire.vacancies.recommendations.rules import Part
from hirewire.vacancies.tables import resume, vacancy

SUGGESTED = 5
TRIED = 30
"""The number of the most required skills that are tried."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """The effect of one requirement."""

    skill: str
    kind: str
    without: int
    """Candidates without this requirement."""
    as_nice: int
    """Candidates if the requirement were optional."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A skill that the resume lacks, and how many more vacancies it would match with it."""

    skill: str
    opens: int


@dataclass(frozen=True, slots=True)
class Reach:
    """The vacancies that a resume matches, now and after a change."""

    now: int
    then: int
    gained: list[UUID]
    lost: list[UUID]
    suggestions: list[Suggestion]


@dataclass(frozen=True, slots=True)
class Exclusion:
    """The number of resumes that one condition alone excludes."""

    part: Part
    about: str | None
    """The skill or language, in the vacancy's spelling."""
    resumes: int


@dataclass(frozen=True, slots=True)
class Price:
    """The number of resumes that match a vacancy, and the effect of each condition."""

    candidates: int
    resumes: int
    """The number of resumes that the company may see."""
    requirements: list[Requirement]
    exclusions: list[Exclusion]
    """In descending order of the excluded resumes."""


async def price(tx: Tx, row: Mapping[str, Any]) -> Price:
    """The number of visible resumes that match a vacancy (a row), and each requirement's effect."""
    index = index_of(tx)
    await index.catch_up(tx)
    demand = demand_of(row)
    asked = asked_skills(row)
    found = []
    for nth, ask in enumerate(demand.skills):
        if asked[nth].origin != "list":
            continue
        others = [*demand.skills[:nth], *demand.skills[nth + 1 :]]
        softer = [*demand.skills[:nth], ask._replace(must=False), *demand.skills[nth + 1 :]]
        # The similarity to occupations depends on all required skills: compute it again.
        fewer = [one for one in row["requirements"] if ask.code not in skill_codes(one["skill"])]
        without = demand_of({**row, "requirements": fewer}) if others else None
        found.append(
            Requirement(
                asked[nth].name,
                "must" if ask.must else "nice",
                _count(index, without) if without else 0,
                _count(index, replace(demand, skills=softer)),
            )
        )
    total, counted = excluded(index.offers, demand)
    languages = [one["language"] for one in row.get("languages") or ()]
    exclusions = []
    for (part, nth), lost in sorted(counted.items(), key=lambda one: (-one[1], one[0])):
        about = languages[nth] if part == "language" else None
        if part == "skill":
            about = asked[nth].name
        exclusions.append(Exclusion(part, about, lost))
    return Price(_count(index, demand), total, found, exclusions)


def _count(index: MatchingIndex, demand: Demand) -> int:
    return sum(1 for _ in index.resumes_for(demand))


async def snapshot_of(tx: Tx, user_id: UUID, resume_id: UUID) -> Mapping[str, Any] | None:
    """A person's resume as last consumed; None if it is unknown or deleted."""
    found = await tx.execute(
        select(resume.c.snapshot).where(
            resume.c.resume_id == resume_id, resume.c.user_id == user_id
        )
    )
    snapshot: Mapping[str, Any] | None = found.scalar()
    return snapshot


async def reach(tx: Tx, snapshot: Mapping[str, Any], changes: Mapping[str, Any]) -> Reach:
    """The open vacancies that a resume matches now, and with these changes.

    A hidden resume counts as if it were visible.
    """
    index = index_of(tx)
    await index.catch_up(tx)
    offer = offer_of({**snapshot, **changes})
    before, after = _vacancies(index, offer_of(snapshot)), _vacancies(index, offer)
    return Reach(
        now=len(before),
        then=len(after),
        gained=sorted(after - before),
        lost=sorted(before - after),
        suggestions=await _suggestions(tx, index, offer, after),
    )


def _vacancies(index: MatchingIndex, offer: Offer) -> set[UUID]:
    return {found.id for found in index.vacancies_for(offer)}


async def _suggestions(
    tx: Tx, index: MatchingIndex, offer: Offer, there: set[UUID]
) -> list[Suggestion]:
    opened: dict[int, set[UUID]] = {}
    for skill in _asked_most(index, offer):
        have = Have(0, weight_of(skill), len(offer.skills))
        skills = {**offer.skills, skill: have}
        more = replace(offer, skills=skills, weight=offer.weight + have.weight)
        gained = _vacancies(index, more) - there
        if gained:
            opened[skill] = gained
    best = sorted(opened, key=lambda skill: (-len(opened[skill]), skill))[:SUGGESTED]
    names = await _names(tx, {skill: min(opened[skill]) for skill in best})
    return [Suggestion(names[skill], len(opened[skill])) for skill in best if skill in names]


def _asked_most(index: MatchingIndex, offer: Offer) -> list[int]:
    """Codes of the skills that open vacancies require most and the resume lacks."""
    counts: dict[int, int] = {}
    for segment in index.demands:
        asked = segment.asked()
        for number in np.flatnonzero(asked).tolist():
            skill = segment.codes.codes[number]
            counts[skill] = counts.get(skill, 0) + int(asked[number])
    new = [skill for skill in counts if skill not in offer.skills]
    return sorted(new, key=lambda skill: (-counts[skill], skill))[:TRIED]


async def _names(tx: Tx, examples: Mapping[int, UUID]) -> dict[int, str]:
    """The skills' names in the spelling of a vacancy that requires them."""
    rows = await tx.execute(
        select(vacancy.c.id, vacancy.c.title, vacancy.c.requirements, vacancy.c.description).where(
            among(vacancy.c.id, examples.values())
        )
    )
    asked = {row.id: asked_skills(dict(row._mapping)) for row in rows}
    names = {}
    for skill, id in examples.items():
        for one in asked.get(id, ()):
            if one.code == skill:
                names[skill] = one.name
    return names
