"""RabbitMQ only: the event contract, users and permissions, its own limits."""

import asyncio
import gc
import json
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import Any
from uuid import uuid4

import httpx
import pika
import pytest
from sqlalchemy.engine import make_url

from hirewire.launcher.rabbitmq import PrivateRabbitMQ, find_server
from hirewire.messaging.broker import (
    BrokerMisconfigured,
    BrokerUnavailable,
    Message,
    Outcome,
    QueueTopology,
)
from hirewire.messaging.brokers.access import ServiceUser, grant
from hirewire.messaging.brokers.rabbitmq import RabbitMQ, parse_url
from hirewire.messaging.brokers.rabbitmq.consumer import Consumer
from hirewire.messaging.brokers.rabbitmq.link import Channel
from tests.builders import eventually
from tests.conftest import RabbitMQ as Server
from tests.conftest import missing

LOGS = QueueTopology("hirewire.logs", ("test.noted",))
USERS = [
    ServiceUser("profiles", "p-" + uuid4().hex, ("resume.updated",), ("user.registered",)),
    ServiceUser("vacancies", "v-" + uuid4().hex, ("employer.profile.created",), ()),
]


@pytest.fixture
async def broker(fresh_vhost: str) -> AsyncIterator[RabbitMQ]:
    made = RabbitMQ(fresh_vhost, client="tests", watchdog_seconds=0.2)
    await made.declare([LOGS])
    yield made
    await made.close()


def note(type: str = "test.noted") -> Message:
    id = str(uuid4())
    return Message(id, type, "k", b'{"a":1}', {"id": id, "source": "/x"}, correlation_id="story")


def get_one(url: str, queue: str) -> tuple[Any, bytes]:
    """One message as a plain AMQP client sees it."""
    connection = pika.BlockingConnection(pika.URLParameters(url))
    channel = connection.channel()
    _, properties, body = next(channel.consume(queue, auto_ack=True, inactivity_timeout=20))
    channel.cancel()
    connection.close()
    return properties, body


async def test_a_message_on_the_wire(broker: RabbitMQ, fresh_vhost: str) -> None:
    sent = note()
    await broker.publish([sent])
    properties, body = await asyncio.to_thread(get_one, fresh_vhost, LOGS.queue)
    assert json.loads(body) == {"a": 1}
    assert properties.headers == {"cloudEvents_id": sent.id, "cloudEvents_source": "/x"}
    assert (properties.content_type, properties.delivery_mode) == ("application/json", 2)
    assert (properties.message_id, properties.type) == (sent.id, "test.noted")
    assert (properties.app_id, properties.correlation_id) == ("tests", "story")
    assert properties.user_id == make_url(fresh_vhost).username


@pytest.mark.parametrize("prefix", ["cloudEvents_", "cloudEvents:"])
async def test_an_external_publishers_message_is_read(
    broker: RabbitMQ, fresh_vhost: str, prefix: str
) -> None:
    def publish() -> None:
        connection = pika.BlockingConnection(pika.URLParameters(fresh_vhost))
        headers = {f"{prefix}source": "/node", "n": 5, "list": [1], "none": None}
        connection.channel().basic_publish(
            "hirewire.events", "test.noted", b"{}", pika.BasicProperties(headers=headers)
        )
        connection.close()

    await asyncio.to_thread(publish)
    async with aclosing(broker.deliveries(LOGS, limit=5)) as batches:
        [got] = await anext(batches)
    assert got.headers == {"source": "/node", "n": "5", "list": "[1]", "none": "null"}
    assert got.message_id is None


async def test_messages_dropped_by_the_broker_are_kept(broker: RabbitMQ, fresh_vhost: str) -> None:
    await broker.publish([note()])

    def reject() -> None:
        connection = pika.BlockingConnection(pika.URLParameters(fresh_vhost))
        channel = connection.channel()
        method, _, _ = next(channel.consume(LOGS.queue, inactivity_timeout=20))
        channel.basic_nack(method.delivery_tag, requeue=False)
        connection.close()

    await asyncio.to_thread(reject)

    async def kept() -> bool:
        return (await broker.stats("hirewire.dead")).ready == 1

    await eventually(kept)


async def test_a_queue_of_other_properties_is_named(fresh_vhost: str) -> None:
    def declare() -> None:
        connection = pika.BlockingConnection(pika.URLParameters(fresh_vhost))
        connection.channel().queue_declare("hirewire.logs", durable=True)
        connection.close()

    await asyncio.to_thread(declare)
    broker = RabbitMQ(fresh_vhost, client="tests")
    with pytest.raises(BrokerMisconfigured, match=r"hirewire\.logs"):
        await broker.declare([LOGS])
    await broker.close()


async def test_a_connection_killed_by_an_operator_is_noticed(
    broker: RabbitMQ, fresh_vhost: str, rabbitmq: Server
) -> None:
    if rabbitmq.management_url is None:
        missing("rabbitmq", "no management address (HIREWIRE_TEST_RABBITMQ_MANAGEMENT_URL)")
    await broker.publish([note()])
    async with aclosing(broker.deliveries(LOGS, limit=5)) as batches:
        await anext(batches)
        vhost = make_url(fresh_vhost).database
        await close_connections(str(rabbitmq.management_url), str(vhost))
        with pytest.raises(BrokerUnavailable):
            async with asyncio.timeout(20):
                await anext(batches)
    assert await broker.publish([note()]) == [Outcome.CONFIRMED]


async def close_connections(management_url: str, vhost: str) -> None:
    async with httpx.AsyncClient(base_url=management_url, timeout=10) as client:
        closed = 0
        async with asyncio.timeout(20):
            while not closed:  # the management API lists a connection some time after it was opened
                answer = await client.get(f"/api/vhosts/{vhost}/connections")
                for connection in answer.json():
                    name = connection.get("client_properties", {}).get("connection_name")
                    if name == "hirewire tests":
                        await client.delete(f"/api/connections/{connection['name']}")
                        closed += 1


async def test_each_service_may_publish_only_its_own_events(
    broker: RabbitMQ, fresh_vhost: str, rabbitmq: Server
) -> None:
    if rabbitmq.management_url is None:
        missing("rabbitmq", "no management address (HIREWIRE_TEST_RABBITMQ_MANAGEMENT_URL)")
    url = make_url(fresh_vhost)
    await grant(str(rabbitmq.management_url), str(url.database), USERS)
    as_profiles = url.set(username="profiles", password=USERS[0].password)
    profiles = RabbitMQ(as_profiles.render_as_string(hide_password=False), client="profiles")
    own = QueueTopology("hirewire.profiles", ("user.registered",))
    assert await profiles.publish([note("resume.updated")]) == [Outcome.UNROUTABLE]
    foreign, mine = note("employer.profile.created"), note("resume.updated")
    outcomes = await profiles.publish([foreign, mine])
    assert outcomes == [Outcome.REFUSED, Outcome.UNROUTABLE]
    assert "employer.profile.created" in foreign.refusal
    with pytest.raises(BrokerMisconfigured, match=r"hirewire\.vacancies"):
        await anext(profiles.deliveries(QueueTopology("hirewire.vacancies", ()), limit=1))
    with pytest.raises(BrokerMisconfigured, match=r"resume\.updated"):
        await anext(
            profiles.deliveries(QueueTopology("hirewire.profiles", ("resume.updated",)), limit=1)
        )
    await broker.declare([own])
    await broker.publish([note("user.registered")])
    async with aclosing(profiles.deliveries(own, limit=1)) as batches:
        [got] = await anext(batches)
        assert got.user_id == url.username
    await profiles.close()


def test_an_address_with_several_hosts() -> None:
    found = parse_url("amqp://us%40er:p%2Fw@one:5673,two,[::1]:7/my%2Fhost?heartbeat=7", "x")
    assert [(p.host, p.port) for p in found] == [("one", 5673), ("two", 5672), ("::1", 7)]
    assert {p.virtual_host for p in found} == {"my/host"}
    assert {(p.credentials.username, p.credentials.password) for p in found} == {("us@er", "p/w")}
    assert {p.heartbeat for p in found} == {7}


@pytest.mark.parametrize(
    "url", ["amqp://u:secret@:x/", "amqp://u:secret@h:99999/", "amqp://h/?a=1"]
)
def test_a_wrong_address_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match="broker address") as caught:
        parse_url(url, "x")
    assert "secret" not in str(caught.value)


async def test_the_next_host_is_tried(fresh_vhost: str) -> None:
    url = make_url(fresh_vhost)
    several = fresh_vhost.replace("127.0.0.1", f"127.0.0.2:1,127.0.0.1:{url.port}", 1)
    several = several.replace(f"127.0.0.1:{url.port}:{url.port}", f"127.0.0.1:{url.port}")
    broker = RabbitMQ(several, client="tests")
    await broker.ping()
    await broker.close()


async def test_a_reader_that_leaves_gives_back_in_order(broker: RabbitMQ, fresh_vhost: str) -> None:
    """Its unacked messages come before later ones, at the reader that stood by."""
    count = 60
    for _ in range(15):
        sent = [note() for _ in range(count)]
        await broker.publish(sent)
        first = RabbitMQ(fresh_vhost, client="first")
        second = RabbitMQ(fresh_vhost, client="second")
        leaving = first.deliveries(LOGS, limit=10)
        held = await anext(leaving)
        await first.ack(held[-1])
        got: list[str | None] = [one.message_id for one in held]
        standing_by = second.deliveries(LOGS, limit=10)
        waiting = asyncio.ensure_future(anext(standing_by))

        async def both_there(broker: RabbitMQ = second) -> bool:
            sinks = [sink for link in broker._links for sink in link.connection.sinks.values()]
            return [getattr(sink, "started", None) for sink in sinks] == [True]

        await eventually(both_there)
        await leaving.aclose()
        while len(got) < count:
            batch = await waiting
            got += [one.message_id for one in batch]
            await second.ack(batch[-1])
            if len(got) < count:
                waiting = asyncio.ensure_future(anext(standing_by))
        await standing_by.aclose()
        await first.close()
        await second.close()
        assert got == [one.id for one in sent]


async def test_a_message_over_the_brokers_size_limit_is_refused_alone(
    fresh_vhost: str, rabbitmq: Server
) -> None:
    """The broker closes the channel because of it, without naming the message."""
    async with largest_message(rabbitmq, 50_000):
        broker = RabbitMQ(fresh_vhost, client="tests")
        await broker.declare([LOGS])
        batch = [note() for _ in range(60)]
        batch[20].body = batch[41].body = b" " * 60_000
        beside, outcomes = await asyncio.gather(
            broker.publish([note() for _ in range(100)]), broker.publish(batch)
        )
        assert beside == [Outcome.CONFIRMED] * 100
        refused = [n for n, outcome in enumerate(outcomes) if outcome is not Outcome.CONFIRMED]
        assert refused == [20, 41]
        assert {outcomes[n] for n in refused} == {Outcome.REFUSED}
        assert "50000" in batch[20].refusal
        assert "50000" in batch[41].refusal
        assert await broker.publish([note()]) == [Outcome.CONFIRMED]
        await broker.close()


async def test_headers_that_fit_into_no_frame_are_refused(broker: RabbitMQ) -> None:
    """The broker would close the whole connection."""
    batch = [note(), note(), note()]
    batch[1].headers = {"id": batch[1].id, "long": "x" * 200_000}
    assert await broker.publish(batch) == [Outcome.CONFIRMED, Outcome.REFUSED, Outcome.CONFIRMED]
    assert "headers" in batch[1].refusal


async def test_a_nack_is_no_confirm(broker: RabbitMQ, fresh_vhost: str) -> None:
    await asyncio.to_thread(declare_full_queue, fresh_vhost)
    outcomes = await broker.publish([note() for _ in range(3)])
    assert outcomes == [Outcome.CONFIRMED, Outcome.REFUSED, Outcome.REFUSED]


async def test_bytes_of_waiting_deliveries_are_bounded(broker: RabbitMQ) -> None:
    """The socket is not read until there is room, heartbeats or not."""
    big = [note() for _ in range(60)]
    for message in big:
        message.body = b" " * 1_000_000
    for start in range(0, 60, 10):
        await broker.publish(big[start : start + 10])
    got: list[str | None] = []
    async with aclosing(broker.deliveries(LOGS, limit=500)) as batches:
        async for batch in batches:
            got += [one.message_id for one in batch]
            [consumer] = [sink for link in broker._links for sink in link.connection.sinks.values()]
            assert isinstance(consumer, Consumer)

            await eventually(partial(is_paused_or_has, consumer, 60 - len(got)))
            assert sum(len(one.body) for one in consumer._arrived) < 10_000_000
            await broker.ack(batch[-1])
            if len(got) == 60:
                break
    assert got == [message.id for message in big]


async def test_fewer_large_messages_are_in_flight_after_a_slow_reader_lost_its_connection(
    broker: RabbitMQ,
) -> None:
    """RabbitMQ closes a connection on which it cannot send; this must not happen repeatedly. Once
    bodies are small, as many as before are fetched at once.
    """
    for _ in range(4):
        big = [note() for _ in range(5)]
        for message in big:
            message.body = b" " * 1_000_000
        await broker.publish(big)
    async with aclosing(broker.deliveries(LOGS, limit=10)) as batches:
        await anext(batches)
        [consumer] = [s for link in broker._links for s in link.connection.sinks.values()]
        assert isinstance(consumer, Consumer)
        await eventually(partial(is_paused_or_has, consumer, 20))
        assert consumer._wire.paused
        consumer._wire._terminate_stream(pika.exceptions.StreamLostError("as RabbitMQ does"))
        with pytest.raises(BrokerUnavailable):
            while True:
                await anext(batches)
    got = 0
    with pytest.raises(BrokerUnavailable, match="small again"):
        async with aclosing(broker.deliveries(LOGS, limit=10)) as batches:
            async for batch in batches:
                got += len(batch)
                assert len(batch) <= 8
                [consumer] = [s for link in broker._links for s in link.connection.sinks.values()]
                assert isinstance(consumer, Consumer)
                assert not consumer._wire.paused
                await broker.ack(batch[-1])
                if got == 20:
                    await broker.publish([note() for _ in range(30)])
    await broker.publish([note() for _ in range(10)])
    async with aclosing(broker.deliveries(LOGS, limit=10)) as batches:
        await anext(batches)


async def is_paused_or_has(consumer: Consumer, count: int) -> bool:
    return consumer._wire.paused or len(consumer._arrived) == count


async def test_another_address_is_tried_first_after_one_that_failed(fresh_vhost: str) -> None:
    url = make_url(fresh_vhost)
    port = url.port
    both = fresh_vhost.replace(f"127.0.0.1:{port}", f"127.0.0.1:{port},localhost:{port}", 1)
    broker = RabbitMQ(both, client="tests")
    await broker.ping()
    seen = []
    for _ in range(3):
        [link] = broker._links
        seen.append(link.connection.params.host)
        link.connection._terminate_stream(pika.exceptions.StreamLostError("for a test"))
        await asyncio.wait({link.closed}, timeout=10)
        await broker.ping()
    assert seen == ["127.0.0.1", "localhost", "127.0.0.1"]
    [link] = broker._links
    last = link.connection.params.host
    await link.close()  # the closing was on our side: nothing was wrong with the address
    await broker.ping()
    [link] = broker._links
    assert link.connection.params.host == last
    await broker.close()


def declare_full_queue(url: str) -> None:
    """Declare a queue that accepts one message and refuses the others."""
    connection = pika.BlockingConnection(pika.URLParameters(url))
    channel = connection.channel()
    arguments = {"x-max-length": 1, "x-overflow": "reject-publish"}
    channel.queue_declare("full", durable=True, arguments=arguments)
    channel.queue_bind("full", "hirewire.events", "test.noted")
    connection.close()


@asynccontextmanager
async def largest_message(rabbitmq: Server, size: int) -> AsyncIterator[None]:
    """Set the broker's size limit, for channels that are opened meanwhile."""
    if rabbitmq.node is None:
        missing("rabbitmq", "a node of our own is needed, to set its limits")
    assert rabbitmq.node is not None
    before = await evaluate(rabbitmq.node, "application:get_env(rabbit, max_message_size).")
    await evaluate(rabbitmq.node, f"application:set_env(rabbit, max_message_size, {size}).")
    try:
        yield
    finally:
        [value] = re.findall(r"[0-9]+", before)
        await evaluate(rabbitmq.node, f"application:set_env(rabbit, max_message_size, {value}).")


async def evaluate(node: PrivateRabbitMQ, expression: str) -> str:
    """The value of an Erlang expression on the node."""
    program = str(find_server()).replace("rabbitmq-server", "rabbitmqctl")
    with tempfile.TemporaryFile() as output:
        process = node._spawn([program, "eval", expression], output)
        code = await asyncio.to_thread(process.wait, 60)
        output.seek(0)
        answer = output.read().decode()
    assert code == 0, answer
    return answer


async def test_a_closed_channel_is_released(broker: RabbitMQ) -> None:
    """The connection lives for months, and its health is checked every few seconds."""
    for _ in range(20):
        await broker.ping()
        await broker.stats(LOGS.queue)

    async def let_go() -> bool:
        gc.collect()
        return sum(isinstance(one, Channel) for one in gc.get_objects()) < 10

    await eventually(let_go)


def _publish_dead(url: str, *bodies: bytes) -> None:
    connection = pika.BlockingConnection(pika.URLParameters(url))
    channel = connection.channel()
    for body in bodies:
        headers = {"cloudEvents_type": "test.noted", "x-first-death-reason": "delivery_limit"}
        properties = pika.BasicProperties(headers=headers, message_id="m", delivery_mode=2)
        channel.basic_publish("hirewire.dead", "test.noted", body, properties)
    connection.close()


def _taken_dead(url: str) -> list[tuple[Any, bytes]]:
    connection = pika.BlockingConnection(pika.URLParameters(url))
    channel = connection.channel()
    found = [channel.basic_get("hirewire.dead", auto_ack=True) for _ in range(3)]
    connection.close()
    return [(properties, body) for _, properties, body in found]


async def test_given_up_messages_are_redacted_in_their_place(
    broker: RabbitMQ, fresh_vhost: str
) -> None:
    await asyncio.to_thread(_publish_dead, fresh_vhost, b"first", b"of anna", b"last")
    asked = []

    def redaction(name: str, body: bytes) -> bytes:
        asked.append((name, body))
        return b"redacted"

    async def all_there() -> bool:
        return (await broker.stats("hirewire.dead")).ready == 3

    await eventually(all_there)
    assert await broker.redact("anna", redaction) == 1
    assert asked == [("test.noted", b"of anna")]
    await eventually(all_there)
    assert await broker.redact("anna", redaction) == 0
    await eventually(all_there)
    found = await asyncio.to_thread(_taken_dead, fresh_vhost)
    assert [body for _, body in found] == [b"first", b"redacted", b"last"]
    assert {properties.message_id for properties, _ in found} == {"m"}
