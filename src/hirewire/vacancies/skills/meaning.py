"""Suggests skills by meaning. The encoder is loaded for the first phrase."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import structlog

from hirewire.esco import dictionary
from hirewire.esco.meaning import Meaning, Near, encoder, file_name
from hirewire.kit.settings import Settings

WAITS = 3.0
"""Seconds that a phrase waits while the encoder is loaded."""
log = structlog.get_logger()


class Finder:
    """Finds skills by meaning, from vectors that another process makes once."""

    def __init__(self, folder: Path, additions: Path | None = None) -> None:
        self._folder = folder
        self._additions = additions
        self._loading: asyncio.Task[Meaning] | None = None

    async def nearest(self, phrase: str, limit: int) -> list[Near] | None:
        """The skills nearest to a phrase; None while vectors are made or the encoder is loaded."""
        if self._loading is None:
            self._loading = asyncio.create_task(self._load())
        await asyncio.wait([self._loading], timeout=WAITS)
        if not self._loading.done() or self.failed:
            return None
        return await asyncio.to_thread(self._loading.result().nearest, phrase, limit)

    @property
    def failed(self) -> bool:
        """Whether the encoder could not be loaded."""
        return bool(self._loading and self._loading.done() and self._loading.exception())

    async def _load(self) -> Meaning:
        file = self._folder / file_name()
        skills = tuple(dictionary().skills.values())
        try:
            with suppress(OSError, ValueError):
                return await asyncio.to_thread(Meaning, file, skills, encoder())
            await self._make(file)
            return await asyncio.to_thread(Meaning, file, skills, encoder())
        except Exception as error:
            log.exception("suggestions by meaning disabled until the next start", error=str(error))
            raise

    async def _make(self, file: Path) -> None:
        """Make the vectors in another process, since this one answers requests meanwhile."""
        given = [str(file), *([str(self._additions)] if self._additions else [])]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "hirewire.esco.meaning", *given),
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},  # small matrices need no threads
        )
        try:
            if code := await process.wait():
                raise OSError(f"the vectors could not be made: exit code {code}")
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()

    async def close(self) -> None:
        """Stop making the vectors or loading the encoder."""
        if self._loading is not None:
            self._loading.cancel()
            await asyncio.wait([self._loading])


_finder: Finder | None = None


def finder() -> Finder | None:
    """The finder of this process; None without a folder for its vectors."""
    return _finder


@asynccontextmanager
async def suggesting(settings: Settings) -> AsyncIterator[None]:
    """Suggest by meaning while the service runs."""
    global _finder
    folder = settings.search_dir
    mine = _finder = Finder(folder / "meaning", settings.dictionary) if folder else None
    try:
        yield
    finally:
        _finder = None
        if mine is not None:
            await mine.close()
