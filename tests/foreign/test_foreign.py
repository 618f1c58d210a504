"""Programs in other languages next to our services, on a real node: the event contract in use."""

import asyncio
import json
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy.engine import make_url

from hirewire import assembly
from hirewire.assembly import load_settings
from hirewire.kit.settings import SettingsError
from hirewire.messaging.database import connect
from tests.builders import eventually
from tests.conftest import RabbitMQ, missing
from tests.journeys.conftest import Platform
from tests.journeys.people import profiles_of, register

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs" / "foreign-services.md"


class Program:
    """A running foreign program, and the lines it has printed."""

    def __init__(self, *argv: str) -> None:
        self.process = subprocess.Popen(
            argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.lines: list[str] = []
        self._reading = asyncio.create_task(asyncio.to_thread(self._read))

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.strip())

    async def says(self, count: int) -> list[str]:
        async def enough() -> bool:
            return len(self.lines) >= count

        await eventually(enough, what=f"{count} lines of {self.lines}")
        return self.lines

    async def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        await self._reading
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Node programs, with their one package installed."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        missing("node", "no Node: apt-get install nodejs npm")
    folder = tmp_path_factory.mktemp("node")
    for path in (HERE / "node").iterdir():
        if path.is_file():
            shutil.copy(path, folder)
    done = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--silent"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        missing("node", f"npm cannot install amqplib: {done.stderr[-300:]}")
    return folder


@pytest.fixture
async def programs() -> AsyncIterator[list[Program]]:
    started: list[Program] = []
    yield started
    for program in started:
        await program.stop()


@pytest.fixture
async def platform(
    fresh_address: str, fresh_vhost: str, tmp_path: Path
) -> AsyncIterator[Callable[..., Awaitable[Platform]]]:
    """Starts services over RabbitMQ, with settings."""
    made: list[Platform] = []

    async def start(*names: str, **settings: str) -> Platform:
        found = Platform(fresh_address, fresh_vhost, tmp_path / "log")
        found.environment |= {f"HIREWIRE_{k.upper()}": v for k, v in settings.items()}
        found.settings = load_settings(found.environment)
        made.append(found)
        await found.migrate()
        await found.start(*names)
        return found

    yield start
    for one in made:
        await asyncio.shield(one.stop())


Start = Callable[..., Awaitable[Platform]]


async def role_of(platform: Platform, user: str) -> str:
    connection = await connect(platform.settings.service_database("auth"), application="tests")
    found = await connection.fetchval("select role from user_account where id = $1", user)
    await connection.close()
    return str(found)


async def becomes_employer(platform: Platform, user: str) -> None:
    async def is_employer() -> bool:
        return await role_of(platform, user) == "employer"

    await eventually(is_employer)


async def test_a_node_service_consumes_and_publishes(
    node: Path, platform: Start, programs: list[Program]
) -> None:
    running = await platform("auth", "web")
    url = running.settings.broker_address()
    subscriber = Program("node", str(node / "subscriber.js"), url, "user.registered")
    programs.append(subscriber)
    await subscriber.says(1)
    async with running.client() as client:
        id, _ = await register(client)
        ready, line = await subscriber.says(2)
        assert ready == "ready"
        received: dict[str, Any] = json.loads(line)
        assert (received["event"], received["sequence"]) == ("user.registered", "1")
        assert received["payload"]["id"] == id
        body = json.dumps({"userId": id, "companyId": str(uuid4()), "phone": "+1 555 0100"})
        publisher = Program(
            "node", str(node / "publisher.js"), url, "employer.profile.created", body
        )
        programs.append(publisher)
        await becomes_employer(running, id)


async def test_an_unmodified_external_service_can_replace_ours(
    node: Path, platform: Start, programs: list[Program]
) -> None:
    """Over plain queues: it consumes our registrations, and our auth consumes its employers."""
    running = await platform(
        "auth",
        "web",
        rabbitmq_plain_queues="user.registered=out,employer.profile.created=in",
    )
    url = running.settings.broker_address()
    plain = Program(
        "node", str(node / "plain.js"), url, "user.registered", "employer.profile.created"
    )
    programs.append(plain)
    await plain.says(1)
    async with running.client() as client:
        ids = [(await register(client))[0] for _ in range(3)]
        for id in ids:
            await becomes_employer(running, id)
        assert [json.loads(line)["user"]["id"] for line in plain.lines[1:]] == ids
        await plain.stop()
        # our service returns, and has missed no event of the other one
        await running.start("profiles")

        async def all_there() -> bool:
            return await profiles_of(running.settings.service_database("profiles")) == sorted(ids)

        await eventually(all_there)


async def test_a_replica_takes_over_the_plain_queue(platform: Start, rabbitmq: RabbitMQ) -> None:
    running = await platform("auth", rabbitmq_plain_queues="employer.profile.created=in")
    other = Platform(
        running.environment["HIREWIRE_DATABASE_URL"],
        running.settings.broker_address(),
        Path("/dev/null"),
    )
    other.environment |= {"HIREWIRE_RABBITMQ_PLAIN_QUEUES": "employer.profile.created=in"}
    other.settings = load_settings(other.environment)
    await other.start("auth")
    try:
        async with httpx.AsyncClient(base_url=other.settings.service_url("auth")) as client:
            answer = await client.post(
                "/api/auth/register",
                json={"email": f"{uuid4().hex}@example.org", "password": "a good long password"},
            )
            id = answer.json()["id"]
        running.kill("auth")
        import pika

        connection = pika.BlockingConnection(pika.URLParameters(running.settings.broker_address()))
        body = json.dumps({"userId": id, "companyId": str(uuid4()), "phone": None}).encode()
        connection.channel().basic_publish("", "employer.profile.created", body)
        connection.close()
        await becomes_employer(other, id)
    finally:
        await other.stop()


async def test_a_python_program_consumes_and_publishes(
    platform: Start, programs: list[Program]
) -> None:
    running = await platform("auth", "web")
    program = Program(
        sys.executable, str(HERE / "subscriber.py"), running.settings.broker_address()
    )
    programs.append(program)
    await program.says(1)
    async with running.client() as client:
        ids = [(await register(client))[0] for _ in range(2)]
    await program.says(3)
    assert program.lines[1:] == ids
    await becomes_employer(running, ids[1])
    assert await role_of(running, ids[0]) == "applicant"


async def test_curl_makes_an_employer(platform: Start, rabbitmq: RabbitMQ, tmp_path: Path) -> None:
    if rabbitmq.management_url is None or shutil.which("curl") is None:
        missing("rabbitmq", "no management address, or no curl")
    running = await platform("auth", "web")
    async with running.client() as client:
        id, _ = await register(client)
    vhost = make_url(running.settings.broker_address()).database or "/"
    script = tmp_path / "publish.sh"
    script.write_text((HERE / "publish.sh").read_text().replace("%2F", vhost))
    done = await asyncio.to_thread(
        subprocess.run,
        ["sh", str(script), str(rabbitmq.management_url), id],
        capture_output=True,
        text=True,
        check=False,
    )
    assert json.loads(done.stdout) == {"routed": True}, done
    await becomes_employer(running, id)


def test_the_page_shows_the_programs_that_are_tested() -> None:
    page = DOCS.read_text()
    blocks = re.findall(r"<!-- from (\S+) -->\n```\w+\n(.*?)```", page, re.DOTALL)
    assert {name for name, _ in blocks} == {
        "tests/foreign/node/subscriber.js",
        "tests/foreign/node/publisher.js",
        "tests/foreign/subscriber.py",
        "tests/foreign/publish.sh",
    }
    for name, block in blocks:
        assert block == (HERE.parents[1] / name).read_text(), name


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("user.registerd=out", "no event 'user.registerd'"),
        ("user.registered=inout", "RABBITMQ_PLAIN_QUEUES"),
        ("signing_key.published=in", "consumed by profiles and vacancies"),
        ("notice.created=in", "consumed by nobody"),
    ],
)
def test_a_wrong_setting_is_named(value: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        assembly.plain_topology(
            load_settings(
                {
                    "HIREWIRE_RABBITMQ_PLAIN_QUEUES": value,
                    "HIREWIRE_BROKER_URL": "amqp://guest:guest@127.0.0.1/",
                }
            )
        )


def test_plain_queues_need_rabbitmq() -> None:
    settings = load_settings(
        {
            "HIREWIRE_RABBITMQ_PLAIN_QUEUES": "user.registered=out",
            "HIREWIRE_DATABASE_URL": "postgresql://127.0.0.1/x",
        }
    )
    with pytest.raises(SettingsError, match="needs RabbitMQ"):
        assembly.plain_topology(settings)
