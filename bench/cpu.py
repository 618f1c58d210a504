"""Processor time by component: it limits a chain whose parts share the cores."""

from collections.abc import Mapping, Sequence

import psutil

from bench.process import Worker

ENGINES = {"postgres": "PostgreSQL", "beam.smp": "RabbitMQ", "java": "Kafka"}
"""The processes of the engines, by the name the system shows."""


def spent(workers: Mapping[str, Sequence[Worker]]) -> dict[str, float]:
    """Processor seconds so far: of these named workers, and of the engines.

    The time of database backends that have ended is included in their server's time for ended
    children.
    """
    names = {worker.pid: name for name, group in workers.items() for worker in group}
    seconds = dict.fromkeys(workers, 0.0)
    for process in psutil.Process().children(recursive=True):
        try:
            part = names.get(process.pid) or ENGINES.get(process.name())
            if part is not None:
                times = process.cpu_times()
                seconds.setdefault(part, 0.0)
                seconds[part] += sum(times[:4])  # user and system, its own and ended children's
        except psutil.NoSuchProcess:
            continue
    return seconds
