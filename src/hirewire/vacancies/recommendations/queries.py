"""Queries for recommendations. Reasons are computed from the current vacancy and resume."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import LABEL_STYLE_TABLENAME_PLUS_COL, Row, Select, and_, select, text, tuple_

from hirewire.kit.db import among
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.presenters import is_open, visible_to
from hirewire.vacancies.recommendations.asking import Asked, asked_skills, languages_of
from hirewire.vacancies.recommendations.facts import (
    demand_of,
    offer_of,
    offered_skills,
)
from hirewire.vacancies.recommendations.inputs import (
    EXPERIENCE_PRESUMED,
    LANGUAGES_PRESUMED,
    Demand,
)
from hirewire.vacancies.recommendations.kinship import Difference
from hirewire.vacancies.recommendations.rules import (
    Judgement,
    Kind,
    Part,
    Term,
    Verdict,
    judge,
)
from hirewire.vacancies.tables import OPEN, application, company, recommendation, resume, vacancy

_PRESUMED: Mapping[Part, int] = {
    "language": LANGUAGES_PRESUMED,
    "experience": EXPERIENCE_PRESUMED,
}
Place = tuple[float, float, UUID]
"""A position in a list: score, strength and id of the last item read."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A term of the score."""

    part: Part
    kind: Kind
    verdict: Verdict
    points: float
    """The points of all reasons add up to the score."""
    most: float
    about: str | None
    """The skill or language, in the vacancy's spelling; of an `occupation` the vacancy's title."""
    must: bool
    pointer: str | None
    """A JSON pointer into the resume."""
    close_to: str | None
    """The resume's skill, as it is written there, that is close to one which it lacks."""
    differs: Difference | None
    """Of an `occupation`: how the titles differ beside it."""
    presumed: bool
    """Whether the employer did not list it, and the text of the vacancy says it."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a resume matches a vacancy."""

    resume_id: UUID
    score: float
    reasons: list[Reason]


async def published_vacancy(tx: Tx, vacancy_id: UUID) -> Mapping[str, Any] | None:
    """A vacancy that everybody may read, as a row."""
    found = await tx.execute(
        select(vacancy).where(
            vacancy.c.id == vacancy_id, vacancy.c.published_at.is_not(None), ~vacancy.c.held
        )
    )
    row = found.first()
    return None if row is None else dict(row._mapping)


async def vacancy_of(tx: Tx, vacancy_id: UUID, company_id: UUID) -> Mapping[str, Any] | None:
    """This company's vacancy, as a row; None for another company's."""
    found = await tx.execute(
        select(vacancy).where(vacancy.c.id == vacancy_id, vacancy.c.company_id == company_id)
    )
    row = found.first()
    return None if row is None else dict(row._mapping)


async def for_vacancy(
    tx: Tx, vacancy_id: UUID, *, limit: int, after: Place | None
) -> list[Row[Any]]:
    """Resumes that match a vacancy, best first, with both sides in their current state."""
    return await _list(tx, recommendation.c.vacancy_id == vacancy_id, limit, after)


async def for_company(
    tx: Tx,
    company_id: UUID,
    *,
    resume_id: UUID | None,
    limit: int,
    after: tuple[datetime, UUID] | None,
) -> list[Row[Any]]:
    """Resumes that match a company's vacancies, optionally one resume's matches; newest first."""
    table = recommendation.c
    chosen = _selection().where(table.company_id == company_id)
    if resume_id is not None:
        chosen = chosen.where(table.resume_id == resume_id)
    if after is not None:
        chosen = chosen.where(tuple_(table.created_at, table.id) < after)
    ordered = chosen.order_by(table.created_at.desc(), table.id.desc())
    return list(await tx.execute(ordered.limit(limit)))


async def for_user(tx: Tx, user_id: UUID, *, limit: int, after: Place | None) -> list[Row[Any]]:
    """Vacancies that match this person's resumes, best first."""
    return await _list(tx, recommendation.c.user_id == user_id, limit, after)


def _selection() -> Select[Any]:
    table = recommendation.c
    return (
        select(
            recommendation,
            resume.c.snapshot,
            vacancy,
            company.c.name.label("company_name"),
            application.c.id,
        )
        .set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)  # both tables have an id and a version
        .join(resume, resume.c.resume_id == table.resume_id)
        .join(vacancy, vacancy.c.id == table.vacancy_id)
        .join(company, company.c.id == vacancy.c.company_id)
        .outerjoin(
            application,
            and_(
                application.c.vacancy_id == table.vacancy_id,
                application.c.resume_id == table.resume_id,
                text(OPEN),
            ),
        )
        .where(table.withdrawn.is_(None), table.state != "dismissed")
        .where(is_open(), visible_to(table.company_id))
    )


async def _list(tx: Tx, whose: Any, limit: int, after: Place | None) -> list[Row[Any]]:
    table = recommendation.c
    statement = _selection().where(whose)
    if after is not None:
        statement = statement.where(tuple_(table.score, table.strength, table.id) < after)
    ordered = statement.order_by(table.score.desc(), table.strength.desc(), table.id.desc())
    return list(await tx.execute(ordered.limit(limit)))


async def scores_of_applicants(
    tx: Tx, vacancy: Mapping[str, Any], resume_ids: Sequence[UUID], *, explained: bool = False
) -> dict[UUID, tuple[float, list[Reason]]]:
    """Scores of the resumes that applicants used, for a vacancy (as a row); with the reasons if
    they are to be `explained`.

    Includes pairs that are not recommended, because the score is low or the resume is hidden.
    """
    table = application.c
    found = await tx.execute(
        select(table.resume_id, resume.c.snapshot)
        .join(resume, resume.c.resume_id == table.resume_id)
        .where(table.vacancy_id == vacancy["id"], among(table.resume_id, resume_ids), text(OPEN))
        .where(table.accepted_at.is_not(None), resume.c.snapshot.has_key("status"))
    )
    demand = demand_of(vacancy)
    scores: dict[UUID, tuple[float, list[Reason]]] = {}
    for row in found:
        judged = judge(demand, offer_of(row.snapshot))
        why = _reasons(vacancy, demand, row.snapshot, judged) if explained else []
        scores[row.resume_id] = judged.score, why
    return scores


async def fits_of(
    tx: Tx, vacancy: Mapping[str, Any], user_id: UUID, resume_ids: Sequence[UUID], limit: int
) -> list[Fit]:
    """How well these resumes of a person match a vacancy (as a row): the best `limit` of them."""
    found = await tx.execute(
        select(resume.c.resume_id, resume.c.snapshot)
        .where(among(resume.c.resume_id, resume_ids), resume.c.user_id == user_id)
        .where(resume.c.snapshot.has_key("status"))
        .order_by(resume.c.resume_id.desc())
    )
    demand = demand_of(vacancy)
    judged = [(row, judge(demand, offer_of(row.snapshot))) for row in found]
    judged.sort(key=lambda one: (one[1].score, one[1].strength), reverse=True)
    return [
        Fit(row.resume_id, one.score, _reasons(vacancy, demand, row.snapshot, one))
        for row, one in judged[:limit]
    ]


def reasons(vacancy: Mapping[str, Any], snapshot: Mapping[str, Any]) -> list[Reason]:
    """The terms of the score, with names from the vacancy and the resume."""
    demand = demand_of(vacancy)
    return _reasons(vacancy, demand, snapshot, judge(demand, offer_of(snapshot)))


def _reasons(
    vacancy: Mapping[str, Any], demand: Demand, snapshot: Mapping[str, Any], judged: Judgement
) -> list[Reason]:
    asked = asked_skills(vacancy)
    languages = [one["language"] for one in languages_of(vacancy)]
    offered = offered_skills(snapshot)
    title = vacancy.get("title") or ""
    found = [
        _reason(term, asked, languages, title, offered, demand.presumed) for term in judged.terms
    ]
    return [
        replace(one, differs=judged.differs) if one.part == "occupation" else one for one in found
    ]


def _reason(
    term: Term,
    skills: Sequence[Asked],
    languages: list[str],
    title: str,
    offered: list[tuple[str, str, int]],
    presumed: int,
) -> Reason:
    about, is_presumed = None, bool(presumed & _PRESUMED.get(term.part, 0))
    if term.part == "skill":
        about, is_presumed = skills[term.nth].name, skills[term.nth].origin == "text"
    elif term.part == "language":
        about = languages[term.nth]
    elif term.part == "occupation":
        about = title
    name, pointer = (None, None) if term.place is None else offered[term.place][:2]
    return Reason(
        part=term.part,
        kind=term.kind,
        verdict=term.verdict,
        points=round(term.points, 6),
        most=round(term.most, 6),
        about=about,
        must=term.must,
        pointer=pointer,
        close_to=name if term.is_close else None,
        differs=None,
        presumed=is_presumed,
    )
