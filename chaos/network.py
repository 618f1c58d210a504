"""Separate hosts on this machine: network namespaces behind a bridge, each with a cable.

An unplugged cable drops packets silently, like that of a vanished host.
"""

import ctypes
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

NEW_NETWORK = 0x40000000


class NetworkError(Exception):
    """`ip` failed; the message is its output."""


@dataclass(frozen=True)
class Host:
    """A namespace with an address."""

    name: str
    address: str
    cable: str
    """The end of its cable that is plugged into the bridge."""


class Network:
    """A bridge with an address of this machine, and the hosts plugged into it."""

    def __init__(self) -> None:
        self._mark = secrets.token_hex(2)
        self._subnet = f"10.{secrets.randbelow(56) + 200}.{secrets.randbelow(256)}"
        self.bridge = f"hwb{self._mark}"
        self.address = f"{self._subnet}.1"
        """The address of this machine as seen from the hosts."""
        self.hosts: dict[str, Host] = {}

    def start(self) -> None:
        """Create the bridge. Raises `NetworkError`."""
        _ip("link", "add", self.bridge, "type", "bridge")
        _ip("address", "add", f"{self.address}/24", "dev", self.bridge)
        _ip("link", "set", self.bridge, "up")

    def stop(self) -> None:
        """Remove everything."""
        for host in self.hosts.values():
            subprocess.run(["ip", "netns", "delete", host.name], check=False, capture_output=True)
        self.hosts.clear()
        subprocess.run(["ip", "link", "delete", self.bridge], check=False, capture_output=True)

    def host(self, name: str, *, namespace: str | None = None) -> Host:
        """The host of that name, plugged in; created if it does not exist.

        `namespace`: connect a host of another network by a second cable.
        """
        if name in self.hosts:
            return self.hosts[name]
        number = len(self.hosts) + 10
        space = namespace or f"hwh{self._mark}-{name}"
        outside, inside = f"hwo{self._mark}{number}", f"hwi{self._mark}{number}"
        host = Host(space, f"{self._subnet}.{number}", outside)
        if namespace is None:
            _ip("netns", "add", space)
        self.hosts[name] = host
        _ip("link", "add", outside, "type", "veth", "peer", "name", inside, "netns", space)
        _ip("link", "set", outside, "master", self.bridge, "up")
        for arguments in (
            ("address", "add", f"{host.address}/24", "dev", inside),
            ("link", "set", inside, "up"),
            ("link", "set", "lo", "up"),
        ):
            _ip("-n", space, *arguments)
        return host

    def unplug(self, name: str) -> None:
        """Unplug the host: packets are dropped in both directions, and neither side is notified."""
        _ip("link", "set", self.hosts[name].cable, "nomaster")

    def plug(self, name: str) -> None:
        """Plug the cable back in."""
        _ip("link", "set", self.hosts[name].cable, "master", self.bridge)

    def plug_all(self) -> None:
        """Plug all cables back in."""
        for name in self.hosts:
            self.plug(name)


@contextmanager
def inside(host: Host | None) -> Iterator[None]:
    """Move this thread into the host's namespace: processes that it starts stay there.

    Do not use `await` in the block: other tasks would run in the namespace too.
    """
    if host is None:
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{host.name}", os.O_RDONLY)
    try:
        if libc.setns(there, NEW_NETWORK):
            raise OSError(ctypes.get_errno(), f"setns {host.name}")
        try:
            yield
        finally:
            if libc.setns(before, NEW_NETWORK):
                raise OSError(ctypes.get_errno(), "setns back")
    finally:
        os.close(there)
        os.close(before)


@cache
def missing() -> str | None:
    """What this machine lacks for separate hosts."""
    if shutil.which("ip") is None:
        return "ip (Debian: iproute2)"
    network = Network()
    try:
        network.start()
        network.host("probe")
    except NetworkError as error:
        return f"network namespaces, a bridge and veth ({error})"
    finally:
        network.stop()
    return None


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], check=False, capture_output=True, text=True)
    if done.returncode:
        raise NetworkError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
