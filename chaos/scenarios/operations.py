"""Operators' commands under kills: migrate, replay, repair."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from chaos.judge import at_rest, written_in
from chaos.replica import ROOT, Replica
from chaos.run import Run, scenario
from chaos.world import QUEUE, READERS, WRITERS, World, eventually
from hirewire.kit.internal.models import RequestIn, RequestOut
from hirewire.launcher.process import free_port, spawn
from hirewire.operators.auditing import Auditor
from hirewire.operators.client import Refused, ServiceAway

JOB_SECONDS = 120.0


async def _kill_something(run: Run) -> None:
    """Kill the relay, the consumer, the database or a node of the broker with kill -9."""
    world = run.world
    victim = run.rng.choice(["relay", "consumer", "PostgreSQL", "a node"])
    run.faults[f"kill -9 of {victim}"] += 1
    if victim == "PostgreSQL":
        await world.postgres.kill()
        await run.pause(0.1, 0.5)
        await world.postgres.start()
    elif victim == "a node":
        node = run.rng.choice(world.cluster.nodes)
        node.kill()
        await run.pause(0.1, 0.5)
        await node.start()
        await eventually(lambda: world.cluster.in_step(QUEUE), 90, "members in step")
    else:
        services = ("writer",) if victim == "relay" else tuple(world.readers)
        names = [name for name, one in world.replicas.items() if one.service in services]
        for name in names:
            world.kill_replica(name)
            world.start_replica(name)


async def under_fire(run: Run, work: Awaitable[None], kills: int) -> None:
    """Run an operation while processes are killed, at most so many times."""
    task = asyncio.ensure_future(work)
    for _ in range(kills):
        await asyncio.wait({task}, timeout=run.rng.uniform(0.2, 1.5))
        if task.done():
            break
        await _kill_something(run)
    await run.world.everything_up()
    await task


async def job(run: Run, asked: RequestIn) -> None:
    """Create a request at any replica of its owner, and wait until it is done."""
    world = run.world
    found: RequestOut | None = None

    async def ended() -> bool:
        nonlocal found
        with suppress(ServiceAway, Refused):
            for name in WRITERS:
                if not await world.is_live(name, 1):
                    continue
                async with world.operators([name, "reader-1"]) as operators:
                    if found is None:
                        found = await operators.request("writer", asked)
                    found = await operators.request_of("writer", found.id)
                return found.state != "open"
        return False

    await eventually(ended, JOB_SECONDS, f"the {asked.kind} ends")
    if found is None or found.state != "done":
        raise RuntimeError(f"the {asked.kind} failed: {found}")


@scenario("replays under kills")
async def replays(run: Run) -> None:
    """Replays of the whole log up to live events, of a part of it, from a given time, and with
    `--again`: each while relay, consumer and engines are killed and live events continue.
    """
    world = run.world
    base = RequestIn(kind="replay", to="reader", by="chaos", anew=True)
    await run.written_more(300)
    now = datetime.now(UTC)
    kinds: list[dict[str, datetime]] = [{}, {"until": now}, {"since": now}]
    for more in kinds[:1] if run.short else kinds:
        await under_fire(run, job(run, base.model_copy(update=more)), 2)
        run.faults["replay"] += 1
        await run.written_more(50)
    chosen = run.rng.sample(await written_in(world), 100)
    world.repeats += [(event.place, event.nth) for event in chosen]
    again = {"again": True, "ids": [event.event_id for event in chosen]}
    await under_fire(run, job(run, base.model_copy(update=again)), 2)
    run.faults["replay to take effect again"] += 1


@scenario("a replay of everything to take effect again")
async def replay_again(run: Run) -> None:
    """A replay with `--again` up to live events: no live event is lost or duplicated, and the
    audit never reports that one is.
    """
    world = run.world
    asked = RequestIn(kind="replay", to="reader", by="chaos", again=True, anew=True)
    await run.written_more(100)
    await world.load(False)
    await run.progress("before")
    before = {(event.place, event.nth) for event in await written_in(world)}
    await world.load(True, 0.1)
    # A message that had killed its process comes again, and nobody would start that process again.
    await world.fix(True)
    await under_fire(run, job(run, asked), 2)
    run.faults["replay to take effect again"] += 1
    await world.load(False)
    await at_rest(world, 240, "after the replay")
    await world.fix(False)
    # Events written meanwhile may be part of it or not.
    rows = await world.rows("reader", _TWICE_EFFECTIVE)
    world.repeats += [*before, *({(row["place"], row["nth"]) for row in rows} - before)]
    await world.load(True)


_TWICE_EFFECTIVE = "select place, nth from effect group by 1, 2 having count(*) > 1"


@scenario("repair under kills")
async def repair(run: Run) -> None:
    """A full queue is emptied by hand; the audit names the missing events, and the repair
    publishes exactly these, while relay, consumer and engines are killed.
    """
    world = run.world
    await world.load(False)
    await run.progress("before")
    for name in READERS:
        await world.stop_replica(name)
    lost = set(await run.write(300, places=300))
    await run.all_sent()
    await world.cluster.empty(QUEUE)
    run.faults["queue emptied"] += 1
    await world.everything_up()
    await world.load(True)
    async with world.operators() as operators:
        report = await Auditor(operators, wait=60).audit(UUID(int=0))
    named = {id for _, _, line in report.lines() for id in line.missing}
    if named != lost:
        raise AssertionError(f"{len(lost)} events are lost, and the audit named {len(named)}")
    world.repaired |= lost
    world.late |= lost
    asked = RequestIn(kind="repair", to="reader", by="chaos", anew=True, ids=list(lost))
    await under_fire(run, job(run, asked), 3)
    await run.progress("repaired", 90)


class Migrate:
    """A `migrate` in a separate process."""

    def __init__(self, world: World, readers: list[str]) -> None:
        self._process = spawn(
            [sys.executable, "-m", "chaos.migrate", *readers],
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
            | dict(world.settings_of()),
            output=subprocess.PIPE,
        )

    def comes_to(self, step: str) -> None:
        """Wait until it prints this text."""
        assert self._process.stdout is not None
        while (line := self._process.stdout.readline().decode().strip()) != step:
            if line not in ("ready", "introduces"):
                raise RuntimeError(f"migrate did not reach {step!r}: {line}")

    def kill(self) -> None:
        """Kill it."""
        self._process.kill()
        self._process.wait()

    async def ended(self) -> None:
        """Wait until it ends. Raises `RuntimeError` if it failed."""
        await asyncio.to_thread(self._process.wait, 60)
        if self._process.returncode:
            assert self._process.stdout is not None
            text = self._process.stdout.read().decode(errors="replace")
            raise RuntimeError(f"migrate failed: {text[-300:]}")


async def interrupt_migrates(run: Run, readers: list[str], times: int) -> None:
    """Run migrates that are killed at any time, sometimes two at once; then two that complete."""
    for _ in range(times):
        some = [Migrate(run.world, readers) for _ in range(run.rng.randint(1, 2))]
        step, most = run.rng.choice([("ready", 0.5), ("introduces", 0.05)])
        for one in some:
            one.comes_to(step)
        await run.pause(0.0, most)
        for one in some:
            one.kill()
        run.faults["migrate killed"] += len(some)
    both = [Migrate(run.world, readers) for _ in range(2)]
    for one in both:
        one.comes_to("introduces")
    run.faults["two migrates at once"] += 1
    await asyncio.gather(*(one.ended() for one in both))
    twice = [row["service"] for row in await run.world.rows("writer", _TWICE)]
    if twice:
        raise AssertionError(f"on the list of subscribers twice: {', '.join(twice)}")


@scenario("migrates at once and interrupted")
async def migrates(run: Run) -> None:
    """Under load, two `migrate` processes run at once and are killed at any time, repeatedly; both
    bring back a subscriber that had left. No subscriber may be listed twice, and its replay
    must end.
    """
    world = run.world
    await interrupt_migrates(run, ["reader"], run.times(4))
    for _ in range(run.times(3)):
        await world.load(False)
        await run.all_sent()
        world.readers.remove("reader")
        await world.write_subscribers()
        world.readers.append("reader")
        await interrupt_migrates(run, ["reader"], 0)
        run.faults["subscriber that comes back"] += 1
        await world.load(True)
    await run.written_more(50)
    await job(run, RequestIn(kind="replay", to="reader", by="chaos", anew=True))


_TWICE = """
select type, service from messaging.listener where until is null
group by type, service having count(*) > 1
"""


@scenario("a new subscriber with the past")
async def newcomer(run: Run) -> None:
    """A third service is added under load by interrupted migrates; it must consume the whole log
    and then live events, while relay, consumers and engines are killed.
    """
    world = run.world
    await world.make_database("newcomer")
    await run.written_more(200)
    for name in ("newcomer-1", "newcomer-2"):
        world.replicas[name] = Replica(name, free_port(), world.folder)
    world.readers.append("newcomer")
    await interrupt_migrates(run, ["reader", "newcomer"], 4)
    for name in ("newcomer-1", "newcomer-2"):
        world.start_replica(name)
    run.afterwards.append(partial(world.dismiss, "newcomer"))
    await under_fire(run, run.written_more(300), run.times(6))
    await _jobs_done(world)


async def _jobs_done(world: World) -> None:
    async def none_open() -> bool:
        return not await world.sql(
            "writer", "select count(*) from messaging.job where state = 'open'"
        )

    await eventually(none_open, JOB_SECONDS, "the past has been sent")
