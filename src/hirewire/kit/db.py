"""Database engines, creation of missing databases, and migrations."""

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
"""Schemas and packages of the tables that every service's database has."""


def make_engine(url: str, *, pool: int = 10, application: str = "hirewire") -> AsyncEngine:
    """An asyncpg engine for a ``postgresql://`` address. It connects at first use."""
    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        pool_size=pool,
        max_overflow=pool,
        pool_timeout=10,
        # Last in, first out: few connections are used, so statements are prepared on few of them.
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
    """Whether the column has one of these values, with one statement for any number of them.

    `in_` makes a different statement for each length, and each connection keeps its prepared
    statements.
    """
    return column == any_(literal(list(values), ARRAY(column.type)))


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
