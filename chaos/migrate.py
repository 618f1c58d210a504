"""`hirewire migrate` for the suite's services: `python -m chaos.migrate READER…`.

It prints `ready` before it begins, and `introduces` when the databases are migrated and only queues
and the list of subscribers remain, so that it can be killed at any moment of its work.
"""

import asyncio
import sys
from contextlib import AsyncExitStack

from chaos.service import NEWCOMER, SERVICES
from chaos.world import TOPOLOGIES
from hirewire.kit.db import ensure_database
from hirewire.kit.db import migrate as migrate_database
from hirewire.kit.environment import load_settings
from hirewire.kit.settings import Settings
from hirewire.messaging.broker import open_broker
from hirewire.messaging.database import connect
from hirewire.messaging.introduction import introduce


async def migrate(settings: Settings, readers: list[str]) -> None:
    """Migrate databases, topology and subscriptions; `newcomer` consumes the history first."""
    for service in ("writer", *readers):
        await ensure_database(settings.service_database(service))
        await migrate_database(settings.service_database(service), None)
    broker = open_broker(settings.broker_address(), client="migrate")
    async with AsyncExitStack() as stack:
        stack.push_async_callback(broker.close)
        connection = await connect(settings.service_database("writer"), application="migrate")
        stack.push_async_callback(connection.close)
        print("introduces", flush=True)
        past = {(NEWCOMER.name, event) for event in NEWCOMER.consumes_history}
        await introduce(
            broker,
            {"writer": connection},
            [TOPOLOGIES[reader] for reader in readers],
            past={pair for pair in past if pair[0] in readers},
        )


def main() -> None:
    """Run from the command line."""
    readers = [name for name in sys.argv[1:] if name in SERVICES]
    settings = load_settings()
    print("ready", flush=True)
    asyncio.run(migrate(settings, readers))


if __name__ == "__main__":
    main()
