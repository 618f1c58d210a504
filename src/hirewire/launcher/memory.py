"""Gives freed memory back to the machine."""

import asyncio
import ctypes
import os
from itertools import chain, repeat

WHEN_SECONDS = (20.0, 600.0)
"""So long after the start, then every so often."""


async def give_back_freed() -> None:
    """Do so for ever. Only glibc needs it: by itself it gives back the end of its heap alone."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if trim is None:
        return
    for seconds in chain(WHEN_SECONDS, repeat(WHEN_SECONDS[-1])):
        await asyncio.sleep(seconds)
        await asyncio.to_thread(trim, 0)
