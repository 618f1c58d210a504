"""Runs pytest without its start-up time: see `mutate.forking`."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

SCRIPT = Path(__file__).with_name("forking.py")


class Nursery:
    """A process in `folder` that forks for each run. One run at a time."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder, self._environment = folder, environment
        self._process: asyncio.subprocess.Process | None = None

    async def run(
        self, arguments: Sequence[str], environment: Mapping[str, str], within: float
    ) -> tuple[int | None, str]:
        """Run pytest with these arguments; returns exit code (None: timeout) and output."""
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                str(SCRIPT),
                cwd=self._folder,
                env=self._environment,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
        output = self._folder / "output.txt"
        asked = {
            "arguments": list(arguments),
            "environment": dict(environment),
            "output": str(output),
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        pid = await self._answer()
        ending = asyncio.create_task(self._answer())
        try:
            await asyncio.wait({ending}, timeout=within)
            code = await ending if ending.done() else None
        finally:
            with suppress(ProcessLookupError):  # including whatever the tests have started
                os.killpg(pid, signal.SIGKILL)
            await ending
        return code, output.read_text(errors="replace")

    async def close(self) -> None:
        """End the process."""
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            await self._process.wait()
            self._process = None

    async def _answer(self) -> int:
        assert self._process is not None
        assert self._process.stdout is not None
        return int(await self._process.stdout.readline())
