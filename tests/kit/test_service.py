"""Common behaviour of all services: health, missing keys, an unavailable database."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData
from sqlalchemy.dialects.postgresql.base import ischema_names

from hirewire.assembly import SERVICES, service
from hirewire.kit import answers
from hirewire.kit import service as service_module
from hirewire.kit.settings import Settings
from hirewire.messaging.broker import BrokerUnavailable
from hirewire.messaging.database import connect
from hirewire.messaging.transaction import Transactions
from hirewire.profiles.app import SERVICE as PROFILES
from hirewire.profiles.tables import metadata as profiles_tables
from hirewire.tools import api_client
from hirewire.vacancies.app import SERVICE as VACANCIES
from hirewire.vacancies.tables import Xid8
from hirewire.vacancies.tables import metadata as vacancies_tables
from tests.builders import eventually
from tests.services import Running, running


@pytest.fixture
async def profiles(fresh_address: str) -> AsyncIterator[Running]:
    async with running(PROFILES, fresh_address, trust_test_key=False) as made:
        yield made


async def test_a_service_without_keys_responds_try_again_later(profiles: Running) -> None:
    answer = await profiles.client.get("/api/profiles/me", headers=profiles.as_user(uuid4()))
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["type"].endswith("no-signing-key-yet")


async def test_waiting_for_services_includes_their_keys(
    profiles: Running, fresh_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_client, "OWN", {"profiles": "/me"})
    assert await api_client._missing(profiles.client) == "profiles"
    async with running(PROFILES, fresh_address) as made:
        assert await api_client._missing(made.client) is None


async def test_health_and_metrics(profiles: Running) -> None:
    assert (await profiles.client.get("/health/live")).status_code == 200
    ready = await profiles.client.get("/health/ready")
    assert ready.json() == {"status": "ready", "checks": {"database": "ok", "broker": "ok"}}
    metrics = (await profiles.client.get("/metrics")).text
    assert "hirewire_events_handled_total" in metrics
    document = (await profiles.client.get("/openapi.json")).json()
    assert "/api/profiles/resumes/{id}" in document["paths"]


@pytest.mark.parametrize("address", ["/api/profiles/shared/%00", "/api/profiles/companies?q=a%00b"])
async def test_an_address_with_a_nul_is_refused(profiles: Running, address: str) -> None:
    answer = await profiles.client.get(address)
    assert answer.status_code == 422
    assert "NUL" in answer.json()["detail"]


async def test_a_path_with_a_trailing_slash_is_not_found(profiles: Running) -> None:
    """A redirect would lead to whatever host the request names."""
    answer = await profiles.client.get("/api/profiles/me/", headers={"Host": "evil.test"})
    assert answer.status_code == 404


async def test_without_its_broker_a_service_is_not_ready_and_serves(
    profiles: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sends it requests goes on: they need no broker."""

    async def refused() -> None:
        raise BrokerUnavailable("connection refused")

    assert (await profiles.client.get("/health/serving")).json() == {
        "status": "ready",
        "checks": {"database": "ok"},
    }
    monkeypatch.setattr(profiles.messaging.broker, "ping", refused)
    ready = await profiles.client.get("/health/ready")
    assert ready.status_code == 503
    assert ready.json()["checks"]["database"] == "ok"
    assert (await profiles.client.get("/health/serving")).status_code == 200


async def test_an_unavailable_database_is_reported_and_reconnected(
    profiles: Running, postgres_url: str
) -> None:
    name = profiles.engine.url.database
    operator = await connect(postgres_url, application="tests")
    headers = profiles.as_user(uuid4())
    try:
        await operator.execute(f'alter database "{name}" allow_connections false')
        await operator.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", name
        )
        for _ in range(3):  # pooled connections, and then new ones
            answer = await profiles.client.get("/api/profiles/me", headers=headers)
            assert answer.status_code == 503
        assert answer.json()["type"] == "urn:hirewire:problem:database-away"
        assert (await profiles.client.get("/health/ready")).status_code == 503
        assert (await profiles.client.get("/health/serving")).status_code == 503
        assert (await profiles.client.get("/health/live")).status_code == 200
    finally:
        await operator.execute(f'alter database "{name}" allow_connections true')
        await operator.close()

    async def back() -> bool:
        return (await profiles.client.get("/health/ready")).status_code == 200

    await eventually(back)


async def test_a_read_only_database_makes_the_service_not_ready(
    profiles: Running, postgres_url: str
) -> None:
    """As with a full disk or a standby, which still answers queries."""
    name = profiles.engine.url.database
    operator = await connect(postgres_url, application="tests")
    assert (await profiles.client.get("/health/ready")).status_code == 200
    try:
        await operator.execute(f'alter database "{name}" set default_transaction_read_only = on')
        await profiles.engine.dispose()
        ready = await profiles.client.get("/health/ready")
        assert ready.status_code == 503
        assert "read-only" in ready.json()["checks"]["database"]
    finally:
        await operator.execute(f'alter database "{name}" reset default_transaction_read_only')
        await operator.close()
    await profiles.engine.dispose()
    assert (await profiles.client.get("/health/ready")).status_code == 200


async def test_opened_resources_are_closed_if_a_later_one_fails_to_start(
    fresh_address: str,
) -> None:
    closed = []

    @asynccontextmanager
    async def opens(_: Transactions, __: Settings) -> AsyncIterator[None]:
        try:
            yield
        finally:
            closed.append("first")

    @asynccontextmanager
    async def fails(_: Transactions, __: Settings) -> AsyncIterator[None]:
        if not closed:
            raise OSError("no such folder")
        yield

    service = replace(PROFILES, lifespan=(opens, fails))
    with pytest.raises(OSError, match="no such folder"):
        async with running(service, fresh_address):
            pass
    assert closed == ["first"]


async def test_a_background_task_that_had_worked_is_started_again_at_once(
    monkeypatch: pytest.MonkeyPatch, profiles: Running
) -> None:
    monkeypatch.setattr(service_module, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(service_module, "LONGEST_PAUSE", 0.01)
    works = [False, False, False, False, False, True, False]
    pauses: list[float] = []
    slept = asyncio.sleep

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await slept(0)

    async def step(_: Transactions) -> bool:
        if not works:
            raise asyncio.CancelledError
        if not works.pop(0):
            raise RuntimeError
        return False

    monkeypatch.setattr("hirewire.messaging.background.asyncio.sleep", sleep)
    task = service_module.PeriodicTask("tested", step, every=60.0)
    with pytest.raises(asyncio.CancelledError):
        await service_module.repeat(task, profiles.messaging.transactions)
    assert pauses == [0.001, 0.002, 0.004, 0.008, 0.01, 60.0, 0.001]


async def test_a_request_id_is_propagated(profiles: Running) -> None:
    answer = await profiles.client.get("/nowhere", headers={"X-Request-Id": "abc-12345"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"] == "abc-12345"
    forged = await profiles.client.get("/nowhere", headers={"X-Request-Id": "a b\tc<script>"})
    assert re.fullmatch(r"[0-9a-f-]{36}", forged.headers["x-request-id"])


@pytest.mark.parametrize(
    ("page", "tables"), [(PROFILES, profiles_tables), (VACANCIES, vacancies_tables)]
)
async def test_migrations_make_the_tables(
    fresh_address: str, page: object, tables: MetaData, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a type that SQLAlchemy does not know, so that it can compare it
    monkeypatch.setitem(ischema_names, "xid8", Xid8)

    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(
            connection,
            opts={"include_name": lambda name, kind, _: name != "alembic_version"},
        )
        return list(compare_metadata(context, tables))

    async with (
        running(page, fresh_address) as made,  # type: ignore[arg-type]
        made.engine.connect() as connection,
    ):
        assert await connection.run_sync(differences) == []


@pytest.mark.parametrize("name", SERVICES)
def test_every_subscription_is_named_after_its_service(name: str) -> None:
    for subscription in service(name).subscriptions:
        assert subscription.name.startswith(f"{name}.")


def test_every_event_is_published_by_its_owner_alone() -> None:
    publishers: dict[str, list[str]] = {}
    for name in SERVICES:
        for event in service(name).publishes:
            assert event.owner == name
            publishers.setdefault(event.name, []).append(name)
    assert all(len(names) == 1 for names in publishers.values())


async def test_responses_are_kept_for_a_day(profiles: Running) -> None:
    async with profiles.messaging.transactions() as tx:
        for key, hours in (("old", 25), ("new", 23)):
            await answers.claim(tx, scope="x", key=key, fingerprint="f")
            await tx.exec_driver_sql(
                "update kit.idempotency set created_at = now() - $2 * interval '1 hour' "
                "where key = $1",
                (key, hours),
            )
        await answers.forget_old(tx)
        left = await tx.exec_driver_sql("select key from kit.idempotency")
        assert [row[0] for row in left] == ["new"]


@pytest.mark.parametrize(
    ("address", "user"),
    [
        ("amqp://node", "guest"),
        ("amqps://b%40rd:secret@node", "b@rd"),
        ("amqp://profiles:secret@node", None),
    ],
)
def test_services_that_share_a_user_of_the_broker_know_it(address: str, user: str | None) -> None:
    settings = Settings(broker_url=address)
    assert service_module._shared_user(settings, frozenset({"auth", "profiles"})) == user
