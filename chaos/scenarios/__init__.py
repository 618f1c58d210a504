"""The faults: every scenario injects its own while the writers write."""

from chaos.run import SCENARIOS
from chaos.scenarios import (
    engines,
    failover,
    frozen,
    handlers,
    hosts,
    islands,
    operations,
    power,
    spread,
)

FIRST = engines.FIRST

__all__ = [
    "FIRST",
    "SCENARIOS",
    "engines",
    "failover",
    "frozen",
    "handlers",
    "hosts",
    "islands",
    "operations",
    "power",
    "spread",
]
