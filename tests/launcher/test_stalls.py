"""A blocked event loop is reported, with the code that blocks it."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

import pytest
from structlog import DropEvent
from structlog.testing import capture_logs
from structlog.types import EventDict

from hirewire.launcher import stalls
from hirewire.launcher.stalls import watched
from tests.builders import eventually

WATCHED = """
import asyncio
from hirewire.launcher.stalls import watched

async def main():
    with watched("profiles"):
        print("begun", flush=True)
        await asyncio.to_thread(input)
        await asyncio.sleep(1)

asyncio.run(main())
print("ended", flush=True)
"""


def _ours(_: object, __: str, logged: EventDict) -> EventDict:
    """Leaves out what other tests left running."""
    if not logged["event"].startswith("event loop"):
        raise DropEvent
    return logged


def computes(until: Sequence[object]) -> None:
    """Blocks until it has been reported."""
    ends = time.monotonic() + 20
    while not until and time.monotonic() < ends:
        pass


async def _has(reports: Sequence[object], count: int) -> bool:
    return len(reports) == count


def matches(seconds: float) -> None:
    """Blocks in a function in C that lets no other thread run."""
    letters = 18
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        letters += 1
        re.match("(a+)+$", "a" * letters + "b")


@pytest.fixture
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stalls, "BLOCKED_SECONDS", 0.3)
    monkeypatch.setattr(stalls, "LOOK_SECONDS", 0.02)


@pytest.mark.usefixtures("_soon")
async def test_it_is_reported_once_while_it_lasts_and_the_next_time() -> None:
    with capture_logs([_ours]) as reports, watched("profiles, vacancies"):
        computes(reports)
        (first,) = reports
        await eventually(lambda: _has(reports, 2))
        assert reports[1]["event"] == "event loop runs again"
        assert reports[1]["seconds"] >= first["seconds"]
        reports.clear()
        computes(reports)
        (second,) = reports
    for one in (first, second):
        assert (one["event"], one["log_level"]) == ("event loop blocked", "warning")
        assert one["process"] == "profiles, vacancies"
        assert one["seconds"] >= 0.3
        assert one["at"][0].startswith(f"{__name__}.computes:")
        assert any(place.startswith(f"{__name__}.test_it_is_reported") for place in one["at"])


@pytest.mark.usefixtures("_soon")
async def test_code_that_lets_no_thread_run_is_reported_after_it() -> None:
    with capture_logs([_ours]) as reports, watched("profiles"):
        await asyncio.sleep(0)
        matches(2.0)
        await eventually(lambda: _has(reports, 2))
    assert [one["event"] for one in reports] == ["event loop blocked", "event loop runs again"]
    assert any(".matches:" in place for place in reports[0]["at"])


@pytest.mark.usefixtures("_soon")
async def test_deep_code_is_reported_with_what_called_it_of_our_own() -> None:
    namespace: dict[str, Any] = {"__name__": "hirewire.some", "json": json}
    exec("def reads(text, default): return json.dumps(text, default=default)", namespace)

    def deep(levels: int) -> None:
        if levels:
            deep(levels - 1)
        else:
            computes(reports)

    with capture_logs([_ours]) as reports, watched("profiles"):
        namespace["reads"](object(), lambda _: deep(20))
    assert any(place.startswith("hirewire.some.reads:") for place in reports[0]["at"])


async def test_one_that_waits_or_is_busy_by_turns_is_not_blocked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stalls, "LOOK_SECONDS", 0.02)
    with capture_logs([_ours]) as reports, watched("profiles"):
        await asyncio.sleep(0.8)
        ends = time.monotonic() + 0.8
        while time.monotonic() < ends:
            await asyncio.sleep(0)
    assert reports == []


async def test_the_delay_is_measured() -> None:
    async def measured() -> float:
        (family,) = stalls._delay.collect()
        return next(s.value for s in family.samples if s.name.endswith("_count"))

    async def is_more() -> bool:
        return await measured() > before

    before = await measured()
    with watched("profiles"):
        await eventually(is_more)


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
def test_a_process_that_was_stopped_was_not_blocked() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WATCHED],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGSTOP)
        os.waitpid(process.pid, os.WUNTRACED)
        time.sleep(1.5)  # longer than the loop may be late
        process.send_signal(signal.SIGCONT)
        output, _ = process.communicate("\n", timeout=20)
    assert (output, process.returncode) == ("ended\n", 0)
