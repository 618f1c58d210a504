"""Child processes that end with their parent, however it ends."""

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
from typing import IO, Literal, Protocol

PR_SET_PDEATHSIG = 1
LOWEST_PORT = 20_000
TRIES, TRY_SECONDS = 5, 0.02
"""Attempts to acquire a lock, and the seconds between them."""


class FolderInUse(Exception):
    """Another process has locked this folder; the message names it."""


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
    """Start `argv` in its own session, so that Ctrl-C in a terminal does not reach it.

    `user`: run as this system user (only root can). `with_input`: connect its input to a pipe.
    `passed`: file descriptors that it inherits. On Linux the kernel sends it `death_signal` when
    this process ends, even by SIGKILL. Call it in the main thread: the kernel watches the calling
    thread.
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


class Ending(Protocol):
    """What is used here of `subprocess.Popen`."""

    @property
    def pid(self) -> int:
        """Its process id, and that of its group."""

    def poll(self) -> int | None:
        """The exit code, None while it runs."""

    def send_signal(self, sig: int, /) -> None:
        """Send a signal, unless it has ended."""


async def wait_gone(process: Ending, seconds: float) -> bool:
    """Wait up to `seconds` for the process to end; returns whether it has ended."""
    deadline = time.monotonic() + seconds
    while process.poll() is None:
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True


async def stop(
    process: Ending,
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


def kill(process: Ending) -> None:
    """Kill the process and its whole process group."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def hold(folder: Path) -> IO[str]:
    """Lock `folder` until the returned file is closed.

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
            f"process {holder} is already using {folder}: is a platform running?"
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def _lock(file: IO[str]) -> None:
    """Acquire the lock; retried, since `is_held` holds it for a moment."""
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
    """Create a folder and its parents; `for_others`: others may pass it, whatever the umask."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    if for_others:
        for folder in missing:
            folder.chmod(0o755)


def open_private(path: Path, mode: Literal["w", "a"] = "w") -> IO[bytes]:
    """Open a file that is readable by its owner only, from the first byte on."""
    start = os.O_TRUNC if mode == "w" else os.O_APPEND
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | start, 0o600)
    os.fchmod(descriptor, 0o600)  # it may already exist
    return open(descriptor, f"{mode}b")


def write_private(path: Path, text: str) -> None:
    """Write a file that is readable by its owner only."""
    with open_private(path) as file:
        file.write(text.encode())


share = (0, 1)
"""This process's number among those that draw ports concurrently, and how many there are.

A port may be used long after it is drawn, so each process draws from its own share.
"""


_drawn: set[int] = set()
SAMPLE = 200
"""The number of ports to try."""


def free_port(preferred: int | None = None) -> int:
    """A free TCP port on 127.0.0.1; the preferred one if it is free.

    Any other port is drawn from below the system's range for outgoing connections, so that no such
    connection can take it before it is used. No port is drawn twice before all others were, so
    several ports drawn before use are different. Raises `OSError` if none is free.
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
    """Whether nothing listens on this port. True if that cannot be determined."""
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
    """Read from Linux; elsewhere 49152 (RFC 6335, section 6)."""
    try:
        first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except (OSError, ValueError):
        return 49152
    return first if first >= LOWEST_PORT + 1000 else 65536


def reachable_by_others(path: Path) -> bool:
    """Whether other users can enter every folder above `path`."""
    return all(folder.stat().st_mode & 0o001 for folder in path.resolve().parents)


def ensure_system_user(name: str) -> None:
    """Create a system user without shell and home, if it is missing."""
    if _has_user(name):
        return
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name]
    made = subprocess.run(command, check=False, capture_output=True)
    if made.returncode and not _has_user(name):  # another first start may have created it meanwhile
        made.check_returncode()


def _has_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def private_environment() -> dict[str, str]:
    """The environment for an engine: without Hirewire's settings, which may be secret."""
    return {k: v for k, v in os.environ.items() if not k.startswith("HIREWIRE_")}
