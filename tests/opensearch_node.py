"""A private OpenSearch node for tests, of jars from Maven Central."""

import asyncio
import json
import os
import pwd
import shutil
import subprocess
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

from hirewire.launcher.kafka_jars import KafkaError, fetch, find_java, listed_in
from hirewire.launcher.process import (
    ensure_system_user,
    free_port,
    kill,
    make_folder,
    private_environment,
    spawn,
)

VERSION = "2.19.6"
JARS = Path(__file__).with_name("opensearch.jars")
START_SECONDS = 120.0
SYSTEM_USER = "hirewire-opensearch"
TRANSPORT = "transport-netty4"
_DESCRIPTOR = f"""\
name={TRANSPORT}
description=HTTP and transport
version={VERSION}
opensearch.version={VERSION}
java.version=11
classname=org.opensearch.transport.Netty4Plugin
has.native.controller=false
"""
_POLICY = """\
grant codeBase "${codebase.netty-common}" {
  permission java.net.SocketPermission "*", "accept,connect,resolve,listen";
  permission java.util.PropertyPermission "*", "read,write";
  permission java.lang.RuntimePermission "accessUserInformation";
};
grant codeBase "${codebase.netty-transport}" {
  permission java.net.SocketPermission "*", "accept,connect,resolve,listen";
  permission java.io.FilePermission "/proc/sys/net/core/somaxconn", "read";
};
"""
_LOGGING = """\
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %p %c{1.} %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
"""
_OPTIONS = (
    *("-Xms256m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"),
    *("-Djava.awt.headless=true", "-Djava.security.manager=allow", "-Djna.nosys=true"),
    *("-Dlog4j2.disable.jmx=true", "-Dlog4j.shutdownHookEnabled=false"),
)


class OpenSearchMissing(Exception):
    """This machine has no Java, or the jars cannot be fetched."""


def cache_folder() -> Path:
    """Where fetched jars are kept: for root, where the node's system user can read them."""
    default = Path("/var/cache") if os.geteuid() == 0 else Path.home() / ".cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or default) / "hirewire" / f"opensearch-{VERSION}"


class OpenSearchNode:
    """One node at 127.0.0.1, without passwords. As root it runs as a system user."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._transport = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._user = SYSTEM_USER if os.geteuid() == 0 else None

    @property
    def url(self) -> str:
        """The address, without a prefix."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start the node; returns once it answers. Raises `OpenSearchMissing`."""
        java = find_java()
        if java is None:
            raise OpenSearchMissing("no Java: apt-get install default-jre-headless")
        try:
            await asyncio.to_thread(fetch, cache_folder(), listed_in(JARS))
        except KafkaError as error:
            raise OpenSearchMissing(
                f"OpenSearch's jars are not in {cache_folder()}: {error}"
            ) from None
        if not (self.folder / "config").exists():
            await asyncio.to_thread(self._prepare)
        jars = [cache_folder() / one.name for one in listed_in(JARS)]
        class_path = ":".join(str(jar) for jar in jars if not _is_transport(jar))
        with open(self.folder / "node.log", "ab") as output:
            self._process = spawn(
                [
                    *(str(java), *_OPTIONS, f"-Djava.io.tmpdir={self.folder / 'tmp'}"),
                    *(f"-Dopensearch.path.{name}={path}" for name, path in self._paths().items()),
                    *("-cp", class_path, "org.opensearch.bootstrap.OpenSearch"),
                ],
                env=private_environment() | {"LANG": "C.UTF-8"},
                user=self._user,
                output=output,
                cwd=self.folder,
            )
        deadline = time.monotonic() + START_SECONDS
        while not await asyncio.to_thread(self._is_up):
            if self._process.poll() is not None or time.monotonic() > deadline:
                log = (self.folder / "node.log").read_text(errors="replace")
                raise OpenSearchMissing(f"the OpenSearch node did not start: {log[-3000:]}")
            await asyncio.sleep(0.2)

    def _paths(self) -> dict[str, Path]:
        return {"home": self.folder, "conf": self.folder / "config"}

    def _prepare(self) -> None:
        """Lay out the node's folder as a distribution has it."""
        make_folder(self.folder, for_others=self._user is not None)
        module = self.folder / "modules" / TRANSPORT
        for path in (module, *(self.folder / name for name in ("config", "plugins", "lib", "tmp"))):
            path.mkdir(parents=True)
        for jar in map(Path, (one.name for one in listed_in(JARS))):
            if _is_transport(jar):
                shutil.copy(cache_folder() / jar, module)
        (module / "plugin-descriptor.properties").write_text(_DESCRIPTOR)
        (module / "plugin-security.policy").write_text(_POLICY)
        settings: dict[str, object] = {
            "cluster.name": "hirewire-tests",
            "node.name": "one",
            "discovery.type": "single-node",
            "network.host": "127.0.0.1",
            "http.port": self.port,
            "transport.port": self._transport,
            "cluster.routing.allocation.disk.threshold_enabled": False,
            "cluster.max_shards_per_node": 5000,
        }
        lines = [f"{name}: {json.dumps(value)}\n" for name, value in settings.items()]
        (self.folder / "config" / "opensearch.yml").write_text("".join(lines))
        (self.folder / "config" / "log4j2.properties").write_text(_LOGGING)
        if self._user is not None:
            ensure_system_user(self._user)
            group = pwd.getpwnam(self._user).pw_gid
            for path in (self.folder, *self.folder.rglob("*")):
                shutil.chown(path, self._user, group)

    def _is_up(self) -> bool:
        url = f"{self.url}/_cluster/health?wait_for_status=yellow&timeout=1s"
        with suppress(OSError, ValueError), urllib.request.urlopen(url, timeout=5) as answer:
            return not json.load(answer)["timed_out"]
        return False

    def kill(self) -> None:
        """Kill the node."""
        if self._process is not None:
            kill(self._process)
            self._process.wait()
        self._process = None


def _is_transport(jar: Path) -> bool:
    return jar.name.startswith(("netty-", TRANSPORT))
