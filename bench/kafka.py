"""Over Kafka: from delivery to committed effect, and from the outbox to confirmed.

Beside them, with the same rows, statements and replicas: FastStream's subscriber, and the bare
client library, which publishes without an outbox.
"""

import asyncio
import time
from collections.abc import Sequence

from confluent_kafka import Consumer, TopicPartition

from bench import ledger
from bench.cpu import spent
from bench.events import KEYS, TOPOLOGY, messages
from bench.measure import Figure, Options, ratios
from bench.others_kafka import GROUP, TOPIC
from bench.places import Bench, Pair, until
from bench.process import Worker
from bench.relay import write
from hirewire.launcher.kafka import PrivateKafka
from hirewire.launcher.kafka_jars import KafkaMissing, find_kafka
from hirewire.messaging.broker import Message
from hirewire.messaging.brokers.kafka import Kafka
from hirewire.messaging.brokers.kafka.address import parse_url

COUNTS = {
    "batched": (50_000, 10_000),
    "faststream over Kafka": (2_000, 1_000),
    "faststream over Kafka, at once": (4_000, 1_500),
}
"""Messages per round: in a full run and in a quick one."""
BACKLOG = (50_000, 10_000)


class OverKafka:
    """A node, and one queue in it."""

    def __init__(self, bench: Bench, node: PrivateKafka, pair: Pair) -> None:
        self._bench = bench
        self._node = node
        self.pair = pair
        self.broker = Kafka(node.url, client=ledger.OWNER)
        self.cpu: dict[str, list[float]] = {}
        """Processor time by process, in µs per event, of each round."""

    async def empty(self) -> None:
        """Empty the tables, and let all groups begin at the end of the topic."""
        await self.pair.empty()
        await self.broker.delete(TOPOLOGY.queue)
        await self.broker.declare([TOPOLOGY])
        await asyncio.to_thread(self._skip_all)

    def _skip_all(self) -> None:
        servers = parse_url(self._node.url).servers
        client = Consumer({"bootstrap.servers": servers, "group.id": GROUP})
        here = TopicPartition(TOPIC, 0)
        here.offset = client.get_watermark_offsets(here)[1]
        client.commit(offsets=[here], asynchronous=False)
        client.close()

    async def consumed(self, name: str, fed: Sequence[Message]) -> float:
        """Effects per second of one contestant over these messages; every effect is verified."""
        await self.empty()
        for start in range(0, len(fed), 2000):
            await self.broker.publish(fed[start : start + 2000])

        async def committed() -> bool:
            found = await self.pair.reader.fetchval("select count(*) from note")
            return bool(found >= len(fed))

        async with self._bench.worker(name, self.pair, broker=self._node.url) as running:
            before = spent({name: [running]})
            await running.go()
            await until(committed, running, every=0.25)
            self._note(name, running, before, len(fed))
        assert await self.pair.effects() == len(fed)
        return await self.pair.rate()

    async def published(self, count: int) -> float:
        """Events per second of a relay over a backlog; each is verified to be queued once."""
        await self.empty()
        await write(self._bench, self.pair, count, each=500, active=KEYS, keys=KEYS)
        await self.pair.writer.execute("checkpoint")

        async def sent() -> bool:
            return await ledger.unsent(self.pair.writer) == 0

        async with self._bench.worker("relay", self.pair, broker=self._node.url) as running:
            before = spent({"relay": [running]})
            started = time.perf_counter()
            await running.go()
            await until(sent, running, every=0.02)
            seconds = time.perf_counter() - started
            self._note("relay", running, before, count)
        assert (await self.broker.stats(TOPOLOGY.queue)).ready == count
        return count / seconds

    async def bare(self, count: int) -> float:
        """Records per second of the bare library."""
        options = {"count": count}
        worker = self._bench.worker("bare Kafka", self.pair, options, broker=self._node.url)
        async with worker as running:
            await running.go()
            return count / float((await running.result())["seconds"])

    def _note(self, name: str, running: Worker, before: dict[str, float], count: int) -> None:
        for part, seconds in spent({name: [running]}).items():
            used = 1e6 * (seconds - before.get(part, 0)) / count
            self.cpu.setdefault(f"{name}: {part}", []).append(used)


async def run(bench: Bench, options: Options) -> list[Figure]:
    """All contestants, interleaved. Nothing is measured on a machine without Kafka."""
    try:
        await asyncio.to_thread(find_kafka, None)
    except KafkaMissing:
        return []
    counts = {name: options.count(*count) for name, count in COUNTS.items()}
    backlog = options.count(*BACKLOG)
    made = messages(max(counts.values()))
    rates: dict[str, list[float]] = {name: [] for name in (*COUNTS, "relay", "bare")}
    async with PrivateKafka(bench.folder / "kafka") as node:
        over = OverKafka(bench, node, await bench.pair("kafka"))
        try:
            await over.broker.declare([TOPOLOGY])
            for _ in range(options.rounds):
                for name, count in counts.items():
                    rates[name].append(await over.consumed(name, made[:count]))
                rates["relay"].append(await over.published(backlog))
                rates["bare"].append(await over.bare(backlog))
        finally:
            await over.broker.close()
    return _figures(rates, over.cpu, backlog)


def _figures(
    rates: dict[str, list[float]], cpu: dict[str, list[float]], backlog: int
) -> list[Figure]:
    batched, stream, at_once = (rates[name] for name in COUNTS)
    relay, bare = rates["relay"], rates["bare"]
    what = f"outbox to confirmed and marked as sent over Kafka, backlog of {backlog:,}"
    times = [
        Figure(f"… processor time, {name}", used, "µs per event")
        for name, used in cpu.items()
        if name.startswith(("batched", "relay")) and "RabbitMQ" not in name
    ]
    return [
        Figure("delivery to committed effect over Kafka, batched", batched, "/s", at_least=20_000),
        Figure("… compared with FastStream", ratios(batched, stream), "×", at_least=20),
        Figure("… with FastStream, ten at once and unsafe", ratios(batched, at_once), "×"),
        Figure("FastStream over Kafka", stream, "/s"),
        Figure("FastStream over Kafka, ten at once and unsafe", at_once, "/s"),
        Figure(what, relay, "/s", at_least=25_000),
        Figure("… compared with the bare publisher", ratios(relay, bare), "×"),
        Figure("the bare publisher, without an outbox", bare, "/s"),
        *times,
    ]
