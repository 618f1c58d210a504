"""Routes for searching vacancies (everybody) and resumes (employers), and saved searches."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from sqlalchemy import Row

from hirewire.esco import key_of
from hirewire.kit.clock import now
from hirewire.kit.errors import Unauthenticated
from hirewire.kit.http import (
    Caller,
    MaybeCaller,
    Once,
    Page,
    PageParams,
    PublicTx,
    RequestTx,
    bad_cursor,
    decoded_cursor,
    next_page,
    page_of,
    place_of_id,
)
from hirewire.kit.openapi import media, refuses
from hirewire.messaging.transaction import Tx
from hirewire.vacancies.authority import NotAnEmployer, company_of, require_company
from hirewire.vacancies.search import commands, feed, models, presenters, queries
from hirewire.vacancies.search.filters import resume_filters, table_filters, vacancy_filters
from hirewire.vacancies.search.index.documents import micros
from hirewire.vacancies.search.index.engine import (
    SearchEngine,
    SearchNotReady,
    SearchUnavailable,
    index_for,
)
from hirewire.vacancies.search.index.query import Order, SearchQuery
from hirewire.vacancies.search.index.schema import RESUMES, VACANCIES
from hirewire.vacancies.search.index.widening import STEPS

router = APIRouter(prefix="/api/vacancies", tags=["search"])

FEED_ENTRIES = 50


@router.get("/vacancies", responses=refuses(NotAnEmployer, SearchNotReady, SearchUnavailable))
async def vacancies(
    tx: PublicTx,
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
    reader = caller.user_id if caller else None
    company = await company_of(tx, reader) if reader else None
    index = index_for(tx, VACANCIES)
    if index is None or not query.model_fields_set - {"limit", "after", "mine", "brief", "widen"}:
        return await _from_tables(tx, reader, company, query, request, response)
    await index.refreshed()
    after, step = _place_and_step(query)
    moments = [micros(now() - timedelta(days=days)) for days in presenters.RECENT_DAYS]
    asked = SearchQuery(
        vacancy_filters(query),
        order=query.order,
        limit=query.limit,
        after=after,
        widen=query.widen,
        step=step,
        facets=VACANCIES.facets if query.facets else {},
        recent=moments if query.facets else (),
    )
    try:
        found = await index.search(asked)
    except SearchUnavailable as error:
        return await _from_tables(tx, reader, company, query, request, response, error)
    return await presenters.vacancy_results(
        tx, index, found, reader, company, query, request, response
    )


@router.get("/overview", responses=refuses(SearchNotReady, SearchUnavailable))
async def overview(tx: RequestTx, _: MaybeCaller) -> models.BoardCounts:
    """The number of open vacancies, and of the companies that they belong to."""
    index = index_for(tx, VACANCIES)
    if index is None:
        raise SearchNotReady(retry_after=1)
    await index.refreshed()
    companies = await index.distinct("company")
    return models.BoardCounts(vacancies=await index.size(), companies=companies)


@router.get(
    "/feeds/vacancies.{kind}",
    responses=media("application/atom+xml", "application/rss+xml")
    | {304: {"description": "The feed has not changed (`If-None-Match`)."}}
    | refuses(SearchNotReady, SearchUnavailable),
    response_class=Response,
)
async def newest_vacancies(
    kind: Literal["atom", "rss"],
    tx: PublicTx,
    _: MaybeCaller,
    query: Annotated[models.FeedQuery, Query()],
    request: Request,
    if_none_match: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:
    """The newest 50 vacancies of a search as a feed; takes the parameters of the search."""
    index = index_for(tx, VACANCIES)
    if index is None:
        raise SearchNotReady(retry_after=1)
    newest = SearchQuery(vacancy_filters(query), limit=FEED_ENTRIES)
    await index.refreshed()
    found = await index.search(newest)
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


@router.get("/resumes", responses=refuses(NotAnEmployer, SearchNotReady, SearchUnavailable))
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
    after, step = _place_and_step(query)
    asked = SearchQuery(
        resume_filters(query, hidden_from),
        order=query.order,
        limit=query.limit,
        after=after,
        widen=query.widen,
        step=step,
        facets=RESUMES.facets if query.facets else {},
    )
    await index.refreshed()
    found = await index.search(asked)
    return await presenters.resume_results(tx, index, found, company, query, request, response)


@router.get("/searches")
async def saved(
    tx: RequestTx, caller: Caller, page: PageParams, request: Request, response: Response
) -> Page[models.SavedSearch]:
    """Your saved searches, newest first, with the number of new vacancies."""
    rows = await queries.saved_searches(
        tx, caller.user_id, limit=page.limit + 1, after=place_of_id(page.after)
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
        id = await commands.save(tx, caller.user_id, body.name, kept, alerts=body.alerts)
        moment = now()
        return models.SavedSearch(
            id=id,
            name=body.name,
            query=kept,
            created_at=moment,
            seen_at=moment,
            new=0,
            alerts=body.alerts,
        )

    return await once(models.SavedSearch, make)


@router.post("/searches/{id}/seen", responses=refuses(commands.NoSuchSearch))
async def seen(id: UUID, tx: RequestTx, caller: Caller) -> dict[str, datetime]:
    """Mark the current results of a saved search as seen."""
    return {"seenAt": await commands.mark_seen(tx, caller.user_id, id)}


@router.put("/searches/{id}/alerts", status_code=204, responses=refuses(commands.NoSuchSearch))
async def alert(id: UUID, tx: RequestTx, caller: Caller) -> None:
    """Be notified of vacancies that are published from now on and meet a saved search."""
    await commands.alert(tx, caller.user_id, id)


@router.delete("/searches/{id}/alerts", status_code=204, responses=refuses(commands.NoSuchSearch))
async def alert_no_more(id: UUID, tx: RequestTx, caller: Caller) -> None:
    """End the alerts of a saved search. Unread notices of it are withdrawn."""
    await commands.alert_no_more(tx, caller.user_id, id)


@router.delete("/searches/{id}", status_code=204, responses=refuses(commands.NoSuchSearch))
async def remove(id: UUID, tx: RequestTx, caller: Caller) -> None:
    """Delete a saved search."""
    await commands.remove(tx, caller.user_id, id)


async def _from_tables(
    tx: Tx,
    reader: UUID | None,
    company: UUID | None,
    query: models.VacancyQuery,
    request: Request,
    response: Response,
    otherwise: SearchUnavailable | None = None,
) -> models.VacancyResults:
    """The answer from the tables, without an index. Raises an error if it needs one: `otherwise`,
    or `SearchNotReady`.
    """
    beyond = (query.q.strip(), query.skill, query.currency, query.days, query.facets, query.sort)
    if any(beyond):
        raise otherwise or SearchNotReady(retry_after=1)
    place = _place(query.after, query.order)
    after = None
    if place is not None:
        moment = datetime.fromtimestamp(place[0] // 1_000_000, UTC)
        after = moment + timedelta(microseconds=place[0] % 1_000_000), UUID(place[1])
    rows = await queries.published_vacancies(
        tx, table_filters(query), limit=query.limit + 1, after=after, reader=reader
    )
    following = None
    if len(rows) > query.limit:
        last = rows[query.limit - 1]
        following = next_page(("time", micros(last.published_at), last.id), request, response)
    items = [presenters.vacancy_item(row, company, query) for row in rows[: query.limit]]
    return models.VacancyResults(items=items, next=following)


async def _own(
    tx: Tx, company: UUID, query: models.VacancyQuery, request: Request, response: Response
) -> models.VacancyResults:
    after = place_of_id(decoded_cursor(query.after)) if query.after else None
    rows = await queries.own_vacancies(
        tx, company, table_filters(query), limit=query.limit + 1, after=after
    )
    following = None
    if len(rows) > query.limit:
        following = next_page((rows[query.limit - 1].id,), request, response)
    items = [presenters.vacancy_item(row, company, query) for row in rows[: query.limit]]
    return models.VacancyResults(items=items, next=following)


async def _news(tx: Tx, rows: Sequence[Row[Any]]) -> list[int | None]:
    index = index_for(tx, VACANCIES)
    if index is None:
        return [None] * len(rows)
    try:
        await index.refreshed()
        return [await _new(index, row) for row in rows]
    except SearchUnavailable:
        return [None] * len(rows)


async def _new(index: SearchEngine, row: Row[Any]) -> int:
    filters = vacancy_filters(models.VacancyFilters.model_validate(row.query))
    found = await index.search(SearchQuery(filters.since(micros(row.seen_at)), limit=1))
    return found.total


def _saved(row: Row[Any], new: int | None) -> models.SavedSearch:
    shown = {"new": new, "alerts": row.alerts_since is not None}
    return models.SavedSearch.model_validate(dict(row._mapping) | shown)


LAST_MICROS = (datetime.max - datetime(1970, 1, 1)) // timedelta(microseconds=1)
"""The end of the year 9999, the latest time in Python, in microseconds since 1970."""


def _place(after: str | None, order: Order) -> tuple[int, str] | None:
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


def _place_and_step(
    query: models.VacancyQuery | models.ResumeQuery,
) -> tuple[tuple[int, str] | None, int]:
    """The position in a list, and the step of widening that it belongs to."""
    parts = decoded_cursor(query.after) if query.after and query.widen else ()
    if len(parts) < 4:
        return _place(query.after, query.order), 0
    try:
        ordered, value, id, step = parts
        place = int(value), str(UUID(id))
        if ordered != query.order or not 0 <= place[0] < 2**63 or int(step) not in STEPS:
            raise ValueError
        return place, int(step)
    except ValueError:
        raise bad_cursor() from None
