"""The front `web`: its doors."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import Scope

from hirewire import __version__
from hirewire.kit import problems
from hirewire.kit.middleware import RequestContext
from hirewire.kit.settings import Settings, SettingsError
from hirewire.web.clients import Services
from hirewire.web.headers import trust
from hirewire.web.live import Live
from hirewire.web.live import router as live_router
from hirewire.web.pages import (
    account,
    applications,
    board,
    candidate,
    employer,
    failures,
    people,
    posting,
    resumes,
)
from hirewire.web.pages.rendering import STATIC, asset
from hirewire.web.pages.routes import router
from hirewire.web.proxy import Proxy
from hirewire.web.upstream import Upstream

BEHIND = ("auth", "profiles", "vacancies")


class Assets(StaticFiles):
    """Files of ours: what is asked for by its content is kept, the rest is asked for again."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """As Starlette, and for how long it may be kept."""
        response = await super().get_response(path, scope)
        wanted = f"/static/{path}?{scope['query_string'].decode('latin-1')}"
        is_fixed = wanted == asset(path)
        kept = "public, max-age=31536000, immutable" if is_fixed else "no-cache"
        response.headers["Cache-Control"] = kept
        return response


def create_web(settings: Settings) -> FastAPI:
    """The application of the public origin.

    Raises `SettingsError` when the trusted proxies are no list of addresses.
    """
    try:
        trusted = trust(settings.trusted_proxies)
    except ValueError as error:
        raise SettingsError(f"HIREWIRE_TRUSTED_PROXIES: {error}") from None
    services = Services(settings, BEHIND)
    upstreams = {name: Upstream(name, settings.service_url(name)) for name in BEHIND}

    feed = Live(settings.broker_url, settings.large_bodies)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        feed.start()
        yield
        await feed.stop()
        await services.close()
        for upstream in upstreams.values():
            upstream.close()

    app = FastAPI(
        title="Hirewire", version=__version__, lifespan=lifespan, docs_url=None, openapi_url=None
    )
    app.state.services = services
    app.state.public_url = settings.public_url
    app.state.country = settings.country
    app.state.live = feed
    app.state.stopping = feed.hub.end
    problems.install(app)
    failures.install(app)

    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)
    app.add_middleware(Proxy, upstreams=upstreams, trusted=trusted)
    app.add_middleware(RequestContext, service="web", shown=failures.as_page)
    for pages in (account, candidate, resumes, applications, people, posting, board, employer):
        app.include_router(pages.router)
    app.include_router(router)
    app.include_router(live_router)
    app.mount("/static", Assets(directory=STATIC), name="static")

    @app.get("/health/live")
    async def live() -> JSONResponse:
        return JSONResponse({"status": "live"})

    @app.get("/health/ready")
    async def ready() -> JSONResponse:
        states = {state.name: state.standing for state in await services.states()}
        return JSONResponse({"status": "ready", "services": states})

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return app
