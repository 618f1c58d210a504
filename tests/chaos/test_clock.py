"""A process of a chaos run with another clock."""

import shutil
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from chaos.replica import clock_of
from tests.conftest import missing

DAY = timedelta(days=1)
PROGRAM = """
import threading, time
from confluent_kafka import Producer
producer = Producer({"bootstrap.servers": "127.0.0.1:1", "log_level": 0})
producer.produce("topic", b"")
producer.flush(0.1)
threading.Event().wait(0.1)
print(time.time())
"""


@pytest.mark.parametrize("shift", [DAY, -DAY, 400 * DAY], ids=str)
def test_waits_of_libraries_end_under_another_clock(tmp_path: Path, shift: timedelta) -> None:
    if shutil.which("cc") is None:
        missing("compiler", "no C compiler")
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=clock_of(tmp_path, shift),
        stdout=subprocess.PIPE,
        timeout=60,
        check=True,
    )
    assert float(found.stdout) - time.time() == pytest.approx(shift.total_seconds(), abs=60)
