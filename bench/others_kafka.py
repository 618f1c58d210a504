"""Common alternatives over Kafka, with the same table and statements as those over RabbitMQ."""

import time
from collections.abc import Sequence

import asyncpg
from confluent_kafka import Producer
from faststream import AckPolicy
from faststream import Context as Given
from faststream.confluent import KafkaBroker

from bench.events import Noted, messages
from bench.others import POOL, select_insert
from bench.world import World
from hirewire.messaging.broker import Message
from hirewire.messaging.brokers.kafka.address import parse_url
from hirewire.messaging.brokers.kafka.messages import headers_of
from hirewire.messaging.brokers.kafka.topics import LARGEST

GROUP = "faststream"
TOPIC = "hirewire.bench"


async def faststream(world: World) -> None:
    """FastStream's subscriber: each message is committed after its handler, as it has to be if
    none is to be lost; so they are handled one after the other.
    """
    await _subscribe(world, AckPolicy.ACK, workers=1)


async def faststream_at_once(world: World) -> None:
    """As FastStream does by default, with ten workers: committed every few seconds, whatever has
    been handled. A crash loses messages, and the order of a key is not kept.
    """
    await _subscribe(world, AckPolicy.ACK_FIRST, workers=POOL)


async def _subscribe(world: World, policy: AckPolicy, *, workers: int) -> None:
    broker = KafkaBroker(parse_url(world.broker).servers, logger=None)
    async with asyncpg.create_pool(world.reader, min_size=POOL, max_size=POOL) as pool:

        @broker.subscriber(
            TOPIC,
            group_id=GROUP,
            auto_offset_reset="earliest",
            ack_policy=policy,
            max_workers=workers,
        )
        async def handle(event: Noted, headers: dict[str, str] = Given("message.headers")) -> None:
            await select_insert(pool, headers["ce_id"], event.number)

        await world.go()
        await broker.start()
        await world.end()
        await broker.stop()


async def bare(world: World) -> None:
    """The bare client library: the same records, confirmed by the same replicas, no outbox.

    It reports the seconds until all are confirmed.
    """
    await world.go()
    made = messages(int(world.options["count"]))
    world.report(seconds=_produce(world, made))
    await world.end()


def _produce(world: World, made: Sequence[Message]) -> float:
    confirmed = 0

    def count(error: object, _: object) -> None:
        nonlocal confirmed
        confirmed += error is None

    producer = Producer(
        {
            "bootstrap.servers": parse_url(world.broker).servers,
            "acks": "all",
            "enable.idempotence": True,
            "message.max.bytes": LARGEST,
            "queue.buffering.max.messages": len(made),
            "compression.type": "lz4",
        }
    )
    started = time.perf_counter()
    for one in made:
        producer.produce(
            TOPIC, one.body, key=one.key.encode(), headers=list(headers_of(one)), on_delivery=count
        )
        producer.poll(0)
    producer.flush()
    seconds = time.perf_counter() - started
    assert confirmed == len(made)
    return seconds
