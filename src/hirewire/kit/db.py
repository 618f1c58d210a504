"""Engines, databases that are made when missing, and migrations without ceremony."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import asyncpg
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from hirewire.messaging.database import connect
from hirewire.messaging.relay import lock_number

CHASSIS = (("messaging", "hirewire.messaging"), ("kit", "hirewire.kit"))
"""What every service's database has beside the service's own tables: schema, package."""


def make_engine(url: str, *, pool: int = 10, application: str = "hirewire") -> AsyncEngine:
    """An engine over asyncpg for a ``postgresql://`` address. Connects at first use."""
    return create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        pool_size=pool,
        max_overflow=pool,
        pool_timeout=10,
        hide_parameters=True,
        connect_args={"server_settings": {"application_name": application}, "timeout": 10},
    )


async def ensure_database(url: str) -> bool:
    """Make the database of this address when it is missing. True when it was made."""
    name = make_url(url).database
    assert name
    maintenance = make_url(url).set(database="postgres").render_as_string(hide_password=False)
    connection = await connect(maintenance, application="hirewire migrate")
    try:
        if await connection.fetchval("select 1 from pg_database where datname = $1", name):
            return False
        quoted = '"' + name.replace('"', '""') + '"'
        try:
            await connection.execute(f"create database {quoted} encoding 'UTF8' template template0")
        except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
            return False
        return True
    finally:
        await connection.close()


def schemas(service: str | None) -> tuple[tuple[str, str], ...]:
    """Schemas and the packages whose migrations make them; without a service the chassis only."""
    return (*CHASSIS, ("public", f"hirewire.{service}")) if service else CHASSIS


async def migrate(url: str, service: str | None) -> list[str]:
    """Bring a service's database to the newest schema; what was applied, as ``schema:revision``.

    Made when missing. Several at once wait for each other. Nothing is half done: all of it is one
    transaction.
    """
    await ensure_database(url)
    engine = make_engine(url, pool=2, application="hirewire migrate")
    try:
        async with engine.begin() as connection:
            await connection.exec_driver_sql(
                "select pg_advisory_xact_lock($1)", (lock_number("migrate"),)
            )
            applied: list[str] = []
            for schema, package in schemas(service):
                await connection.exec_driver_sql(f"create schema if not exists {schema}")
                applied += await connection.run_sync(_upgrade, schema, package)
            return applied
    finally:
        await engine.dispose()


async def pending(engine: AsyncEngine, service: str) -> list[str]:
    """The schemas whose migrations are not all applied; empty when the database is ready."""
    async with engine.connect() as connection:
        return [s for s, p in schemas(service) if await connection.run_sync(_behind, s, p)]


def _script(package: str) -> ScriptDirectory:
    folder = Path(str(import_module(package).__file__)).parent / "migrations"
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)


def _behind(connection: Connection, schema: str, package: str) -> bool:
    context = MigrationContext.configure(connection, opts={"version_table_schema": schema})
    return set(context.get_current_heads()) != set(_script(package).get_heads())


def _upgrade(connection: Connection, schema: str, package: str) -> Sequence[str]:
    script = _script(package)
    applied: list[str] = []

    def steps(revision: tuple[str, ...], _: MigrationContext) -> list[object]:
        found = script._upgrade_revs("head", revision)  # type: ignore[arg-type]
        applied.extend(f"{schema}:{step.revision.revision}" for step in found)
        return list(found)

    with EnvironmentContext(Config(), script, fn=steps) as environment:
        environment.configure(
            connection=connection, version_table_schema=schema, transactional_ddl=False
        )
        environment.run_migrations()
    return applied
