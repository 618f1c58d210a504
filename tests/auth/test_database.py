"""The migrations create the schema of `tables.py`."""

import json
from collections.abc import Awaitable, Callable
from importlib import import_module
from uuid import UUID

import pytest
from alembic.autogenerate import compare_metadata
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from joserfc.jwk import OKPKey
from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine

from hirewire.auth.credentials import email_key
from hirewire.auth.keys.queries import published_keys
from hirewire.auth.signing import current_key
from hirewire.auth.tables import metadata
from hirewire.kit.db import make_engine, migrate
from hirewire.messaging.schema import CannotMigrate
from hirewire.messaging.transaction import Transactions

VERSIONS = "hirewire.auth.migrations.versions"
LATER = (
    "0024_locales",
    "0023_api_keys",
    "0022_announced_keys",
    "0021_provider_callbacks",
    "0020_sign_up_tickets",
    "0019_strong_sessions",
    "0018_blocked_people",
    "0017_consents",
    "0016_exports",
    "0014_erasures",
    "0013_identities",
    "0012_personal_tokens",
    "0011_two_step",
    "0010_passkeys",
    "0009_address_changes",
    "0008_security_log",
    "0007_links_to_send",
    "0006_sealed_keys",
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


async def test_keys_of_before_are_published_and_sign_on_at_once(
    fresh_database: Callable[[], Awaitable[str]],
) -> None:
    """The migration has no secret key, and processes of the older version may still run."""
    url = await fresh_database()
    engine = await _registered_before(url)
    key = OKPKey.generate_key("Ed25519", private=True)
    async with engine.begin() as connection:
        await connection.execute(
            text(
                "insert into signing_key (kid, private_jwk, not_before, sign_from, sign_until, "
                "not_after) values (:kid, :jwk, now(), now(), now() + '1 day', now() + '2 days')"
            ),
            {"kid": key.thumbprint(), "jwk": json.dumps(key.as_dict(private=True))},
        )
    await migrate(url, "auth")
    async with Transactions(engine, "auth")() as tx:
        [published] = await published_keys(tx)
        current = await current_key(tx)
        assert (published["x"], "d" in published) == (key.as_dict()["x"], False)
        assert (current.kid, current.private.as_dict(private=True)) == (
            key.thumbprint(),
            key.as_dict(private=True),
        )
        columns = await tx.exec_driver_sql(
            "select private_jwk ? 'd', public_jwk ? 'd', sealed from signing_key"
        )
        assert [tuple(row) for row in columns] == [(True, False, None)]
    await engine.dispose()
