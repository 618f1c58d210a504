"""From delivery to committed effect over RabbitMQ, beside what people write by hand and FastStream.

The same 256-byte events, the same quorum queue, the same table, PostgreSQL with fsync on. What is
compared, interleaved in rounds of one run:

- Hirewire: batched handler, inbox, order per key and effect in one transaction a batch;
- by hand: the pattern of a usual service, in Python with aio-pika and asyncpg: prefetch 10, SELECT
  whether it is there, INSERT, commit, ack;
- FastStream's RabbitMQ subscriber doing the same SELECT, INSERT, commit, ack.

Then latency from commit to effect at 50 events a second.
"""

import asyncio
import logging
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import aio_pika
import asyncpg
import structlog
import uvloop
from faststream.rabbit import RabbitBroker, RabbitQueue
from rich.console import Console
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.places import Places, places
from hirewire.kit.clock import now
from hirewire.kit.db import make_engine, migrate
from hirewire.messaging.broker import EXCHANGE, Delivery, Message, QueueTopology, queue_of
from hirewire.messaging.brokers.rabbitmq import RabbitMQ
from hirewire.messaging.consumer import Consumer
from hirewire.messaging.envelope import Context, Received, headers_of
from hirewire.messaging.event import Event
from hirewire.messaging.ids import new_id
from hirewire.messaging.outbox import Transactions, Tx, record
from hirewire.messaging.relay import Relay
from hirewire.messaging.subscriptions import on, on_batch

ROUNDS = 5
KEYS = 1000
COUNTS = {"hirewire": 10_000, "one at a time": 4_000, "by hand": 1_500, "faststream": 1_500}
LATENCY_EVENTS = 500
RATE = 50.0


class Noted(Event, name="bench.noted", owner="bench", key="page"):
    """Something of about 256 bytes."""

    page: UUID
    number: int
    text: str


TOPOLOGY = QueueTopology(queue_of("reader"), (Noted.name,))
PAGES = [new_id() for _ in range(KEYS)]
TEXT = "x" * 170


@dataclass
class Bench:
    """Engines, connections, figures."""

    places: Places
    url: str
    engine: AsyncEngine
    broker: RabbitMQ
    pool: asyncpg.Pool
    next_number: int = 0
    sequences: dict[UUID, int] = field(default_factory=dict)
    rates: dict[str, list[float]] = field(default_factory=dict)

    async def fill(self, count: int) -> None:
        """Put so many events into the queue, as the relay would."""
        messages = []
        for _ in range(count):
            self.next_number += 1
            page = PAGES[self.next_number % KEYS]
            self.sequences[page] = self.sequences.get(page, 0) + 1
            event = Noted(page=page, number=self.next_number, text=TEXT)
            id = new_id()
            headers = headers_of(
                Noted,
                id=id,
                key=event.key,
                sequence=self.sequences[page],
                time=now(),
                context=Context(str(id)),
            )
            messages.append(Message(str(id), Noted.name, event.key, event.body(), headers))
        for start in range(0, count, 2000):
            await self.broker.publish(messages[start : start + 2000])

    async def timed(self, name: str, count: int, run: Callable[[int], Awaitable[None]]) -> None:
        """Rate of one contestant over `count` events that wait in the queue."""
        await self.pool.execute("truncate note")
        await self.fill(count)
        started = time.perf_counter()
        await run(count)
        self.rates.setdefault(name, []).append(count / (time.perf_counter() - started))
        effects = await self.pool.fetchval("select count(distinct number) from note")
        assert effects == count, f"{name}: {effects} effects of {count}"

    async def effects(self, count: int) -> None:
        """Return when so many effects are committed."""
        while await self.pool.fetchval("select count(*) from note") < count:
            await asyncio.sleep(0.02)


async def note_all(tx: Tx, heard: Sequence[Received[Noted]]) -> None:
    """The effect, written for a batch at once."""
    await tx.exec_driver_sql(
        "insert into note (id, number) select * from unnest($1::uuid[], $2::bigint[])",
        ([one.id for one in heard], [one.event.number for one in heard]),
    )


async def note_one(tx: Tx, heard: Received[Noted]) -> None:
    """The effect, written for one event."""
    await tx.exec_driver_sql(
        "insert into note (id, number) values ($1, $2)", (heard.id, heard.event.number)
    )


def hirewire(bench: Bench, batched: bool) -> Callable[[int], Awaitable[None]]:
    """Our consumer, as a service runs it."""
    subscription = (
        on_batch(Noted, note_all, name="reader.all")
        if batched
        else on(Noted, note_one, name="reader.one")
    )

    async def run(count: int) -> None:
        consumer = Consumer(
            service="reader",
            transactions=Transactions(bench.engine, "reader"),
            broker=bench.broker,
            subscriptions=[subscription],
        )
        task = asyncio.create_task(consumer.run())
        await bench.effects(count)
        consumer.stop()
        await task

    return run


async def select_insert(pool: asyncpg.Pool, id: str, number: int) -> None:
    """The usual handler: is it there already? Then write it."""
    async with pool.acquire() as connection, connection.transaction():
        if await connection.fetchval("select 1 from note where id = $1", UUID(id)) is None:
            await connection.execute(
                "insert into note (id, number) values ($1, $2)", UUID(id), number
            )


def by_hand(bench: Bench) -> Callable[[int], Awaitable[None]]:
    """A helper with prefetch 10 that acks after each commit."""

    async def run(count: int) -> None:
        connection = await aio_pika.connect(bench.places.rabbitmq.url)
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=10)
        queue = await channel.get_queue(TOPOLOGY.queue, ensure=False)

        async def handle(message: aio_pika.abc.AbstractIncomingMessage) -> None:
            event = Noted.model_validate_json(message.body)
            await select_insert(bench.pool, str(message.message_id), event.number)
            await message.ack()

        await queue.consume(handle)
        await bench.effects(count)
        await connection.close()

    return run


def faststream(bench: Bench) -> Callable[[int], Awaitable[None]]:
    """FastStream's subscriber with the same handler and prefetch."""

    async def run(count: int) -> None:
        from faststream import Context as Given
        from faststream.rabbit import Channel

        broker = RabbitBroker(
            bench.places.rabbitmq.url,
            default_channel=Channel(prefetch_count=10),
            logger=None,
        )

        @broker.subscriber(RabbitQueue(TOPOLOGY.queue, declare=False))
        async def handle(event: Noted, message_id: str = Given("message.message_id")) -> None:
            await select_insert(bench.pool, message_id, event.number)

        await broker.start()
        await bench.effects(count)
        await broker.stop()

    return run


async def latency(bench: Bench) -> list[float]:
    """Milliseconds from the commit of a business transaction to the committed effect, at 50/s."""
    seen: dict[int, float] = {}
    done = asyncio.Event()

    async def handle(tx: Tx, heard: Sequence[Received[Noted]]) -> None:
        await note_all(tx, heard)
        arrived.extend(one.event.number for one in heard)

    arrived: list[int] = []
    reading = Transactions(bench.engine, "reader")

    class Watching(Consumer):
        async def handle(self, deliveries: Sequence[Delivery]) -> None:
            arrived.clear()
            await super().handle(deliveries)
            moment = time.perf_counter()
            for number in arrived:
                seen[number] = moment
            if len(seen) == LATENCY_EVENTS:
                done.set()

    consumer = Watching(
        service="reader",
        transactions=reading,
        broker=bench.broker,
        subscriptions=[on_batch(Noted, handle, name="reader.latency")],
    )
    relay_broker = RabbitMQ(bench.places.rabbitmq.url, client="writer")
    relay = Relay(service="bench", database_url=bench.url, broker=relay_broker)
    writing = Transactions(bench.engine, "bench", relay.wake)
    tasks = [asyncio.create_task(consumer.run()), asyncio.create_task(relay.run())]
    while not relay.leads:
        await asyncio.sleep(0.01)
    committed: dict[int, float] = {}
    start = time.perf_counter()
    for nth in range(LATENCY_EVENTS):
        await asyncio.sleep(max(0.0, start + nth / RATE - time.perf_counter()))
        async with writing() as tx:
            record(tx, Noted(page=new_id(), number=nth, text=TEXT))
        committed[nth] = time.perf_counter()
    async with asyncio.timeout(30):
        await done.wait()
    consumer.stop()
    tasks[1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await relay_broker.close()
    return sorted((seen[n] - committed[n]) * 1000 for n in committed)


async def run() -> None:
    """All rounds, then the table."""
    console = Console(highlight=False)
    async with places() as found:
        url = found.postgres.url("bench")
        await migrate(url, None)
        pool = await asyncpg.create_pool(url, min_size=10, max_size=10)
        await pool.execute("create table note (id uuid primary key, number bigint not null)")
        broker = RabbitMQ(found.rabbitmq.url, client="bench")
        await broker.declare([TOPOLOGY])
        bench = Bench(found, url, make_engine(url), broker, pool)
        contestants = {
            "hirewire": hirewire(bench, batched=True),
            "one at a time": hirewire(bench, batched=False),
            "by hand": by_hand(bench),
            "faststream": faststream(bench),
        }
        for nth in range(ROUNDS + 1):
            with console.status(f"round {nth} of {ROUNDS}"):
                for name, contestant in contestants.items():
                    await bench.timed(name, COUNTS[name], contestant)
            if nth == 0:  # a warm-up
                bench.rates.clear()
        with console.status("latency"):
            await pool.execute("truncate note")
            times = await latency(bench)
        await bench.engine.dispose()
        await pool.close()
        await broker.close()
    console.print(table(bench.rates))
    p50, p99 = statistics.median(times), times[int(len(times) * 0.99) - 1]
    console.print(f"commit to effect at {RATE:g} events/s: p50 {p50:.1f} ms, p99 {p99:.1f} ms")


def table(rates: dict[str, list[float]]) -> Table:
    """Medians, ranges, and the ratio to FastStream round by round."""
    made = Table(
        f"delivery to committed effect ({EXCHANGE}, quorum queue)",
        "events/s",
        "range",
        "× FastStream",
    )
    for name, values in rates.items():
        ratios = [a / b for a, b in zip(values, rates["faststream"], strict=True)]
        made.add_row(
            name,
            f"{statistics.median(values):,.0f}",
            f"{min(values):,.0f} to {max(values):,.0f}",
            f"{statistics.median(ratios):.1f}",
        )
    return made


def main() -> None:
    """Run it."""
    logging.disable(logging.WARNING)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    uvloop.run(run())
