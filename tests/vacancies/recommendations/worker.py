"""A process that takes part in divided matching until it is killed.

Arguments: the address of the database, and how many seconds it may be frozen. It prints how many
shards it has, whenever that changes.
"""

import asyncio
import sys

from hirewire.kit.db import make_engine
from hirewire.messaging.transaction import Transactions
from hirewire.vacancies.recommendations.background import Matcher


async def work(url: str, idle_seconds: float) -> None:
    """Match, and report the shards."""
    engine = make_engine(url, pool=2, application="tests")
    matcher = Matcher(Transactions(engine, "vacancies"), url, idle_seconds=idle_seconds)
    running = asyncio.create_task(matcher.run())
    known = 0
    while not running.done():
        if len(matcher.held) != known:
            known = len(matcher.held)
            sys.stdout.write(f"{known}\n")
            sys.stdout.flush()
        await asyncio.sleep(0.02)
    await running


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], float(sys.argv[2])))
