"""The service that docs/messaging.md shows, run as a program of its own."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

PROGRAM = Path(__file__).parent / "orders.py"
ROOT = PROGRAM.parents[2]


def test_the_page_shows_the_program() -> None:
    page = (ROOT / "docs" / "messaging.md").read_text()
    [block] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert block == PROGRAM.read_text()
    code = [line for line in block.splitlines() if line.strip() and "import" not in line]
    assert len(code) <= 40


async def test_it_runs(fresh_database: Callable[[], Awaitable[str]], broker_url: str) -> None:
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, str(PROGRAM), await fresh_database(), broker_url],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.endswith("('ada', 35) ('ben', 7)\n"), done.stderr
