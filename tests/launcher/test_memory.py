"""When the garbage of a process is collected."""

import asyncio
import gc
import subprocess
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from hirewire.launcher import memory
from tests.builders import eventually

SERVED = """
import gc
from hirewire.kit.settings import Settings
from hirewire.launcher import serving
serving.server_of = lambda *_, **__: exit(f"{gc.get_threshold()[0]} {gc.get_freeze_count() > 1000}")
serving.serve_applications([serving.Served("tested", None, Settings(), 0)])
"""


class Ring:
    """An object that is garbage as soon as nothing else refers to it, and only the collector sees
    it.
    """

    def __init__(self, held: bytes = b"") -> None:
        self.itself = self
        self.held = held


@pytest.fixture
def uncollected() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
async def test_the_garbage_of_a_process_at_rest_is_collected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "WHEN_SECONDS", (0.0, 3600.0))
    left = weakref.ref(Ring())
    assert left() is not None
    tidying = asyncio.create_task(memory.keep_tidy())

    async def collected() -> bool:
        return left() is None

    await eventually(collected)
    tidying.cancel()


@pytest.mark.skipif(not Path(memory._STATM).exists(), reason="nothing says how large it is")
@pytest.mark.usefixtures("uncollected")
async def test_few_objects_of_garbage_do_not_hold_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "LOOK_SECONDS", 0.001)
    tidying = asyncio.create_task(memory.keep_tidy())
    rings = []
    with memory._size() as size:
        before = size()
        for _ in range(1000):
            rings.append(weakref.ref(Ring(b"x" * 1_000_000)))
            await asyncio.sleep(0.002)
            allowed = max(memory.GROWN, memory.GROWN_SHARE * before)
            assert size() < before + 2 * allowed, "held by garbage"
    assert sum(ring() is not None for ring in rings) < len(rings) / 2
    tidying.cancel()


async def test_a_process_that_needs_more_is_not_searched_again_and_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "LOOK_SECONDS", 0.001)
    searched = 0

    def collect() -> None:
        nonlocal searched
        searched += 1

    monkeypatch.setattr(memory.gc, "collect", collect)
    tidying = asyncio.create_task(memory.keep_tidy())
    needed = []
    for _ in range(200):
        needed.append(bytearray(b"x") * 1_000_000)
        await asyncio.sleep(0.002)
    tidying.cancel()
    assert 0 < searched <= 200_000_000 // memory.GROWN


def test_a_service_collects_seldom_and_nothing_of_what_it_has_loaded() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SERVED], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.stderr.strip() == f"{memory.YOUNG} True"
