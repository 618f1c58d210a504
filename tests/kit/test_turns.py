"""Long work leaves others their turn."""

import asyncio
import time

import pytest

from hirewire.kit import turns
from hirewire.kit.turns import in_turns


@pytest.mark.parametrize("items", [[], [1], list(range(50))])
async def test_all_items_come_in_order(items: list[int]) -> None:
    assert [item async for item in in_turns(items)] == items


async def test_others_run_between_items_that_take_long() -> None:
    done: list[str] = []

    async def other() -> None:
        while len(done) < 20:
            done.append("other")
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        group.create_task(other())
        await asyncio.sleep(0)
        async for _ in in_turns(range(5)):
            done.append("item")
            until = time.perf_counter() + 2 * turns.TURN_SECONDS
            while time.perf_counter() < until:
                pass
    items = [n for n, one in enumerate(done) if one == "item"]
    between = zip(items, items[1:], strict=False)
    assert all("other" in done[one:after] for one, after in between)


async def test_items_that_take_no_time_are_not_interrupted() -> None:
    runs: list[int] = []
    asyncio.get_running_loop().call_soon(runs.append, 1)
    assert [item async for item in in_turns(range(10))] == list(range(10))
    assert not runs
