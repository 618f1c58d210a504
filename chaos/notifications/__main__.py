"""`./dev chaos-notifications [--minutes N] [--seed N] [--broker rabbitmq|postgres] [--quiet]`.

People apply, move and write, while mail server, receiver of webhooks, broker and database are
killed, and `notifications` is killed and frozen. Then the notices must equal what happened.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from dataclasses import asdict
from itertools import count
from pathlib import Path

import httpx

from chaos.accounts.people import Client, Stuck
from chaos.notifications import judge as judging
from chaos.notifications.people import CANDIDATES, COMPANIES, VACANCIES, Board
from chaos.notifications.platform import NoticePlatform

AT_ONCE = 12
MOST = CANDIDATES * COMPANIES * VACANCIES


async def disturb(platform: NoticePlatform, rng: random.Random) -> None:
    """Faults until cancelled."""
    while True:
        await asyncio.sleep(rng.uniform(3, 9))
        await platform.fault(rng)


async def load(board: Board, seconds: float) -> list[str]:
    """Stories until the time is over; returns the steps that did not succeed."""
    numbers, end, stuck = count(), time.monotonic() + seconds, list[str]()

    async def worker() -> None:
        while time.monotonic() < end and (number := next(numbers)) < MOST:
            try:
                await board.story(number)
            except Stuck as error:
                stuck.append(f"story {number}: {error}")

    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
    return stuck


async def run(minutes: float, seed: int, broker: str, *, quiet: bool) -> bool:
    """Run it; prints the figures. True if every promise was kept."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(
        prefix="hirewire-chaos-", ignore_cleanup_errors=True
    ) as folder:
        Path(folder).chmod(0o755)
        platform = NoticePlatform(Path(folder), seed, broker=broker)
        await platform.start()
        try:
            async with httpx.AsyncClient(timeout=20) as http:
                client = Client(platform, http)
                board = Board(platform, client, seed)
                await board.begin()
                rng = random.Random(seed)
                faults = None if quiet else asyncio.create_task(disturb(platform, rng))
                stuck = await load(board, minutes * 60)
                if faults is not None:
                    faults.cancel()
                    await asyncio.wait([faults])
            await asyncio.wait_for(platform.wait_ready(), 180)
            rested = time.monotonic()
            await judging.at_rest(platform)
            rested = time.monotonic() - rested
            verdict = await judging.judge(platform, board)
        finally:
            await platform.stop()
    print(f"seed {seed}, {broker}, {time.monotonic() - began:.0f} s, {rested:.0f} s until at rest")
    print(f"  faults: {sum(platform.faults.values())} ({dict(platform.faults)})")
    print(f"  requests: {client.requests}, repeated {client.repeated}; steps {board.steps}")
    for name, value in asdict(verdict).items():
        if name != "examples":
            print(f"  {name.replace('_', ' ')}: {value}")
    for line in [*verdict.examples, *stuck[:10]]:
        print(f"  {line}")
    good = verdict.good and not stuck
    print("good" if good else "BROKEN")
    return good


def main() -> None:
    """Run from the command line; the exit code is 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="./dev chaos-notifications", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--broker", choices=("rabbitmq", "postgres"), default="rabbitmq")
    parser.add_argument("--quiet", action="store_true", help="without faults")
    given = parser.parse_args()
    good = asyncio.run(run(given.minutes, given.seed, given.broker, quiet=given.quiet))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
