"""`./dev upgrade [--from COMMIT] [--seed N] [--workers N]`.

The previous version runs with two replicas of each service behind HAProxy, people use it through
the gateway, and `migrate` of this version runs. Then each replica is replaced, one after the other;
some go back, and forwards again. No request may fail, nothing may be lost, duplicated or reordered,
and the audit must be clean.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import UUID

import httpx

from chaos.postgres import Postgres
from chaos.upgrade.fleet import PREVIOUS, SERVICES, Fleet, Version, present, previous
from chaos.upgrade.people import People
from chaos.world import eventually
from hirewire.launcher.rabbitmq import PrivateRabbitMQ
from hirewire.messaging.database import connect
from hirewire.operators.auditing import Auditor, Report
from hirewire.operators.client import Operators

TOKEN = "operators-of-the-upgrade"
Say = Callable[[str], None]
BETWEEN_SECONDS = 3.0
QUIET_SECONDS = 90.0
BACK = ("auth", "vacancies")
"""The services that go back to the previous version in the middle."""


async def upgrade(folder: Path, commit: str, seed: int, workers: int) -> bool:
    """Run the drill. True if nothing went wrong."""
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {text}", flush=True)

    old, new = previous(commit, folder / "previous"), present(folder / "present")
    async with AsyncExitStack() as stack:
        fleet, postgres = await _engines(folder, stack, say)
        stack.push_async_callback(fleet.stop)
        fleet.start_proxy()
        await fleet.migrate(old)
        await asyncio.gather(*(fleet.start(one, old) for one in fleet.replicas))
        say(f"{len(fleet.replicas)} replicas of {commit} are ready")
        client = await stack.enter_async_context(
            httpx.AsyncClient(base_url=fleet.url("web"), timeout=60)
        )
        people = People(client, seed)
        await people.begin(3)
        load = asyncio.create_task(people.live(workers))
        fleet.failures = people.failures
        await _steps(fleet, old, new)
        people.stop()
        await load
        requests = sum(people.answers.values())
        say(f"{requests} requests, {len(people.failures)} failed; {dict(people.answers)}")
        try:
            await eventually(lambda: _quiet(postgres), QUIET_SECONDS, "no event waits")
        except TimeoutError:
            await _say_open(postgres, say)
            raise
        failures = list(people.failures)
        wrong = await people.judge()
        report = await _audit(fleet)
        applications = sum(len(one.applications) for one in people.people)
        say(
            f"{len(people.people)} people, {applications} applications: {len(wrong)} wrong; "
            f"audit {'clean' if report.clean else 'NOT clean: ' + '; '.join(report.problems)}"
        )
        for line in (*failures[:20], *wrong[:20]):
            print(f"  {line}", flush=True)
        return not failures and not wrong and report.clean


async def _steps(fleet: Fleet, old: Version, new: Version) -> None:
    """Forwards, back, and forwards again, under load."""
    await asyncio.sleep(BETWEEN_SECONDS)
    await fleet.migrate(new)
    fleet.say("migrated to N+1 while N runs")
    await asyncio.sleep(BETWEEN_SECONDS)
    await fleet.roll(SERVICES, new)
    await fleet.roll(BACK, old)
    await asyncio.sleep(BETWEEN_SECONDS)
    await fleet.roll(BACK, new)
    await asyncio.sleep(BETWEEN_SECONDS)


async def _engines(folder: Path, stack: AsyncExitStack, say: Say) -> tuple[Fleet, Postgres]:
    postgres = Postgres(folder / "postgres")
    await postgres.start()
    stack.push_async_callback(postgres.stop)
    node = PrivateRabbitMQ(folder / "rabbitmq")
    await node.start()
    stack.push_async_callback(node.stop)
    (folder / "mails").mkdir()
    settings = {
        "HIREWIRE_DATABASE_URL": postgres.url("upgrade"),
        "HIREWIRE_OPERATOR_TOKEN": TOKEN,
        "HIREWIRE_SECRET_KEY": "of-the-upgrade-and-nothing-but-of-it",
        "HIREWIRE_SMTP_URL": f"file://{folder / 'mails'}",
        "HIREWIRE_LOG_FORMAT": "json",
        "HIREWIRE_DATABASE_POOL": "4",
    }
    return Fleet(folder, settings, say, node), postgres


async def _quiet(postgres: Postgres) -> bool:
    for service in SERVICES[:-1]:
        connection = await connect(postgres.url(f"upgrade_{service}"), application="upgrade")
        try:
            if await connection.fetchval(
                "select exists (select from messaging.outbox) or exists (select from "
                "messaging.open_message where state <> 'discarded')"
            ):
                return False
        finally:
            await connection.close()
    return True


async def _say_open(postgres: Postgres, say: Say) -> None:
    """What waits, by service, state, type and reason."""
    for service in SERVICES[:-1]:
        connection = await connect(postgres.url(f"upgrade_{service}"), application="upgrade")
        try:
            unsent = await connection.fetchval("select count(*) from messaging.outbox")
            say(f"{service}: {unsent} events are not sent")
            for row in await connection.fetch(
                "select state, subscription, type, left(error, 120) as reason, count(*) as number "
                "from messaging.open_message where state <> 'discarded' "
                "group by 1, 2, 3, 4 order by 5 desc limit 12"
            ):
                say(f"{service}: {' | '.join(str(value) for value in row.values())}")
        finally:
            await connection.close()


async def _audit(fleet: Fleet) -> Report:
    urls = {service: fleet.url(service) for service in SERVICES[:-1]}
    async with Operators(urls, TOKEN) as operators:
        return await Auditor(operators, wait=60).audit(UUID(int=0))


def main() -> None:
    """Run from the command line; the exit code is 1 if something went wrong."""
    parser = argparse.ArgumentParser(prog="./dev upgrade", description=__doc__)
    parser.add_argument("--from", dest="commit", default=PREVIOUS, help="the previous version")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=4, help="people at the same time")
    parser.add_argument("--keep", type=Path, help="a new folder for data and logs")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(
        prefix="hirewire-upgrade-", ignore_cleanup_errors=True
    ) as name:
        folder = given.keep or Path(name)
        folder.mkdir(mode=0o755, exist_ok=True)
        folder.chmod(0o755)
        try:
            good = asyncio.run(upgrade(folder, given.commit, given.seed, given.workers))
        except LookupError as error:
            parser.error(str(error.args[0]))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
