"""When the garbage of a process is collected."""

import asyncio
import gc
import subprocess
import sys
import weakref
from collections.abc import Iterator

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

    def __init__(self) -> None:
        self.itself = self


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
    tidying = asyncio.create_task(memory.give_back_freed())

    async def collected() -> bool:
        return left() is None

    await eventually(collected)
    tidying.cancel()


def test_a_service_collects_seldom_and_nothing_of_what_it_has_loaded() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SERVED], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.stderr.strip() == f"{memory.YOUNG} True"
