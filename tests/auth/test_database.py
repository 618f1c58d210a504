"""The migrations make what `tables.py` says."""

from collections.abc import Awaitable, Callable
from importlib import import_module

from alembic.autogenerate import compare_metadata
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect

from hirewire.auth.tables import metadata
from hirewire.kit.db import make_engine, migrate


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


async def test_the_migrated_database_is_what_the_tables_say(
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
            import_module("hirewire.auth.migrations.versions.0001_auth").downgrade()
        return inspect(connection).get_table_names(schema="public")

    engine = make_engine(url)
    async with engine.begin() as connection:
        assert await connection.run_sync(downgrade) == ["alembic_version"]
    await engine.dispose()
