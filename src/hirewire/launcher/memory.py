"""How a process uses memory: when garbage is collected, and what is given back to the machine."""

import asyncio
import ctypes
import gc
import os
from itertools import chain, repeat

YOUNG = 20_000
"""New objects until the next search for garbage. At CPython's 700 a consumer searched several times
in each batch of 500 messages, which live as long as their batch: a quarter of its processor time.
At more than this a request would wait longer for a search, 1 ms for each 1,000 objects.
"""
WHEN_SECONDS = (20.0, 600.0)
"""So long after the start, then every so often."""


def collect_seldom() -> None:
    """From now on search for cyclic garbage seldom, and never in what is loaded already."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])


async def give_back_freed() -> None:
    """Collect garbage and give back what is free, for ever: a service with little to do may need
    hours for so many new objects. By itself glibc gives back the end of its heap alone.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    for seconds in chain(WHEN_SECONDS, repeat(WHEN_SECONDS[-1])):
        await asyncio.sleep(seconds)
        gc.collect()
        if trim is not None:
            await asyncio.to_thread(trim, 0)
