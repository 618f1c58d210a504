"""Common alternatives, with the report's table, queue, prefetch of 10 and pool of 10.

All handle a message by SELECT, INSERT and ack; each statement is its own transaction, as in the
report.
"""

from uuid import UUID

import aio_pika
import asyncpg
from faststream import Context as Given
from faststream.rabbit import Channel, RabbitBroker, RabbitQueue

from bench.events import Noted, noted, page
from bench.world import World
from bench.writers import change, pace
from hirewire.kit.db import make_engine
from hirewire.messaging.broker import EXCHANGE

PREFETCH = 10
POOL = 10


async def select_insert(pool: asyncpg.Pool, id: str, number: int) -> None:
    """The typical handler: insert the row if it does not exist yet."""
    async with pool.acquire() as connection:
        if await connection.fetchval("select 1 from note where id = $1", UUID(id)) is None:
            await connection.execute(
                "insert into note (id, number) values ($1, $2)", UUID(id), number
            )


async def by_hand(world: World) -> None:
    """A consumer over aio-pika that acks after each handler."""
    async with asyncpg.create_pool(world.reader, min_size=POOL, max_size=POOL) as pool:
        connection = await aio_pika.connect(world.broker)
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=PREFETCH)
        queue = await channel.get_queue(world.queue, ensure=False)

        async def handle(message: aio_pika.abc.AbstractIncomingMessage) -> None:
            event = Noted.model_validate_json(message.body)
            await select_insert(pool, str(message.message_id), event.number)
            await message.ack()

        await world.go()
        await queue.consume(handle)
        await world.end()
        await connection.close()


async def faststream(world: World) -> None:
    """FastStream's subscriber with the same handler and prefetch."""
    broker = RabbitBroker(
        world.broker, default_channel=Channel(prefetch_count=PREFETCH), logger=None
    )
    async with asyncpg.create_pool(world.reader, min_size=POOL, max_size=POOL) as pool:

        @broker.subscriber(RabbitQueue(world.queue, declare=False))
        async def handle(event: Noted, message_id: str = Given("message.message_id")) -> None:
            await select_insert(pool, message_id, event.number)

        await world.go()
        await broker.start()
        await world.end()
        await broker.stop()


async def naive(world: World) -> None:
    """Commit, then publish and wait for the confirm. A crash between the two loses the event."""
    engine = make_engine(world.writer, pool=20)
    connection = await aio_pika.connect(world.broker)
    channel = await connection.channel(publisher_confirms=True)
    exchange = await channel.get_exchange(EXCHANGE, ensure=False)

    async def write(number: int) -> None:
        event = noted(number, page(abs(number)))
        async with engine.begin() as tx:
            await change(tx, number, event.page)
        message = aio_pika.Message(
            event.body(),
            message_id=str(UUID(int=abs(number) * 2 + (number < 0))),
            content_type="application/json",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )
        await exchange.publish(message, routing_key=Noted.name)

    await world.go()
    await pace(world, write)
    await world.end()
    await connection.close()
    await engine.dispose()
