"""Database engines, creation of missing databases, and migrations."""

import time
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, any_, event, literal
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry

from hirewire.messaging import schema
from hirewire.messaging.database import notice_vanished_peers
from hirewire.messaging.locks import lock_number
from hirewire.messaging.schema import ensure_database
from hirewire.messaging.transaction import Tx

__all__ = ["among", "ensure_database", "lock", "make_engine", "migrate", "pending", "schemas"]

CHASSIS = (*schema.OWN, ("kit", "hirewire.kit"))
"""The schemas and packages of the tables in every service's database."""

IDLE_SECONDS = 60.0
"""Connections unused for this long are closed."""
_RETURNED = "hirewire_returned"


class ShrinkingPool(AsyncAdaptedQueuePool):
    """A pool that closes connections which have been idle for a minute.

    A connection keeps its prepared statements: a hundred take 1 MiB here and 5 MiB in PostgreSQL.
    Otherwise every connection that a rare burst once needed would in time collect all of them.
    """

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        record.info[_RETURNED] = time.monotonic()
        super()._do_return_conn(record)
        if (idle := self._idle()) is not None:
            self._dec_overflow()
            idle.invalidate()  # waits at most two seconds for a server that does not respond

    def _idle(self) -> ConnectionPoolEntry | None:
        """Take out the longest unused connection if it is idle. Nothing else runs meanwhile."""
        if self.checkedin() < 2:
            return None
        pooled = [self._pool.get(False) for _ in range(self.checkedin())]
        is_idle = pooled[-1].info[_RETURNED] < time.monotonic() - IDLE_SECONDS
        idle = pooled.pop() if is_idle else None
        for one in reversed(pooled):
            self._pool.put(one, False)
        return idle


def make_engine(url: str, *, pool: int = 10, application: str = "hirewire") -> AsyncEngine:
    """An asyncpg engine for a ``postgresql://`` address. It connects at first use."""
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
        connect_args={"server_settings": {"application_name": application}, "timeout": 10},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def on_connect(connection: Any, _: object) -> None:
        connection.run_async(notice_vanished_peers)

    return engine


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
