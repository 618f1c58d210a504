"""The engines that all runs share: a PostgreSQL for each worker, one RabbitMQ for all.

Tests end other sessions of their server by name, so two runs at once need two servers. In RabbitMQ
each test has a virtual host of its own.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from hirewire.launcher.postgres import EmbeddedPostgres
from hirewire.launcher.rabbitmq import PrivateRabbitMQ, find_server


@asynccontextmanager
async def engines(folder: Path, workers: int) -> AsyncIterator[list[dict[str, str]]]:
    """Start them; for each worker the environment variables by which its tests find them."""
    async with AsyncExitStack() as stack:
        shared: dict[str, str] = {}
        if find_server() is not None:
            node = await stack.enter_async_context(PrivateRabbitMQ(folder / "rabbitmq"))
            shared["HIREWIRE_TEST_RABBITMQ_URL"] = node.url
            shared["HIREWIRE_TEST_RABBITMQ_MANAGEMENT_URL"] = node.management_url
        environments = []
        for number in range(workers):
            server = EmbeddedPostgres(folder / f"postgres{number}", durable=False)
            await server.start()
            stack.push_async_callback(server.stop)
            environments.append(shared | {"HIREWIRE_TEST_DATABASE_URL": server.url()})
        yield environments
