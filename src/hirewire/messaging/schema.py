"""Creates missing databases and runs migrations."""

import asyncio
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TypeAlias

import asyncpg
from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from hirewire.messaging.database import cause_of, connect
from hirewire.messaging.locks import lock_number
from hirewire.messaging.servers import open_connection

LOCK_TIMEOUT = "100ms"
"""How long a migration waits for a table, and those who use the table behind it.

Two who wait for each other are found after a second, by the one who has waited for so long: that
would be a request, which fails. So a migration gives up long before.
"""
TRIES = 300
PAUSE_SECONDS = 0.3
_CONFLICTS = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)
# Only a superuser may: then a migration finds out at once that it is in the way.
_YIELDS = """
select set_config('deadlock_timeout', '20ms', true) where current_setting('is_superuser') = 'on'
"""

Schemas: TypeAlias = Sequence[tuple[str, str]]
"""Schemas of a database, each with the package of its migrations."""
OWN: Schemas = (("messaging", "hirewire.messaging"),)


class CannotMigrate(Exception):
    """The data prevent a migration; the message says what to do."""


async def ensure_database(url: str) -> bool:
    """Create the database at this address if it is missing. True if it was created."""
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


async def migrate(url: str, schemas: Schemas = OWN) -> list[str]:
    """Migrate these schemas of a database (by default messaging's own) to their newest revisions.

    Returns the applied revisions as ``schema:revision``. A missing database is created. Concurrent
    calls wait for each other. All migrations are one transaction.
    """
    await ensure_database(url)
    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        connect_args={"async_creator_fn": partial(open_connection, url)},
    )
    try:
        for _ in range(TRIES):
            if not await pending(engine, schemas):
                return []
            try:
                return await _migrated(engine, schemas)
            except DBAPIError as error:
                if not isinstance(cause_of(error), _CONFLICTS):
                    raise
                await asyncio.sleep(PAUSE_SECONDS)
        return await _migrated(engine, schemas)
    finally:
        await engine.dispose()


async def _migrated(engine: AsyncEngine, schemas: Schemas) -> list[str]:
    """All pending migrations in one transaction.

    Whoever uses a table while a migration waits for it waits behind the migration: so it waits
    briefly, and lets them pass.
    """
    async with engine.begin() as connection:
        await connection.exec_driver_sql(
            "select pg_advisory_xact_lock($1)", (lock_number("migrate"),)
        )
        await connection.exec_driver_sql(f"set local lock_timeout = '{LOCK_TIMEOUT}'")
        await connection.exec_driver_sql(_YIELDS)
        applied: list[str] = []
        for schema, package in schemas:
            await connection.exec_driver_sql(f"create schema if not exists {schema}")
            applied += await connection.run_sync(_upgrade, schema, package)
        return applied


async def pending(engine: AsyncEngine, schemas: Schemas = OWN) -> list[str]:
    """The schemas with pending migrations; empty if the database is ready.

    A newer schema is ready too: during an upgrade, and after going back from one, the previous
    version works with it.
    """
    async with engine.connect() as connection:
        behind = []
        for schema, package in schemas:
            known = await connection.exec_driver_sql(
                "select to_regclass($1) is not null", (f"{schema}.alembic_version",)
            )
            applied = None
            if known.scalar_one():
                found = await connection.exec_driver_sql(
                    f"select max(version_num) from {schema}.alembic_version"  # noqa: S608
                )
                applied = found.scalar()
            if applied is None or applied < _newest(package):
                behind.append(schema)
        return behind


def _folder(package: str) -> Path:
    return Path(str(import_module(package).__file__)).parent / "migrations"


def _newest(package: str) -> str:
    """The newest revision: they are numbered, and their files begin with the number."""
    return max(p.name.partition("_")[0] for p in _folder(package).glob("versions/[0-9]*.py"))


def _upgrade(connection: Connection, schema: str, package: str) -> Sequence[str]:
    # Imported here, since a service that only runs does not need Alembic.
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_folder(package)).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)
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
