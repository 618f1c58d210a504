"""A scenario being run, and the list of all scenarios."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import get_args
from uuid import UUID

from chaos.brokers import Kind, lacked
from chaos.judge import given_up, written_in
from chaos.service import write_one
from chaos.world import World, eventually
from hirewire.kit.db import make_engine
from hirewire.messaging.transaction import Transactions

TAKE_OVER_SECONDS = 60.0
"""The time limit for a successor to take over, whatever became of its predecessor."""


@dataclass
class Run:
    """One scenario being run."""

    world: World
    rng: random.Random
    short: bool
    faults: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    needs_repair: bool = False
    afterwards: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    """Cleanup after the scenario has been judged."""

    def times(self, long: int) -> int:
        """The number of repetitions in the long form; the short form has a third."""
        return max(1, long // 3) if self.short else long

    async def pause(self, least: float, most: float) -> None:
        """Let the load run for a while."""
        await asyncio.sleep(self.rng.uniform(least, most))

    async def written_more(self, count: int) -> None:
        """Wait until the writers have committed this many more events."""
        goal = await self.world.written() + count

        async def enough() -> bool:
            return await self.world.written() >= goal

        await eventually(enough, 60, f"{count} more events")

    async def all_sent(self, seconds: float = 30) -> None:
        """Wait until the outbox is empty; the writers must be stopped."""

        async def sent() -> bool:
            return not await self.world.sql("writer", "select count(*) from messaging.outbox")

        await eventually(sent, seconds, "the outbox is empty")

    async def progress(
        self, what: str, seconds: float = TAKE_OVER_SECONDS, *, but: Sequence[UUID] = ()
    ) -> None:
        """Wait until all committed events took effect, except `but` and discarded ones.

        Raises `TimeoutError`.
        """
        world = self.world
        written = {event.event_id for event in await written_in(world)} - set(but)
        written -= await given_up(world)

        async def effective() -> bool:
            await asyncio.sleep(0.2)
            return bool(await world.sql("reader", _EFFECTIVE, list(written)))

        started = asyncio.get_running_loop().time()
        try:
            await eventually(effective, seconds, f"{what}: all committed events have taken effect")
        except TimeoutError as error:
            raise TimeoutError(f"{error} ({await unhandled_events(world)})") from None
        took = asyncio.get_running_loop().time() - started
        self.notes.append(f"{what}: after {took:.0f} s")

    async def write(self, count: int, *, places: int, mood: str = "") -> list[UUID]:
        """Commit this many events in one transaction; returns their ids."""
        chosen = sorted(f"place {self.rng.randrange(places):03}" for _ in range(count))
        return await self.write_at(chosen, mood)

    async def write_at(
        self, places: Sequence[str], mood: str = "", *, filler: int = 0
    ) -> list[UUID]:
        """Commit an event at each of these places, in one transaction; returns their ids.

        The places are sorted, so that transactions do not deadlock.
        """
        engine = make_engine(self.world.database("writer"), pool=2)
        try:
            async with Transactions(engine, "writer")() as tx:
                return [await write_one(tx, place, mood, filler) for place in sorted(places)]
        finally:
            await engine.dispose()


async def unhandled_events(world: World) -> str:
    """Counts of the events that have not taken effect, by state."""
    unsent = await world.sql("writer", "select count(*) from messaging.outbox")
    rows = await world.rows(
        "reader",
        "select state, count(*) as number from messaging.open_message group by 1 order by 1",
    )
    return "; ".join([f"{unsent} unsent", *(f"{row['number']} {row['state']}" for row in rows)])


_EFFECTIVE = """
select not exists (select from unnest($1::uuid[]) as w(id)
    where not exists (select from effect e where e.event_id = w.id))
"""
Action = Callable[[Run], Awaitable[None]]


@dataclass(frozen=True)
class Scenario:
    """A scenario: its faults, its world, and where it runs."""

    name: str
    action: Action
    world: type[World]
    short: bool
    needs_hosts: bool
    brokers: Sequence[Kind]

    @property
    def what(self) -> str:
        """Its description in the document."""
        return " ".join((self.action.__doc__ or "").split())

    def missing(self, broker: Kind) -> str | None:
        """What this machine lacks for it."""
        return lacked(broker) or self.world.missing(needs_hosts=self.needs_hosts)


SCENARIOS: dict[str, Scenario] = {}


def scenario(
    name: str,
    *,
    world: type[World] = World,
    short: bool = False,
    needs_hosts: bool = False,
    brokers: Sequence[Kind] = get_args(Kind),
) -> Callable[[Action], Action]:
    """Register a scenario under its name."""

    def enter(action: Action) -> Action:
        SCENARIOS[name] = Scenario(name, action, world, short, needs_hosts, brokers)
        return action

    return enter
