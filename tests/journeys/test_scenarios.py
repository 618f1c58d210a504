"""The three scenarios and the rest of the demo, over real processes and real brokers."""

import asyncio
from pathlib import Path

import pytest

from hirewire.launcher.rabbitmq import PrivateRabbitMQ
from hirewire.messaging.broker import BrokerUnavailable, open_broker
from hirewire.tools.demo import Demo, play
from tests.builders import eventually
from tests.conftest import RabbitMQ
from tests.journeys.conftest import Platform
from tests.journeys.people import open_messages, profiles_of, register, register_many


async def test_the_whole_demo(platform: Platform) -> None:
    await platform.start("auth", "profiles", "vacancies", "web")
    async with platform.client() as client:
        demo = Demo(client)
        await play(demo)
    assert len(demo.steps) == 14
    urls = [platform.settings.service_database(n) for n in ("auth", "profiles", "vacancies")]
    assert await open_messages(*urls) == {}


async def test_a_profile_appears_when_its_service_starts_for_the_first_time(
    platform: Platform,
) -> None:
    await platform.start("auth", "web")
    async with platform.client() as client:
        made = [await register(client) for _ in range(3)]
    assert [status for _, status in made] == [201] * 3
    await platform.start("profiles")
    url = platform.settings.service_database("profiles")

    async def all_there() -> bool:
        return await profiles_of(url) == sorted(id for id, _ in made)

    await eventually(all_there)


async def test_events_that_vacancies_missed_reach_it_in_order(platform: Platform) -> None:
    await platform.start("auth", "profiles", "vacancies", "web")
    async with platform.client() as client:
        demo = Demo(client)
        await demo.sign_in("candidate")
        await demo.sign_in("employer")
        body = {"companyName": "Acme", "phone": None}
        await demo.call("employer", "POST", "/api/vacancies/employer-profile", body, expect=201)
        await platform.stop("vacancies")
        made, _ = await demo.call(
            "candidate",
            "POST",
            "/api/profiles/resumes",
            {"title": "One", "status": "published", "skills": [{"name": "Go"}]},
            expect=201,
        )
        path = f"/api/profiles/resumes/{made['id']}"
        for n in range(10):
            await demo.call("candidate", "PATCH", path, {"title": f"Title {n}"})
        away, _ = await demo.call("employer", "GET", "/api/vacancies/activity", expect=503)
        assert away["service"] == "vacancies"
        await platform.start("vacancies")

        async def all_consumed() -> bool:
            page, _ = await demo.call("employer", "GET", "/api/vacancies/activity")
            versions = [item["version"] for item in page["items"]]
            titles = {item["title"] for item in page["items"]}
            return versions == list(range(11, 0, -1)) and titles == {"Title 9"}

        await eventually(all_consumed)


@pytest.mark.long
async def test_services_killed_under_load_lose_and_duplicate_nothing(platform: Platform) -> None:
    """150 registrations, 20 at a time, while processes are killed and restarted."""
    await platform.start("auth", "profiles", "vacancies", "web")
    made: list[tuple[str, int]] = []

    async with platform.client() as client:

        async def trouble() -> None:
            for round_ in range(2):
                while len(made) < 30 + round_ * 60:
                    await asyncio.sleep(0.01)
                platform.kill("profiles")
                await platform.start("profiles")

        await asyncio.gather(register_many(client, 150, made, at_once=20), trouble())
    assert [status for _, status in made] == [201] * 150
    profiles = platform.settings.service_database("profiles")

    async def all_there() -> bool:
        return await profiles_of(profiles) == sorted(id for id, _ in made)

    await eventually(all_there, within=60)
    assert await open_messages(profiles) == {}


@pytest.mark.long
async def test_registering_does_not_need_the_broker(
    fresh_address: str, tmp_path: Path, rabbitmq: RabbitMQ, scratch: Path
) -> None:
    """RabbitMQ is killed, people register, RabbitMQ returns; nothing has to be restarted."""
    node = PrivateRabbitMQ(scratch / "killed")
    await node.start()
    platform = Platform(fresh_address, node.url, tmp_path / "log")
    try:
        await platform.migrate()
        await platform.start("auth", "profiles", "web")
        async with platform.client() as client:
            before = await register(client)
            url = node.url
            node.kill()
            during = [await register(client) for _ in range(5)]
            with pytest.raises(BrokerUnavailable):
                await open_broker(url, client="tests").ping()
            await node.start()
            assert node.url == url
            after = await register(client)
        made = [before, *during, after]
        assert [status for _, status in made] == [201] * 7
        url = platform.settings.service_database("profiles")

        async def all_there() -> bool:
            return await profiles_of(url) == sorted(id for id, _ in made)

        await eventually(all_there, within=60)
    finally:
        await platform.stop()
        await node.stop()
