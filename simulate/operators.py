"""Operators' actions in a history: audit, replay, discard, and adding a new service."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from hirewire.kit.internal.models import BarrierOut, Flow
from hirewire.messaging import requests
from hirewire.messaging.broker import QueueTopology, queue_of
from hirewire.messaging.consuming import dead_letters
from hirewire.messaging.introduction import introduce
from hirewire.messaging.reconciliation import audit, barriers
from hirewire.messaging.reconciliation.audit import Entered, Expected, Found
from hirewire.messaging.transaction import Transactions, wake_after
from hirewire.operators.auditing import Auditor, Report
from hirewire.operators.client import Operators, ServiceAway
from simulate.broker import Client
from simulate.loop import Host
from simulate.patches import connect
from simulate.plan import Decision
from simulate.postgres.pooled import Engine
from simulate.services import OWNERS, subscriptions_of
from simulate.world import World

T = TypeVar("T")
FIRST = UUID(int=0)


class Desk(Operators):
    """The operators' API without HTTP: the same code, each call in a transaction of the service."""

    def __init__(self, world: World, services: Sequence[str]) -> None:
        super().__init__({name: name for name in services}, "")
        self._world = world
        self._transactions = {
            name: Transactions(
                Engine(world, world.database(name)),  # type: ignore[arg-type]
                name,
                partial(world.database(name).notify, "hirewire_outbox"),
            )
            for name in services
        }

    async def _in(self, service: str, call: Callable[..., Awaitable[T]], *given: Any) -> T:
        try:
            async with self._transactions[service]() as tx:
                return await call(tx, *given)
        except Exception as error:
            raise ServiceAway(f"{service}: {error}") from error

    async def request_barrier(self, owner: str) -> UUID:
        """See `Operators`."""

        async def ask(tx: Any) -> UUID:
            wake_after(tx)
            return await barriers.ask(tx)

        return await self._in(owner, ask)

    async def barrier(self, owner: str, id: UUID) -> BarrierOut:
        """See `Operators`."""
        found = await self._in(owner, barriers.find, id)
        if found is None:
            raise ServiceAway(f"{owner} does not know the barrier")
        return BarrierOut.model_validate(found)

    async def barrier_has_passed(self, subscriber: str, id: UUID) -> bool:
        """See `Operators`."""
        return queue_of(subscriber) in await self._in(subscriber, barriers.passed_queues, id)

    async def log(self, owner: str, id: UUID, since: UUID) -> AsyncIterator[list[Expected]]:
        """See `Operators`."""
        after = FIRST
        while True:
            async with self._transactions[owner]() as tx:
                page = await audit.recorded_before(tx, id, since=since, after=after, limit=1000)
            if not page:
                return
            yield page
            after = page[-1].id

    async def flow(self, service: str) -> Flow:
        """See `Operators`."""

        async def ask(tx: Any) -> tuple[audit.Flow, UUID]:
            return await audit.flow(tx), await audit.retained_from(tx)

        queued = len(self._world.broker.queues[queue_of(service)].ready)
        found, first = await self._in(service, ask)
        return Flow(sent=found.sent, entered=found.entered, queued=queued, retained_from=first)

    async def entered(
        self, subscriber: str, owner: str, since: UUID
    ) -> AsyncIterator[list[Entered]]:
        """See `Operators`."""
        names = [s.name for s in subscriptions_of(subscriber) if s.event.owner == owner]

        async def ask(tx: Any) -> list[Entered]:
            return await audit.entered(tx, names, since=since, after=FIRST, limit=10_000)

        if page := await self._in(subscriber, ask):
            yield page

    async def unknown(self, owner: str, ids: Sequence[UUID]) -> list[UUID]:
        """See `Operators`."""
        return await self._in(owner, audit.unknown, ids)

    async def states(self, subscriber: str, events: Mapping[UUID, str]) -> list[Found]:
        """See `Operators`."""

        async def ask(tx: Any) -> list[Found]:
            return await audit.states_of(tx, subscriptions_of(subscriber), events)

        return await self._in(subscriber, ask)


class Office:
    """Operators at work. Of their processes only `migrate` is ever killed."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.host = Host("operator")
        self.services = ["writer", "reader"]
        self.reports: list[tuple[float, Report]] = []
        self.at_work = 0
        self.introduced = False
        self.wants_archive = False

    def do(self, decision: Decision) -> None:
        """Start an action of the plan."""
        match decision.kind:
            case "audit":
                work = self.audit(5.0)
            case "replay":
                work = self.replay(decision)
            case "replay dead":
                work = self.replay_dead(decision.target)
            case "discard":
                work = self.discard(decision.target)
            case other:
                raise ValueError(f"operators know no {other!r}")
        self.world.note(f"{'operator':10} {decision.kind} {decision.detail}")
        self.world.loop.spawn(self.host, self._work(work), decision.kind)

    async def _work(self, work: Awaitable[None]) -> None:
        self.at_work += 1
        try:
            await work
        except Exception as error:  # the operator gets the error, and may try again
            self.world.note(f"{'operator':10} got: {type(error).__name__}: {error}")
        finally:
            self.at_work -= 1

    async def audit(self, wait: float) -> None:
        """Run the real audit."""
        report = await Auditor(Desk(self.world, self.services), wait=wait).audit(FIRST)
        self.reports.append((self.world.loop.time(), report))
        self.world.note(f"{'operator':10} audit: {len(report.problems)} problems")

    async def replay(self, decision: Decision) -> None:
        """Replay events of the log to a service."""
        types = {"moved": ["sim.moved"], "renamed": ["sim.renamed"]}.get(
            decision.detail, ["sim.moved", "sim.renamed"]
        )
        asked = {"to": decision.target, "types": types, "handover": True}
        async with Desk(self.world, ["writer"])._transactions["writer"]() as tx:
            wake_after(tx)
            await requests.ask(tx, "replay", asked, by="operator", again=False)

    async def replay_dead(self, service: str) -> None:
        """Retry the dead letters."""
        async with Desk(self.world, [service])._transactions[service]() as tx:
            await dead_letters.replay(tx, note="again", by="operator")

    async def discard(self, service: str) -> None:
        """Discard one dead letter."""
        dead = [
            row
            for row in self.world.database(service).tables["open_message"].committed()
            if row["state"] == "dead"
        ]
        if dead:
            async with Desk(self.world, [service])._transactions[service]() as tx:
                await dead_letters.discard(tx, dead[0]["event_id"], why="no use", by="operator")

    def introduce(self, start: Callable[[], None], killed_after: float | None) -> None:
        """Run `migrate` with a new service; it may be killed on the way."""
        self.wants_archive = True
        host = Host("migrate")
        self.world.note(f"{'migrate':10} begins")

        async def work() -> None:
            await self._migrate(host)
            self.introduced = True
            start()

        task = self.world.loop.spawn(host, self._work(work()), "migrate")

        def kill() -> None:
            if host.alive and not task.done():
                self.world.note(f"{'migrate':10} is killed")
                self.at_work -= 1
            host.alive = False
            for wire in self.world.wires_of(host):
                wire.session.terminate()

        if killed_after is not None:
            self.world.loop.happen(killed_after, kill)

    async def _migrate(self, host: Host) -> None:
        broker = Client(self.world.broker, host)
        owners = {
            name: await connect(f"postgresql://sim/{name}", application="migrate")
            for name in ("writer", "reader")
        }
        queues = [topology(name) for name in ("writer", "reader", "archive")]
        past = {("archive", "sim.moved"), ("archive", "sim.renamed")}
        await introduce(broker, owners, queues, past=past)  # type: ignore[arg-type]
        for connection in owners.values():
            await connection.close()


def topology(service: str) -> QueueTopology:
    """The queue of a service."""
    types = sorted({s.event.name for s in subscriptions_of(service)})
    return QueueTopology(queue_of(service), tuple(types))


def prepare(world: World) -> None:
    """Do what `migrate` did before the first service started."""
    for service in ("writer", "reader"):
        world.broker.declare(topology(service), exactly=True)
    for type, owner in OWNERS.items():
        hearer = "writer" if owner == "reader" else "reader"
        world.database(owner).put(
            "listener",
            (type, hearer, 3),
            {"type": type, "service": hearer, "since": 3, "since_epoch": 0, "until": None},
        )
