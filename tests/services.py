"""Services in tests: a real database, the real application, a client, and tokens."""

import os
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import OKPKey
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import Message as AsgiMessage
from starlette.types import Receive, Scope, Send

from hirewire.kit import keyring
from hirewire.kit.clock import now
from hirewire.kit.db import migrate
from hirewire.kit.service import Service, create_app
from hirewire.kit.settings import Settings
from hirewire.messaging.broker import Broker, Delivery, Message, Outcome, QueueStats, QueueTopology
from hirewire.messaging.database import connect
from hirewire.messaging.runtime import Messaging, Role

SECRET_KEY = "of-tests-and-nothing-but-of-tests-0"
KEY = OKPKey.generate_key("Ed25519", {"kid": "test-key"})


class NoBroker:
    """Replaces the broker in tests without one: nothing can be published or consumed."""

    keeps_order_within_batch = True

    async def declare(self, queues: Sequence[QueueTopology]) -> None:
        """Does nothing."""

    async def delete(self, queue: str) -> None:
        """Does nothing."""

    async def publish(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Must not be called."""
        raise AssertionError("this test has no broker")

    async def deliveries(
        self, topology: QueueTopology, *, limit: int
    ) -> AsyncGenerator[Sequence[Delivery]]:
        """Nothing arrives."""
        for _ in range(0):
            yield []

    async def broadcasts(self, types: Sequence[str]) -> AsyncGenerator[Sequence[Delivery]]:
        """Nothing arrives."""
        for _ in range(0):
            yield []

    async def ack(self, delivery: Delivery) -> None:
        """Must not be called."""

    async def stats(self, queue: str) -> QueueStats:
        """No message is waiting."""
        return QueueStats(0, 0)

    async def ping(self) -> None:
        """Always succeeds."""

    async def close(self) -> None:
        """Does nothing."""


@dataclass(frozen=True)
class Running:
    """A service in this process."""

    client: httpx.AsyncClient
    app: FastAPI
    messaging: Messaging
    engine: AsyncEngine

    def as_user(self, user_id: UUID, **claims: object) -> dict[str, str]:
        """Headers that authenticate this user."""
        return {"Authorization": f"Bearer {token_for(user_id, **claims)}"}


@asynccontextmanager
async def running(
    service: Service,
    database_url: str,
    *,
    broker: Broker | None = None,
    role: Role = "api",
    trust_test_key: bool = True,
    public_url: str = "http://127.0.0.1:8000",
    outgoing_networks: str | None = None,
    read_url: str | None = None,
    search_url: str | None = None,
) -> AsyncIterator[Running]:
    """Run `service` on a migrated database.

    `database_url` is any address on the server: the prefix of the service's database name. Without
    a broker (and with role `api`) events stay in the outbox; pass events to
    `Running.messaging.consumer` with `hirewire.messaging.testing.consume`.
    """
    settings = Settings(
        database_url=make_url(database_url).render_as_string(hide_password=False),
        secret_key=SECRET_KEY,
        public_url=public_url,
        outgoing_networks=outgoing_networks,
        database_read_url=read_url,
        search_url=search_url,
    )
    url = settings.service_database(service.name)
    await copy_of_migrated(url, service.name)
    app = create_app(service, settings, role=role, broker=broker or NoBroker())
    messaging: Messaging = app.state.messaging
    async with app.router.lifespan_context(app):
        if trust_test_key:
            async with messaging.transactions() as tx:
                await keyring.store(
                    tx,
                    kid="test-key",
                    jwk=dict(KEY.as_dict(private=False)),
                    not_before=now() - timedelta(days=1),
                    not_after=now() + timedelta(days=1),
                )
        transport = httpx.ASGITransport(app=Routed(app), raise_app_exceptions=False)
        app.openapi_schema = _documents.get(id(service), (service, None))[1]
        _documents[id(service)] = (service, app.openapi())
        hooks = {"response": [documented(app)]}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://test", event_hooks=hooks
        ) as client:
            yield Running(client, app, messaging, messaging.transactions.engine)


_documents: dict[int, tuple[Service, dict[str, Any]]] = {}
"""OpenAPI documents by service: each takes half a second to build, and all of one service are
equal.
"""
ROUTE = "x-test-route"


class Routed:
    """An application whose responses name the path of their route."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def named(message: AsgiMessage) -> None:
            if message["type"] == "http.response.start" and (route := scope.get("route")):
                head = (ROUTE.encode(), route.path_format.encode())
                message = {**message, "headers": [*message["headers"], head]}
            await send(message)

        await self._app(scope, receive, named)


def documented(app: FastAPI) -> Callable[[httpx.Response], Awaitable[None]]:
    """A check of each response in a test: its status and media type are in the OpenAPI document."""

    async def check(answer: httpx.Response) -> None:
        path = app.openapi()["paths"].get(answer.headers.pop(ROUTE, ""), {})
        operation = path.get(answer.request.method.lower())
        if operation is None or answer.status_code == 500:
            return
        what = f"{answer.request.method} {answer.request.url.path}: {answer.status_code}"
        declared = operation["responses"].get(str(answer.status_code))
        assert declared is not None, f"{what} is not in the document"
        if answer.status_code in (204, 304):
            return
        kind = answer.headers.get("content-type", "").partition(";")[0]
        assert kind in declared["content"], f"{what} as {kind} is not in the document"

    return check


_templates: dict[tuple[str, str | None], str] = {}


async def copy_of_migrated(url: str, service: str | None) -> None:
    """Make this database a copy of one that was migrated once in this run, which is much faster.

    Without a service it has only the tables of messaging and the chassis.
    """
    place = make_url(url)
    server = (f"{place.host}:{place.port}", service)
    if server not in _templates:
        suffix = os.environ.get("HIREWIRE_TEST_TEMPLATE") or uuid4().hex[:8]
        name = f"template_{service or 'messaging'}_{suffix}"
        template = place.set(database=name).render_as_string(hide_password=False)
        await migrate(template, service)
        _templates[server] = name
    await create_database(place, _templates[server])


async def create_database(url: URL, template: str = "template0") -> None:
    """Create it, unless it exists, by copying files: half the cost of logging each block."""
    maintenance = url.set(database="postgres").render_as_string(hide_password=False)
    connection = await connect(maintenance, application="tests")
    try:
        if not await connection.fetchval(
            "select 1 from pg_database where datname = $1", url.database
        ):
            await connection.execute(
                f"create database \"{url.database}\" encoding 'UTF8' "
                f'template "{template}" strategy file_copy'
            )
    finally:
        await connection.close()


def token_for(user_id: UUID, **claims: object) -> str:
    """An access token signed with the test's key; `claims` replace the usual ones."""
    moment = int(now().timestamp())
    body = {
        "iss": "http://127.0.0.1:8000",
        "sub": str(user_id),
        "aud": "hirewire",
        "client_id": "test",
        "iat": moment,
        "exp": moment + 600,
        "jti": str(uuid4()),
        "role": "applicant",
    } | claims
    header = {"alg": "EdDSA", "typ": "at+jwt", "kid": "test-key"}
    return jwt.encode(header, body, KEY, algorithms=["EdDSA"])
