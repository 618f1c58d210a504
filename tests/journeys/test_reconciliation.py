"""The audit, its repairs, replays of history and causal traces, over real processes and brokers."""

import asyncio
from uuid import UUID

import httpx
import pytest

from hirewire.messaging.database import connect
from hirewire.operators import traces
from hirewire.operators.auditing import Auditor, Report
from hirewire.operators.client import Operators, Refused, ServiceAway
from hirewire.tools.demo import Demo, play
from tests.builders import eventually
from tests.journeys.conftest import Platform
from tests.journeys.people import profiles_of, register
from tests.queues import delete_queue

ALWAYS = UUID(int=0)
ALL = ("auth", "profiles", "vacancies", "notifications", "web")


async def audited(operators: Operators, wait: float = 60.0) -> Report:
    return await Auditor(operators, wait=wait).audit(ALWAYS)


async def run_sql(platform: Platform, service: str, statement: str, *values: object) -> str:
    connection = await connect(platform.settings.service_database(service), application="tests")
    try:
        return str(await connection.fetchval(statement, *values))
    finally:
        await connection.close()


@pytest.mark.long
async def test_the_audit_is_clean_while_traffic_flows(platform: Platform) -> None:
    """No audit gives a false alarm, and the counts of each add up."""
    await platform.start(*ALL)
    stop = asyncio.Event()
    made: list[str] = []

    async def traffic(client: httpx.AsyncClient) -> None:
        while not stop.is_set():
            id, status = await register(client)
            assert status == 201
            made.append(id)

    async with platform.client() as client, platform.operators() as operators:
        writers = [asyncio.create_task(traffic(client)) for _ in range(2)]
        try:
            for _ in range(4):
                report = await audited(operators)
                assert report.clean, report
                assert all(line.adds_up for _, _, line in report.lines())
        finally:
            stop.set()
            await asyncio.gather(*writers)
        report = await audited(operators)
    lines = {(owner, subscriber): line for owner, subscriber, line in report.lines()}
    # besides the registrations, auth has published its signing key
    assert lines["auth", "profiles"].counts["handled"] == len(made) + 1
    assert report.accounts["auth"].recorded >= len(made) + 1


async def test_manually_deleted_data_is_found_and_repaired(platform: Platform) -> None:
    """An inbox row with its effect is deleted, and a queue with its messages."""
    await platform.start("auth", "profiles", "web")
    profiles = platform.settings.service_database("profiles")
    async with platform.client() as client, platform.operators() as operators:
        first = [(await register(client))[0] for _ in range(5)]

        async def there() -> bool:
            return await profiles_of(profiles) == sorted(first)

        await eventually(there)
        lost = await run_sql(
            platform,
            "auth",
            "select id from messaging.log where type = 'user.registered' and key = $1",
            first[0],
        )
        await run_sql(platform, "profiles", "delete from profile where user_id = $1", first[0])
        await run_sql(platform, "profiles", "delete from messaging.inbox where event_id = $1", lost)
        await platform.stop("profiles")
        second = [(await register(client))[0] for _ in range(3)]
        await eventually(lambda: nothing_unsent(platform))
        await delete_queue(platform.settings.broker_address(), "hirewire.profiles")
        await platform.start("profiles", "vacancies", "notifications")

        report = await audited(operators)
        [line] = [line for owner, to, line in report.lines() if (owner, to) == ("auth", "profiles")]
        assert line.counts["missing"] == 4
        assert UUID(lost) in line.missing
        assert line.adds_up
        assert await Auditor(operators).repair(report, by="tests") == {"auth -> profiles": 4}
        report = await audited(operators)
        assert report.clean, report
        jobs = await operators.call("auth", "GET", "/jobs")
        done = [(job["state"], job["done"]) for job in jobs["items"] if job["kind"] == "repair"]
        assert done == [("done", 4)]
    assert await profiles_of(profiles) == sorted([*first, *second])


async def nothing_unsent(platform: Platform) -> bool:
    return await run_sql(platform, "auth", "select count(*) from messaging.outbox") == "0"


async def test_an_unavailable_service_makes_the_audit_incomplete_not_wrong(
    platform: Platform,
) -> None:
    await platform.start("auth", "vacancies", "web")
    async with platform.client() as client, platform.operators() as operators:
        await register(client)
        report = await audited(operators, wait=1.0)
    assert not report.clean
    assert report.missing == 0
    assert any("profiles does not respond" in problem for problem in report.problems)


async def test_a_discarded_message_is_in_the_audit_with_its_reason(platform: Platform) -> None:
    await platform.start("auth", "profiles", "vacancies", "web")
    async with platform.client() as client, platform.operators() as operators:
        await run_sql(platform, "profiles", "alter table profile rename to elsewhere")
        id, _ = await register(client)
        event = await run_sql(
            platform,
            "auth",
            "select id from messaging.log where type = 'user.registered' and key = $1",
            id,
        )

        async def retrying() -> bool:
            found = await operators.overview("profiles")
            return found.retrying == 1

        await eventually(retrying)
        body = {"event": event, "why": "a test", "by": "somebody"}
        assert await operators.call("profiles", "POST", "/discard", json=body) == {"discarded": 1}
        with pytest.raises(Refused):
            await operators.call("profiles", "POST", "/discard", json=body)
        report = await audited(operators)
        lines = {(owner, to): line for owner, to, line in report.lines()}
        assert lines["auth", "profiles"].counts["discarded"] == 1
        [one] = lines["auth", "profiles"].discarded
        assert (str(one.id), one.note, one.by) == (event, "a test", "somebody")


async def test_only_operators_may_use_the_internal_api(platform: Platform) -> None:
    await platform.start("auth")
    url = platform.settings.service_url("auth")
    async with Operators({"auth": url}, "somebody-elses-token") as outsider:
        with pytest.raises(Refused, match="HIREWIRE_OPERATOR_TOKEN"):
            await outsider.overview("auth")
    async with Operators({"auth": "http://127.0.0.1:9"}, "token") as nowhere:
        with pytest.raises(ServiceAway, match="auth"):
            await nowhere.overview("auth")


async def test_the_causal_trace_of_a_first_day(platform: Platform) -> None:
    """From the request through the outbox to the handlers and the events that they record."""
    await platform.start(*ALL)
    async with platform.client() as client, platform.operators() as operators:
        demo = Demo(client)
        await play(demo)
        candidate, _ = await demo.call("candidate", "GET", "/api/auth/me")
        found = await traces.gather(operators, candidate["id"], ALWAYS)
        types = [node.event.type for node in found]
        assert types[0] == "user.registered"
        assert {"resume.updated", "user.registered"} <= set(types)
        [registered] = [node for node in found if node.event.type == "user.registered"]
        assert {(service, one.state) for service, one in registered.consumed} == {
            ("profiles", None),
            ("notifications", None),
        }
        assert [node.event.type for node in registered.caused] == ["profile.updated"]
        text = "\n".join(str(line) for line in _lines(traces.draw(found, "candidate")))
    assert "auth records user.registered" in text
    assert "profiles handled by" in text


def _lines(tree: object) -> list[str]:
    from io import StringIO

    from rich.console import Console

    output = StringIO()
    Console(file=output, width=200).print(tree)
    return output.getvalue().splitlines()
