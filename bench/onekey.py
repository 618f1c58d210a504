"""Everything of one key, on both brokers: how fast it is published in order.

Compared with a bare publisher on RabbitMQ that sends one message, waits for its confirm and sends
the next: nothing that keeps the order of a key on RabbitMQ is faster than that.
"""

import time

from bench import ledger, relay
from bench.events import TOPOLOGY, messages
from bench.measure import Figure, Options, ratios
from bench.places import Bench, Pair, until
from hirewire.messaging.brokers.postgres import PostgresBroker

DATABASE = "onekey_broker"


async def run(bench: Bench, options: Options) -> list[Figure]:
    """Interleaved rounds: a backlog of one key through a relay, and the bare publisher."""
    pair = await bench.pair("onekey")
    count = options.count(10_000, 2_000)
    bare, rabbitmq, postgres = [], [], []
    for _ in range(options.rounds):
        bare.append(await _bare(bench, options.count(3_000, 1_000)))
        rabbitmq.append(count / await _relayed(bench, pair, count))
        postgres.append(count / await _queued(bench, pair, count))
    return [
        Figure("one key alone, outbox to confirmed, RabbitMQ", rabbitmq, "/s", at_least=1_000),
        Figure("… compared with publishing one after the other", ratios(rabbitmq, bare), "×"),
        Figure("one key alone, outbox to queue, PostgreSQL", postgres, "/s", at_least=1_000),
    ]


async def _bare(bench: Bench, count: int) -> float:
    made = messages(count, keys=1)
    started = time.perf_counter()
    for message in made:
        await bench.broker.publish([message])
    rate = count / (time.perf_counter() - started)
    await bench.purge()
    return rate


async def _relayed(bench: Bench, pair: Pair, count: int) -> float:
    await pair.empty()
    await relay.write(bench, pair, count, each=500, active=1, keys=1)
    seconds = await relay.publish(bench, pair, count)
    await bench.purge()
    return seconds


async def _queued(bench: Bench, pair: Pair, count: int) -> float:
    """The same with a PostgreSQL database as the broker."""
    url = await bench.database(DATABASE)
    broker = PostgresBroker(url, client=ledger.OWNER)
    try:
        await broker.declare([TOPOLOGY])
        await pair.empty()
        await relay.write(bench, pair, count, each=500, active=1, keys=1)

        async def sent() -> bool:
            return await ledger.unsent(pair.writer) == 0

        async with bench.worker("relay", pair, broker=url) as running:
            started = time.perf_counter()
            await running.go()
            await until(sent, running, every=0.005)
            seconds = time.perf_counter() - started
        assert (await broker.stats(TOPOLOGY.queue)).ready == count
    finally:
        await broker.close()
        await ledger.empty_queues(url)
    return seconds
