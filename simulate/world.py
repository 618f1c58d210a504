"""The world of one history: time, randomness, databases, the broker, and the faults."""

import random
from collections import defaultdict
from dataclasses import dataclass
from uuid import UUID

from simulate.broker import Client, Server
from simulate.loop import HOST, Host, SeededLoop
from simulate.postgres.engine import Database, Table
from simulate.postgres.sessions import first_epoch
from simulate.postgres.wire import TABLES, Wire


@dataclass(eq=False, slots=True)
class Cut:
    """A connection to be lost at the nth request of a kind in one process, from now on."""

    host: str
    label: str
    nth: int
    when: str
    """``before`` the request arrives, or ``after`` it is done, so that its response is lost."""


class World:
    """Everything outside the code under test."""

    current: "World"
    """The running world."""

    def __init__(self, seed: int, broker: str) -> None:
        self.random = random.Random(seed)
        self._draw = self.random.random
        self.loop = SeededLoop()
        self.over = False
        self.fatal = ""
        self.broker = Server(self, broker)
        self.clients: list[Client] = []
        self.databases: dict[str, Database] = {}
        self.attempts: dict[tuple[str, UUID], int] = {}
        """How often a handler was called for an event, whatever became of its transaction."""
        self.handling: dict[tuple[str, UUID], Host | None] = {}
        self.killed: set[tuple[str, UUID]] = set()
        """Handler calls cut short by the end of their process: such a message may become dead."""
        self.hurt: defaultdict[str, float] = defaultdict(lambda: -1.0)
        """When a process last lost a connection by an injected fault."""
        self.trace: list[str] | None = None
        self._wires: dict[Host, list[Wire]] = {}
        self._cuts: list[Cut] = []
        self._ids = 0
        self.calm = False
        """Whether the faults are over."""
        self.speed = 1.0
        World.current = self

    def database(self, name: str) -> Database:
        """A service's database; empty when first used."""
        if name not in self.databases:
            db = Database(name, self.loop, self.random)
            db.tables = {table: Table(table) for table in TABLES}
            db.watched = {"made": [], "effect": []}
            db.put("only", 1, {"id": 1})
            db.put("lineage", 0, first_epoch())
            self.databases[name] = db
        return self.databases[name]

    def delay(self, host: Host | None) -> float:
        """The latency of a message: usually about a millisecond, rarely half a second."""
        pace = self.speed if host is None else self.speed * host.pace
        return pace * 0.0004 / (1.0008 - self._draw())

    def wires_of(self, host: Host) -> list[Wire]:
        """The database connections of a process."""
        return self._wires.setdefault(host, [])

    def plan(self, cut: Cut) -> None:
        """Plan to lose a connection at that moment."""
        self._cuts.append(cut)

    def cut_at(self, host: Host | None, label: str) -> str | None:
        """Whether this request's connection is to be lost now: before it arrives, or after."""
        if self.trace is not None and host is not None:
            self.trace.append(f"{self.loop.now:9.4f} {host.name:10} {label[:60]}")
        if not self._cuts or self.calm or host is None:
            return None
        for cut in self._cuts:
            if cut.label == label and cut.host == host.name:
                cut.nth -= 1
                if not cut.nth:
                    self._cuts.remove(cut)
                    self.hurt[cut.host] = self.loop.now
                    return cut.when
        return None

    def note(self, text: str) -> None:
        """Add a line to the history."""
        if self.trace is not None:
            self.trace.append(f"{self.loop.now:9.4f} {text}")

    def new_id(self) -> UUID:
        """A UUIDv7 of the virtual time."""
        self._ids += 1
        host = HOST.get()
        skew = host.skew if host is not None else 0.0
        milliseconds = 1_767_225_600_000 + int((self.loop.now + skew) * 1000)
        rest = self._ids << 40 | self.random.getrandbits(40)
        return UUID(int=milliseconds << 80 | 7 << 76 | (rest >> 62 & 0xFFF) << 64 | 2 << 62 | rest)

    def close(self) -> None:
        """End the world: nothing that still runs has any effect."""
        self.over = True
        self.trace = None
        self.loop.close()
        for db in self.databases.values():
            db.forget()
        self._wires.clear()
        self.clients.clear()
