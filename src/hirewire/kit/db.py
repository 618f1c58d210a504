"""Database engines, creation of missing databases, and migrations."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable, MutableMapping
from contextlib import suppress
from functools import partial
from typing import Any

import structlog
from sqlalchemy import ARRAY, ColumnElement, any_, event, literal
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry
from sqlalchemy.util import await_only
from sqlalchemy.util.queue import Empty

from hirewire.kit.settings import Settings, SettingsError
from hirewire.messaging import schema
from hirewire.messaging.background import describe
from hirewire.messaging.database import notice_vanished_peers
from hirewire.messaging.locks import (
    AnotherDatabase,
    SessionShared,
    lock_number,
    require_own_sessions,
)
from hirewire.messaging.pooling import UNPREPARED, Preparing, options_of
from hirewire.messaging.schema import ensure_database
from hirewire.messaging.servers import open_connection
from hirewire.messaging.transaction import Tx

__all__ = [
    "among",
    "check_addresses",
    "ensure_database",
    "lock",
    "make_engine",
    "migrate",
    "pending",
    "schemas",
]

log = structlog.get_logger(__name__)

CHASSIS = (*schema.OWN, ("kit", "hirewire.kit"))
"""The schemas and packages of the tables in every service's database."""

PATIENCE_SECONDS = 0.005
"""How long to wait for a connection to be returned before another one is opened."""
LOOK_SECONDS, WINDOW_SECONDS = 1.0, 20.0
RARELY = 0.05
"""A connection in use for a smaller share of the time than this is closed."""
ASK_SECONDS = 60.0
CHECK_SECONDS = 10.0


class ShrinkingPool(AsyncAdaptedQueuePool):
    """A pool with as many connections as are in use at once for more than moments.

    A connection keeps its prepared statements: a hundred take 1 MiB here and 5 MiB in PostgreSQL.
    Otherwise every connection that a rare burst once needed would in time collect all of them.

    A connection takes longer to open than most transactions last, so the end of one of these is
    waited for first. Every 20 s the number is found that was exceeded for less than a twentieth of
    the time; beyond it one idle connection a second is closed. At rest, when background tasks look
    for work now and then, one is left.
    """

    _look_at = 0.0
    _began: float | None = None
    _changed = 0.0
    _surplus = 0

    def _do_get(self) -> ConnectionPoolEntry:
        record = self._returned_soon() or super()._do_get()
        self._account(self.checkedout() - 1)
        return record

    def _returned_soon(self) -> ConnectionPoolEntry | None:
        if not self.checkedin() and self.checkedout() > 0:
            with suppress(Empty):
                return self._pool.get(True, PATIENCE_SECONDS)
        return None

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        now = self._account(self.checkedout())
        super()._do_return_conn(record)
        if now < self._look_at:
            return
        self._judge(now)
        if self._surplus > 0:
            if self.checkedin() < 2:
                return  # the others are still out: look again when they return
            self._surplus -= 1
            longest_idle = self._take_last()
            self._dec_overflow()
            longest_idle.invalidate()  # waits at most two seconds for a server that does not answer
        self._look_at = now + LOOK_SECONDS

    def _account(self, out: int) -> float:
        """Enter for how long `out` connections were out, until now."""
        now = time.monotonic()
        if self._began is None:
            self._began = self._changed = now
            self._held: defaultdict[int, float] = defaultdict(float)
        self._held[out] += now - self._changed
        self._changed = now
        return now

    def _judge(self, now: float) -> None:
        """At the end of a window, find how many connections are too many."""
        assert self._began is not None
        seconds = now - self._began
        if seconds < WINDOW_SECONDS:
            return
        exceeding = 0.0
        needed = 1
        for out in sorted(self._held, reverse=True):
            exceeding += self._held[out]
            if exceeding >= RARELY * seconds:
                needed = max(out, 1)
                break
        self._surplus = self.checkedin() + self.checkedout() - needed
        self._began = now
        self._held.clear()

    def _take_last(self) -> ConnectionPoolEntry:
        """Take out the longest unused connection. Nothing else runs meanwhile."""
        pooled = [self._pool.get(False) for _ in range(self.checkedin())]
        last = pooled.pop()
        for one in reversed(pooled):
            self._pool.put(one, False)
        return last


def make_engine(
    url: str, *, pool: int = 10, application: str = "hirewire", shared: bool = False
) -> AsyncEngine:
    """An asyncpg engine for a ``postgresql://`` address. It connects at first use.

    `shared`: the address is a pooler's in transaction mode, where only transactions are our own.
    """
    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        poolclass=ShrinkingPool,
        pool_size=pool,
        max_overflow=pool,
        pool_timeout=10,
        # Last in, first out: little work uses few connections, and the others become idle.
        pool_use_lifo=True,
        pool_reset_on_return=None,  # every transaction here ends before its connection is returned
        hide_parameters=True,
        connect_args={
            "server_settings": {"application_name": application},
            "async_creator_fn": partial(open_connection, url),
        },
    )

    @event.listens_for(engine.sync_engine, "connect")
    def on_connect(connection: Any, _: object) -> None:
        connection.run_async(partial(notice_vanished_peers, shared=shared))

    if shared:
        event.listen(engine.sync_engine, "do_connect", _Pooler(url))
    return engine


class _Pooler:
    """Chooses how new connections through a pooler prepare statements.

    The pooler is asked once a minute at most: it may be replaced while we run.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._asked_at: float | None = None
        self._options: Preparing = {}

    def __call__(self, _: Any, __: Any, ___: Any, options: MutableMapping[str, object]) -> None:
        """SQLAlchemy's event `do_connect`."""
        if self._asked_at is None or self._asked_at < time.monotonic() - ASK_SECONDS:
            self._options = await_only(options_of(self._url))
            self._asked_at = time.monotonic()
        for name in UNPREPARED:
            options.pop(name, None)
        options.update(self._options)


async def check_addresses(settings: Settings, service: str) -> None:
    """Check that the direct address gives sessions of our own, in the database of the pooler.

    Raises `SettingsError`. A database that is away now is not waited for.
    """
    direct, shared = settings.service_database(service), settings.shared_database(service)
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await require_own_sessions(direct, shared=shared)
    except (SessionShared, AnotherDatabase) as error:
        raise SettingsError(str(error)) from None
    except Exception as error:
        log.debug("addresses not checked", service=service, error=describe(error))


def among(column: ColumnElement[Any], values: Iterable[Any]) -> ColumnElement[bool]:
    """Whether the column has one of these values, as one statement for any number of them.

    `in_` makes a different statement for each length, and each connection keeps its prepared
    statements.
    """
    return column == any_(literal(list(values), ARRAY(column.type)))


async def lock(tx: Tx, name: str) -> None:
    """Acquire the lock of this name until the transaction ends; other transactions wait for it."""
    await tx.exec_driver_sql("select pg_advisory_xact_lock($1)", (lock_number(name),))


def schemas(service: str | None) -> tuple[tuple[str, str], ...]:
    """Schemas and their migration packages; without a service, only the common ones."""
    return (*CHASSIS, ("public", f"hirewire.{service}")) if service else CHASSIS


async def migrate(url: str, service: str | None) -> list[str]:
    """Migrate a service's database to the newest schema; returns each applied ``schema:revision``.

    Creates a missing database. Concurrent migrations wait for each other. All migrations run in one
    transaction.
    """
    return await schema.migrate(url, schemas(service))


async def pending(engine: AsyncEngine, service: str | None) -> list[str]:
    """The schemas with pending migrations; empty when the database is ready."""
    return await schema.pending(engine, schemas(service))
