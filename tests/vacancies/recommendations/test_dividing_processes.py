"""Divided matching in processes that are killed and frozen."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tests.builders import eventually
from tests.vacancies.recommendations.divided import BARE, PAIRS, Changing, boards, fill

__all__ = ["boards"]


@asynccontextmanager
async def worker(url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process of `tests.vacancies.recommendations.worker`, whose freezing is found in 2 s."""
    started = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.vacancies.recommendations.worker", url, "2"),
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        yield started
    finally:
        with suppress(ProcessLookupError):
            started.kill()
        await started.wait()


async def has_a_third(process: asyncio.subprocess.Process) -> None:
    """Wait until a worker has its part of the shards, as one of three."""
    assert process.stdout is not None
    async with asyncio.timeout(60):
        while await process.stdout.readline() not in (b"22\n", b"20\n"):
            pass


async def test_processes_that_are_killed_or_frozen_lose_and_double_nothing(
    boards: tuple[Changing, Changing],
) -> None:
    whole, divided = boards
    url = divided.engine.url.render_as_string(hide_password=False)

    async def equal() -> bool:
        return await divided.matches() == await whole.matches()

    async with worker(url) as killed, worker(url) as frozen, worker(url) as last:
        for process in (killed, frozen, last):
            await has_a_third(process)
        for board in boards:
            await fill(board)
        killed.kill()
        for board in boards:
            await fill(board)
        await eventually(equal)
        frozen.send_signal(signal.SIGSTOP)
        for board in boards:
            await fill(board)
        await eventually(equal)
        frozen.send_signal(signal.SIGCONT)
        for board in boards:
            await board.resume(1)
            await board.vacancy(8, BARE)
        await eventually(equal)
    created = [one for one in await divided.events() if one.startswith("recommendation.created")]
    assert len(created) == PAIRS
