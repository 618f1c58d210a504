"""Runs `hirewire serve` as forks of a process that has loaded the code and the dictionaries.

Loading them costs more than a second of a core, and these tests start some two hundred.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from ctypes import CDLL
from importlib import import_module
from pathlib import Path
from typing import cast

from hirewire.launcher.process import PR_SET_PDEATHSIG

_loaded = multiprocessing.get_context("forkserver")
_loaded.set_forkserver_preload(["tests.journeys.preloaded"])


class Forked:
    """A forked process, with the interface of `Popen`."""

    def __init__(self, argv: list[str], env: Mapping[str, str], log: Path, program: str) -> None:
        self._process = _loaded.Process(target=_run, args=(argv, dict(env), str(log), program))
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self) -> None:
        self._process.join()

    def send_signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def fork(
    argv: list[str], *, env: Mapping[str, str], log: Path, program: str = "hirewire.__main__"
) -> "subprocess.Popen[bytes]":
    """Run `hirewire` with these arguments and append its output to a file. Ends with this process.

    `program` is the module whose `main` is run.
    """
    return cast("subprocess.Popen[bytes]", Forked(argv, env, log, program))


def _run(argv: list[str], env: dict[str, str], log: str, program: str) -> None:
    os.setsid()
    if sys.platform == "linux":
        CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = ["hirewire", *argv]
    import_module(program).main()
