"""Leadership and takeovers: frozen leaders, unreachable brokers, connection poolers."""

import asyncio
import os
import signal
import socket
import struct
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from uuid import uuid4

import pytest
import uvloop
from sqlalchemy import text

from hirewire.messaging import locks
from hirewire.messaging.broker import (
    Broker,
    BrokerMisconfigured,
    BrokerUnavailable,
    QueueTopology,
    open_broker,
)
from hirewire.messaging.brokers.postgres import PostgresBroker
from hirewire.messaging.consuming.consumer import Consumer
from hirewire.messaging.consuming.partitions import PartitionAssigner
from hirewire.messaging.database import connect
from hirewire.messaging.locks import SessionShared, open_session
from hirewire.messaging.publishing import relay as relay_module
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.publishing.relay import Relay
from hirewire.messaging.testing import recorded
from tests.builders import eventually
from tests.messaging.brokers.test_contract import message
from tests.messaging.conftest import Noted, Place
from tests.pooler import pgbouncer
from tests.services import NoBroker

LOGS = QueueTopology("hirewire.logs", ("test.noted",))
READER = QueueTopology("hirewire.reader", ("test.noted",))
NOWHERE = "amqp://x:y@127.0.0.2:1/"


@pytest.fixture
async def broker(broker_database: str) -> AsyncIterator[Broker]:
    made = open_broker(broker_database, client="writer")
    await made.declare([READER])
    yield made
    await made.close()


async def note_one(place: Place) -> None:
    async with place.transactions()() as tx:
        record(tx, Noted(page=uuid4(), text="one"))


async def all_sent(place: Place) -> bool:
    return all(row.sent for row in await recorded(place.engine))


async def test_a_relay_that_stands_by_publishes_nothing(place: Place, broker: Broker) -> None:
    """Also while the leader is idle, and however often it is asked."""
    leader = Relay(service="writer", database_url=place.url, broker=broker)
    standby = Relay(service="writer", database_url=place.url, broker=broker)
    await leader.step()
    await note_one(place)
    for _ in range(3):
        assert not await standby.step()
    assert not standby.leads
    assert not await all_sent(place)
    assert (await broker.stats(READER.queue)).ready == 0
    await leader.step()
    assert await all_sent(place)
    await leader.close()
    await standby.close()


async def test_of_several_relays_that_begin_at_once_one_leads(place: Place) -> None:
    relays = [Relay(service="writer", database_url=place.url, broker=NoBroker()) for _ in range(5)]
    await asyncio.gather(*(relay.step() for relay in relays))
    assert sum(relay.leads for relay in relays) == 1
    for relay in relays:
        await relay.close()


async def test_a_frozen_leader_frees_its_successor(place: Place, broker: Broker) -> None:
    """Its process is silent, and its connection stays open."""
    async with process("relay", place.url) as frozen:
        frozen.send_signal(signal.SIGSTOP)
        await note_one(place)
        standby = Relay(service="writer", database_url=place.url, broker=broker, idle_seconds=2.0)

        async def taken_over() -> bool:
            await standby.step()
            return standby.leads and await all_sent(place)

        await eventually(taken_over)
        await standby.close()


async def test_a_leader_frozen_in_the_middle_of_a_statement_frees_its_successor(
    place: Place,
) -> None:
    """For the server it is active: it has sent the statement, but not yet the command to run it."""
    frozen = await open_session(place.url, application="frozen", idle_seconds=1.0)
    assert await frozen.try_lock(7)
    statement = b"select 1\0"
    frozen.connection._transport.write(  # type: ignore[attr-defined]
        b"P"
        + struct.pack(">L", 4 + 1 + len(statement) + 2)
        + b"\0"
        + statement
        + b"\0\0"
        + b"H"
        + struct.pack(">L", 4)
    )
    successor = await open_session(place.url, application="tests", idle_seconds=1.0)

    async def taken_over() -> bool:
        return await successor.try_lock(7)

    await eventually(taken_over)
    await successor.close()
    frozen.connection.terminate()


async def test_a_frozen_consumer_frees_its_successor(broker_database: str) -> None:
    """Its unacked messages are delivered again, to another consumer."""
    broker = PostgresBroker(broker_database, client="tests", idle_seconds=2.0)
    await broker.declare([LOGS])
    await broker.publish([message(b"1")])
    async with process("consumer", broker_database) as frozen:
        frozen.send_signal(signal.SIGSTOP)
        async with asyncio.timeout(20), aclosing(broker.deliveries(LOGS, limit=10)) as batches:
            [again] = await anext(batches)
        assert again.body == b"1"
        assert again.delivery_count == 1
    await broker.close()


async def test_a_consumer_speaks_while_its_batch_is_handled(
    broker_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long that takes, it keeps its queue."""
    monkeypatch.setattr("hirewire.messaging.brokers.postgres.sessions.BEAT_SECONDS", 0.2)
    broker = PostgresBroker(broker_database, client="tests", idle_seconds=1.0)
    await broker.declare([LOGS])
    await broker.publish([message(b"1")])
    watching = await connect(broker_database, application="tests")
    async with aclosing(broker.deliveries(LOGS, limit=10)) as batches:
        [delivery] = await anext(batches)

        async def spoken_for_longer_than_it_may_be_silent() -> bool:
            found: bool = await watching.fetchval(
                "select bool_or(state_change > backend_start + interval '3 seconds') "
                "from pg_stat_activity where application_name = 'tests consumer'"
            )
            return found

        await eventually(spoken_for_longer_than_it_may_be_silent)
        await broker.ack(delivery)
    assert (await broker.stats(LOGS.queue)).ready == 0
    await watching.close()
    await broker.close()


async def test_a_leader_without_its_broker_lets_another_one_lead(
    place: Place, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "GIVE_UP_SECONDS", 0.2)
    monkeypatch.setattr(relay_module, "STAND_BACK_SECONDS", 0.5)
    cut_off = Relay(
        service="writer", database_url=place.url, broker=open_broker(NOWHERE, client="writer")
    )
    able = Relay(service="writer", database_url=place.url, broker=broker)
    await cut_off.step()
    assert cut_off.leads
    await note_one(place)
    running = [asyncio.create_task(relay.run()) for relay in (cut_off, able)]

    async def sent() -> bool:
        return await all_sent(place)

    await eventually(sent)
    assert [cut_off.leads, able.leads] == [False, True]
    with suppress(BrokerUnavailable):
        await cut_off.step()
    assert [cut_off.leads, able.leads] == [False, True]
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


async def test_a_connection_is_given_up_when_its_other_end_has_vanished(place: Place) -> None:
    """Settings of both ends: testing the kernel's behaviour would need a network cut."""
    connection = await connect(place.url, application="tests")
    settings = "tcp_keepalives_idle", "tcp_user_timeout", "idle_in_transaction_session_timeout"
    found = [await connection.fetchval(f"show {name}") for name in settings]
    assert found == ["10", "20000", "40s"]
    own = connection._transport.get_extra_info("socket")  # type: ignore[attr-defined]
    assert own.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 20_000
    assert own.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    await connection.close()
    async with place.engine.connect() as pooled:
        assert [(await pooled.execute(text(f"show {n}"))).scalar() for n in settings] == found
    session = await open_session(place.url, application="tests")
    for state in ("idle_session", "idle_in_transaction_session"):
        assert await session.connection.fetchval(f"show {state}_timeout") == "20s"
    await session.close()


async def test_connections_are_made_under_uvloop_too(place: Place) -> None:
    """Its sockets cannot be configured directly."""

    async def kept_alive() -> tuple[int, int]:
        connection = await connect(place.url, application="tests")
        own = connection._transport.get_extra_info("socket")  # type: ignore[attr-defined]
        with socket.fromfd(own.fileno(), own.family, own.type) as handle:
            found = (
                handle.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                handle.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
            )
        await connection.close()
        return found

    assert await asyncio.to_thread(uvloop.run, kept_alive()) == (1, 20_000)


async def test_a_lock_is_not_given_twice_to_one_session(place: Place) -> None:
    """PostgreSQL itself would: another client of a pooler, in the same session, would lead too."""
    session = await open_session(place.url, application="tests")
    assert await session.try_lock(7)
    with pytest.raises(SessionShared):
        await session.try_lock(7)
    await session.check(7)
    await session.connection.execute("select set_config('hirewire.session', 'other', false)")
    with pytest.raises(SessionShared):
        await session.check()
    with pytest.raises(SessionShared):
        await session.try_lock(8)
    await session.close()


async def test_a_leader_whose_lock_is_gone_notices(
    place: Place, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "CHECK_SECONDS", 0.0)
    leader = Relay(service="writer", database_url=place.url, broker=broker)
    await leader.step()
    assert leader._session is not None
    await leader._session.connection.execute("select pg_advisory_unlock_all()")
    await note_one(place)
    with pytest.raises(SessionShared):
        await leader.step()
    assert not leader.leads
    assert not await all_sent(place)


@pytest.mark.parametrize("size", [1, 5])
async def test_a_pooler_that_shares_sessions_is_refused(
    place: Place, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PgBouncer in transaction mode: two relays could lead, two consumers read one partition."""
    monkeypatch.setattr(locks, "_PROBE_SECONDS", 0.5)
    with pgbouncer(place.url, "transaction", size) as pooled:
        relay = Relay(service="writer", database_url=pooled, broker=NoBroker())
        with pytest.raises(SessionShared, match="HIREWIRE_DATABASE_URL"):
            await relay.step()
        assert not relay.leads
        broker = PostgresBroker(pooled, client="tests")
        with pytest.raises(BrokerMisconfigured, match="HIREWIRE_BROKER_URL"):
            await anext(broker.deliveries(LOGS, limit=1))
        await broker.close()
        assigner = PartitionAssigner(
            service="writer", database_url=pooled, count=2, consumer=_no_consumer
        )
        with pytest.raises(SessionShared):
            await assigner.step()


async def test_a_pooler_that_gives_each_client_a_session_is_fine(
    place: Place, broker: Broker
) -> None:
    with pgbouncer(place.url, "session", 5) as pooled:
        relays = [Relay(service="writer", database_url=pooled, broker=broker) for _ in range(2)]
        await note_one(place)
        for relay in relays:
            await relay.step()
        assert [relay.leads for relay in relays] == [True, False]
        assert await all_sent(place)
        for relay in relays:
            await relay.close()


def _no_consumer(number: int) -> Consumer:
    raise AssertionError(f"partition {number} must not be consumed")


@asynccontextmanager
async def process(kind: str, url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process of `tests.messaging.leader` that leads, or holds a batch."""
    started = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.messaging.leader",
        kind,
        url,
        "2",
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        assert started.stdout is not None
        async with asyncio.timeout(60):
            assert await started.stdout.readline()
        yield started
    finally:
        started.kill()
        await started.wait()
