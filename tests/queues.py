"""What an operator may do to a queue by mistake, on each broker."""

import asyncio

import pika

from hirewire.messaging.broker import open_broker
from hirewire.messaging.database import connect


async def delete_queue(broker_url: str, queue: str) -> None:
    """Delete a queue with all waiting messages."""
    if broker_url.startswith("postgresql"):
        connection = await connect(broker_url, application="tests")
        await connection.execute("delete from broker.message where queue = $1", queue)
        await connection.execute("delete from broker.queue where name = $1", queue)
        await connection.close()
    elif broker_url.startswith("kafka"):
        broker = open_broker(broker_url, client="operator")
        await broker.delete(queue)
        await broker.close()
    else:
        await asyncio.to_thread(_delete_amqp_queue, broker_url, queue)


def _delete_amqp_queue(broker_url: str, queue: str) -> None:
    connection = pika.BlockingConnection(pika.URLParameters(broker_url))
    connection.channel().queue_delete(queue)
    connection.close()
