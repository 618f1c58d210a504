"""The engines of the runs: a PostgreSQL and a RabbitMQ node for each worker.

Tests terminate other sessions of their server by name and set limits of their node, so two
concurrent runs need two of each.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from hirewire.launcher.postgres import EmbeddedPostgres
from hirewire.launcher.rabbitmq import PrivateRabbitMQ, find_server


@asynccontextmanager
async def engines(folder: Path, workers: int) -> AsyncIterator[list[dict[str, str]]]:
    """Start the engines; yields the environment variables of each worker's tests."""
    async with AsyncExitStack() as stack:
        environments = []
        for number in range(workers):
            found: dict[str, str] = {}
            if find_server() is not None:
                data = folder / f"rabbitmq{number}"
                node = await stack.enter_async_context(PrivateRabbitMQ(data))
                found["HIREWIRE_TEST_RABBITMQ_URL"] = node.url
                found["HIREWIRE_TEST_RABBITMQ_MANAGEMENT_URL"] = node.management_url
                found["HIREWIRE_TEST_RABBITMQ_FOLDER"] = str(data)
            server = EmbeddedPostgres(folder / f"postgres{number}", durable=False)
            await server.start()
            stack.push_async_callback(server.stop)
            environments.append(found | {"HIREWIRE_TEST_DATABASE_URL": server.url()})
        yield environments
