"""Small helpers of many tests."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest


async def eventually(
    condition: Callable[[], Awaitable[object]], *, within: float = 20.0, what: str = ""
) -> object:
    """The first true answer of `condition`; fails with the last one after `within` seconds."""
    deadline = asyncio.get_running_loop().time() + within
    pause = 0.01
    while True:
        answer = await condition()
        if answer:
            return answer
        if asyncio.get_running_loop().time() > deadline:
            pytest.fail(f"not in {within:g} s: {what or condition}; last answer {answer!r}")
        await asyncio.sleep(pause)
        pause = min(pause * 1.2, 0.1)  # asking all the time would slow down what is waited for
