"""Runs scenarios one after the other, in one world for each kind, and judges each."""

import asyncio
import random
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from chaos.brokers import Kind
from chaos.judge import at_rest, consumed_but_forgotten, judge, untruths
from chaos.run import SCENARIOS, Run, Scenario
from chaos.scenarios import FIRST
from chaos.watch import Watch
from chaos.world import QUEUE, World, eventually
from hirewire.operators.auditing import Auditor, Report

QUIET_SECONDS = 150.0
SCENARIO_SECONDS = 400.0
Say = Callable[[str], None]


@dataclass(frozen=True)
class Result:
    """A line of the table."""

    scenario: str
    seed: int
    faults: str
    events: int
    lost: int
    duplicated: int
    reordered: int
    late: int
    repaired: int
    audits: int
    """Complete audits while faults were injected."""
    false_alarms: int
    """Events that one of them reported as missing and that were not."""
    audit: str
    seconds: float
    note: str

    @property
    def good(self) -> bool:
        """Whether all promises were kept."""
        wrong = self.lost or self.duplicated or self.reordered or self.false_alarms
        return not wrong and self.audit == "clean" and self.audits > 0


async def run_all(
    seed: int, names: Sequence[str], broker: Kind, *, short: bool, say: Say
) -> list[Result]:
    """Run these scenarios, or all of the form, with a seed.

    After a failure the world is discarded: the next scenario gets a new one.
    """
    chosen = [
        one
        for one in SCENARIOS.values()
        if (one.name in names if names else one.short or not short) and broker in one.brokers
    ]
    results: list[Result] = []
    for kind in dict.fromkeys(scenario.world for scenario in chosen):
        async with AsyncExitStack() as stack:
            world: World | None = None
            for scenario in (one for one in chosen if one.world is kind):
                if lacks := scenario.missing(broker):
                    say(f"skip seed {seed}  {scenario.name}: this machine lacks {lacks}")
                    continue
                if world is None:
                    world = await stack.enter_async_context(_opened(kind, broker, short=short))
                    if scenario.name != FIRST:
                        await world.declare()
                results.append(await run_one(world, seed, scenario, short=short))
                say(line_of(results[-1]))
                if not results[-1].good:
                    await stack.aclose()
                    world = None
    return results


@asynccontextmanager
async def _opened(kind: type[World], broker: Kind, *, short: bool) -> AsyncIterator[World]:
    with tempfile.TemporaryDirectory(prefix="hirewire-chaos-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        async with kind(folder, 1 if short else kind.SIZE, broker) as world:
            yield world


async def run_one(world: World, seed: int, scenario: Scenario, *, short: bool) -> Result:
    """Run one scenario, from a running world to one that is at rest again."""
    run = Run(world, random.Random(f"{seed} {scenario.name}"), short)
    started = time.monotonic()
    before = await judge(world)
    watch = Watch(world)
    repaired, audit, found = 0, "", before
    try:
        async with asyncio.timeout(SCENARIO_SECONDS):
            if scenario.name != FIRST:
                await world.everything_up()
                await world.load(True)
                await run.written_more(50)
            watch.start()
            await scenario.action(run)
            await world.everything_up()
            await watch.completes()
            await watch.stop()
            report, repaired = await _until_quiet(run)
        found = await judge(world)
        audit = _verdict(report, found.events, world.readers, watch)
        for step in run.afterwards:
            await step()
    except Exception as error:  # this is a finding; the other scenarios continue
        audit = f"{type(error).__name__}: {error}"
    finally:
        await watch.stop()
    return Result(
        scenario=scenario.name,
        seed=seed,
        faults=", ".join(f"{n} × {fault}" for fault, n in sorted(run.faults.items())),
        events=found.events - before.events,
        lost=found.lost,
        duplicated=found.duplicated + found.invented,
        reordered=found.reordered,
        late=found.late - before.late,
        repaired=repaired,
        audits=watch.complete,
        false_alarms=len(watch.missing - world.repaired),
        audit=audit,
        seconds=round(time.monotonic() - started, 1),
        note="; ".join(run.notes),
    )


async def _until_quiet(run: Run) -> tuple[Report, int]:
    """Heal everything, stop writing, wait until all is at rest, then audit (and repair)."""
    world = run.world
    await world.everything_up()
    await world.load(False)
    await eventually(lambda: world.cluster.in_step(QUEUE), 90, "members in step")
    await at_rest(world, QUIET_SECONDS, "after the faults")
    async with world.operators() as operators:
        auditor = Auditor(operators, wait=60)
        report = await auditor.audit(UUID(int=0))
        repaired = 0
        if run.needs_repair and report.missing:
            missing = {id for _, _, line in report.lines() for id in line.missing}
            world.repaired |= missing
            world.late |= missing
            repaired = sum((await auditor.repair(report, by="chaos")).values())
            await at_rest(world, QUIET_SECONDS, "after the repair")
            report = await auditor.audit(UUID(int=0))
        if report.phantoms and world.forgotten:
            named = {one.id for _, _, line in report.lines() for one in line.phantoms}
            forgotten = await consumed_but_forgotten(world)
            if named != forgotten:
                wrong, left = named - forgotten, forgotten - named
                raise AssertionError(
                    f"of {len(named)} named as in no log {len(wrong)} are others: "
                    f"{sorted(wrong)[:3]}; {len(left)} are not named: {sorted(left)[:3]}"
                )
            accepted = await auditor.accept_phantoms(report, why="set back", by="chaos")
            world.accepted |= named
            run.notes.append(f"{accepted} named as in no log")
            report = await auditor.audit(UUID(int=0))
    return report, repaired


def _verdict(report: Report, written: int, readers: Sequence[str], watch: Watch) -> str:
    problems = [*report.problems, *watch.wrong[:1], *untruths(report, written, readers)]
    if report.missing:
        problems.insert(0, f"{report.missing} missing")
    if report.clean and not problems:
        return "clean"
    return "; ".join(problems) or "does not add up"


def line_of(result: Result) -> str:
    """A result as a line for the terminal."""
    return (
        f"{'ok  ' if result.good else 'FAIL'} seed {result.seed}  {result.scenario}: "
        f"{result.events:,} events, lost {result.lost}, duplicated {result.duplicated}, reordered "
        f"{result.reordered}, late {result.late}, repaired {result.repaired}, "
        f"{result.audits} audits during the faults with {result.false_alarms} false alarms, audit "
        f"{result.audit}, {result.seconds} s  [{result.faults}]"
        + (f"  ({result.note})" if result.note else "")
    )


def run(seed: int, names: Sequence[str], broker: Kind, *, short: bool, say: Say) -> list[Result]:
    """`run_all` for synchronous callers."""
    return asyncio.run(run_all(seed, names, broker, short=short, say=say))
