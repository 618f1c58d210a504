"""Looking for vacancies (open to all) and for resumes (employers), and saved searches."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from sqlalchemy import Row

from hirewire.esco import dictionary, key_of
from hirewire.kit.clock import now
from hirewire.kit.errors import AppError, Kind, Unauthenticated
from hirewire.kit.http import (
    Caller,
    MaybeCaller,
    Once,
    Page,
    PageParams,
    RequestTx,
    bad_cursor,
    decoded_cursor,
    next_page,
    page_of,
)
from hirewire.kit.openapi import media, refuses
from hirewire.messaging.outbox import Tx
from hirewire.places.gazetteer import ID, gazetteer, place_key, spellings
from hirewire.places.keys import means_remote
from hirewire.vacancies.authority import NotAnEmployer, company_of, require_company
from hirewire.vacancies.search import commands, feed, models, queries
from hirewire.vacancies.search.facts import micros, skill_id, text_of
from hirewire.vacancies.search.index import (
    RESUMES,
    VACANCIES,
    Counted,
    Found,
    SearchIndex,
    Wanted,
    index_for,
)
from hirewire.vacancies.search.models import VacancyNarrowing
from hirewire.vacancies.showing import card_of, shown_vacancy

router = APIRouter(prefix="/api/vacancies", tags=["search"])

VACANCY_FACETS = {
    "area": 20,
    "company": 20,
    "skill": 30,
    "workFormat": 3,
    "employmentType": 8,
    "experience": 4,
    "currency": 20,
}
RESUME_FACETS = {
    "area": 20,
    "skill": 30,
    "workFormat": 3,
    "employmentType": 8,
    "experience": 4,
    "currency": 20,
}
RECENT_DAYS = (1, 3, 7, 30)
FEED_ENTRIES = 50


class SearchNotReady(AppError):
    """The search index is being built; try again in a moment."""

    slug = "search-not-ready"
    kind = Kind.UNAVAILABLE


@router.get("/vacancies", responses=refuses(NotAnEmployer, SearchNotReady))
async def vacancies(
    tx: RequestTx,
    caller: MaybeCaller,
    query: Annotated[models.VacancyQuery, Query()],
    request: Request,
    response: Response,
) -> models.VacancyResults:
    """Search open vacancies; with `mine`, list all vacancies of your company, newest first."""
    if query.mine:
        if caller is None:
            raise Unauthenticated
        return await _own(tx, await require_company(tx, caller.user_id), query, request, response)
    company = await company_of(tx, caller.user_id) if caller else None
    index = index_for(tx, VACANCIES)
    if index is None or not query.model_fields_set - {"limit", "after", "mine", "brief"}:
        return await _from_tables(tx, company, query, request, response)
    await index.refreshed()
    found = await asyncio.to_thread(index.find, _wanted(query))
    return await _vacancy_results(tx, index, found, company, query, request, response)


@router.get(
    "/feeds/vacancies.{kind}",
    responses=media("application/atom+xml", "application/rss+xml")
    | {304: {"description": "The feed is as `If-None-Match` says."}}
    | refuses(SearchNotReady),
    response_class=Response,
)
async def newest(
    kind: Literal["atom", "rss"],
    tx: RequestTx,
    _: MaybeCaller,
    query: Annotated[models.FeedQuery, Query()],
    request: Request,
    if_none_match: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:
    """The newest 50 vacancies of a search as a feed; takes the parameters of the search."""
    index = index_for(tx, VACANCIES)
    if index is None:
        raise SearchNotReady(retry_after=1)
    wanted = Wanted(**_narrowed(query) | {"order": "time"}, limit=FEED_ENTRIES)
    found = await asyncio.to_thread(index.find, wanted)
    rows = await queries.open_vacancies(tx, found.ids[:FEED_ENTRIES])
    shown = [dict(rows[id]._mapping) for id in found.ids if id in rows]
    site = str(request.app.state.settings.public_url)
    asked = f"?{request.url.query}" if request.url.query else ""
    title = f"Hirewire: {query.q}" if query.q.strip() else "Hirewire"
    write = feed.atom if kind == "atom" else feed.rss
    body = write(shown, site=site, here=f"{site}{request.url.path}{asked}", title=title)
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "public, max-age=60"}
    if if_none_match is not None and tag in if_none_match:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=f"application/{kind}+xml; charset=utf-8", headers=headers)


@router.get("/resumes", responses=refuses(NotAnEmployer, SearchNotReady))
async def resumes(
    tx: RequestTx,
    caller: Caller,
    query: Annotated[models.ResumeQuery, Query()],
    request: Request,
    response: Response,
) -> models.ResumeResults:
    """For employers: search visible resumes, without names and contacts."""
    company = await require_company(tx, caller.user_id)
    index = index_for(tx, RESUMES)
    if index is None:
        raise SearchNotReady(retry_after=1)
    hidden_from = [key_of(str(company))]
    names = await queries.company_names(tx, [company])
    hidden_from += [key_of(name) for name in names.values()]
    wanted = Wanted(
        **_common(query),
        none_of={"hidden_from": hidden_from},
        ranges={} if query.salary_to is None else {"pay": (0, query.salary_to)},
        after=_place(query.after, query.order),
        limit=query.limit,
        facets=RESUME_FACETS if query.facets else {},
    )
    await index.refreshed()
    found = await asyncio.to_thread(index.find, wanted)
    counting = _counting(found, query)
    rows = await queries.visible_resumes(tx, found.ids[: query.limit], company)
    shown = [rows[id] for id in found.ids[: query.limit] if id in rows]
    titles = [(row.snapshot or {}).get("title") or "" for row in shown]
    marked = await asyncio.to_thread(index.marked, "title", found.phrased, titles)
    items = [
        models.ResumeFound(
            resume_id=row.resume_id,
            updated_at=row.updated_at,
            resume=card_of(row.snapshot or {}),
            title_marked=title,
        )
        for row, title in zip(shown, marked, strict=True)
    ]
    facets = await _facets(tx, index, await counting) if counting else None
    return models.ResumeResults(items=items, **_about(found, query, facets, request, response))


@router.get("/searches")
async def saved(
    tx: RequestTx, caller: Caller, page: PageParams, request: Request, response: Response
) -> Page[models.SavedSearch]:
    """Your saved searches, newest first, with the number of new vacancies."""
    rows = await queries.saved_searches(
        tx, caller.user_id, limit=page.limit + 1, after=_id_of(page.after)
    )
    news = await _news(tx, rows)
    items = [_saved(row, new) for row, new in zip(rows, news, strict=True)]
    return page_of(items, page, request, response, models.SavedSearch, cursor=lambda one: (one.id,))


@router.post("/searches", status_code=201, responses=refuses(commands.TooManySearches))
async def save(
    body: models.NewSavedSearch, tx: RequestTx, caller: Caller, once: Once
) -> models.SavedSearch:
    """Save a search."""

    async def make() -> models.SavedSearch:
        kept = body.query.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        id = await commands.save(tx, caller.user_id, body.name, kept)
        moment = now()
        return models.SavedSearch(
            id=id, name=body.name, query=kept, created_at=moment, seen_at=moment, new=0
        )

    return await once(models.SavedSearch, make)


@router.post("/searches/{id}/seen", responses=refuses(commands.NoSuchSearch))
async def seen(id: UUID, tx: RequestTx, caller: Caller) -> dict[str, datetime]:
    """Mark the current results of a saved search as seen."""
    return {"seenAt": await commands.mark_seen(tx, caller.user_id, id)}


@router.delete("/searches/{id}", status_code=204, responses=refuses(commands.NoSuchSearch))
async def remove(id: UUID, tx: RequestTx, caller: Caller) -> None:
    """Delete a saved search."""
    await commands.remove(tx, caller.user_id, id)


def _common(query: models.Narrowing) -> dict[str, Any]:
    return {
        "text": query.q,
        "any_of": {
            "area": [place_key(area) for area in _areas(query)],
            "workFormat": _formats(query),
            "employmentType": query.employment_type,
            "experience": query.experience,
            "currency": [query.currency] if query.currency else [],
            "company": [str(id) for id in getattr(query, "company", ())],
        },
        "all_of": {"skill": [_skill(name) for name in query.skill]},
        "order": query.order,
    }


def _areas(query: models.Narrowing) -> list[str]:
    return [area for area in query.area if not means_remote(area)]


def _formats(query: models.Narrowing) -> list[str]:
    """Formats of work, also where one was typed as a place."""
    away = ["remote"] if any(means_remote(area) for area in query.area) else []
    return list(dict.fromkeys((*query.work_format, *away)))


def _skill(name: str) -> str:
    """A skill by its id or by one of its names."""
    return name if name in dictionary().skills or name.startswith("own:") else skill_id(name)


def _narrowed(query: VacancyNarrowing) -> dict[str, Any]:
    ranges: dict[str, tuple[int | None, int | None]] = {}
    if query.salary_from is not None:
        ranges["pay"] = (query.salary_from, None)
    if query.days is not None:
        ranges["time"] = (micros(now() - timedelta(days=query.days)), None)
    return _common(query) | {"ranges": ranges}


def _wanted(query: models.VacancyQuery) -> Wanted:
    moments = [micros(now() - timedelta(days=days)) for days in RECENT_DAYS]
    return Wanted(
        **_narrowed(query),
        after=_place(query.after, query.order),
        limit=query.limit,
        facets=VACANCY_FACETS if query.facets else {},
        recent=moments if query.facets else (),
    )


async def _vacancy_results(
    tx: Tx,
    index: SearchIndex,
    found: Found,
    company: UUID | None,
    query: models.VacancyQuery,
    request: Request,
    response: Response,
) -> models.VacancyResults:
    counting = _counting(found, query)
    rows = await queries.open_vacancies(tx, found.ids[: query.limit])
    shown = [rows[id] for id in found.ids[: query.limit] if id in rows]
    marks: Sequence[models.Highlights | None] = [None] * len(shown)
    if found.phrased.query is not None:
        marks = await asyncio.to_thread(_highlights, index, found, shown)
    items = [_item(row, company, query, mark) for row, mark in zip(shown, marks, strict=True)]
    facets = await _facets(tx, index, await counting) if counting else None
    return models.VacancyResults(items=items, **_about(found, query, facets, request, response))


def _item(
    row: Row[Any],
    company: UUID | None,
    query: models.VacancyQuery,
    highlights: models.Highlights | None = None,
) -> models.VacancyFound:
    shown = shown_vacancy(row, company) | {"highlights": highlights}
    if query.brief:
        shown["description"] = None
    return models.VacancyFound.model_validate(shown)


def _highlights(
    index: SearchIndex, found: Found, rows: Sequence[Row[Any]]
) -> list[models.Highlights]:
    """A fragment of the description only where the title does not say why it was found."""
    titles = index.marked("title", found.phrased, [row.title for row in rows])
    texts = [
        "" if title else text_of(row.description) for title, row in zip(titles, rows, strict=True)
    ]
    fragments = index.marked("description", found.phrased, texts)
    return [
        models.Highlights(title=title, description=fragment)
        for title, fragment in zip(titles, fragments, strict=True)
    ]


def _about(
    found: Found,
    query: models.VacancyQuery | models.ResumeQuery,
    facets: Mapping[str, Any] | None,
    request: Request,
    response: Response,
) -> dict[str, Any]:
    following = None
    if len(found.places) > query.limit:
        value, id = found.places[query.limit - 1]
        following = next_page((query.order, value, id), request, response)
    return {
        "next": following,
        "total": found.total,
        "facets": facets,
        "corrected": found.phrased.corrected,
        "tolerated": found.phrased.tolerated,
    }


def _counting(
    found: Found, query: models.VacancyQuery | models.ResumeQuery
) -> asyncio.Task[Counted] | None:
    """Counts beside what else the answer needs; None where no counts are wanted."""
    return asyncio.create_task(asyncio.to_thread(found.count)) if query.facets else None


async def _facets(tx: Tx, index: SearchIndex, counted: Counted) -> dict[str, list[models.Bucket]]:
    ids = [UUID(value) for value, _ in counted.facets.get("company", ())]
    companies = await queries.company_names(tx, ids)
    labels: dict[str, Callable[[str], str]] = {
        "company": lambda value: companies.get(UUID(value), value),
        "skill": lambda value: dictionary().name_of(value) or value.removeprefix("own:"),
        "area": lambda value: _place_name(value) or index.label("area", value),
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
        for name, values in counted.facets.items()
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


async def _from_tables(
    tx: Tx,
    company: UUID | None,
    query: models.VacancyQuery,
    request: Request,
    response: Response,
) -> models.VacancyResults:
    """What can be answered without an index. Raises `SearchNotReady` for the rest."""
    beyond = (query.q.strip(), query.skill, query.currency, query.days, query.facets, query.sort)
    if any(beyond):
        raise SearchNotReady(retry_after=1)
    place = _place(query.after, query.order)
    after = None
    if place is not None:
        moment = datetime.fromtimestamp(place[0] // 1_000_000, UTC)
        after = moment + timedelta(microseconds=place[0] % 1_000_000), UUID(place[1])
    rows = await queries.published_vacancies(
        tx, _filters(query), limit=query.limit + 1, after=after
    )
    following = None
    if len(rows) > query.limit:
        last = rows[query.limit - 1]
        following = next_page(("time", micros(last.published_at), last.id), request, response)
    items = [_item(row, company, query) for row in rows[: query.limit]]
    return models.VacancyResults(items=items, next=following)


async def _own(
    tx: Tx, company: UUID, query: models.VacancyQuery, request: Request, response: Response
) -> models.VacancyResults:
    after = _id_of(decoded_cursor(query.after)) if query.after else None
    rows = await queries.own_vacancies(
        tx, company, _filters(query), limit=query.limit + 1, after=after
    )
    following = None
    if len(rows) > query.limit:
        following = next_page((rows[query.limit - 1].id,), request, response)
    items = [_item(row, company, query) for row in rows[: query.limit]]
    return models.VacancyResults(items=items, next=following)


def _filters(query: models.VacancyQuery) -> queries.Filters:
    return queries.Filters(
        query.q.strip(),
        [name.lower() for area in _areas(query) for name in spellings(area)],
        _formats(query),
        query.employment_type,
        query.experience,
        query.company,
    )


async def _news(tx: Tx, rows: Sequence[Row[Any]]) -> list[int | None]:
    index = index_for(tx, VACANCIES)
    if index is None:
        return [None] * len(rows)
    return [await asyncio.to_thread(_new, index, row) for row in rows]


def _new(index: SearchIndex, row: Row[Any]) -> int:
    wanted = _narrowed(VacancyNarrowing.model_validate(row.query))
    since = micros(row.seen_at)
    low = max(since, (wanted["ranges"].get("time") or (0, None))[0])
    return index.find(
        Wanted(**wanted | {"ranges": wanted["ranges"] | {"time": (low, None)}, "limit": 1})
    ).total


def _saved(row: Row[Any], new: int | None) -> models.SavedSearch:
    return models.SavedSearch.model_validate(dict(row._mapping) | {"new": new})


LAST_MICROS = (datetime.max - datetime(1970, 1, 1)) // timedelta(microseconds=1)
"""The end of the year 9999, which is the last that a time can have here."""


def _place(after: str | None, order: str) -> tuple[int, str] | None:
    if not after:
        return None
    try:
        ordered, value, id = decoded_cursor(after)
        place = int(value), str(UUID(id))
        last = LAST_MICROS if order == "time" else 2**63 - 1
        if ordered != order or not 0 <= place[0] <= last:
            raise ValueError
        return place
    except ValueError:
        raise bad_cursor() from None


def _id_of(after: tuple[str, ...] | None) -> UUID | None:
    if after is None:
        return None
    try:
        [id] = after
        return UUID(id)
    except ValueError:
        raise bad_cursor() from None
