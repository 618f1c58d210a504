"""Nodes that go one after the other, or more of them at once than the cluster can do without."""

import asyncio
import shutil
import subprocess
from contextlib import suppress

from chaos.brokers.kafka import KafkaCluster, KafkaNode
from chaos.run import Run, scenario
from chaos.volume import run
from chaos.world import QUEUE, World, eventually

DISK_BYTES = 64 * 1024 * 1024


@scenario("two nodes at once")
async def two_at_once(run: Run) -> None:
    """Two of three nodes are killed with -9 or frozen: nothing is confirmed, events are recorded
    all the same. Then both come back.
    """
    world = run.world
    for nth in range(run.times(2)):
        await eventually(lambda: world.cluster.in_step(QUEUE), 90, "members in step")
        nodes = run.rng.sample(world.cluster.nodes, 2)
        for node in nodes:
            node.freeze() if nth % 2 else node.kill()
        run.faults["SIGSTOP of two nodes" if nth % 2 else "kill -9 of two nodes"] += 1
        await run.written_more(200)
        await run.pause(8.0, 12.0)
        if nth % 2:
            for node in nodes:
                node.thaw()
        else:
            await asyncio.gather(*(node.start() for node in nodes))
        await run.progress("with all nodes again", 90)


@scenario("nodes restarted in turn")
async def rolling_restart(run: Run) -> None:
    """As in an upgrade: each node is stopped in order and started again once all are in step."""
    world = run.world
    for node in world.cluster.nodes:
        await eventually(lambda: world.cluster.in_step(QUEUE), 90, "members in step")
        await node.stop()
        run.faults["SIGTERM of a node"] += 1
        await run.written_more(50)
        await node.start()
    await run.progress("with all nodes again")


@scenario("the controller killed", brokers=["kafka"])
async def controller_killed(run: Run) -> None:
    """Kill -9 of the node that is the active controller, which decides who leads what; once with
    the node that leads the queue at the same time, if that is another one.
    """
    world = run.world
    cluster = world.cluster
    assert isinstance(cluster, KafkaCluster)
    for nth in range(run.times(3)):
        await eventually(lambda: cluster.in_step(QUEUE), 90, "members in step")
        nodes = [await cluster.controller()]
        if nth == 1 and (leader := await cluster.leader(QUEUE)) not in nodes:
            nodes.append(leader)
        for node in nodes:
            node.kill()
            run.faults[
                "kill -9 of the controller" if node is nodes[0] else "and of the leader"
            ] += 1
        await run.written_more(50)
        await run.pause(1.0, 3.0)
        await asyncio.gather(*(node.start() for node in nodes))
        await run.progress("with all nodes again", 90)


class SmallDiskWorld(World):
    """Nodes with disks of their own (tmpfs), which can be filled."""

    @classmethod
    def missing(cls, *, needs_hosts: bool) -> str | None:
        """What this machine lacks to run the scenario."""
        return None if _can_mount() else "the right to mount a file system"

    async def _start_engines(self, address: str | None) -> None:
        for nth in range(1, self.nodes + 1):
            place = self.folder / "broker" / f"node{nth}"
            place.mkdir(parents=True)
            run("mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=755", "chaos", str(place))
            self._stack.callback(run, "umount", "-l", str(place))
        (self.folder / "broker").chmod(0o755)
        await super()._start_engines(address)


@scenario("a node's disk is full", world=SmallDiskWorld, brokers=["kafka"])
async def disk_full(run: Run) -> None:
    """The disk of the node that leads the queue fills up: the node ends itself, another one leads.
    Then the same with the disks of two nodes, which nothing can do without.
    """
    world = run.world
    cluster = world.cluster
    assert isinstance(cluster, KafkaCluster)
    for nth in range(run.times(2)):
        await eventually(lambda: cluster.in_step(QUEUE), 90, "members in step")
        leader = await cluster.leader(QUEUE)
        nodes = [leader, *(one for one in cluster.nodes if one is not leader)][: nth + 1]
        for node in nodes:
            _fill(node)
        run.faults[f"{len(nodes)} full disks"] += 1
        await world.load(True, 0.005)

        async def ended(nodes: list[KafkaNode] = nodes) -> bool:
            return all(one.is_dead for one in nodes)

        await eventually(ended, 90, "the nodes have ended")
        await run.written_more(100)
        if not nth:
            await run.progress("went on without the node", 90)
        for node in nodes:
            (node.data_dir / "filler").unlink()
        await asyncio.gather(*(node.restart() for node in nodes))
        await world.load(True)
        await run.progress("with all nodes again", 90)


def _fill(node: KafkaNode) -> None:
    """Leave no room on a node's disk."""
    with (node.data_dir / "filler").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(65536))


def _can_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    done = subprocess.run(
        ["unshare", "--mount", "mount", "-t", "tmpfs", "chaos", "/mnt"],
        check=False,
        capture_output=True,
    )
    return done.returncode == 0
