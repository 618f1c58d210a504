"""The migrations create the schema of `tables.py`."""

from collections.abc import Awaitable, Callable
from importlib import import_module
from uuid import UUID

import pytest
from alembic.autogenerate import compare_metadata
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine

from hirewire.auth.credentials import email_key
from hirewire.auth.tables import metadata
from hirewire.kit.db import make_engine, migrate
from hirewire.messaging.schema import CannotMigrate

VERSIONS = "hirewire.auth.migrations.versions"
LATER = (
    "0005_verified_addresses",
    "0004_where_sessions_are",
    "0003_secrets_in_mails",
    "0002_addresses_and_limits",
)
"""All but the first, the newest first."""


def _differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(
        connection,
        opts={
            "compare_type": True,
            "compare_server_default": True,
            "include_name": lambda name, kind, _: kind != "table" or name != "alembic_version",
        },
    )
    return list(compare_metadata(context, metadata))


async def test_the_migrated_database_matches_the_tables(
    fresh_database: Callable[[], Awaitable[str]],
) -> None:
    url = await fresh_database()
    await migrate(url, "auth")
    engine = make_engine(url)
    async with engine.connect() as connection:
        assert await connection.run_sync(_differences) == []
    await engine.dispose()


async def test_downgrading_leaves_nothing(fresh_database: Callable[[], Awaitable[str]]) -> None:
    url = await fresh_database()
    await migrate(url, "auth")

    def downgrade(connection: Connection) -> list[str]:
        with Operations.context(MigrationContext.configure(connection)):
            for name in (*LATER, "0001_auth"):
                import_module(f"{VERSIONS}.{name}").downgrade()
        return inspect(connection).get_table_names(schema="public")

    engine = make_engine(url)
    async with engine.begin() as connection:
        assert await connection.run_sync(downgrade) == ["alembic_version"]
    await engine.dispose()


async def _registered_before(url: str, *accounts: tuple[str, str]) -> AsyncEngine:
    """A database of an earlier version, with accounts (address and key)."""
    await migrate(url, "auth")

    def back(connection: Connection) -> None:
        with Operations.context(MigrationContext.configure(connection)):
            for name in LATER:
                import_module(f"{VERSIONS}.{name}").downgrade()

    engine = make_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(back)
        await connection.execute(text("update alembic_version set version_num = '0001'"))
        for nth, (email, key) in enumerate(accounts, start=1):
            await connection.execute(
                text(
                    "insert into user_account (id, email, email_key, password_hash, role) "
                    "values (:id, :email, :key, 'x', 'applicant')"
                ),
                {"id": UUID(int=nth), "email": email, "key": key},
            )
    return engine


async def test_accounts_of_before_get_the_new_key_and_keep_their_address(
    fresh_database: Callable[[], Awaitable[str]],
) -> None:
    url = await fresh_database()
    engine = await _registered_before(
        url,
        ("Anna@example.org", "anna@example.org"),
        ("Straße@example.org", "strasse@example.org"),
        ("ёж@пример.рф", "ёж@пример.рф"),
    )
    await migrate(url, "auth")
    async with engine.connect() as connection:
        rows = (
            await connection.execute(text("select email, email_key from user_account order by id"))
        ).all()
    await engine.dispose()
    assert [tuple(row) for row in rows] == [
        ("Anna@example.org", "anna@example.org"),
        ("Straße@example.org", "straße@example.org"),
        ("ёж@пример.рф", "ёж@xn--e1afmkfd.xn--p1ai"),
    ]
    assert all(email_key(row.email) == row.email_key for row in rows)


async def test_colliding_accounts_stop_the_migration_with_instructions(
    fresh_database: Callable[[], Awaitable[str]],
) -> None:
    url = await fresh_database()
    engine = await _registered_before(
        url, ("anna@example.org", "anna@example.org"), ("Anna@example.org", "by hand")
    )
    with pytest.raises(CannotMigrate, match=f"{UUID(int=1)} and {UUID(int=2)}.*run migrate again"):
        await migrate(url, "auth")
    async with engine.begin() as connection:
        await connection.execute(
            text("update user_account set email = 'a2@example.org' where email_key = 'by hand'")
        )
    await migrate(url, "auth")
    async with engine.connect() as connection:
        keys = await connection.scalars(text("select email_key from user_account order by id"))
        assert list(keys) == ["anna@example.org", "a2@example.org"]
    await engine.dispose()
