"""A private Apache Kafka node, if Java is installed."""

import asyncio
import base64
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from uuid import uuid4

import psutil

from hirewire.launcher.kafka_jars import KafkaError, KafkaMissing, Program, find_kafka
from hirewire.launcher.process import (
    FolderInUse,
    ensure_system_user,
    free_port,
    hold,
    kill,
    make_folder,
    open_private,
    private_environment,
    reachable_by_others,
    spawn,
    stop,
    wait_gone,
    write_private,
)

__all__ = ["KafkaError", "KafkaMissing", "PrivateKafka"]

START_SECONDS = 60.0
FORMAT_SECONDS = 60.0
STOP_SECONDS = 20.0
TRIES = 3
LOG_SHOWN = 3_000
"""Characters of the node's log shown in an error."""
LEFTOVER_SECONDS = 20.0
SYSTEM_USER = "hirewire-kafka"
JAVA = (
    "-Xms64m",
    "-Xmn32m",
    "-Xmx384m",
    "-Xss512k",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:ReservedCodeCacheSize=48m",
    "-XX:-UsePerfData",
    "-XX:+ErrorFileToStdout",
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss",
    "-Dlog4j2.level=WARN",
)
"""For a start in 2.5 s and 150 MiB instead of 200: one compiler, small stacks, no statistics."""
# With one node, what it has acknowledged must be on the disk before the power fails.
# The data folder is relative to the working folder: a comma in its path would separate two folders.
SERVER = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=CLIENTS://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=CLIENTS://127.0.0.1:{port}
inter.broker.listener.name=CLIENTS
controller.listener.names=CONTROLLER
listener.security.protocol.map=CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=data
log.flush.interval.messages=1
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
default.replication.factor=1
num.partitions=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
num.network.threads=2
num.io.threads=2
background.threads=2
num.recovery.threads.per.data.dir=1
group.coordinator.threads=1
remote.log.manager.thread.pool.size=1
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
log.cleaner.threads=1
log.cleaner.dedupe.buffer.size=8388608
"""


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """The content of a node's `settings.json`: the cluster's id, and ports."""

    cluster: str = ""
    port: int = 0
    controller: int = 0


class PrivateKafka:
    """A private node with its own ports and data, at 127.0.0.1 and without passwords.

    As root it runs as the system user `hirewire-kafka`, which is created if missing. It ends with
    this process. Its messages stay in `data_dir`, which only one process at a time may use: what it
    has acknowledged is with the operating system, so that it survives a kill of the node, and not
    a loss of power. `home` is the folder of a distribution, None for fetched jars. Starting it
    raises `KafkaMissing` or `KafkaError`.
    """

    name = "Kafka"
    java: Sequence[str] = JAVA

    def __init__(self, data_dir: Path, home: Path | None = None) -> None:
        self.data_dir = data_dir.resolve()
        self._home = home
        self._lock: IO[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._settings = NodeSettings()
        self._user = SYSTEM_USER if os.geteuid() == 0 else None

    @property
    def url(self) -> str:
        """The address, without a namespace."""
        return f"kafka://127.0.0.1:{self._settings.port}"

    @property
    def host(self) -> str:
        """The address on which it listens."""
        return "127.0.0.1"

    @property
    def pid(self) -> int | None:
        """The process' id, if it was started."""
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """Start the node; returns once it answers."""
        program = await self._find()
        self._prepare()
        try:
            self._lock = self._lock or hold(self.data_dir)
        except FolderInUse as error:
            raise KafkaError(str(error)) from None
        try:
            await self._start(program)
        except BaseException:
            await self.stop()
            raise

    async def _find(self) -> Program:
        program = await asyncio.to_thread(find_kafka, self._home)
        first = Path(program.class_path.split(":")[0])
        if self._user is not None and not reachable_by_others(first):
            raise KafkaError(
                f"as root, Kafka runs as {self._user}, which cannot access {first.parent}: set "
                "XDG_CACHE_HOME or HIREWIRE_KAFKA_HOME to a folder outside private homes"
            )
        return program

    async def _start(self, program: Program) -> None:
        for nth in range(TRIES):
            await self._end_leftover()
            self._settings = self._load_settings(keep_ports=nth == 0)
            self._write_configuration()
            if not (self._data / "meta.properties").exists():
                await self._format(program)
            if await self._run(program):
                return
            if self._process is not None and self._process.poll() is None:
                break  # it hangs; other ports would not help
            # Another program may have just taken one of its ports: try others.
        raise KafkaError(f"the Kafka node did not start: {self._log_shown()}")

    @property
    def has_ended(self) -> bool:
        """Whether the node has ended unexpectedly."""
        return self._process is not None and self._process.poll() is not None

    async def restart(self) -> None:
        """Restart a node that has ended, on its ports. Raises `KafkaError`."""
        await self._end_leftover()
        if not await self._run(await self._find()):
            raise KafkaError(f"the Kafka node did not start: {self._log_shown()}")

    async def stop(self) -> None:
        """Stop the node."""
        if self._process is not None:
            await stop(self._process, (signal.SIGTERM, STOP_SECONDS))
            self._process = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def kill(self) -> None:
        """Kill the node (for tests)."""
        if self._process is not None:
            kill(self._process)
            self._process.wait()
        self._process = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    @property
    def _data(self) -> Path:
        return self.data_dir / "data"

    @property
    def _configuration(self) -> Path:
        return self.data_dir / "server.properties"

    def _prepare(self) -> None:
        try:
            make_folder(self.data_dir, for_others=self._user is not None)
            if self._user is not None:
                ensure_system_user(self._user)
            for folder in (self._data, self.data_dir / "tmp"):
                folder.mkdir(mode=0o700, exist_ok=True)
                self._give(folder)
        except (OSError, subprocess.CalledProcessError) as error:
            raise KafkaError(f"cannot prepare {self.data_dir}: {error}") from None
        if self._user is not None and not reachable_by_others(self.data_dir / "x"):
            raise KafkaError(
                f"as root, Kafka runs as {self._user}, which cannot access {self.data_dir}: set "
                "HIREWIRE_DATA_DIR to a folder outside private homes"
            )

    def _give(self, path: Path) -> None:
        if self._user is not None:
            shutil.chown(path, self._user, pwd.getpwnam(self._user).pw_gid)

    async def _end_leftover(self) -> None:
        """End the node of a killed launcher: two nodes on the same data would damage it."""
        left = self._nodes()
        for process in left:
            with suppress(psutil.Error):
                process.terminate()
        deadline = time.monotonic() + LEFTOVER_SECONDS
        while left and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
            left = self._nodes()
        for process in left:
            with suppress(psutil.Error):
                process.kill()
                await asyncio.to_thread(process.wait, 5)
        for path in (self.data_dir / "tmp").iterdir():  # libraries that it unpacks as it starts
            path.unlink(missing_ok=True)

    def _nodes(self) -> list[psutil.Process]:
        """The processes of nodes with this configuration. Zombies have no command line."""
        return [
            process
            for process in psutil.process_iter(["name", "cmdline"])
            if "java" in (process.info["name"] or "")
            and str(self._configuration) in (process.info["cmdline"] or ())
        ]

    def _load_settings(self, *, keep_ports: bool) -> NodeSettings:
        path = self.data_dir / "settings.json"
        known = json.loads(path.read_text()) if path.exists() else {}
        ports = known if keep_ports else {}
        settings = NodeSettings(
            cluster=known.get("cluster") or new_cluster(),
            port=free_port(ports.get("port")),
            controller=free_port(ports.get("controller")),
        )
        write_private(path, json.dumps(asdict(settings)))
        return settings

    def _write_configuration(self) -> None:
        write_private(
            self._configuration,
            SERVER.format(port=self._settings.port, controller=self._settings.controller),
        )
        self._give(self._configuration)

    async def _format(self, program: Program) -> None:
        """Write the cluster's id into the empty data folder; that is the last thing written."""
        arguments = ["kafka.tools.StorageTool", "format", "--cluster-id", self._settings.cluster]
        process = self._spawn(program, [*arguments, "--config", str(self._configuration)])
        try:
            await wait_gone(process, FORMAT_SECONDS)
        finally:
            if process.poll() is None:
                kill(process)
                process.wait()
        if process.returncode:
            raise KafkaError(f"the Kafka node's data cannot be prepared: {self._log_shown()}")

    async def _run(self, program: Program) -> bool:
        self._process = self._spawn(program, ["kafka.Kafka", str(self._configuration)])
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            if _listens(self.host, self._settings.port) and await asyncio.to_thread(self._is_up):
                return True
            await asyncio.sleep(0.05)
        return False

    def _spawn(self, program: Program, arguments: list[str]) -> subprocess.Popen[bytes]:
        temporary = f"-Djava.io.tmpdir={self.data_dir / 'tmp'}"
        with open_private(self.data_dir / "node.log", "a") as output:
            return spawn(
                [str(program.java), *self.java, temporary, "-cp", program.class_path, *arguments],
                env=private_environment() | {"LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "2"},
                user=self._user,
                output=output,
                cwd=self.data_dir,
            )

    def _is_up(self) -> bool:
        """Whether this node answers, and no other that has its port."""
        from confluent_kafka import KafkaException  # not loaded by a platform without Kafka
        from confluent_kafka.admin import AdminClient

        client = AdminClient(
            {"bootstrap.servers": f"{self.host}:{self._settings.port}", "log_level": 0}
        )
        try:
            return bool(client.list_topics(timeout=5).cluster_id == self._settings.cluster)
        except KafkaException:
            return False

    def _log_shown(self) -> str:
        try:
            return (self.data_dir / "node.log").read_text(errors="replace")[-LOG_SHOWN:]
        except OSError:
            return "(no log)"


def _listens(host: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0


def new_cluster() -> str:
    """A random id in Kafka's form. The format command would take a leading - for an option."""
    while (found := base64.urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")).startswith("-"):
        continue
    return found
