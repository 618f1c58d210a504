"""Child processes that end with their parent, whatever ends it."""

import asyncio
import ctypes
import errno
import fcntl
import os
import pwd
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Literal

PR_SET_PDEATHSIG = 1
LOWEST_PORT = 20_000
TRIES, TRY_SECONDS = 5, 0.02
"""To take a lock."""


class FolderInUse(Exception):
    """Another process holds this folder; the message names it."""


def spawn(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    user: str | None = None,
    output: IO[bytes] | int | None = None,
    with_input: bool = False,
    cwd: Path | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
    passed: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start `argv` in its own session, out of reach of a terminal's Ctrl-C.

    `user`: run as this system user, which only root can. `with_input`: its input is a pipe.
    `passed`: file descriptors that it inherits. On Linux the kernel sends `death_signal` to it
    when this process ends, even by SIGKILL. To be called in the main thread: the kernel takes the
    end of the calling thread for the parent's.
    """
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    number = int(death_signal)
    parent = os.getpid()

    def die_with_parent() -> None:
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
            if os.getppid() != parent:  # it ended before it could be watched
                os._exit(1)

    account = pwd.getpwnam(user) if user else None
    return subprocess.Popen(
        list(argv),
        env=dict(env),
        stdin=subprocess.PIPE if with_input else subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        cwd=cwd,
        start_new_session=True,
        pass_fds=passed,
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
        preexec_fn=die_with_parent,  # noqa: PLW1509  (calls the kernel and takes no lock)
    )


async def wait_gone(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Whether the process has ended within `seconds`."""
    deadline = time.monotonic() + seconds
    while process.poll() is None:
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True


async def stop(
    process: subprocess.Popen[bytes],
    *signals: tuple[signal.Signals, float],
) -> None:
    """Send the signals one after another, waiting after each, then SIGKILL."""
    for number, seconds in signals:
        if process.poll() is not None:
            return
        process.send_signal(number)
        if await wait_gone(process, seconds):
            return
    if process.poll() is None:
        kill(process)
        await wait_gone(process, 5)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill it and its whole process group."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def hold(folder: Path) -> IO[str]:
    """Lock `folder` until the file that this returns is closed.

    The kernel closes it when this process ends, however it ends. Raises `FolderInUse`.
    """
    file = open(folder / "lock", "a+")  # noqa: SIM115  (open for as long as it is held)
    try:
        _lock(file)
    except OSError:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        file.close()
        raise FolderInUse(
            f"process {holder} uses {folder} already: is a platform running?"
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def _lock(file: IO[str]) -> None:
    """Take the lock; retried, since `is_held` holds it for a moment."""
    for _ in range(TRIES - 1):
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(TRY_SECONDS)
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_held(folder: Path) -> bool:
    """Whether a process has locked this folder with `hold`."""
    try:
        with open(folder / "lock") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def make_folder(path: Path, *, for_others: bool) -> None:
    """Create a folder and its parents; `for_others`: passable by others, whatever the umask."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    if for_others:
        for folder in missing:
            folder.chmod(0o755)


def open_private(path: Path, mode: Literal["w", "a"] = "w") -> IO[bytes]:
    """Open a file that only its owner can read, from its first byte on."""
    start = os.O_TRUNC if mode == "w" else os.O_APPEND
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | start, 0o600)
    os.fchmod(descriptor, 0o600)  # it may have been there before
    return open(descriptor, f"{mode}b")


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read."""
    with open_private(path) as file:
        file.write(text.encode())


share = (0, 1)
"""Which one, of how many that draw ports at the same time: what is drawn may be used much later, so
each has ports of its own."""


_drawn: set[int] = set()
SAMPLE = 200
"""Ports that are tried before none is free."""


def free_port(preferred: int | None = None) -> int:
    """A free TCP port on 127.0.0.1; the preferred one when it is free.

    Any other is drawn from below the range that the system gives to outgoing connections: between
    this answer and its use no such connection can take it. No port is drawn twice before all others
    were: whoever draws several before using them gets different ones. Raises `OSError` when none is
    free.
    """
    nth, count = share
    mine = range(LOWEST_PORT + nth, _first_outgoing_port(), count)
    fresh = [port for port in mine if port not in _drawn]
    if len(fresh) < SAMPLE:
        _drawn.clear()
        fresh = list(mine)
    drawn = secrets.SystemRandom().sample(fresh, SAMPLE)
    for port in (*filter(None, [preferred]), *drawn):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                _drawn.add(port)
                return port
    raise OSError("no free port on 127.0.0.1")


def is_free(host: str, port: int) -> bool:
    """Whether nobody listens on this port. True when that is unknown."""
    try:
        [(family, kind, protocol, _, address), *_] = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return error.errno != errno.EADDRINUSE
    return True


def _first_outgoing_port() -> int:
    """From Linux; elsewhere 49152 (RFC 6335, section 6)."""
    try:
        first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except (OSError, ValueError):
        return 49152
    return first if first >= LOWEST_PORT + 1000 else 65536


def reachable_by_others(path: Path) -> bool:
    """Whether other users can pass every folder above `path`."""
    return all(folder.stat().st_mode & 0o001 for folder in path.resolve().parents)


def private_environment() -> dict[str, str]:
    """The environment for an engine, without Hirewire's settings, which may be secret."""
    return {k: v for k, v in os.environ.items() if not k.startswith("HIREWIRE_")}
