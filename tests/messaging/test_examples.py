"""The services shown in docs/messaging.md, each run as a program."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
PROGRAMS = {
    "orders.py": "('ada', 35) ('ben', 7)\n",
    "totals.py": "('ada', 35, 2) ('ben', 8, 2)\n",
}


def test_the_page_shows_the_programs() -> None:
    page = (ROOT / "docs" / "messaging.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert blocks == [(FOLDER / name).read_text() for name in PROGRAMS]
    code = [line for line in blocks[0].splitlines() if line.strip() and "import" not in line]
    assert len(code) <= 40


@pytest.mark.parametrize("name", PROGRAMS)
async def test_it_runs(
    name: str, fresh_database: Callable[[], Awaitable[str]], broker_url: str
) -> None:
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, str(FOLDER / name), await fresh_database(), broker_url],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.endswith(PROGRAMS[name]), done.stderr
