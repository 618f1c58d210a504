"""Engines, databases that are made when missing, and migrations without ceremony."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, any_, event, literal
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from hirewire.messaging import schema
from hirewire.messaging.database import notice_vanished_peers
from hirewire.messaging.schema import ensure_database

__all__ = ["among", "ensure_database", "make_engine", "migrate", "pending", "schemas"]

CHASSIS = (*schema.OWN, ("kit", "hirewire.kit"))
"""What every service's database has beside the service's own tables: schema, package."""


def make_engine(url: str, *, pool: int = 10, application: str = "hirewire") -> AsyncEngine:
    """An engine over asyncpg for a ``postgresql://`` address. Connects at first use."""
    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        pool_size=pool,
        max_overflow=pool,
        pool_timeout=10,
        # What was used last: statements are prepared on as few connections as there is work for.
        pool_use_lifo=True,
        pool_reset_on_return=None,  # every transaction here ends before its connection goes back
        hide_parameters=True,
        connect_args={"server_settings": {"application_name": application}, "timeout": 10},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def on_connect(connection: Any, _: object) -> None:
        connection.run_async(notice_vanished_peers)

    return engine


def among(column: ColumnElement[Any], values: Iterable[Any]) -> ColumnElement[bool]:
    """Whether the column has one of these values: one statement for any number of them.

    `in_` makes another statement for every length, and each connection keeps those it has
    prepared.
    """
    return column == any_(literal(list(values), ARRAY(column.type)))


def schemas(service: str | None) -> tuple[tuple[str, str], ...]:
    """Schemas and the packages whose migrations make them; without a service the chassis only."""
    return (*CHASSIS, ("public", f"hirewire.{service}")) if service else CHASSIS


async def migrate(url: str, service: str | None) -> list[str]:
    """Bring a service's database to the newest schema; what was applied, as ``schema:revision``.

    Made when missing. Several at once wait for each other. Nothing is half done: all of it is one
    transaction.
    """
    return await schema.migrate(url, schemas(service))


async def pending(engine: AsyncEngine, service: str | None) -> list[str]:
    """The schemas whose migrations are not all applied; empty when the database is ready."""
    return await schema.pending(engine, schemas(service))
