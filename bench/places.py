"""Real engines for benchmarks: PostgreSQL with its safety on, and a RabbitMQ node."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from hirewire.launcher.postgres import EmbeddedPostgres
from hirewire.launcher.rabbitmq import PrivateRabbitMQ


@dataclass(frozen=True)
class Places:
    """Where the benchmark's engines are."""

    postgres: EmbeddedPostgres
    rabbitmq: PrivateRabbitMQ


@asynccontextmanager
async def places() -> AsyncIterator[Places]:
    """Both engines, fresh, in a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="hirewire-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        async with (
            EmbeddedPostgres(folder / "postgres") as postgres,
            PrivateRabbitMQ(folder / "rabbitmq") as rabbitmq,
        ):
            yield Places(postgres, rabbitmq)
