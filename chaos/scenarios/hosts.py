"""Hosts that vanish: their cable is unplugged, and neither side is notified."""

from chaos.run import Run, scenario
from chaos.world import READERS, WRITERS, eventually

_STARTED = "select count(*) from attempt"


@scenario("a host vanishes while its relay leads", needs_hosts=True)
async def leader_vanishes(run: Run) -> None:
    """The leading replica is on a separate host, whose cable is unplugged for a minute."""
    world = run.world
    there, here = WRITERS
    for name in WRITERS:
        world.kill_replica(name)
    world.start_replica(there, host=True)

    async def leads() -> bool:
        return await world.leading_writer() == there

    await eventually(leads, 40, "the replica on the host leads")
    world.start_replica(here)
    await eventually(lambda: world.is_live(here), 40, f"{here} answers")
    assert world.network is not None
    await run.write(600, places=300)
    world.network.unplug(there)
    run.faults["host vanished"] += 1
    await run.progress("taken over")
    world.network.plug(there)
    await run.written_more(200)


@scenario("a host vanishes inside a transaction", needs_hosts=True)
async def consumer_vanishes(run: Run) -> None:
    """The consuming replica is on a separate host, whose cable is unplugged while its handler has
    a transaction open that holds rows of the inbox.
    """
    world = run.world
    there, here = READERS
    for name in READERS:
        world.kill_replica(name)
    world.start_replica(there, host=True)
    await eventually(lambda: world.is_live(there), 40, f"{there} answers")
    await run.progress("the replica on the host consumes")
    world.start_replica(here)
    await eventually(lambda: world.is_live(here), 40, f"{here} answers")
    before = await world.sql("reader", _STARTED)
    await run.write(1, places=300, mood="holds")

    async def started() -> bool:
        return await world.sql("reader", _STARTED) != before

    await eventually(started, 30, "the handler has begun")
    assert world.network is not None
    world.network.unplug(there)
    run.faults["host vanished"] += 1
    await run.progress("taken over")
    world.network.plug(there)
    await run.written_more(200)
