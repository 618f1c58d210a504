"""A reader whose replicas work in parallel over a changing number of queues."""

from chaos.run import Run, scenario
from chaos.scenarios.operations import job
from chaos.service import PARTITIONS
from chaos.world import QUEUE, READERS, REPLICAS, World, eventually
from hirewire.kit.internal.models import RequestIn

COUNTS = (3, 2)


async def _change(run: Run, count: int) -> None:
    """Kill one replica after the other, and start it with the new number."""
    for name in READERS:
        run.world.kill_replica(name)
        run.world.replicas[name].settings = {PARTITIONS: str(count)} if count > 1 else {}
        run.world.start_replica(name)
        await run.pause(0.5, 1.5)
    run.faults[f"now {count} partitions"] += 1


@scenario("1, 3 and 2 partitions")
async def partitions(run: Run) -> None:
    """The reader's replicas work in parallel over 3 queues and then over 2, under load, while
    replicas are killed; audits and a replay of the whole log use all of the queues.
    """
    world = run.world
    for count in COUNTS:
        await run.write(600, places=100)
        await _change(run, count)
        for _ in range(run.times(4)):
            name = run.rng.choice(REPLICAS)
            await run.pause(0.3, 1.5)
            world.kill_replica(name)
            world.start_replica(name)
            run.faults["kill -9 of a service"] += 1
        await run.written_more(100)
        await job(run, RequestIn(kind="replay", to="reader", by="chaos", anew=True))
        run.faults["replay"] += 1
        await run.progress(f"{count} partitions", 90)
    await _back_to_one(world, run)


async def _back_to_one(world: World, run: Run) -> None:
    """Go back to one queue, which needs idle services and empty queues."""
    await world.load(False)
    await world.everything_up()
    await run.progress("before one queue again", 90)
    await eventually(lambda: world.cluster.is_empty(QUEUE), 60, "the queues are empty")
    for name in READERS:
        world.kill_replica(name)
        world.replicas[name].settings = {}
    await world.sql("reader", "delete from messaging.spread")
    for number in range(max(COUNTS)):
        await world.cluster.delete(f"{QUEUE}.p{number}")
    await world.everything_up()
    await world.load(True)
