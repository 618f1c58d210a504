"""How a process uses memory: when garbage is collected, and what is given back to the machine."""

import asyncio
import ctypes
import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, repeat

YOUNG = 20_000
"""New objects until the next search for garbage. At CPython's 700 a consumer searched several times
in each batch of 500 messages, which live as long as their batch: a quarter of its processor time.
At more than this a request would wait longer for a search, 1 ms for each 1,000 objects.
"""
GROWN = 32 * 1024 * 1024
"""Bytes by which the process may grow until a search: few objects of garbage may hold much."""
GROWN_SHARE = 0.25
"""Or by this share of its size, if that is more: it may need what it takes."""
LOOK_SECONDS = 0.1
WHEN_SECONDS = (20.0, 600.0)
"""So long after the start, then every so often, free memory is given back."""
_STATM = "/proc/self/statm"


def collect_seldom() -> None:
    """From now on search for cyclic garbage seldom, and never in what is loaded already.

    Only where `keep_tidy` sees how large the process is.
    """
    gc.collect()
    gc.freeze()
    if os.path.exists(_STATM):
        gc.set_threshold(YOUNG, *gc.get_threshold()[1:])


async def keep_tidy() -> None:
    """Collect garbage when the process has grown, and at times give back what is free, for ever."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    loop = asyncio.get_running_loop()
    with _size() as size:
        least = size()
        for seconds in chain(WHEN_SECONDS, repeat(WHEN_SECONDS[-1])):
            until = loop.time() + seconds
            while loop.time() < until:
                await asyncio.sleep(LOOK_SECONDS)
                least = min(least, now := size())
                if now > least + max(GROWN, GROWN_SHARE * least):
                    gc.collect()
                    least = size()
            gc.collect()
            if trim is not None:  # by itself glibc gives back the end of its heap alone
                await asyncio.to_thread(trim, 0)


@contextmanager
def _size() -> Iterator[Callable[[], int]]:
    """Gives the bytes of memory that the process has; 0 where nothing says so."""
    try:
        statm = os.open(_STATM, os.O_RDONLY)
    except OSError:
        yield lambda: 0
        return
    page = os.sysconf("SC_PAGE_SIZE")
    try:
        yield lambda: int(os.pread(statm, 100, 0).split()[1]) * page
    finally:
        os.close(statm)
