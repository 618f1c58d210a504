"""Run by `launcher.children`: loads the code of several commands, forks for each, and ends.

Arguments: the commands (JSON, see there), the descriptor that takes their process ids (JSON), and
the process that adopts them. Nothing here may start a thread, open a connection or draw a random
number before the forks.
"""

import ctypes
import gc
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from setproctitle import setproctitle

from hirewire.launcher.process import PR_SET_PDEATHSIG

ADOPTED_SECONDS = 10.0


@dataclass(frozen=True)
class Command:
    """A command to run in a child."""

    arguments: Sequence[str]
    input: int
    """The descriptor of its standard input."""
    passed: Sequence[int]
    """Further descriptors that it keeps."""


def main() -> int:
    """Load, fork, write the process ids."""
    commands = [Command(**one) for one in json.loads(sys.argv[1])]
    result, parent = int(sys.argv[2]), int(sys.argv[3])
    gc.disable()
    _load(commands)
    gc.collect()
    gc.freeze()
    opened = {result, *(one.input for one in commands), *(fd for c in commands for fd in c.passed)}
    pids = []
    for command in commands:
        pid = os.fork()
        if pid == 0:
            return _run(command, parent, opened)
        pids.append(pid)
    os.write(result, json.dumps(pids).encode())
    return 0


def _load(commands: Sequence[Command]) -> None:
    """Import what the commands run. Their own modules are imported as if each was the program."""
    sys.argv = ["hirewire", *commands[0].arguments]
    from hirewire import assembly
    from hirewire.cli import main as cli

    assert cli.app is not None
    for command in commands:
        if command.arguments[0] == "serve":
            for name in command.arguments[1:]:
                if name in assembly.PROCESSES:
                    assembly.load(name, _broker_of(command))


def _broker_of(command: Command) -> str | None:
    option = "--load-broker="
    given = (one for one in command.arguments if one.startswith(option))
    return next((one.removeprefix(option) for one in given), None)


def _run(command: Command, parent: int, opened: set[int]) -> int:
    """Be this command: in a session of its own, and ended when its new parent ends."""
    gc.enable()
    os.setsid()
    os.dup2(command.input, 0)
    for fd in opened - set(command.passed):
        os.close(fd)
    sys.argv = ["hirewire", *command.arguments]
    setproctitle(" ".join(sys.argv))
    _wait_adopted(parent)
    from hirewire.cli.main import app

    app()
    return 0


def _wait_adopted(parent: int) -> None:
    deadline = time.monotonic() + ADOPTED_SECONDS
    while os.getppid() != parent:
        if time.monotonic() > deadline:
            os._exit(1)
        time.sleep(0.002)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    if os.getppid() != parent:  # it ended before it could be watched
        os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
