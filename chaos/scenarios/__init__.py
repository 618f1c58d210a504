"""The scenarios: each injects its own faults under load."""

from chaos.run import SCENARIOS
from chaos.scenarios import (
    engines,
    failover,
    frozen,
    handlers,
    hosts,
    islands,
    lies,
    nodes,
    operations,
    power,
    servers,
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
    "lies",
    "nodes",
    "operations",
    "power",
    "servers",
    "spread",
]
