"""Processor time, by who spends it: what bounds a chain whose parts share the cores."""

from collections.abc import Mapping, Sequence

import psutil

from bench.process import Worker

ENGINES = {"postgres": "PostgreSQL", "beam.smp": "RabbitMQ"}
"""Processes of the engines, by the name the system knows them by."""


def spent(workers: Mapping[str, Sequence[Worker]]) -> dict[str, float]:
    """Seconds so far: of these workers by the names given, and of the engines.

    Backends that have ended are counted in their server's time for ended children.
    """
    names = {worker.pid: name for name, group in workers.items() for worker in group}
    seconds = dict.fromkeys((*workers, *ENGINES.values()), 0.0)
    for process in psutil.Process().children(recursive=True):
        try:
            part = names.get(process.pid) or ENGINES.get(process.name())
            if part is not None:
                times = process.cpu_times()
                seconds[part] += sum(times[:4])  # user and system, its own and ended children's
        except psutil.NoSuchProcess:
            continue
    return seconds
