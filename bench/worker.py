"""`python -m bench.worker NAME [OPTIONS]`: one contestant, in its own process.

Options are JSON. Addresses come from the environment: BENCH_WRITER and BENCH_READER (databases),
BENCH_BROKER, BENCH_QUEUE.
"""

import asyncio
import json
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any

import structlog
import uvloop

from bench.world import World

WORKERS = {
    "batched": "bench.ours:batched",
    "one at a time": "bench.ours:one_at_a_time",
    "failing": "bench.ours:failing",
    "chained": "bench.ours:chained",
    "recovering": "bench.ours:recovering",
    "recovering one at a time": "bench.ours:recovering_one_at_a_time",
    "clocked": "bench.clocked:clocked",
    "relay": "bench.ours:relay",
    "record": "bench.writers:record_many",
    "record large": "bench.writers:record_large",
    "business": "bench.writers:business",
    "steady": "bench.writers:steady",
    "paced": "bench.writers:paced",
    "code": "bench.holding:code",
    "matching": "bench.holding:matching",
    "search": "bench.holding:search",
    "encoder": "bench.holding:encoder",
    "dividing": "bench.dividing:part",
    "naive": "bench.others:naive",
    "by hand": "bench.others:by_hand",
    "faststream": "bench.others:faststream",
    "faststream over Kafka": "bench.others_kafka:faststream",
    "faststream over Kafka, at once": "bench.others_kafka:faststream_at_once",
    "bare Kafka": "bench.others_kafka:bare",
}


async def run(name: str, options: dict[str, Any]) -> None:
    """Run this worker to its end."""
    input = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(input), sys.stdin
    )
    module, _, function = WORKERS[name].partition(":")
    role: Callable[[World], Awaitable[None]] = getattr(import_module(module), function)
    parts = ("writer", "reader", "broker", "queue")
    addresses = {part: os.environ[f"BENCH_{part.upper()}"] for part in parts}
    await role(World(**addresses, options=options, input=input))


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    uvloop.run(run(sys.argv[1], json.loads(sys.argv[2]) if len(sys.argv) > 2 else {}))
