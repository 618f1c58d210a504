"""A process that leads a service's relay or consumes a queue until it is killed.

Arguments: ``relay`` or ``consumer``, the address of the database or the broker, and how many
seconds it may be frozen. It prints a line once it leads, or has a delivery.
"""

import asyncio
import sys
from contextlib import aclosing

from hirewire.messaging.broker import QueueTopology
from hirewire.messaging.brokers.postgres import PostgresBroker
from hirewire.messaging.publishing.relay import Relay
from tests.services import NoBroker


async def lead(url: str, idle_seconds: float) -> None:
    """Lead the relay of the service ``writer``."""
    relay = Relay(service="writer", database_url=url, broker=NoBroker(), idle_seconds=idle_seconds)
    running = asyncio.create_task(relay.run())
    while not relay.leads:
        await asyncio.sleep(0.01)
    sys.stdout.write("leads\n")
    sys.stdout.flush()
    await running


async def consume(url: str, idle_seconds: float) -> None:
    """Take a batch and never ack it."""
    broker = PostgresBroker(url, client="frozen", idle_seconds=idle_seconds)
    queue = QueueTopology("hirewire.logs", ("test.noted",))
    async with aclosing(broker.deliveries(queue, limit=10)) as batches:
        await anext(batches)
        sys.stdout.write("has a batch\n")
        sys.stdout.flush()
        await asyncio.sleep(3600)


if __name__ == "__main__":
    kind, address, seconds = sys.argv[1:]
    asyncio.run((lead if kind == "relay" else consume)(address, float(seconds)))
