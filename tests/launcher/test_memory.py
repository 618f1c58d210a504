"""When the garbage of a process is collected. Each test has a process of its own: the size of this
one depends on the tests before.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from hirewire.launcher import memory

RINGS = """
import asyncio, gc, weakref
from hirewire.launcher import memory

class Ring:
    '''Garbage as soon as nothing else refers to it; only the collector sees it.'''
    def __init__(self, held=b""):
        self.itself, self.held = self, held

gc.disable()
"""
AT_REST = f"""{RINGS}
async def main():
    memory.WHEN_SECONDS = (0.0, 3600.0)
    left = weakref.ref(Ring())
    tidying = asyncio.create_task(memory.keep_tidy())
    async with asyncio.timeout(20):
        while left() is not None:
            await asyncio.sleep(0.01)

asyncio.run(main())
"""
LARGE = f"""{RINGS}
async def main():
    memory.LOOK_SECONDS = 0.001
    tidying = asyncio.create_task(memory.keep_tidy())
    with memory._size() as size:
        before, most, rings = size(), 0, []
        for _ in range(500):
            rings.append(weakref.ref(Ring(b"x" * 1_000_000)))
            await asyncio.sleep(0.002)
            most = max(most, size())
    print(most - before, sum(ring() is not None for ring in rings))

asyncio.run(main())
"""
NEEDED = """
import asyncio
from hirewire.launcher import memory

async def main():
    memory.LOOK_SECONDS, searched = 0.001, []
    memory.gc.collect = lambda: searched.append(1)
    tidying = asyncio.create_task(memory.keep_tidy())
    needed = []
    for _ in range(300):
        needed.append(bytearray(b"x") * 1_000_000)
        await asyncio.sleep(0.002)
    print(len(searched))

asyncio.run(main())
"""
SERVED = """
import gc
from hirewire.kit.settings import Settings
from hirewire.launcher import serving

def server_of(*_, **__):
    print(gc.get_threshold()[0], gc.get_freeze_count() > 1000)
    raise SystemExit

serving.server_of = server_of
serving.serve_applications([serving.Served("tested", None, Settings(), 0)])
"""
needs_sizes = pytest.mark.skipif(
    not Path(memory._STATM).exists(), reason="nothing says how large a process is"
)


def said(script: str) -> list[str]:
    argv = [sys.executable, "-c", script]
    done = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=100)
    return done.stdout.split()


def test_the_garbage_of_a_process_at_rest_is_collected() -> None:
    assert said(AT_REST) == []


@needs_sizes
def test_few_objects_of_garbage_do_not_hold_much() -> None:
    grown, left = map(int, said(LARGE))
    assert grown < 4 * memory.GROWN
    assert left < 250


@needs_sizes
def test_a_process_that_needs_more_is_not_searched_again_and_again() -> None:
    [searched] = map(int, said(NEEDED))
    assert 0 < searched <= 300_000_000 // memory.GROWN


@needs_sizes
def test_a_service_collects_seldom_and_nothing_of_what_it_has_loaded() -> None:
    assert said(SERVED) == [str(memory.YOUNG), "True"]
