"""Processes and nodes that freeze with their locks and messages, and clocks that are wrong."""

from datetime import timedelta

from chaos.run import TAKE_OVER_SECONDS, Run, scenario
from chaos.world import QUEUE, READERS, WRITERS, eventually


async def _freeze(run: Run, name: str, what: str) -> None:
    run.world.replicas[name].freeze()
    run.faults[f"SIGSTOP of {what}"] += 1


async def _taken_over(run: Run, *names: str) -> None:
    """Let other replicas work, then resume the frozen ones in the middle of their work."""
    await run.progress("taken over")
    for name in names:
        run.world.replicas[name].thaw()
    await run.written_more(100)


@scenario("the leading relay frozen")
async def relay_frozen(run: Run) -> None:
    """The publishing replica is stopped in mid-batch, another takes over, and the first resumes."""
    for _ in range(run.times(2)):
        leader = await run.world.leading_writer()
        await run.write(600, places=300)
        await run.pause(0.0, 0.2)
        await _freeze(run, leader, "the leading relay")
        await _taken_over(run, leader)


@scenario("the active consumer frozen")
async def consumer_frozen(run: Run) -> None:
    """The consuming replica is stopped at any time, another takes over, and the first resumes."""
    for _ in range(run.times(2)):
        active = await run.world.active_reader()
        await run.write(600, places=300)
        await run.pause(0.0, 0.3)
        await _freeze(run, active, "the active consumer")
        await _taken_over(run, active)


@scenario("a consumer frozen inside its transaction")
async def consumer_frozen_in_transaction(run: Run) -> None:
    """A handler stops its own process while its transaction holds the inbox's rows."""
    world = run.world
    for _ in range(run.times(2)):
        await run.write(1, places=300, mood="freezes")

        async def one_is_frozen() -> bool:
            return any(world.replicas[name].frozen for name in READERS)

        await eventually(one_is_frozen, 30, "the handler stops its process")
        run.faults["SIGSTOP inside a transaction"] += 1
        await _taken_over(run, *(name for name in READERS if world.replicas[name].frozen))


@scenario("relay and consumer frozen together")
async def both_frozen(run: Run) -> None:
    """Both are stopped (SIGSTOP) at once, for longer than a takeover needs."""
    world = run.world
    leader, active = await world.leading_writer(), await world.active_reader()
    await run.write(600, places=300)
    await _freeze(run, leader, "the leading relay")
    await _freeze(run, active, "the active consumer")
    await _taken_over(run, leader, active)


@scenario("a node of the broker frozen")
async def node_frozen(run: Run) -> None:
    """The node that leads the queue is stopped: connections stay open, and nothing responds."""
    world = run.world
    await eventually(lambda: world.cluster.in_step(QUEUE), 90, "members in step")
    node = await world.cluster.leader(QUEUE)
    await run.written_more(50)
    node.freeze()
    run.faults["SIGSTOP of the queue's leader"] += 1
    await run.progress("went on without the node", 2 * TAKE_OVER_SECONDS)
    node.thaw()
    await run.written_more(100)
    await eventually(lambda: world.cluster.in_step(QUEUE), 120, "members in step")


@scenario("clocks a day off")
async def clocks_a_day_off(run: Run) -> None:
    """All clocks of one service are a day ahead, those of the other a day behind; then reversed."""
    world = run.world
    for ahead, behind in ((WRITERS, READERS), (READERS, WRITERS)):
        for names, days in ((ahead, 1), (behind, -1)):
            for name in names:
                world.kill_replica(name)
                world.start_replica(name, clock=timedelta(days=days))
                run.faults[f"clock {days:+} d"] += 1
        await run.written_more(100)
        await run.progress("with clocks two days apart")


@scenario("a clock 400 days ahead")
async def clock_far_ahead(run: Run) -> None:
    """One replica of each service is ahead by more than the retention time, until its retention
    task has run: nothing may be dropped from log and inbox.
    """
    world = run.world
    for name in (WRITERS[0], READERS[0]):
        world.kill_replica(name)
        world.start_replica(name, clock=timedelta(days=400))
        run.faults["clock +400 d"] += 1
    await run.pause(8.0, 10.0)
    await run.written_more(100)
