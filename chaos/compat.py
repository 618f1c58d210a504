"""`./dev compat [versions]`: the broker's contract suite and the journeys on several RabbitMQs.

3.10, 4.0 and 4.3 come from Debian (bookworm, trixie, forky), each in its own folder under
`.hirewire/compat`, made by debootstrap (about 370 MB, once). The node runs there as user
`rabbitmq`, in a mount namespace. This needs root and debootstrap. The mirror is the one that this
machine uses.
"""

import argparse
import base64
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from hirewire.launcher.process import free_port, kill, private_environment, spawn

SUITES = {"3.10": "bookworm", "4.0": "trixie", "4.3": "forky"}
FOLDER = Path(".hirewire/compat")
TESTS = ("tests/messaging/brokers", "tests/journeys", "-k", "not postgres")
START_SECONDS = 90
console = Console(stderr=True, highlight=False)


@dataclass(frozen=True)
class Outcome:
    """The result of one version."""

    names: str
    version: str
    summary: str
    code: int
    seconds: float


class Cannot(Exception):
    """This machine lacks something; the message names it."""


def prepare(suite: str) -> Path:
    """A root folder with that suite's RabbitMQ; made if it does not exist."""
    root = (FOLDER / suite).resolve()
    if (root / "usr/lib/rabbitmq/bin/rabbitmq-server").exists():
        return root
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        raise Cannot(
            "creating a Debian folder needs root and debootstrap (apt-get install debootstrap)"
        )
    console.print(f"compat: creating {root} from Debian {suite} (about 370 MB, once)")
    partial = root.with_name(f"{root.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    include = "--include=rabbitmq-server,util-linux"
    scripts = Path("/usr/share/debootstrap/scripts")
    script = [] if (scripts / suite).exists() else [str(scripts / "sid")]
    command = ["debootstrap", "--variant=minbase", include, suite, str(partial), mirror(), *script]
    # So that the package does not start its own node during the installation.
    policy = partial / "usr/sbin/policy-rc.d"
    policy.parent.mkdir(parents=True)
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    with (FOLDER / f"{suite}.log").open("w") as log:
        done = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise Cannot(f"debootstrap failed: see {FOLDER / f'{suite}.log'}")
    partial.rename(root)
    return root


def mirror() -> str:
    """The Debian mirror in this machine's apt configuration."""
    places = [Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*")]
    for path in places:
        if path.is_file():
            text = path.read_text(errors="replace")
            found = re.search(r"^(?:deb\s+(?:\[[^]]*\]\s+)?|URIs:\s*)(\S+/debian)/?\b", text, re.M)
            if found and "security" not in found[1]:
                return found[1]
    raise Cannot("no Debian mirror in this machine's apt configuration")


class Served:
    """A node in that root, with its management API, on its own ports."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.ports = {name: free_port() for name in ("amqp", "management", "dist", "epmd")}
        self.password = secrets.token_hex(12)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The AMQP address."""
        return f"amqp://hirewire:{self.password}@127.0.0.1:{self.ports['amqp']}/%2F"

    @property
    def management_url(self) -> str:
        """The address of the management API."""
        return f"http://hirewire:{self.password}@127.0.0.1:{self.ports['management']}"

    def start(self) -> str:
        """Start the node; returns its version."""
        home = self.root / "var/lib/compat"
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        (home / "rabbitmq.conf").write_text(
            f"listeners.tcp.local = 127.0.0.1:{self.ports['amqp']}\n"
            "management.tcp.ip = 127.0.0.1\n"
            f"management.tcp.port = {self.ports['management']}\n"
            f"default_user = hirewire\ndefault_pass = {self.password}\n"
            "disk_free_limit.absolute = 50MB\n"
        )
        (self.root / "etc/hosts").write_text("127.0.0.1 localhost\n")
        (home / "enabled_plugins").write_text("[rabbitmq_management].\n")
        settings = {
            "HOME": "/var/lib/compat",
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "RABBITMQ_NODENAME": f"compat{secrets.token_hex(3)}@localhost",
            "RABBITMQ_NODE_PORT": str(self.ports["amqp"]),
            "RABBITMQ_DIST_PORT": str(self.ports["dist"]),
            "RABBITMQ_MNESIA_BASE": "/var/lib/compat/data",
            "RABBITMQ_LOG_BASE": "/var/lib/compat/log",
            "RABBITMQ_ENABLED_PLUGINS_FILE": "/var/lib/compat/enabled_plugins",
            "RABBITMQ_CONFIG_FILE": "/var/lib/compat/rabbitmq.conf",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "ERL_EPMD_PORT": str(self.ports["epmd"]),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }
        inside = " ".join(f"{name}='{value}'" for name, value in settings.items())
        script = (
            f"mount --rbind /proc {self.root}/proc && mount --rbind /dev {self.root}/dev && "
            f"chroot {self.root} chown -R rabbitmq /var/lib/compat && "
            f"exec chroot {self.root} setpriv --reuid rabbitmq --regid rabbitmq --clear-groups "
            f"env -i {inside} /usr/lib/rabbitmq/bin/rabbitmq-server"
        )
        path = FOLDER / f"{self.root.name}.node.log"
        with path.open("wb") as log:
            self._process = spawn(
                ["unshare", "--mount", "--propagation", "private", "sh", "-c", script],
                env=private_environment(),
                output=log,
            )
        return self._wait(str(path))

    def _wait(self, log: str) -> str:
        token = base64.b64encode(f"hirewire:{self.password}".encode()).decode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.ports['management']}/api/overview",
            headers={"Authorization": f"Basic {token}"},
        )
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            assert self._process is not None
            if self._process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(request, timeout=3) as answer:
                    found = re.search(r'"rabbitmq_version":"([^"]+)"', answer.read().decode())
                    if found:
                        return found[1]
            except OSError:
                pass
            time.sleep(0.3)
        raise Cannot(f"the node did not start: see {log}")

    def stop(self) -> None:
        """Stop the node, and the port mapper that it has started."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(30)
            kill(self._process)
        if epmd := shutil.which("epmd"):
            environment = private_environment() | {"ERL_EPMD_ADDRESS": "127.0.0.1"}
            command = [epmd, "-port", str(self.ports["epmd"]), "-kill"]
            subprocess.run(command, env=environment, capture_output=True, check=False)


def run(names: str, tests: tuple[str, ...]) -> Outcome:
    """Run the tests against one version."""
    node = Served(prepare(SUITES[names]))
    try:
        version = node.start()
        console.print(f"compat: RabbitMQ {version}")
        started = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests],
            env=os.environ
            | {
                "HIREWIRE_TEST_RABBITMQ_URL": node.url,
                "HIREWIRE_TEST_RABBITMQ_MANAGEMENT_URL": node.management_url,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        (FOLDER / f"{names}.tests.log").write_text(done.stdout)
        lines = done.stdout.strip().splitlines() or ["nothing"]
        return Outcome(names, version, lines[-1], done.returncode, time.monotonic() - started)
    finally:
        node.stop()


def main() -> None:
    """Run from the command line; the exit code is 1 if a version fails."""
    parser = argparse.ArgumentParser(prog="./dev compat", description=__doc__)
    parser.add_argument("version", nargs="*", help=", ".join(SUITES))
    given = parser.parse_args()
    for version in given.version:
        if version not in SUITES:
            parser.error(f"no version {version!r}: one of {', '.join(SUITES)}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    table = Table("RabbitMQ", "tests", "s", "log")
    code = 0
    for version in given.version or SUITES:
        try:
            found = run(version, TESTS)
        except Cannot as error:
            console.print(f"compat: {version}: {error}")
            code = 1
            continue
        code = code or found.code
        log = str(FOLDER / f"{version}.tests.log")
        table.add_row(found.version, found.summary, f"{found.seconds:.0f}", log)
    Console(highlight=False).print(table)
    sys.exit(1 if code else 0)


if __name__ == "__main__":
    main()
