"""One private Kafka node for all workers of a test run.

The first worker that needs it starts a holder: this module as a program. Each worker that uses the
node holds a shared lock, which ends with the worker, however it ends. The holder waits for the
exclusive lock; then nobody uses the node any more, and it stops it and removes the folder.
"""

import asyncio
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO
from uuid import uuid4

from hirewire.launcher import process
from hirewire.launcher.kafka import KafkaError, KafkaMissing, PrivateKafka

ROOT = Path(__file__).resolve().parent.parent
MEMORY = Path("/dev/shm")
LEAST_MEMORY = 1024**3
PREFIX = "hirewire-kafka-tests-"
START_SECONDS = 150.0


@contextmanager
def using(run: str) -> Iterator[Path]:
    """Use the folder of a test run's node, which stays at least as long as this block."""
    has_memory = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > LEAST_MEMORY
    folder = (MEMORY if has_memory else Path(tempfile.gettempdir())) / f"{PREFIX}{run}"
    users = _used(folder)
    try:
        yield folder
    finally:
        users.close()


def _used(folder: Path) -> IO[str]:
    while True:
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
        with suppress(FileNotFoundError):
            users = open(folder / "users", "a")  # noqa: SIM115  (open for as long as it is held)
            fcntl.flock(users, fcntl.LOCK_SH)
            with suppress(FileNotFoundError):
                if os.fstat(users.fileno()).st_ino == (folder / "users").stat().st_ino:
                    return users
            users.close()  # a holder has just removed the folder


def start(folder: Path) -> str:
    """Start the holder unless there is one; returns the node's address.

    Not by several at once. Raises `KafkaMissing`, `KafkaError`.
    """
    if not (folder / "said").exists() and not process.is_held(folder / "node"):
        # With a parent that ends at once, so that it is no child of the worker.
        keep = [sys.executable, "-m", "tests.kafka_node", str(folder)]
        subprocess.run(
            [
                "sh",
                "-c",
                'log="$1"; shift; "$@" >"$log" 2>&1 &',
                "sh",
                folder / "holder.log",
                *keep,
            ],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            check=True,
        )
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with suppress(FileNotFoundError):
            what, _, text = (folder / "said").read_text().partition(" ")
            if what == "url":
                return text
            raise KafkaMissing(text) if what == "missing" else KafkaError(text)
        time.sleep(0.05)
    log = (folder / "holder.log").read_text() if (folder / "holder.log").exists() else ""
    raise KafkaError(f"the holder of the Kafka node has said nothing: {log[-2000:]}")


async def _keep(folder: Path) -> None:
    await asyncio.to_thread(_remove_left, folder)
    node = PrivateKafka(folder / "node")
    with open(folder / "users") as users:
        try:
            await node.start()
            _say(folder, f"url {node.url}")
        except KafkaMissing as error:
            _say(folder, f"missing {error}")
        except Exception as error:
            _say(folder, f"failed {type(error).__name__}: {error}")
        await asyncio.to_thread(fcntl.flock, users, fcntl.LOCK_EX)
        node.kill()
        await node.stop()
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _say(folder: Path, text: str) -> None:
    (folder / "new").write_text(text)
    (folder / "new").replace(folder / "said")


def _remove_left(mine: Path) -> None:
    """Remove the folders of holders that were killed."""
    for folder in mine.parent.glob(f"{PREFIX}*"):
        if folder == mine or process.is_held(folder / "node"):
            continue
        with suppress(OSError), open(folder / "users") as users:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)


def name_of_run() -> str:
    """The same for all workers of a run."""
    return os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid4().hex


if __name__ == "__main__":
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        count = int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
        process.share = (int(worker.removeprefix("gw")), count)
    asyncio.run(_keep(Path(sys.argv[1])))
