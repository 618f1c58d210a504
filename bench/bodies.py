"""Large bodies, on both brokers: peak memory of a relay and of a consumer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import ledger
from bench.events import TOPOLOGY
from bench.measure import Figure, Options
from bench.places import Bench, Pair, until
from bench.process import Worker
from hirewire.messaging.broker import Broker
from hirewire.messaging.brokers.postgres import PostgresBroker
from hirewire.messaging.envelope import MAX_BODY

DATABASE = "bodies_broker"
SIZES = {"1 MB": (1_000_000, 400, 60), "4 MiB": (MAX_BODY - 1024, 100, 20)}
"""Size in bytes, and the number of bodies: in a full run and in a quick one."""
MOST_MIB = 256.0


@dataclass(frozen=True)
class _Queue:
    """The queue between relay and consumer."""

    name: str
    url: str
    broker: Broker


async def run(bench: Bench, options: Options) -> list[Figure]:
    """For each size and broker, publish everything, then consume everything."""
    pair = await bench.pair("bodies")
    found: dict[str, list[float]] = {}
    async with _queues(bench) as queues:
        for _ in range(options.rounds):
            for size, (count_bytes, full, quick) in SIZES.items():
                count = options.count(full, quick)
                for queue in queues:
                    relay, consumer = await _measured(bench, pair, queue, count, count_bytes)
                    where = f"{count} bodies of {size}, {queue.name}"
                    found.setdefault(f"peak memory of a relay, {where}", []).append(relay)
                    found.setdefault(f"peak memory of a consumer, {where}", []).append(consumer)
    return [Figure(what, values, "MiB", at_most=MOST_MIB) for what, values in found.items()]


@asynccontextmanager
async def _queues(bench: Bench) -> AsyncIterator[list[_Queue]]:
    url = await bench.database(DATABASE)
    postgres = PostgresBroker(url, client=ledger.OWNER)
    try:
        await postgres.declare([TOPOLOGY])
        yield [
            _Queue("RabbitMQ", bench.broker_url, bench.broker),
            _Queue("PostgreSQL", url, postgres),
        ]
    finally:
        await postgres.close()


async def _measured(
    bench: Bench, pair: Pair, queue: _Queue, count: int, size: int
) -> tuple[float, float]:
    """The peak memory of a relay and of a consumer, in MiB."""
    await pair.empty()
    async with bench.worker("record large", pair, {"count": count, "bytes": size}) as running:
        await running.go()
        await running.result()

    async def sent() -> bool:
        return await ledger.unsent(pair.writer) == 0

    async with bench.worker("relay", pair, broker=queue.url) as running:
        await running.go()
        await until(sent, running, every=0.02)
        relay = _peak(running)
    assert (await queue.broker.stats(TOPOLOGY.queue)).ready == count

    async def consumed() -> bool:
        return await pair.effects() == count

    async with bench.worker("batched", pair, broker=queue.url) as running:
        await running.go()
        await until(consumed, running, every=0.05)
        consumer = _peak(running)
    return relay, consumer


def _peak(running: Worker) -> float:
    """The peak memory of a process, in MiB: ``VmHWM`` of proc(5)."""
    for line in Path(f"/proc/{running.pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "VmHWM":
            return int(value.split()[0]) / 1024
    raise AssertionError("this system reports no VmHWM")
