"""Converts search results to API responses."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict
from uuid import UUID

from fastapi import Request, Response
from sqlalchemy import Row

from hirewire.esco import dictionary
from hirewire.kit.http import next_page
from hirewire.messaging.transaction import Tx
from hirewire.places.gazetteer import ID, gazetteer
from hirewire.vacancies.presenters import card_of, shown_vacancy
from hirewire.vacancies.search import models, queries
from hirewire.vacancies.search.filters import skill_value
from hirewire.vacancies.search.index.documents import skill_names, text_of
from hirewire.vacancies.search.index.engine import SearchEngine
from hirewire.vacancies.search.index.query import FacetCounts, SearchResult
from hirewire.vacancies.search.index.widening import Related

BEFORE_ALL = 2**63 - 1, str(UUID(int=2**128 - 1))
"""The position before all results of a step of widening."""
RECENT_DAYS = (1, 3, 7, 30)


async def vacancy_results(
    tx: Tx,
    index: SearchEngine,
    found: SearchResult,
    reader: UUID | None,
    company: UUID | None,
    query: models.VacancyQuery,
    request: Request,
    response: Response,
) -> models.VacancyResults:
    """The open vacancies of the result, as a member of this company sees them, and facet counts."""
    counting = _counting(found, query)
    rows = await queries.open_vacancies(tx, found.ids[: query.limit], reader)
    open_ones = [
        (rows[id], step)
        for id, step in zip(found.ids[: query.limit], found.steps, strict=False)
        if id in rows
    ]
    shown = [row for row, _ in open_ones]
    marks: Sequence[models.Highlights | None] = [None] * len(shown)
    if found.parsed.query is not None:
        marks = await _highlights(index, found, shown)
    items = [
        vacancy_item(row, company, query, mark, _vacancy_widened(found.related, row, step))
        for (row, step), mark in zip(open_ones, marks, strict=True)
    ]
    facets = await _facets(tx, index, await counting, query.skill) if counting else None
    return models.VacancyResults(
        items=items,
        **_about(found, query, facets, request, response),
    )


async def resume_results(
    tx: Tx,
    index: SearchEngine,
    found: SearchResult,
    company: UUID,
    query: models.ResumeQuery,
    request: Request,
    response: Response,
) -> models.ResumeResults:
    """The resumes of the result that this company may see, without names."""
    counting = _counting(found, query)
    rows = await queries.visible_resumes(tx, found.ids[: query.limit], company)
    visible = [
        (rows[id], step)
        for id, step in zip(found.ids[: query.limit], found.steps, strict=False)
        if id in rows
    ]
    titles = [(row.snapshot or {}).get("title") or "" for row, _ in visible]
    marked = await index.highlighted("title", found.parsed, titles)
    items = [
        models.ResumeFound(
            resume_id=row.resume_id,
            updated_at=row.updated_at,
            resume=card_of(row.snapshot or {}),
            title_marked=title,
            widened=_resume_widened(found.related, row.snapshot or {}, step),
        )
        for (row, step), title in zip(visible, marked, strict=True)
    ]
    facets = await _facets(tx, index, await counting, query.skill) if counting else None
    return models.ResumeResults(items=items, **_about(found, query, facets, request, response))


def vacancy_item(
    row: Row[Any],
    company: UUID | None,
    query: models.VacancyQuery,
    highlights: models.Highlights | None = None,
    widened: models.Widened | None = None,
) -> models.VacancyFound:
    """A vacancy in a list."""
    shown = shown_vacancy(row, company) | {"highlights": highlights, "widened": widened}
    if query.brief:
        shown["description"] = None
    return models.VacancyFound.model_validate(shown)


def _vacancy_widened(related: Related, row: Row[Any], step: int) -> models.Widened | None:
    """What a vacancy that only widening finds was found by."""
    return _widened(related, row.title, [one["skill"] for one in row.requirements or ()], step)


def _resume_widened(
    related: Related, snapshot: Mapping[str, Any], step: int
) -> models.Widened | None:
    """What a resume that only widening finds was found by."""
    return _widened(related, snapshot.get("title") or "", skill_names(snapshot), step)


def _widened(
    related: Related, title: str, skills: Sequence[str], step: int
) -> models.Widened | None:
    """None for a result of the words themselves."""
    if not step:
        return None
    by, name = related.reason(title, skills)
    return models.Widened(by=by, name=name)


async def _highlights(
    index: SearchEngine, found: SearchResult, rows: Sequence[Row[Any]]
) -> list[models.Highlights]:
    """Highlights of the rows; a description gets a fragment only if its title does not match."""
    titles = await index.highlighted("title", found.parsed, [row.title for row in rows])
    texts = [
        "" if title else text_of(row.description) for title, row in zip(titles, rows, strict=True)
    ]
    fragments = await index.highlighted("description", found.parsed, texts)
    return [
        models.Highlights(title=title, description=fragment)
        for title, fragment in zip(titles, fragments, strict=True)
    ]


class About(TypedDict):
    """The fields that all results share."""

    next: str | None
    total: int | None
    facets: dict[str, list[models.Bucket]] | None
    corrected: dict[str, str]
    tolerated: list[str]
    widened_total: int


def _about(
    found: SearchResult,
    query: models.VacancyQuery | models.ResumeQuery,
    facets: dict[str, list[models.Bucket]] | None,
    request: Request,
    response: Response,
) -> About:
    following = None
    if len(found.places) > query.limit:
        value, id = found.places[query.limit - 1]
        step = found.steps[query.limit - 1]
        if not step and found.steps[query.limit]:
            # The next page begins with widened results, whatever is published until then.
            value, id, step = *BEFORE_ALL, found.steps[query.limit]
        place = (query.order, value, id, *((step,) if step else ()))
        following = next_page(place, request, response)
    return {
        "next": following,
        "total": found.total,
        "facets": facets,
        "corrected": found.parsed.corrected,
        "tolerated": found.parsed.tolerated,
        "widened_total": found.widened,
    }


def _counting(
    found: SearchResult, query: models.VacancyQuery | models.ResumeQuery
) -> asyncio.Task[FacetCounts] | None:
    """The facet counts, computed in parallel with the rest; None if no facets are requested."""
    return asyncio.create_task(asyncio.to_thread(found.count)) if query.facets else None


async def _facets(
    tx: Tx, index: SearchEngine, counted: FacetCounts, chosen: Sequence[str]
) -> dict[str, list[models.Bucket]]:
    """The facets with labels; chosen skills are included even if no result has them."""
    skills = dict(counted.facets["skill"])
    for one in chosen:
        skills.setdefault(skill_value(one), 0)
    found = {**counted.facets, "skill": list(skills.items())}
    ids = [UUID(value) for value, _ in counted.facets.get("company", ())]
    companies = await queries.company_names(tx, ids)
    own_skills = [value for value in skills if not dictionary().name_of(value)]
    own_places = [value for value, _ in found.get("area", ()) if not _place_name(value)]
    skill_names = await index.labels("skill", own_skills)
    place_names = await index.labels("area", own_places)
    labels: dict[str, Callable[[str], str]] = {
        "company": lambda value: companies.get(UUID(value), value),
        "skill": lambda value: (
            dictionary().name_of(value) or skill_names[value].removeprefix("own:")
        ),
        "area": lambda value: _place_name(value) or place_names[value],
    }
    facets = {
        name: [
            models.Bucket(
                value=value,
                label=labels.get(name, str)(value),
                label_ru=_place_name(value, russian=True) if name == "area" else None,
                count=count,
            )
            for value, count in values
        ]
        for name, values in found.items()
    }
    if counted.recent:
        facets["days"] = [
            models.Bucket(value=str(days), label=str(days), count=count)
            for days, count in zip(RECENT_DAYS, counted.recent, strict=True)
        ]
    return facets


def _place_name(key: str, *, russian: bool = False) -> str | None:
    place = gazetteer().find(key) if key.startswith(ID) else None
    if place is None:
        return None
    return gazetteer().called(place, russian=russian)
