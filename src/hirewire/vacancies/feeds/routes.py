"""Routes for search engines and other job boards: sitemaps, and all jobs as XML."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import StreamingResponse

from hirewire.kit.clock import now
from hirewire.kit.errors import NotFound
from hirewire.kit.http import MaybeCaller, PublicTx, unguarded
from hirewire.kit.openapi import media, refuses
from hirewire.messaging.transaction import Transactions
from hirewire.vacancies.feeds import feed, queries

router = APIRouter(prefix="/api/vacancies/feeds", tags=["feeds"])
XML = "application/xml; charset=utf-8"
CHUNK = 500
LARGEST_SITEMAP = 50_000
FRESH = {"Cache-Control": "public, max-age=300"}


class NoSuchSitemap(NotFound):
    """Sitemap not found."""

    code = "sitemap_not_found"


@router.get("/sitemap.xml", responses=media("application/xml"), response_class=Response)
async def sitemap_index(_: MaybeCaller, tx: PublicTx, request: Request) -> Response:
    """The index of sitemaps, with up to 50,000 vacancies each."""
    pages = max(1, -(-await queries.open_count(tx) // LARGEST_SITEMAP))
    return Response(feed.sitemap_index(_site(request), pages), media_type=XML, headers=FRESH)


@router.get(
    "/sitemaps/{n}.xml",
    responses=media("application/xml") | refuses(NoSuchSitemap),
    response_class=Response,
)
async def sitemap(
    n: Annotated[int, Path(ge=0, le=10_000)], _: MaybeCaller, tx: PublicTx, request: Request
) -> Response:
    """One sitemap: the pages of open vacancies."""
    after: UUID | None = UUID(int=0)
    if n > 0:
        after = await queries.place_of(tx, n * LARGEST_SITEMAP)
    if after is None:
        raise NoSuchSitemap
    if n == 0 and not await queries.open_count(tx):
        empty = feed.sitemap_begin() + feed.sitemap_start(_site(request)) + feed.sitemap_end()
        return Response(empty, media_type=XML, headers=FRESH)
    parts = _parts(
        unguarded(request),
        (feed.sitemap_begin(), feed.sitemap_end()),
        lambda rows: feed.sitemap_part(_site(request), rows),
        after=after,
        most=LARGEST_SITEMAP,
    )
    return StreamingResponse(parts, media_type=XML, headers=FRESH)


@router.get("/jobs.xml", responses=media("application/xml"), response_class=Response)
async def jobs(_: MaybeCaller, request: Request) -> Response:
    """All open vacancies in the XML format that Indeed, Jooble and others read."""
    site, country = _site(request), request.app.state.settings.country
    parts = _parts(
        unguarded(request),
        (feed.jobs_begin(site, now()), feed.jobs_end()),
        lambda rows: feed.jobs_part(site, country, rows),
    )
    return StreamingResponse(parts, media_type=XML, headers=FRESH)


async def _parts(
    transactions: Transactions,
    ends: tuple[str, str],
    write: Callable[[Iterable[Mapping[str, Any]]], str],
    *,
    after: UUID = UUID(int=0),  # noqa: B008
    most: int | None = None,
) -> AsyncIterator[str]:
    """A document in pieces: each reads one chunk of rows in its own transaction."""
    yield ends[0]
    left = most
    while left is None or left > 0:
        limit = CHUNK if left is None else min(CHUNK, left)
        async with transactions() as tx:
            rows = await queries.open_after(tx, after, limit)
        if rows:
            yield write([dict(row._mapping) for row in rows])
            after = rows[-1].id
        if len(rows) < limit:
            break
        left = None if left is None else left - len(rows)
    yield ends[1]


def _site(request: Request) -> str:
    return str(request.app.state.settings.public_url)
