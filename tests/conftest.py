"""Real engines for tests: a PostgreSQL, and a node of RabbitMQ and of Kafka where available."""

import fcntl
import gc
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from itertools import count
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
import pytest
import pytest_asyncio
import structlog
from hypothesis import settings
from sqlalchemy.engine import make_url

from hirewire.kit.search_clusters import connected, parse_cluster
from hirewire.launcher import process
from hirewire.launcher.kafka_jars import KafkaMissing, find_java, is_fetched
from hirewire.launcher.postgres import EmbeddedPostgres
from hirewire.launcher.rabbitmq import PrivateRabbitMQ, find_server
from hirewire.messaging.database import connect
from tests import kafka_node
from tests.journeys.browsing import close_browsers
from tests.opensearch_node import OpenSearchMissing, OpenSearchNode
from tests.services import create_database

REQUIRED = set(filter(None, os.environ.get("HIREWIRE_TEST_REQUIRE", "").split(",")))
ROOT = Path(__file__).resolve().parent.parent
MEMORY = Path("/dev/shm")
LEAST_MEMORY = 6 * 1024**3
"""The free memory in bytes that is required when the tests start."""


@dataclass(frozen=True)
class RabbitMQ:
    """A RabbitMQ for tests."""

    url: str
    management_url: str | None
    node: PrivateRabbitMQ | None
    """None if another program runs it."""


BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def missing(part: str, how: str) -> None:
    """Skip the test, or fail if `HIREWIRE_TEST_REQUIRE` names the part."""
    if part in REQUIRED:
        pytest.fail(f"{part} is required: {how}", pytrace=False)
    pytest.skip(how)


def pytest_configure() -> None:
    """Disable Hypothesis' deadlines; each of several workers draws its own ports."""
    settings.register_profile("untimed", deadline=None)  # a slow machine is no counter-example
    settings.load_profile("untimed")
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        count = int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
        process.share = (int(worker.removeprefix("gw")), count)


def pytest_collection(session: pytest.Session) -> None:
    """Import the modules of tests, each worker from another place of the list on.

    What a worker has compiled, with rewritten asserts, the others find; otherwise each would
    compile all of them at the same time. Nothing of this is garbage.
    """
    gc.disable()
    if (number := process.share[0]) == 0 and process.share[1] == 1:
        return
    if session.config.args != session.config.getini("testpaths"):
        return
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
    ]
    first = len(names) * number // process.share[1]
    for name in names[first:] + names[:first]:
        with suppress(Exception):  # pytest imports it again, and reports what is wrong
            import_module(name)


def pytest_collection_finish() -> None:
    """Collect garbage less often: it took an eighth of the time."""
    gc.enable()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@contextmanager
def one_worker_at_a_time() -> Iterator[None]:
    """A lock for changes of the machine itself: packages, system users."""
    with open(__file__) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder that the engines' system users can reach; removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="hirewire-tests-"))
    folder.chmod(0o755)
    yield folder
    # In the background: deleting some hundred databases takes half a minute.
    subprocess.run(["sh", "-c", 'rm -rf "$0" >/dev/null 2>&1 &', folder], check=True)


@pytest.fixture(scope="session")
def memory() -> Iterator[Path | None]:
    """A folder in memory, or None if there is little memory.

    Some thousand small databases are created and dropped there at half the cost of a disk. Files
    written by a killed process stay.
    """
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < LEAST_MEMORY:
        yield None
        return
    for left in MEMORY.glob("hirewire-tests-*"):  # of a run that was killed
        if not psutil.pid_exists(int(left.name.split("-")[2])):
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"hirewire-tests-{os.getpid()}-", dir=MEMORY))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres_url(scratch: Path, memory: Path | None) -> AsyncIterator[str]:
    """The superuser's address of a PostgreSQL for these tests."""
    if url := os.environ.get("HIREWIRE_TEST_DATABASE_URL"):
        yield url
        return
    server = EmbeddedPostgres((memory or scratch) / "postgres", durable=False)
    with one_worker_at_a_time():  # as root, the very first start creates its system user
        await server.start()
    yield server.url()
    await server.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def rabbitmq(scratch: Path, memory: Path | None) -> AsyncIterator[RabbitMQ]:
    """A RabbitMQ, external or a private node; installed first if that is allowed."""
    if url := os.environ.get("HIREWIRE_TEST_RABBITMQ_URL"):
        node = None
        if folder := os.environ.get("HIREWIRE_TEST_RABBITMQ_FOLDER"):
            node = PrivateRabbitMQ.started_elsewhere(Path(folder))
        yield RabbitMQ(url, os.environ.get("HIREWIRE_TEST_RABBITMQ_MANAGEMENT_URL"), node)
        return
    ensure_rabbitmq()
    node = PrivateRabbitMQ((memory or scratch) / "rabbitmq")
    await node.start()
    yield RabbitMQ(node.url, node.management_url, node)
    node.kill()  # it takes six seconds to stop, and its folder goes anyway
    await node.stop()


@pytest.fixture(scope="session")
def kafka_url() -> Iterator[str]:
    """The address of a Kafka cluster, without a namespace: one node for all workers."""
    if url := os.environ.get("HIREWIRE_TEST_KAFKA_URL"):
        yield url.rstrip("/")
        return
    ensure_kafka()
    with kafka_node.using(kafka_node.name_of_run()) as folder:
        try:
            with one_worker_at_a_time():
                found = kafka_node.start(folder)
        except KafkaMissing as error:
            missing("kafka", str(error))
        yield found


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def opensearch_node() -> AsyncIterator[OpenSearchNode]:
    """A private OpenSearch node."""
    node = OpenSearchNode(Path(tempfile.mkdtemp(prefix="hirewire-opensearch-")))
    try:
        await node.start()
        yield node
    except OpenSearchMissing as error:
        missing("opensearch", str(error))
    finally:
        node.kill()
        shutil.rmtree(node.folder, ignore_errors=True)


@pytest.fixture(scope="session")
def opensearch_url(request: pytest.FixtureRequest) -> str:
    """The address of an OpenSearch cluster, without a prefix."""
    if url := os.environ.get("HIREWIRE_TEST_OPENSEARCH_URL"):
        return url.rstrip("/")
    node: OpenSearchNode = request.getfixturevalue("opensearch_node")
    return node.url


@pytest_asyncio.fixture
async def search_cluster(opensearch_url: str) -> AsyncIterator[str]:
    """The address of a new prefix in the OpenSearch cluster, whose indexes are deleted after."""
    url = f"{opensearch_url}/t{uuid4().hex[:16]}"
    yield url
    async with connected(parse_cluster(url)) as client:
        await client.indices.delete(index=f"{parse_cluster(url).prefix}-*")


@pytest.fixture
def search_url(request: pytest.FixtureRequest) -> str | None:
    """Where searches go: None for an index in the process, which is the default."""
    if os.environ.get("HIREWIRE_TEST_SEARCH") != "opensearch":
        return None
    url: str = request.getfixturevalue("search_cluster")
    return url


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[str]:
    """The path of a Chromium; installed first if that is allowed."""
    how = "no browser: apt-get install chromium-headless-shell, or chromium"
    ensure("browser", "chromium-headless-shell", how, find_browser)
    found = find_browser()
    if found is None:
        missing("browser", how)
    assert found is not None
    yield found
    await close_browsers()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def whole_chromium() -> AsyncIterator[str]:
    """The path of a Chromium with all its parts: the headless shell shows no notifications."""
    how = "no whole browser: apt-get install chromium"
    ensure("browser", "chromium", how, find_whole_browser)
    found = find_whole_browser()
    if found is None:
        missing("browser", how)
    assert found is not None
    yield found
    await close_browsers()


def find_whole_browser() -> str | None:
    """The path of a Chromium that is more than the headless shell."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def find_browser() -> str | None:
    """The path of a Chromium-like browser, preferably the headless shell, which needs a third of
    the processor time.
    """
    return next(filter(None, map(shutil.which, ("chromium-headless-shell", *BROWSERS))), None)


def ensure_rabbitmq() -> None:
    """Install RabbitMQ if it is missing and that is allowed."""
    how = "no RabbitMQ: apt-get install rabbitmq-server, or set HIREWIRE_TEST_RABBITMQ_URL=amqp://…"
    ensure("rabbitmq", "rabbitmq-server", how, find_server)


def ensure_kafka() -> None:
    """Install Java if it is missing and that is allowed; Kafka itself is fetched at the start."""
    how = "no Kafka: apt-get install default-jre-headless, or set HIREWIRE_TEST_KAFKA_URL=kafka://…"
    ensure("kafka", "default-jre-headless", how, find_java)
    if os.environ.get("HIREWIRE_TEST_NO_INSTALL") == "1" and not is_fetched():
        missing("kafka", "no Kafka: HIREWIRE_TEST_NO_INSTALL forbids to fetch it")


def ensure(part: str, package: str, how: str, find: Callable[[], object]) -> None:
    """Install a missing Debian package (as root, if allowed), or skip and explain how to."""
    with one_worker_at_a_time():
        if find() is None:
            _install(part, package, how)


def _install(part: str, package: str, how: str) -> None:
    allowed = os.environ.get("HIREWIRE_TEST_NO_INSTALL") != "1"
    if os.geteuid() != 0 or not Path("/usr/bin/apt-get").exists() or not allowed:
        missing(part, how)
    sys.stderr.write(
        f"\ntests: installing Debian's {package} (HIREWIRE_TEST_NO_INSTALL=1 forbids)\n"
    )
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:  # so that the package does not start its own node
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update"], ["apt-get", "install", "-y", package]):
            done = subprocess.run(command, env=environment, capture_output=True, check=False)
            if done.returncode:
                missing(part, f"{how} ({done.stderr.decode(errors='replace')[-300:]})")
    finally:
        if ours:
            policy.unlink()


@pytest.fixture
async def fresh_address(postgres_url: str, memory: Path | None) -> AsyncIterator[str]:
    """The address of a database that does not exist.

    Databases with this name as a prefix are dropped afterwards, unless they are on a disk of ours:
    dropping costs more there than it frees, and the server is removed as a whole.
    """
    name = f"t{uuid4().hex[:16]}"
    yield make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
    if memory is not None or "HIREWIRE_TEST_DATABASE_URL" in os.environ:
        connection = await connect(postgres_url, application="tests")
        for row in await connection.fetch(
            "select datname from pg_database where starts_with(datname, $1)", name
        ):
            await connection.execute(f'drop database "{row["datname"]}" with (force)')
        await connection.close()


@pytest.fixture
def fresh_database(fresh_address: str) -> Callable[[], Awaitable[str]]:
    """A factory of new empty databases."""
    made = count(1)

    async def make() -> str:
        url = make_url(fresh_address).set(
            database=f"{make_url(fresh_address).database}{next(made)}"
        )
        await create_database(url)
        return url.render_as_string(hide_password=False)

    return make


@pytest.fixture
async def fresh_vhost(rabbitmq: RabbitMQ) -> AsyncIterator[str]:
    """The address of a new virtual host, or of the default one without a management API."""
    if rabbitmq.management_url is None:
        yield rabbitmq.url
        return
    name = f"t{uuid4().hex[:16]}"
    async with httpx.AsyncClient(base_url=rabbitmq.management_url, timeout=20) as client:
        (await client.put(f"/api/vhosts/{name}")).raise_for_status()
        user = make_url(rabbitmq.url).username
        everything = {"configure": ".*", "write": ".*", "read": ".*"}
        (await client.put(f"/api/permissions/{name}/{user}", json=everything)).raise_for_status()
        yield re.sub(r"/[^/]*$", f"/{name}", rabbitmq.url)
        await client.delete(f"/api/vhosts/{name}")


@pytest.fixture
async def broker_database(fresh_database: Callable[[], Awaitable[str]]) -> str:
    """The address of a new database for queues."""
    return await fresh_database()


@pytest.fixture
def fresh_namespace(kafka_url: str) -> str:
    """The address of a new namespace of the Kafka cluster."""
    return f"{kafka_url}/t{uuid4().hex[:16]}"


@pytest.fixture
def fresh_partitions(fresh_namespace: str) -> str:
    """The same, with three partitions for each owner."""
    return f"{fresh_namespace}?partitions=3"


FRESH = {
    "postgres": "broker_database",
    "rabbitmq": "fresh_vhost",
    "kafka": "fresh_namespace",
    "kafka-partitions": "fresh_partitions",
}


BROKERS_OF_TESTS = os.environ.get("HIREWIRE_TEST_BROKERS", "postgres,rabbitmq").split(",")


@pytest.fixture(params=BROKERS_OF_TESTS)
def broker_url(request: pytest.FixtureRequest) -> str:
    """A fresh broker of each kind."""
    url: str = request.getfixturevalue(FRESH[request.param])
    return url


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """A test that configures the logs does so for itself alone: others look for warnings."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Count the tests by part for the summary, and let several workers start with long tests."""
    for item in items:
        part = Path(item.path).relative_to(ROOT / "tests").parts[0]
        item.user_properties.append(("part", part.removesuffix(".py")))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if workers > 1:
        items[:] = _long_first(items, workers)


def _long_first(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """Order the tests so that each worker starts with some of the long ones.

    `--dist worksteal` gives each worker a part of the list; a long test that starts last would
    delay the end.
    """
    long = [item for item in items if item.get_closest_marker("long")]
    others = [item for item in items if not item.get_closest_marker("long")]
    size, kept = len(items) // workers, 0
    ordered: list[pytest.Item] = []
    for worker in range(workers):
        mine = long[worker::workers]
        upto = len(others) if worker == workers - 1 else kept + max(size - len(mine), 0)
        ordered += mine + others[kept:upto]
        kept = upto
    return ordered


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many tests of each part passed."""
    parts: Counter[str] = Counter()
    for report in terminalreporter.getreports("passed"):
        parts.update(str(value) for name, value in report.user_properties if name == "part")
    line = ", ".join(f"{part} {count}" for part, count in sorted(parts.items()))
    terminalreporter.write_line(f"passed by part: {line or 'none'}")
