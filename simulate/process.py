"""A process: one replica of a service with all its tasks, which can be stopped in any way."""

import asyncio
from collections.abc import Sequence

from hirewire.messaging.runtime import Messaging, Options
from hirewire.messaging.transaction import Transactions
from simulate.broker import Client
from simulate.loop import Host
from simulate.plan import Decision
from simulate.postgres.pooled import Engine
from simulate.services import CLASSES, SERVICES, subscriptions_of, write_event
from simulate.world import World

BATCH = 4


class Failed(Exception):
    """A request that fails on purpose."""


class Process:
    """One replica. Each start gives it a new host."""

    def __init__(self, world: World, service: str, number: int) -> None:
        self.world = world
        self.service = service
        self.name = f"{service}.{number}"
        self.host = Host(self.name)
        self.host.alive = False
        self.skew = world.random.uniform(-0.3, 0.3)
        self.pace = 1.0
        self.stopping = False
        self.client: Client | None = None
        self.messaging: Messaging | None = None
        self.engine: Engine | None = None

    @property
    def runs(self) -> bool:
        """Whether it is running and not shutting down."""
        return self.host.alive and not self.stopping

    def start(self) -> None:
        """Start it, unless it is running."""
        if self.host.alive or self.world.over:
            return
        self.host = Host(self.name)
        self.host.skew, self.host.pace = self.skew, self.pace
        self.stopping = False
        self.world.note(f"{self.name:10} starts")
        self.world.loop.spawn(self.host, self._run(), f"{self.name} main")

    async def _run(self) -> None:
        self.client = Client(self.world.broker, self.host)
        self.engine = Engine(self.world, self.world.database(self.service))
        self.messaging = Messaging(
            service=self.service,
            engine=self.engine,  # type: ignore[arg-type]
            database_url=f"postgresql://sim/{self.service}",
            broker=self.client,
            subscriptions=subscriptions_of(self.service),
            services=frozenset(SERVICES),
            options=Options(batch=BATCH, drain_seconds=2.0),
        )
        self.messaging.start()

    def kill(self) -> None:
        """Kill it, as by signal 9: its connections break."""
        if not self.host.alive:
            return
        self.world.note(f"{self.name:10} is killed")
        self.host.alive = False
        for invocation, host in list(self.world.handling.items()):
            if host is self.host:
                self.world.killed.add(invocation)
        self._leave_claims()
        self._break_connections()

    def _leave_claims(self) -> None:
        """Treat claims that a killed process could not give back like messages that killed it."""
        if self.messaging is None:
            return
        instance = self.messaging.retries._owner.instance
        for row in self.world.database(self.service).tables["open_message"].rows.values():
            for values in (row.committed, row.pending):
                if values is not None and values["claimed_by"] == instance:
                    self.world.killed.add((values["subscription"], values["event_id"]))

    def _break_connections(self) -> None:
        for wire in self.world.wires_of(self.host):
            if wire.session.alive:
                self.world.loop.happen(self.world.delay(None), wire.session.terminate)
        if self.client is not None:
            self.client.cut()

    def stop(self) -> None:
        """Stop it gracefully, as by signal 15."""
        if not self.runs:
            return
        self.stopping = True
        self.world.note(f"{self.name:10} is asked to stop")
        self.world.loop.spawn(self.host, self._stop(), f"{self.name} stop")

    async def _stop(self) -> None:
        asked_at = self.world.loop.now
        if self.messaging is not None:
            await self.messaging.stop()
        if self.engine is not None:
            await self.engine.dispose()
        self.host.alive = False
        self.world.note(f"{self.name:10} has stopped")
        if not self.world.database(self.service).up or self.world.hurt[self.name] >= asked_at:
            self._leave_claims()
        self._break_connections()

    def freeze(self) -> None:
        """Freeze it, as by SIGSTOP: its connections stay open."""
        self.world.note(f"{self.name:10} is frozen")
        self.host.frozen = True

    def thaw(self) -> None:
        """Resume it."""
        self.world.note(f"{self.name:10} goes on")
        self.world.loop.thaw(self.host)

    def drop(self, what: str) -> None:
        """Have the servers drop its connections."""
        self.world.note(f"{self.name:10} loses its connections to the {what}")
        self.world.hurt[self.name] = self.world.loop.now
        if what == "database":
            for wire in self.world.wires_of(self.host):
                wire.session.terminate()
        elif self.client is not None:
            self.client.cut()

    def request(self, decision: Decision) -> None:
        """Send it a request that records events."""
        if self.runs and self.messaging is not None:
            transactions = self.messaging.transactions
            self.world.loop.spawn(self.host, _request(transactions, decision), "request")


async def _request(transactions: Transactions, decision: Decision) -> None:
    events = [CLASSES[type](item=key, handling=how) for type, key, how in decision.events]
    middle = (len(events) + 1) // 2
    try:
        async with transactions() as tx:
            for event in events[:middle]:
                write_event(tx, event)
            if decision.detail == "slow":
                await asyncio.sleep(decision.length)
            if decision.detail == "savepoint":
                try:
                    async with tx.begin_nested():
                        for event in events[:middle]:
                            write_event(tx, event)
                        raise Failed
                except Failed:
                    pass
            for event in events[middle:]:
                write_event(tx, event)
            if decision.detail == "fails":
                raise Failed
    except Exception as error:  # the caller gets an error page
        World.current.note(f"{'':10} request failed: {type(error).__name__}: {error}")


def all_of(world: World, services: Sequence[str], replicas: int) -> dict[str, Process]:
    """Processes by name."""
    made = [Process(world, service, n) for service in services for n in range(replicas)]
    return {process.name: process for process in made}
