"""Runs scenarios one after the other in one world, and judges each."""

import asyncio
import json
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import UUID

from chaos.scenarios import FIRST, SCENARIOS, SHORT, Run, given_up
from chaos.verify import Effect, Verdict, Written, verdict
from chaos.world import QUEUE, World, eventually
from hirewire.operators.auditing import Auditor, Report

SETTLE_SECONDS = 150.0


@dataclass(frozen=True)
class Result:
    """A line of the table."""

    scenario: str
    seed: int
    faults: str
    events: int
    lost: int
    doubled: int
    reordered: int
    late: int
    repaired: int
    audit: str
    seconds: float
    note: str

    @property
    def good(self) -> bool:
        """Whether the promise was kept."""
        return not (self.lost or self.doubled or self.reordered) and self.audit == "clean"


async def run_all(
    seed: int,
    names: Sequence[str],
    *,
    short: bool,
    say: Callable[[str], None],
) -> list[Result]:
    """Run these scenarios from a seed; all of the form when none are named."""
    chosen = list(names) or (list(SHORT) if short else list(SCENARIOS))
    results = []
    with tempfile.TemporaryDirectory(prefix="hirewire-chaos-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        async with World(folder, nodes=1 if short else 3) as world:
            if FIRST not in chosen:
                await world.declare()
            for scenario in chosen:
                results.append(await run_one(world, seed, scenario, short=short))
                say(line_of(results[-1]))
    return results


async def run_one(world: World, seed: int, name: str, *, short: bool) -> Result:
    """One scenario, from a world that is up to one that is quiet again."""
    run = Run(world, random.Random(f"{seed} {name}"), short)
    started, before = time.monotonic(), await world.written()
    late = (await judge(world)).late
    if name != FIRST:
        await world.everything_up()
        await world.load(True)
        await run.written_more(50)
    await SCENARIOS[name](run)
    report, repaired = await _settle(run)
    found = await judge(world)
    excused = run.injects_disorder or repaired > 0
    return Result(
        scenario=name,
        seed=seed,
        faults=", ".join(f"{n} × {fault}" for fault, n in sorted(run.faults.items())),
        events=found.events - before,
        lost=found.lost,
        doubled=found.doubled + found.invented,
        reordered=found.reordered + (0 if excused else found.late - late),
        late=found.late - late,
        repaired=repaired,
        audit=_verdict(report),
        seconds=round(time.monotonic() - started, 1),
        note="; ".join(run.notes),
    )


async def _settle(run: Run) -> tuple[Report, int]:
    """Heal everything, stop writing, wait until all is quiet, then audit (and repair)."""
    world = run.world
    await world.everything_up()
    await world.load(False)
    await eventually(lambda: world.cluster.in_step(QUEUE), 90, "members in step")
    await eventually(lambda: _quiet(world), SETTLE_SECONDS, "quiet")
    async with world.operators() as operators:
        auditor = Auditor(operators, wait=60)
        report = await auditor.audit(UUID(int=0))
        repaired = 0
        if run.needs_repair and report.missing:
            repaired = sum((await auditor.repair(report, by="chaos")).values())
            await eventually(lambda: _quiet(world), SETTLE_SECONDS, "quiet after the repair")
            report = await auditor.audit(UUID(int=0))
    return report, repaired


async def _quiet(world: World) -> bool:
    """Nothing unsent, nothing in the queue, nothing open."""
    if await world.sql("writer", "select count(*) from messaging.outbox"):
        return False
    if await world.sql(
        "reader", "select count(*) from messaging.open_message where state <> 'discarded'"
    ):
        return False
    try:
        found = await world.cluster.ask(f"queues/%2F/{QUEUE}")
    except RuntimeError:
        return False
    return not found.get("messages", 1) and bool(found.get("consumers"))


async def judge(world: World) -> Verdict:
    """Everything ever written in this world against everything that took effect."""
    written = [
        Written(UUID(str(r["event_id"])), r["place"], r["nth"])
        for r in await world.rows("writer", "select event_id, place, nth from written")
    ]
    effects = [
        Effect(UUID(str(r["event_id"])), r["place"], r["nth"], r["late"])
        for r in await world.rows(
            "reader", "select event_id, place, nth, late from effect order by n"
        )
    ]
    given = await given_up(world)
    found = verdict(written, effects, given)
    newest: dict[str, int] = {}
    for event in written:
        if event.event_id not in given:
            newest[event.place] = max(event.nth, newest.get(event.place, 0))
    state = {r["place"]: r["nth"] for r in await world.rows("reader", "select * from state")}
    if state != newest:
        raise AssertionError("the state did not end at the newest of every place")
    return found


def _verdict(report: Report) -> str:
    if report.clean:
        return "clean"
    return f"{report.missing} missing; " + "; ".join(report.problems)


def line_of(result: Result) -> str:
    """A result for the terminal."""
    return (
        f"{'ok  ' if result.good else 'FAIL'} seed {result.seed}  {result.scenario}: "
        f"{result.events:,} events, lost {result.lost}, doubled {result.doubled}, reordered "
        f"{result.reordered}, late {result.late}, repaired {result.repaired}, audit "
        f"{result.audit}, {result.seconds} s  [{result.faults}]"
    )


def save(results: Sequence[Result], path: Path) -> None:
    """Keep results for the document."""
    path.write_text(json.dumps([asdict(result) for result in results], indent=1))


def load(path: Path) -> list[Result]:
    """Results that were kept."""
    return [Result(**one) for one in json.loads(path.read_text())]


def run(
    seed: int, names: Sequence[str], *, short: bool, say: Callable[[str], None]
) -> list[Result]:
    """`run_all` from code that is not async."""
    return asyncio.run(run_all(seed, names, short=short, say=say))
