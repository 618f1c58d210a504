"""The gateway `web`: pages, proxy and live stream."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.middleware.gzip import GZipMiddleware

from hirewire import __version__
from hirewire.kit import problems
from hirewire.kit.addresses import ClientAddress
from hirewire.kit.clock import use_zone
from hirewire.kit.middleware import MAX_BODY, BodyLimit, RequestContext
from hirewire.kit.notices import notice
from hirewire.kit.service import Gateway, add_routes
from hirewire.kit.settings import Settings
from hirewire.web.api.services import Services
from hirewire.web.hardening import Hardened, OperatorsOnly
from hirewire.web.live.consumer import Live
from hirewire.web.live.hub import CONSUMED
from hirewire.web.live.routes import router as live_router
from hirewire.web.pages import (
    about,
    access_tokens,
    account,
    addresses,
    api_keys,
    applications,
    board,
    candidate,
    employer,
    exporting,
    failures,
    interviews,
    keeping,
    kept_mail,
    leaving,
    moderation,
    notices,
    notification_settings,
    operators,
    passkeys,
    passwords,
    people,
    posting,
    providers,
    pushing,
    read_vacancy,
    resume_files,
    resume_rows,
    resumes,
    routes,
    saved,
    security,
    styleguide,
    suggestions,
    two_step,
    undoing,
    unsubscribing,
    verification,
    verifying,
    webhooks,
)
from hirewire.web.pages.assets import STATIC, Assets
from hirewire.web.pages.counts import BoardCounts
from hirewire.web.pages.naming import Naming
from hirewire.web.pages.resume_files import LARGEST_IMPORT
from hirewire.web.proxy.api_keys import ApiKeys
from hirewire.web.proxy.guesses import Guesses
from hirewire.web.proxy.middleware import Proxy
from hirewire.web.proxy.personal_tokens import PersonalTokens
from hirewire.web.upstream import Upstream

STARTING_SECONDS = 60.0
"""A service that is unavailable this soon after the gateway's start counts as starting."""
LARGEST_UPLOAD = LARGEST_IMPORT + 64 * 1024
"""The size of a file with the form around it."""
LARGEST_READ = 4 * 1024 * 1024
"""What was read of a file, as a form sends it: a Cyrillic letter is six characters."""
LARGEST_LOGO_FORM = MAX_BODY + 256 * 1024
"""The same with an image, which is limited like any other body of a service."""
PAGES = (
    *(about, account, passwords, security, addresses, access_tokens, providers, operators),
    *(
        exporting,
        keeping,
        kept_mail,
        saved,
        notices,
        notification_settings,
        pushing,
        unsubscribing,
        candidate,
    ),
    *(passkeys, two_step, resume_files, resume_rows),
    webhooks,
    *(
        resumes,
        suggestions,
        interviews,
        applications,
        people,
        read_vacancy,
        posting,
        board,
        api_keys,
        employer,
    ),
    *(moderation, verification),
    *(styleguide, undoing, verifying, leaving, routes),
)
"""The modules with pages. The first matching route wins."""


def create_web(settings: Settings) -> FastAPI:
    """Create the application of the public origin."""
    behind = [manifest for manifest in settings.manifests if manifest.paths]
    upstreams = {one.name: Upstream(one.name, settings.service_url(one.name)) for one in behind}
    services = Services(upstreams)
    feed = Live(settings.broker_url, settings.large_bodies)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        feed.start()
        app.state.starting_until = time.monotonic() + STARTING_SECONDS
        yield
        await feed.stop()
        for upstream in upstreams.values():
            await upstream.close()

    app = FastAPI(
        title="Hirewire", version=__version__, lifespan=lifespan, docs_url=None, openapi_url=None
    )
    app.state.starting_until = 0.0
    app.state.services = services
    app.state.naming = Naming()
    app.state.providers = providers.Providers()
    app.state.board = BoardCounts()
    app.state.upstreams = upstreams
    app.state.public_url = settings.public_url
    app.state.country = settings.country
    app.state.time_zone = settings.time_zone
    app.state.verified_email = settings.verified_email
    app.state.smtp_url = settings.smtp_url
    app.state.contact_email = settings.contact_email
    app.state.retention_days = settings.retention_days
    app.state.notice = notice(settings.privacy_notice)
    use_zone(settings.time_zone)
    app.state.live = feed
    app.state.stopping = feed.hub.end
    app.state.draining = False
    problems.install(app)
    failures.install(app)

    proxied = {path: upstreams[one.name] for one in behind for path in one.paths}
    _add_middleware(app, settings, proxied, services)
    for router in (*(pages.router for pages in PAGES), live_router, _operations(services)):
        add_routes(app, router)
    app.mount("/static", Assets(directory=STATIC), name="static")
    return app


def _add_middleware(
    app: FastAPI, settings: Settings, proxied: Mapping[str, Upstream], services: Services
) -> None:
    """Add the middleware, innermost first; `proxied` are the paths of the services."""
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)
    app.add_middleware(
        BodyLimit,
        larger=[
            ("/resumes/import", LARGEST_UPLOAD),
            ("/resumes/read", LARGEST_READ),
            ("/employer/company", LARGEST_LOGO_FORM),
        ],
        shown=failures.as_page,
    )
    guesses = Guesses()
    app.add_middleware(
        Proxy,
        routes=proxied,
        personal=PersonalTokens(services.exchange, guesses),
        keys=ApiKeys(services.admit, guesses),
    )
    app.add_middleware(OperatorsOnly, token=settings.operator_token)
    app.add_middleware(RequestContext, service="web", shown=failures.as_page)
    app.add_middleware(Hardened, secure=settings.public_url.startswith("https:"))
    app.add_middleware(ClientAddress, listed=settings.trusted_proxies)


def _operations(services: Services) -> APIRouter:
    router = APIRouter()

    @router.get("/health/live")
    async def live() -> JSONResponse:
        return JSONResponse({"status": "live"})

    @router.get("/health/ready")
    async def ready(request: Request) -> JSONResponse:
        if request.app.state.draining:
            return JSONResponse({"status": "stopping"}, 503)
        states = {state.name: state.standing for state in await services.states()}
        return JSONResponse({"status": "ready", "services": states})

    @router.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router


GATEWAY = Gateway("web", create_web, consumes=CONSUMED)
