"""A real PgBouncer in front of a database server."""

import configparser
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from sqlalchemy import make_url

from hirewire.launcher.process import free_port
from tests.conftest import ROOT, ensure


def find_pgbouncer() -> str | None:
    """The path of PgBouncer; Debian installs it where only root's PATH leads."""
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def keeps_statements() -> bool:
    """Whether the PgBouncer of this machine is 1.21 or later."""
    return _version_of(_program()) >= (1, 21)


def _program() -> str:
    ensure("pgbouncer", "pgbouncer", "no PgBouncer: apt-get install pgbouncer", find_pgbouncer)
    return str(find_pgbouncer())


def _version_of(program: str) -> tuple[int, ...]:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in said.split()[1].split("."))


@contextmanager
def pgbouncer(url: str, mode: str, size: int, **settings: object) -> Iterator[str]:
    """A PgBouncer in front of the server of `url`; yields the address through it.

    Its settings are those of `deploy/pgbouncer.ini`, but for these and the addresses.
    """
    program = _program()
    server = make_url(url)
    port = free_port(None)
    folder = Path("/tmp") / f"hirewire-pgbouncer-{uuid4().hex[:8]}"
    folder.mkdir(mode=0o755)
    (folder / "users.txt").write_text(f'"{server.username}" "{server.password}"\n')
    file = configparser.ConfigParser(interpolation=None)
    file.read(ROOT / "deploy" / "pgbouncer.ini")
    file["databases"]["*"] = (
        f"host={server.host} port={server.port} user={server.username} password='{server.password}'"
    )
    ours = {"listen_addr": "127.0.0.1", "listen_port": port, "auth_file": f"{folder}/users.txt"}
    ours |= {"auth_type": "any", "pool_mode": mode, "default_pool_size": size, **settings}
    file["pgbouncer"].update({name: str(value) for name, value in ours.items()})
    if not keeps_statements():
        del file["pgbouncer"]["max_prepared_statements"]
    with (folder / "pgbouncer.ini").open("w") as out:
        file.write(out)
    user = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    started = subprocess.Popen(
        [program, str(folder / "pgbouncer.ini")],
        user=user if os.geteuid() == 0 else None,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(500):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert started.poll() is None, "pgbouncer ended"
            time.sleep(0.02)
        pooled = server.set(host="127.0.0.1", port=port)
        yield pooled.render_as_string(hide_password=False)
    finally:
        started.kill()
        started.wait()
        shutil.rmtree(folder)
