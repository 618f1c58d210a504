"""Builds the application of a service from what its `app.py` declares."""

import asyncio
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import unquote, urlsplit

import structlog
from fastapi import APIRouter, FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from hirewire import __version__
from hirewire.kit import answers, openapi, problems, refusals
from hirewire.kit.addresses import ClientAddress
from hirewire.kit.clock import use_zone
from hirewire.kit.db import make_engine
from hirewire.kit.exports.files import Exports
from hirewire.kit.exports.maker import PartMaker
from hirewire.kit.exports.routes import exports_router
from hirewire.kit.health import Beginning, operations
from hirewire.kit.internal.mails import router as mails_router
from hirewire.kit.internal.routes import router as internal_router
from hirewire.kit.mail import queue
from hirewire.kit.mail.gauges import EVERY_SECONDS, measure
from hirewire.kit.mail.mailer import Mailer
from hirewire.kit.middleware import BodyLimit, RequestContext
from hirewire.kit.secrets import use_keys
from hirewire.kit.settings import Settings
from hirewire.kit.standby import Standby
from hirewire.kit.tokens import Verifier
from hirewire.messaging import tracing
from hirewire.messaging.background import Backoff, run_steps
from hirewire.messaging.bodies import BodyStore
from hirewire.messaging.broker import Broker, open_broker
from hirewire.messaging.event import Event
from hirewire.messaging.projections.generations import Projection
from hirewire.messaging.publishing.schedule import Recurring
from hirewire.messaging.runtime import Messaging, Options, Role
from hirewire.messaging.subscriptions import Subscription
from hirewire.messaging.transaction import Transactions

log = structlog.get_logger(__name__)

LifespanResource = Callable[[Transactions, Settings], AbstractAsyncContextManager[None]]


Worker = Callable[[Transactions, Settings], Coroutine[Any, Any, None]]
"""Work for ever, until it is cancelled, that a wake-up call or a clock of its own begins."""


@dataclass(frozen=True, slots=True)
class PeriodicTask:
    """Work that a service repeats in the background."""

    name: str
    step: Callable[[Transactions], Awaitable[bool]]
    """Does a part of the work that is due; True if there may be more."""
    every: float
    """Seconds between the end of the work and the next check."""


@dataclass(frozen=True)
class Service:
    """The declaration of a service: routes, events and background tasks; see `create_app`."""

    name: str
    routes: Sequence[APIRouter]
    publishes: Sequence[type[Event]] = ()
    subscriptions: Sequence[Subscription] = ()
    projections: Sequence[Projection] = ()
    """Tables that event handlers fill, and that can be rebuilt beside the live ones."""
    recurring: Sequence[Recurring] = ()
    """The service's own events that are recorded on a schedule."""
    background: Sequence[PeriodicTask] = ()
    workers: Sequence[Worker] = ()
    """What each process that works in the background runs for ever, beside messaging."""
    lifespan: Sequence[LifespanResource] = ()
    """Resources of each process that serves requests, such as search indexes."""
    worker_lifespan: Sequence[LifespanResource] = ()
    """Resources of each process that runs the messaging only."""
    skips_plain: frozenset[str] = frozenset()
    """Events that another service consumes from an external service's plain queue instead."""
    larger_bodies: Sequence[tuple[str, int]] = field(default_factory=tuple)
    """Paths that accept bodies over 1 MiB, with their limit in bytes."""
    scoped: Sequence[str] = ()
    """Routes that a personal access token with `<service>:read` or `<service>:write` may call: the
    beginnings of their paths, in whole segments. All others are closed to it."""
    for_keys: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Routes that a company's API key may call, as `GET /api/…/{id}`, by the scope that it needs.
    All others are closed to it."""
    sends_mail: bool = False
    """Whether its queue of mails is sent in the background."""
    on_refused: queue.OnRefused | None = None
    """Called in the transaction that notes that a mail of its own was refused for good."""
    composers: Mapping[str, queue.Compose] = field(default_factory=dict)
    """Make the letters of mails of these kinds at the moment when they are sent."""
    exports: Exports | None = None
    """How it makes its part of what a person exports; None without personal data."""
    begun: Mapping[str, Callable[[AsyncEngine], bool]] = field(default_factory=dict)
    """What a process that serves requests must have done once before it is ready, by name."""
    prepare: Sequence[Callable[[Settings], None]] = ()
    """Called once in a process before its application is built; may raise `SettingsError`."""

    @property
    def consumes(self) -> tuple[str, ...]:
        """The names of the events that it consumes."""
        return tuple(sorted({s.event.name for s in self.subscriptions}))

    @property
    def consumes_plain(self) -> frozenset[str]:
        """The events that it may consume from external services' plain queues."""
        return frozenset(self.consumes) - self.skips_plain

    @property
    def consumes_history(self) -> frozenset[str]:
        """The consumed events whose history it consumes too."""
        return frozenset(s.event.name for s in self.subscriptions if s.history)


@dataclass(frozen=True)
class Gateway:
    """The declaration of a process without a database: an application and consumed events."""

    name: str
    create: Callable[[Settings], FastAPI]
    consumes: tuple[str, ...] = ()


FIRST_PAUSE = 0.2
LONGEST_PAUSE = 10.0
"""The longest pause in seconds before a failed step is retried."""
END_SECONDS = 5.0


async def _forget_old_answers(transactions: Transactions) -> bool:
    async with transactions() as tx:
        await answers.forget_old(tx)
    return False


async def _forget_old_mails(transactions: Transactions) -> bool:
    async with transactions() as tx:
        await queue.forget_old(tx)
    return False


async def _forget_old_refusals(transactions: Transactions) -> bool:
    async with transactions() as tx:
        await refusals.forget_old(tx)
    return False


FORGET_OLD_MAILS = PeriodicTask("mails", _forget_old_mails, every=3600.0)
"""Deletes the rows of mails that were sent long ago."""
FORGET_OLD_ANSWERS = PeriodicTask("answers", _forget_old_answers, every=3600.0)
"""Deletes expired responses of idempotency keys."""
FORGET_OLD_REFUSALS = PeriodicTask("refusals", _forget_old_refusals, every=3600.0)
"""Deletes marks of people whose tokens were refused, once no such token is left."""


def create_app(
    service: Service,
    settings: Settings,
    *,
    role: Role = "all",
    broker: Broker | None = None,
    services: frozenset[str] = frozenset(),
) -> FastAPI:
    """The service's application; its lifespan starts and stops messaging and background tasks.

    `broker` replaces the broker from the settings. `services` are the names of all services.
    """
    use_zone(settings.time_zone)
    use_keys(settings.secret_key)
    engine = _engine(service, settings)
    messaging = _messaging(service, settings, engine, broker, services)
    verifier = Verifier(engine, settings.public_url)
    standby = None if role == "worker" else _standby(service, settings, messaging.transactions)

    app = FastAPI(
        title=f"Hirewire {service.name}",
        version=__version__,
        lifespan=lambda _: _running(service, settings, role, messaging, verifier, standby),
        openapi_url=None,  # `kit.openapi` serves it
        redirect_slashes=False,  # a redirect would go to the host that the request names
    )
    app.state.settings = settings
    app.state.messaging = messaging
    app.state.verifier = verifier
    app.state.standby = standby
    app.state.draining = False
    app.state.service = service.name
    app.state.scoped = service.scoped
    app.state.key_scopes = {
        route: scope for scope, routes in service.for_keys.items() for route in routes
    }
    problems.install(app)
    app.add_middleware(BodyLimit, larger=service.larger_bodies)
    app.add_middleware(RequestContext, service=service.name)
    app.add_middleware(ClientAddress, listed=settings.trusted_proxies)
    for router in _routers(service, role):
        add_routes(app, router)
    begun = Beginning({} if role == "worker" else service.begun, engine)
    add_routes(app, operations(service.name, engine, messaging, begun))
    openapi.describe(app)
    return app


@asynccontextmanager
async def _running(
    service: Service,
    settings: Settings,
    role: Role,
    messaging: Messaging,
    verifier: Verifier,
    standby: Standby | None,
) -> AsyncIterator[None]:
    """Runs the resources, the messaging and the background tasks of one process."""
    transactions = messaging.transactions
    async with AsyncExitStack() as stack:  # closes what was opened, even if a later step fails
        stack.push_async_callback(asyncio.to_thread, tracing.close)
        stack.push_async_callback(transactions.engine.dispose)
        if standby is not None:
            stack.push_async_callback(standby.close)
            _begin(stack, standby.run())
        for resource in service.worker_lifespan if role == "worker" else service.lifespan:
            await stack.enter_async_context(resource(transactions, settings))
        stack.push_async_callback(messaging.stop)
        messaging.start(role)
        if role != "worker":
            _begin(stack, verifier.refusals.keep_fresh())
        if role != "api":
            for work in _background(service, settings, transactions):
                _begin(stack, work)
        yield


def _routers(service: Service, role: Role) -> Iterator[APIRouter]:
    if role != "worker":
        yield from service.routes
        if service.exports is not None:
            yield exports_router(service.name)
    yield internal_router
    if service.sends_mail:
        yield mails_router


def _background(
    service: Service, settings: Settings, transactions: Transactions
) -> Iterator[Coroutine[Any, Any, None]]:
    """What a worker does beside messaging, each for ever."""
    tasks = [*service.background, FORGET_OLD_ANSWERS, FORGET_OLD_REFUSALS]
    if service.sends_mail:
        look = partial(measure, service.name)
        tasks += [FORGET_OLD_MAILS, PeriodicTask("mail gauges", look, every=EVERY_SECONDS)]
        yield Mailer(
            *(service.name, transactions, settings), service.on_refused, service.composers
        ).run()
    if service.exports is not None:
        yield PartMaker(service.name, transactions, service.exports).run()
    for worker in service.workers:
        yield worker(transactions, settings)
    for task in tasks:
        yield repeat(task, transactions)


def _engine(service: Service, settings: Settings) -> AsyncEngine:
    shared = settings.shared_database(service.name)
    return make_engine(
        shared or settings.service_database(service.name),
        pool=settings.database_pool,
        application=service.name,
        shared=shared is not None,
    )


def _standby(service: Service, settings: Settings, primary: Transactions) -> Standby | None:
    url = settings.standby_database(service.name)
    if url is None:
        return None
    name = f"{service.name} reads"
    engine = make_engine(url, pool=settings.database_pool, application=name, shared=True)
    reads = Transactions(engine, service.name)
    return Standby(service.name, primary, reads, settings.database_read_seconds)


def _shared_user(settings: Settings, services: frozenset[str]) -> str | None:
    """Whom RabbitMQ names as the publisher if its address has the user of no single service."""
    user = unquote(urlsplit(settings.broker_address()).username or "guest")
    return None if user in services else user


def _messaging(
    service: Service,
    settings: Settings,
    engine: AsyncEngine,
    broker: Broker | None,
    services: frozenset[str],
) -> Messaging:
    store = BodyStore(settings.large_bodies) if settings.large_bodies is not None else None
    return Messaging(
        service=service.name,
        engine=engine,
        database_url=settings.service_database(service.name),
        shared_url=settings.shared_database(service.name),
        broker=broker or open_broker(settings.broker_address(), client=service.name),
        subscriptions=service.subscriptions,
        services=services,
        options=Options(
            batch=settings.batch_size,
            retention=timedelta(days=settings.retention_days),
            shared_user=_shared_user(settings, services),
        ),
        store=store,
        partitions=settings.partitions.get(service.name, 1),
        projections=service.projections,
        recurring=service.recurring,
        plain_queues=[
            name for name in settings.plain_queues("in") if name in service.consumes_plain
        ],
    )


def add_routes(app: FastAPI, router: APIRouter) -> None:
    """Add a router's routes without copying them.

    `include_router` would build each route again, to apply prefixes and dependencies that we do not
    use. That would delay the first answer of `vacancies` by 60 ms.
    """
    app.router.routes.extend(router.routes)


def _begin(stack: AsyncExitStack, work: Coroutine[Any, Any, None]) -> None:
    """Begin work that ends with the stack."""
    stack.push_async_callback(_end, asyncio.create_task(work))


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task}, timeout=END_SECONDS)


async def repeat(task: PeriodicTask, transactions: Transactions) -> None:
    """Run the task until cancelled; a failed step is retried after growing pauses."""
    await run_steps(
        task.name,
        partial(task.step, transactions),
        idle=task.every,
        backoff=Backoff(first=FIRST_PAUSE, longest=LONGEST_PAUSE),
    )
