"""From the log to live events: nothing missed, duplicated or reordered, whatever happens."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from prometheus_client import REGISTRY

from hirewire.messaging.broker import (
    BrokerMisconfigured,
    Delivery,
    Message,
    QueueTopology,
    open_broker,
    queue_of,
)
from hirewire.messaging.brokers.kafka import Kafka
from hirewire.messaging.brokers.rabbitmq import RabbitMQ
from hirewire.messaging.brokers.rabbitmq.consumer import Consumer as RabbitConsumer
from hirewire.messaging.database import connect
from hirewire.messaging.envelope import Malformed, Received
from hirewire.messaging.publishing.relay import Relay
from hirewire.messaging.reconciliation import cutover
from hirewire.messaging.subscriptions import on
from hirewire.messaging.transaction import Tx
from tests.builders import eventually
from tests.messaging.conftest import Noted, Place
from tests.messaging.replaying import TYPE, Reader, Writer, step_until


@pytest.fixture
async def writer(place: Place, broker_url: str) -> AsyncIterator[Writer]:
    made = Writer(place, broker_url)
    yield made
    await made.close()


@pytest.fixture
async def reader(
    new_place: Callable[[], Awaitable[Place]], broker_url: str
) -> AsyncIterator[Reader]:
    made = Reader(f"r{uuid4().hex[:8]}", await new_place(), broker_url)
    await made.prepare()
    yield made
    await made.close()


async def received(writer: Writer, reader: Reader, page: UUID, *texts: object) -> None:
    """A reader without history that has consumed these."""
    await writer.introduce([reader.name])
    reader.start()
    await writer.write(page, *texts)
    await writer.come_to_rest()
    await reader.expect(page, *texts)


async def standing_by(reader: Reader, client: str) -> None:
    """Wait until a second replica is connected."""
    broker = reader.running[-1][0]
    if isinstance(broker, RabbitMQ):

        async def connected() -> bool:
            sinks = [sink for link in broker._links for sink in link.connection.sinks.values()]
            return any(isinstance(sink, RabbitConsumer) and sink.started for sink in sinks)
    elif isinstance(broker, Kafka):

        async def connected() -> bool:
            return any(one.is_member for one in broker._consumers)
    else:

        async def connected() -> bool:
            connection = await connect(reader.broker_url, application="tests")
            found = await connection.fetchval(
                "select count(*) from pg_stat_activity where application_name = $1 "
                "and query like '%advisory%'",
                f"{client} consumer",
            )
            await connection.close()
            return bool(found)

    await eventually(connected)


async def test_a_standby_that_joined_during_a_replay_consumes_live_events(
    writer: Writer, reader: Reader
) -> None:
    page = uuid4()
    await received(writer, reader, page, 1, 2, 3)
    await writer.ask(reader.name)
    await step_until(writer, reader.awaits)
    reader.start("standby")
    await standing_by(reader, "standby")
    await writer.come_to_rest()

    async def ended() -> bool:
        return await reader.awaits() == 0

    await eventually(ended)
    await reader.kill(0)
    await writer.write(page, 4, 5)
    await writer.come_to_rest()
    await reader.expect(page, 1, 2, 3, 4, 5)


async def test_a_standby_that_joined_before_a_replay_drops_live_events(
    writer: Writer, reader: Reader
) -> None:
    page = uuid4()
    await writer.introduce([])
    await writer.write(page, 1, 2, 3)
    await writer.come_to_rest()
    await writer.broker.declare([QueueTopology(reader.topology.queue, ())])
    reader.start()

    async def active() -> bool:
        return (await writer.broker.stats(reader.topology.queue)).consumers == 1

    await eventually(active)
    reader.start("standby")
    await standing_by(reader, "standby")
    await writer.introduce([reader.name], past={reader.name})
    await eventually(reader.awaits)
    await reader.kill(0)
    await writer.write(page, 4)
    await writer.come_to_rest()
    await writer.write(page, 5)
    await writer.come_to_rest()
    await reader.expect(page, 1, 2, 3, 4, 5)
    assert reader.lates == 0


async def test_a_message_of_an_external_program_takes_effect_during_a_replay(
    writer: Writer, reader: Reader
) -> None:
    page = uuid4()
    await received(writer, reader, page, 1)
    await writer.ask(reader.name)
    await step_until(writer, reader.awaits)
    for nth, source in enumerate(("", "/elsewhere")):
        headers = {"source": source} if source else {}
        body = Noted(page=page, text=f"external {nth}").body()
        await writer.broker.publish([Message(str(uuid4()), TYPE, str(page), body, headers)])
    await writer.write(page, 2)
    await reader.expect(page, 1, "external 0", "external 1")
    await writer.come_to_rest()
    await reader.expect(page, 1, "external 0", "external 1", 2)


def refuse_once(writer: Writer, *texts: object) -> None:
    """The broker refuses these once when the relay publishes them."""
    left = {str(text) for text in texts}

    def refuses(message: Message) -> bool:
        text = json.loads(message.body).get("text")
        if message.to is None and text in left:
            left.remove(text)
            return True
        return False

    writer.broker.refuses = refuses


@pytest.mark.parametrize("limit", ["since", "until", "key", "ids"])
async def test_a_cutover_delivers_all_dropped_events(
    writer: Writer, reader: Reader, limit: str
) -> None:
    page, other = uuid4(), uuid4()
    await received(writer, reader, page, 1)
    await writer.write(other, 1)
    await writer.come_to_rest()
    refuse_once(writer, 2)
    await writer.write(page, 2, 3)
    future = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    asked = {
        "since": future,
        "until": "2020-01-01T00:00:00+00:00",
        "key": str(other),
        "ids": [str(uuid4())],
    }
    await writer.ask(reader.name, **{limit: asked[limit]})
    await step_until(writer, reader.awaits)
    await writer.write(page, 4)
    await writer.write(other, 2)
    writer.broker.refuses = lambda message: message.to is not None
    await step_until(writer, writer.all_sent)
    writer.broker.refuses = lambda _: False
    await writer.come_to_rest()
    await writer.write(page, 5)
    await writer.come_to_rest()
    await reader.expect(page, 1, 2, 3, 4, 5)
    await reader.expect(other, 1, 2)
    assert reader.lates == 0
    assert (await reader.account(await writer.log())).counts["handled"] == 7


async def test_a_limited_replay_leaves_unpublished_events_to_the_relay(
    writer: Writer, reader: Reader
) -> None:
    page = uuid4()
    await received(writer, reader, page, 1)
    refuse_once(writer, 2)
    await writer.write(page, 2)
    since = datetime.now(UTC).isoformat()
    await asyncio.sleep(0.002)
    await writer.write(page, 3)
    await writer.ask(reader.name, handover=False, since=since)
    await writer.come_to_rest()
    await reader.expect(page, 1, 2, 3)
    assert reader.lates == 0


async def test_a_repeating_replay_delivers_live_events_once_and_the_audit_is_clean(
    writer: Writer, reader: Reader
) -> None:
    page = uuid4()
    await received(writer, reader, page, 1, 2)
    refuse_once(writer, 3)
    await writer.write(page, 3)
    await writer.ask(reader.name, again=True)
    await step_until(writer, reader.awaits)
    await writer.write(page, 4)
    await writer.come_to_rest()
    await writer.write(page, 5)
    await writer.come_to_rest()
    await reader.expect(page, 1, 2, 1, 2, 3, 4, 5)
    line = await reader.account(await writer.log())
    assert (line.counts["handled"], line.missing, line.late) == (5, [], 0)
    assert reader.lates == 0


async def test_a_repeat_that_fails_does_not_confuse_the_audit(
    writer: Writer, reader: Reader
) -> None:
    page = uuid4()
    await received(writer, reader, page, 1, 2)
    await reader.kill()
    broken = on(Noted, fail, name=f"{reader.name}.notes")
    reader.start(subscriptions=[broken])
    await writer.ask(reader.name, again=True)
    await writer.come_to_rest()

    async def failed() -> int:
        async with reader.transactions() as tx:
            rows = await tx.exec_driver_sql("select count(*) from messaging.open_message")
            number: int = rows.scalar_one()
            return number

    await eventually(lambda: reached(failed, 2))
    line = await reader.account(await writer.log())
    assert (line.expected, line.counts["handled"], line.adds_up) == (2, 2, True)


async def fail(tx: Tx, received: Received[Noted]) -> None:
    raise ValueError("broken")


async def reached(number: Callable[[], Awaitable[int]], least: int) -> bool:
    return await number() >= least


async def test_events_of_an_open_replay_are_in_flight(writer: Writer, reader: Reader) -> None:
    page = uuid4()
    await received(writer, reader, page, 1)
    id = await writer.ask(reader.name)
    await step_until(writer, reader.awaits)
    await writer.write(page, 2)
    sent = writer.broker.published
    live: list[Message] = []
    writer.broker.published = lambda messages: live.extend(m for m in messages if m.to is None)
    writer.broker.refuses = lambda message: message.to is not None
    await step_until(writer, lambda: reached(dropped(live), 1))
    line = await reader.account(await writer.log())
    assert (line.counts["handled"], line.counts["in flight"], line.missing) == (1, 1, [])
    assert (await writer.request(id)).state == "open"
    writer.broker.published, writer.broker.refuses = sent, lambda _: False
    await writer.come_to_rest()
    await reader.expect(page, 1, 2)


def dropped(live: Sequence[Message]) -> Callable[[], Awaitable[int]]:
    async def count() -> int:
        return len(live)

    return count


async def test_a_cutover_refused_by_the_broker_continues_once_allowed(
    writer: Writer, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hirewire.messaging.publishing.replay.PAUSE_SECONDS", 0.1, raising=False)
    page = uuid4()
    await received(writer, reader, page, 1, 2)

    def forbid(messages: Sequence[Message]) -> None:
        if any(message.to is not None and message.type == TYPE for message in messages):
            raise BrokerMisconfigured("not allowed")

    id = await writer.ask(reader.name)
    await step_until(writer, reader.awaits)
    writer.broker.before = forbid

    async def explained() -> bool:
        return "not allowed" in ((await writer.request(id)).outcome or "")

    await step_until(writer, explained)
    assert (await writer.request(id)).state == "open", "the reader drops what it will bring"
    writer.broker.before = lambda _: None
    await writer.write(page, 3)
    await writer.come_to_rest()
    await writer.write(page, 4)
    await writer.come_to_rest()
    await reader.expect(page, 1, 2, 3, 4)


async def test_replays_of_the_same_events_go_one_after_the_other(
    writer: Writer, reader: Reader
) -> None:
    page = uuid4()
    await writer.introduce([])
    await writer.write(page, 1, 2, 3)
    await writer.come_to_rest()
    await writer.introduce([reader.name], past={reader.name})
    since = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    second = await writer.ask(reader.name, since=since)
    writer.broker.refuses = lambda message: message.to is not None and message.type == TYPE
    for _ in range(4):
        await writer.relay.step()
    await writer.write(page, 4)
    for _ in range(4):
        await writer.relay.step()
    assert "waits for request" in ((await writer.request(second)).outcome or "")
    writer.broker.refuses = lambda _: False
    await writer.come_to_rest()
    reader.start()
    await writer.write(page, 5)
    await writer.come_to_rest()
    await reader.expect(page, 1, 2, 3, 4, 5)
    assert reader.lates == 0


async def test_watermarks_of_a_former_relay_are_ignored(
    writer: Writer, reader: Reader, broker_url: str
) -> None:
    """They may arrive long after the next relay has begun or ended the replay."""
    page = uuid4()
    await received(writer, reader, page, 1, 2)
    marks: list[Message] = []
    writer.broker.published = lambda messages: marks.extend(
        message for message in messages if message.type == "hirewire.history"
    )
    await writer.ask(reader.name)
    await step_until(writer, reader.awaits)
    [begin] = marks
    end = Message(
        begin.id, begin.type, begin.key, begin.body, {**begin.headers, "edge": "end"}, to=begin.to
    )
    await writer.relay.close()
    writer.relay = Relay(service="writer", database_url=writer.place.url, broker=writer.broker)
    writer.broker.refuses = lambda message: (
        message.to is not None and message.headers.get("edge") != "begin"
    )
    while not writer.relay.leads:  # the former relay's session may take a moment to end
        await writer.relay.step()
    assert len(marks) == 2
    await writer.broker.broker.publish([end])
    before = superseded(reader)
    await writer.write(page, 3)
    await writer.relay.step()

    async def arrived() -> bool:
        return superseded(reader) > before or len(await reader.effects(page)) > 2

    await eventually(arrived)
    assert await reader.effects(page) == ["1", "2"]
    writer.broker.refuses = lambda _: False
    await writer.come_to_rest()
    await reader.expect(page, 1, 2, 3)
    await writer.broker.broker.publish([begin])
    await writer.write(page, 4)
    await writer.come_to_rest()
    await reader.expect(page, 1, 2, 3, 4)
    await reader.kill()  # its successor also knows the end
    reader.start()
    await writer.broker.broker.publish([begin])
    await writer.write(page, 5)
    await writer.come_to_rest()
    await reader.expect(page, 1, 2, 3, 4, 5)


async def test_a_replay_also_ends_an_earlier_open_one(writer: Writer, reader: Reader) -> None:
    page = uuid4()
    await received(writer, reader, page, 1)
    await writer.ask(reader.name)
    await step_until(writer, reader.awaits)
    async with writer.transactions() as tx:  # as if its owner had lost it
        await tx.exec_driver_sql("delete from messaging.job")
    await writer.write(page, 2)
    await writer.ask(reader.name, since="2020-01-01T00:00:00+00:00")
    await writer.come_to_rest()
    await writer.write(page, 3)
    await writer.come_to_rest()
    await reader.expect(page, 1, 2, 3)


async def test_dropped_events_are_counted(writer: Writer, reader: Reader) -> None:
    page = uuid4()
    await received(writer, reader, page, 1)
    await writer.ask(reader.name)
    await step_until(writer, reader.awaits)
    await writer.write(page, 2, 3)
    await writer.come_to_rest()
    await reader.expect(page, 1, 2, 3)
    assert superseded(reader) == 2


def superseded(reader: Reader) -> float:
    """The number of messages that the reader has dropped, since a replay will deliver them."""
    labels = {"service": reader.name, "event": TYPE}
    return REGISTRY.get_sample_value("hirewire_events_superseded_total", labels) or 0.0


async def test_an_unreadable_watermark_does_not_stop_the_queue(
    writer: Writer, reader: Reader
) -> None:
    page = uuid4()
    await received(writer, reader, page, 1)
    whole = {"id": str(uuid4()), "type": "hirewire.history", "source": "/hirewire/other"}
    whole |= {"edge": "begin", "types": f"{TYPE},{TYPE}", "attempt": "1"}
    odd = [{}, {"attempt": "9" * 5000}, {"attempt": "x"}, {"edge": "x"}, {"id": "x"}]
    for changes in (*odd, {"source": "a\x00b"}, {"types": "\x07"}):
        headers = whole | changes
        id = str(uuid4())
        mark = Message(id, "hirewire.history", id, b"{}", headers, to=reader.name)
        await writer.broker.publish([mark])
    await writer.write(page, 2)
    await writer.come_to_rest()
    await reader.expect(page, 1, 2)


async def test_only_the_owners_watermarks_count(
    writer: Writer, reader: Reader, broker_url: str
) -> None:
    """An end without a begin is ignored; events of another owner's type are not held back."""
    page = uuid4()
    await received(writer, reader, page, 1)
    for edge in ("end", "begin"):
        id = str(uuid4())
        headers = {"id": id, "type": "hirewire.history", "source": "/hirewire/other"}
        headers |= {"edge": edge, "types": TYPE, "attempt": "1"}
        mark = Message(id, "hirewire.history", id, b"{}", headers, to=reader.name)
        await writer.broker.publish([mark])
    await writer.write(page, 2)
    await writer.come_to_rest()
    await reader.expect(page, 1, 2)
    await eventually(reader.awaits)
    broker = open_broker(broker_url, client="tests")
    await broker.declare([QueueTopology(queue_of(reader.name), (TYPE,))])
    await broker.close()


@pytest.mark.parametrize(
    ("sender", "counts"), [(None, True), ("writer", True), ("stranger", True), ("reader", False)]
)
def test_a_watermark_is_ignored_if_the_broker_names_another_sender(
    sender: str | None, counts: bool
) -> None:
    services = frozenset({"writer", "reader"})
    mark = cutover.low_watermark("writer", uuid4(), [TYPE], 1)
    headers = cutover.watermark_message("reader", mark).headers
    delivery = Delivery(b"{}", "to.reader.hirewire.history", headers, user_id=sender)
    if counts:
        assert cutover.watermark_of(delivery, services) == mark
    else:
        with pytest.raises(Malformed, match="reader sent it"):
            cutover.watermark_of(delivery, services)
