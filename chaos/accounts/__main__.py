"""`./dev chaos-accounts [--people N] [--seed N] [--broker rabbitmq|postgres] [--quiet]`.

Each person registers, resets the password, leaves traces and deletes the account, while services
are killed and frozen, and mail server, broker and database are killed.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import asyncpg
import httpx

from chaos.accounts import judge as judging
from chaos.accounts import people as doing
from chaos.accounts.judge import Outcome
from chaos.accounts.people import Client, Person, Stuck
from chaos.accounts.platform import Mail, Platform

AT_ONCE = 40
TRACES = 0.3
"""The share of the people who fill in a profile and make a resume."""
VERIFIED = 20
"""How many people `hirewire privacy verify` is asked about."""


class Story:
    """All people, and what went wrong."""

    def __init__(self, platform: Platform, client: Client, number: int, seed: int) -> None:
        self.platform, self.client = platform, client
        self.outcome = Outcome()
        self.stuck: list[str] = []
        self.people = [Person(f"p{seed}-{n}@chaos.test") for n in range(number)]
        self.records: Counter[str] = Counter()
        self._rng = random.Random(seed)

    async def live(self, person: Person) -> None:
        """What one person does."""
        try:
            await doing.register(self.client, person)
            await doing.reset(self.client, person)
            self.outcome.resets += 1
            if self._rng.random() < TRACES:
                await doing.leave_traces(self.client, person)
            mine = [mail for mail in self.platform.mails() if mail.to == person.email]
            self.outcome.unfounded_mails += len(await _patiently(self.platform, mine))
            await doing.erase(self.client, person)
            self.outcome.erasures += 1
            self.records.update(await doing.receipt_complete(self.client, person))
        except Stuck as error:
            self.stuck.append(f"{person.email}: {error}")

    async def live_all(self) -> None:
        """All people, `AT_ONCE` at a time."""
        waiting = iter(self.people)

        async def worker() -> None:
            for person in waiting:
                await self.live(person)

        await asyncio.gather(*(worker() for _ in range(AT_ONCE)))


async def _patiently(platform: Platform, mails: list[Mail]) -> list[Mail]:
    """`unfounded`, also while the database is down."""
    while True:
        try:
            return await judging.unfounded(platform, mails)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await asyncio.sleep(0.5)


async def disturb(platform: Platform, rng: random.Random) -> None:
    """Faults until cancelled."""
    while True:
        await asyncio.sleep(rng.uniform(3, 9))
        await platform.fault(rng)


async def run(number: int, seed: int, broker: str, *, quiet: bool) -> bool:
    """Run it; prints the figures. True if every promise was kept."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hirewire-chaos-") as folder:
        Path(folder).chmod(0o755)
        platform = Platform(Path(folder), seed, broker=broker)
        await platform.start()
        try:
            async with httpx.AsyncClient(timeout=20) as http:
                story = Story(platform, Client(platform, http), number, seed)
                faults = (
                    None if quiet else asyncio.create_task(disturb(platform, random.Random(seed)))
                )
                await story.live_all()
                if faults is not None:
                    faults.cancel()
                await _judged(story)
        finally:
            await platform.stop()
    outcome = story.outcome
    print(f"seed {seed}, {broker}, {time.monotonic() - began:.0f} s")
    print(f"  faults: {sum(platform.faults.values())} ({dict(platform.faults)})")
    print(f"  requests: {story.client.requests}, repeated {story.client.repeated}")
    for name, value in asdict(outcome).items():
        print(f"  {name.replace('_', ' ')}: {value}")
    print(f"  records erased: {dict(story.records)}")
    for line in story.stuck[:20]:
        print(f"  stuck: {line}")
    print("good" if outcome.good and not story.stuck else "BROKEN")
    return outcome.good and not story.stuck


async def _judged(story: Story) -> None:
    await asyncio.wait_for(story.platform.wait_ready(), 120)
    await judging.at_rest(story.platform)
    received = {mail.to for mail in story.platform.mails() if doing.RESET.search(mail.text)}
    story.outcome.resets_without_mail = sum(
        1 for person in story.people if person.resets_asked and person.email not in received
    )
    complete = [await _is_complete(story, one) for one in story.people if one.receipt]
    story.outcome.receipts_open = story.outcome.erasures - sum(complete)
    await judging.judge(story.platform, story.people, story.outcome)
    for person in [one for one in story.people if one.receipt][:VERIFIED]:
        story.outcome.verified += 1
        story.outcome.found_by_verify += not await judging.verify(story.platform, person)


async def _is_complete(story: Story, person: Person) -> bool:
    answer = await story.client.ask("GET", f"/api/auth/erasures/{person.receipt}", good=(200,))
    return bool(answer.json()["state"] == "complete")


def main() -> None:
    """Run from the command line; the exit code is 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="./dev chaos-accounts", description=__doc__)
    parser.add_argument("--people", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--broker", choices=("rabbitmq", "postgres"), default="rabbitmq")
    parser.add_argument("--quiet", action="store_true", help="without faults")
    given = parser.parse_args()
    good = asyncio.run(run(given.people, given.seed, given.broker, quiet=given.quiet))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
