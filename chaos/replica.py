"""A service process, on this machine or on a separate host."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import psutil

from chaos.network import Host, inside
from hirewire.launcher.process import spawn, stop

ROOT = Path(__file__).resolve().parents[1]
CLOCK = ROOT / "chaos" / "clock.c"


@dataclass
class Replica:
    """A service process; its log is in `folder`."""

    name: str
    port: int
    folder: Path
    process: subprocess.Popen[bytes] | None = None
    clock: timedelta = timedelta()
    """By how much its clock is ahead, or behind if negative."""
    host: Host | None = None
    settings: dict[str, str] = field(default_factory=dict)
    """Additional environment variables."""

    @property
    def service(self) -> str:
        """The service it belongs to."""
        return self.name.partition("-")[0]

    @property
    def address(self) -> str:
        """The address of its HTTP server."""
        return f"http://{self.host.address if self.host else '127.0.0.1'}:{self.port}"

    @property
    def runs(self) -> bool:
        """Whether its process exists; it may be frozen."""
        return self.process is not None and self.process.poll() is None

    @property
    def frozen(self) -> bool:
        """Whether its process is frozen."""
        if self.process is None or not self.runs:
            return False
        return bool(psutil.Process(self.process.pid).status() == psutil.STATUS_STOPPED)

    def start(self, environment: Mapping[str, str]) -> None:
        """Start it with the platform's settings."""
        known = {k: v for k, v in os.environ.items() if not k.startswith("HIREWIRE_")}
        known |= {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", **environment, **self.settings}
        if self.host is not None:
            known["HIREWIRE_HOST"] = "0.0.0.0"
        if self.clock:
            known |= clock_of(self.folder, self.clock)
        with open(self.folder / f"{self.name}.log", "ab") as log, inside(self.host):
            self.process = spawn(
                [sys.executable, "-m", "chaos.service", self.service, str(self.port)],
                env=known,
                output=log,
            )

    def kill(self) -> None:
        """Kill it, as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.process = None

    async def stop(self) -> None:
        """SIGTERM, and wait."""
        if self.process is not None:
            self.thaw()
            await stop(self.process, (signal.SIGTERM, 20))
            self.process = None

    def freeze(self) -> None:
        """Freeze it; the kernel keeps its connections."""
        if self.process is not None:
            self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Resume it in the middle of its work."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)

    def has_port(self, port: int) -> bool:
        """Whether it has a connection from this local port."""
        if self.process is None or not self.runs:
            return False
        with suppress(psutil.Error):
            connections = psutil.Process(self.process.pid).net_connections("tcp4")
            return any(one.laddr and one.laddr.port == port for one in connections)
        return False


def clock_of(folder: Path, shift: timedelta) -> dict[str, str]:
    """The environment of a process with another clock. Raises `LookupError` without a compiler."""
    built = folder / "clock.so"
    if not built.exists():
        compiler = shutil.which("cc")
        if compiler is None:
            raise LookupError("no C compiler: apt-get install gcc libc6-dev")
        subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", built, CLOCK], check=True)
    return {"LD_PRELOAD": str(built), "CLOCK_SHIFT": f"{shift.total_seconds():.0f}"}
