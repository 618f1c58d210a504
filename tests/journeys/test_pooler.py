"""The platform with PgBouncer in transaction mode between its services and PostgreSQL."""

import asyncio
from collections.abc import Iterator
from uuid import UUID

import pytest

from hirewire import assembly
from hirewire.operators.auditing import Auditor
from hirewire.tools.demo import Demo, play
from tests.builders import eventually
from tests.journeys.conftest import Platform
from tests.journeys.people import open_messages, profiles_of, register_many
from tests.pooler import pgbouncer


@pytest.fixture
def pooled(platform: Platform) -> Iterator[Platform]:
    """Three sessions of PostgreSQL for all transactions in a service's database."""
    direct = platform.environment["HIREWIRE_DATABASE_URL"]
    with pgbouncer(direct, "transaction", 3) as url:
        platform.environment |= {
            "HIREWIRE_DATABASE_URL": url,
            "HIREWIRE_DATABASE_DIRECT_URL": direct,
        }
        platform.settings = assembly.load_settings(platform.environment)
        yield platform


async def test_the_scenarios_through_pgbouncer(pooled: Platform) -> None:
    """The whole story, a service that starts later, and 40 registrations under kills."""
    await pooled.start("auth", "vacancies", "notifications", "web")
    made: list[tuple[str, int]] = []
    async with pooled.client() as client:

        async def trouble() -> None:
            await pooled.start("profiles")  # for the first time
            for name in ("profiles", "vacancies"):
                pooled.kill(name)
                await pooled.start(name)

        await asyncio.gather(register_many(client, 40, made, at_once=6), trouble())
        assert [status for _, status in made] == [201] * 40
        demo = Demo(client)
        await play(demo)
    assert len(demo.steps) == 16
    urls = [pooled.settings.service_database(name) for name in assembly.SERVICES]

    async def all_there() -> bool:
        known = await profiles_of(urls[assembly.SERVICES.index("profiles")])
        return {id for id, _ in made} <= set(known) and await open_messages(*urls) == {}

    await eventually(all_there, within=60)
    async with pooled.operators() as operators:

        async def clean() -> bool:
            return (await Auditor(operators, wait=30).audit(UUID(int=0))).clean

        await eventually(clean, within=60)


async def test_a_pooler_at_the_direct_address_stops_the_start(pooled: Platform) -> None:
    pooled.environment["HIREWIRE_DATABASE_DIRECT_URL"] = pooled.environment["HIREWIRE_DATABASE_URL"]
    pooled.spawn("auth")
    process = pooled.processes["auth"]

    async def has_ended() -> bool:
        return process.poll() is not None

    await eventually(has_ended, within=60)
    assert process.returncode == 78
    assert "HIREWIRE_DATABASE_DIRECT_URL" in " ".join(pooled.log.read_text().split())
