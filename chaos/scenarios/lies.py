"""Brokers that forget what they have acknowledged."""

import asyncio
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from chaos.brokers.kafka import KafkaCluster
from chaos.run import Run, scenario
from chaos.world import QUEUE, READERS, World, eventually

FORGOTTEN = 100
"""About how many messages the broker forgets at once."""


async def _forget(world: World, count: int, *, in_order: bool) -> int:
    """Stop all nodes, cut messages off the end of their logs, and start them; returns how many."""
    cluster = world.cluster
    assert isinstance(cluster, KafkaCluster)
    await eventually(lambda: cluster.in_step(QUEUE), 90, "members in step")
    end = await cluster.end()
    for node in cluster.nodes:
        if in_order:
            await node.stop()
        else:
            node.kill()
    ends = {node.forget(end - count) for node in cluster.nodes}
    if len(ends) != 1:
        raise AssertionError(f"the nodes' logs end at {ends}")
    await asyncio.gather(*(node.start() for node in cluster.nodes))
    await eventually(lambda: cluster.in_step(QUEUE), 90, "members in step")
    return end - ends.pop()


@scenario("the broker lied", short=True, brokers=["kafka"])
async def lied(run: Run) -> None:
    """All nodes lose the same messages, which they have acknowledged and nobody has consumed: the
    audit must name the missing events, and the repair publish them.
    """
    world = run.world
    run.needs_repair = True
    for nth in range(run.times(3)):
        for name in READERS:
            await world.stop_replica(name)
        await run.written_more(2 * FORGOTTEN)
        await world.load(False)
        await run.all_sent()
        gone = await _forget(world, FORGOTTEN, in_order=bool(nth % 2))
        run.faults["messages forgotten"] += gone
        await world.load(True)
        if run.rng.random() < 0.5:  # so that the log is longer than before once they come back
            await run.written_more(3 * FORGOTTEN)
        for name in READERS:
            world.start_replica(name)
        await run.written_more(50)


@scenario("the broker forgot what was consumed", short=True, brokers=["kafka"])
async def forgot_consumed(run: Run) -> None:
    """All nodes lose messages that were consumed: the offsets of the group are behind the end of
    the log, where new messages arrive. None of those may be skipped, and none be consumed twice.
    """
    world = run.world
    for nth in range(run.times(3)):
        await run.written_more(2 * FORGOTTEN)
        await world.load(False)
        await run.progress("before")
        there = READERS[: nth % 3]
        for name in READERS[nth % 3 :]:
            await world.stop_replica(name)
        gone = await _forget(world, FORGOTTEN, in_order=run.rng.random() < 0.5)
        run.faults[f"messages forgotten, with {len(there)} consumers"] += gone
        await world.load(True)
        await run.written_more(3 * FORGOTTEN)
        for name in READERS[nth % 3 :]:
            world.start_replica(name)
        await run.written_more(50)
        await world.load(False)
        await run.progress("after")
        await world.load(True)


@scenario("the broker restored to an earlier time")
async def restored(run: Run) -> None:
    """The folders of all nodes are replaced by an older copy: what was published since then is
    gone, consumed or not, and what was consumed since then is there again.
    """
    world = run.world
    run.needs_repair = True
    copies = Path(tempfile.mkdtemp(dir=world.folder))
    copies.chmod(0o755)
    await run.written_more(100)
    await _with_stopped_nodes(world, lambda folder: _replace(copies / folder.name, folder))
    await run.written_more(200)
    if run.rng.random() < 0.5:
        for name in READERS:
            await world.stop_replica(name)
    await run.written_more(200)
    await _with_stopped_nodes(world, lambda folder: _replace(folder, copies / folder.name))
    run.faults["broker restored"] += 1
    await world.everything_up()
    await run.written_more(200)


async def _with_stopped_nodes(world: World, work: Callable[[Path], None]) -> None:
    await eventually(lambda: world.cluster.in_step(QUEUE), 90, "members in step")
    for node in world.cluster.nodes:
        await node.stop()
    for node in world.cluster.nodes:
        work(node.data_dir)
    await asyncio.gather(*(node.start() for node in world.cluster.nodes))
    await eventually(lambda: world.cluster.in_step(QUEUE), 90, "members in step")


def _replace(folder: Path, by: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run(["cp", "-a", by, folder], check=True)
