"""One history: run a plan with its faults, then wait until all is calm, then judge."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from simulate.judge import Fault, judge, judge_report
from simulate.operators import Office, prepare
from simulate.plan import Decision, Plan
from simulate.process import Process, all_of
from simulate.services import REPLICAS, SERVICES
from simulate.world import Cut, World

CALM_SECONDS = 400.0
"""Virtual seconds that everything may take to come to rest after the last fault."""
MOST_STEPS = 400_000
LOOK_SECONDS = 0.01
"""Seconds between two checks whether everything is at rest."""


@dataclass(slots=True)
class Outcome:
    """The result of a history."""

    plan: Plan
    faults: list[Fault] = field(default_factory=list)
    steps: int = 0
    seconds: float = 0.0
    """Virtual time."""
    digest: str = ""
    trace: list[str] = field(default_factory=list)

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of faults that were found."""
        return frozenset(fault.kind for fault in self.faults)


def run(plan: Plan, *, trace: bool = False) -> Outcome:
    """Run one history. The core must be patched: see `patches.installed`."""
    history = _History(plan, trace=trace)
    try:
        return history.run()
    finally:
        history.world.close()


class _History:
    def __init__(self, plan: Plan, *, trace: bool) -> None:
        self.plan = plan
        self.world = World(plan.seed, plan.broker)
        self.world.trace = [] if trace else None
        self.processes = all_of(self.world, SERVICES, REPLICAS)
        self.office = Office(self.world)
        self.outcome = Outcome(plan)
        self.begun = 0

    def run(self) -> Outcome:
        world, loop = self.world, self.world.loop
        prepare(world)
        for process in self.processes.values():
            loop.happen(world.random.random() * 0.01, process.start)
        for decision in self.plan.decisions:
            loop.happen(0.02 + decision.at, self._begin, decision)
        end = 0.02 + max([d.at + d.length for d in self.plan.decisions], default=0.0)
        loop.happen(end + 0.01, self._calm_down)
        if self._until(lambda: world.calm) and self._until(self._rests, stall=True):
            self._last_audit()
            self.outcome.faults += judge(world, self._services())
        if world.fatal:
            self.outcome.faults.append(Fault("fatal", world.fatal))
        for at, report in self.office.reports:
            last = report is self.office.reports[-1][1]
            self.outcome.faults += judge_report(at, report, last=last and not self.outcome.faults)
        self.outcome.steps, self.outcome.seconds = loop.steps, loop.now
        self.outcome.trace = world.trace or []
        self.outcome.digest = self._digest()
        return self.outcome

    def _services(self) -> list[str]:
        return [*SERVICES, *(["archive"] if self.office.introduced else [])]

    def _until(self, done: Callable[[], bool], *, stall: bool = False) -> bool:
        world = self.world
        until = world.loop.now + CALM_SECONDS
        late = False

        def enough() -> bool:
            nonlocal late
            late = world.loop.now > until
            return bool(world.fatal) or late or done()

        moves = world.loop.run(enough, MOST_STEPS, LOOK_SECONDS)
        if world.fatal:
            return False
        if not moves or late:
            why = "; ".join(self._unrest()) if stall else "the plan has no end"
            self.outcome.faults.append(Fault("stalled", why))
            return False
        return True

    def _begin(self, decision: Decision) -> None:
        self.begun += 1
        kind, world, loop = decision.kind, self.world, self.world.loop
        if world.calm:
            return
        process = self.processes.get(decision.target)
        if kind == "transaction":
            assert process is not None
            other = self.processes["writer.1" if decision.target == "writer.0" else "writer.0"]
            (process if process.runs else other).request(decision)
        elif kind == "cut":
            when, label = decision.detail.split(" ", 1)
            world.plan(Cut(decision.target, label, decision.nth, when))
        elif kind == "database":
            db = world.database(decision.target)
            world.note(f"the database of {decision.target} goes down")
            db.up = False
            db.crash()
            for name in self.processes:
                if name.startswith(decision.target):
                    world.hurt[name] = loop.now
            loop.happen(decision.length, setattr, db, "up", True)
        elif kind == "broker":
            world.note("the broker goes down")
            world.broker.restart(decision.length)
        elif kind == "refuse":
            world.broker.refusing.append((loop.now, loop.now + decision.length))
        elif kind == "introduce":
            killed_after = world.random.uniform(0, 0.1) if world.random.random() < 0.5 else None
            self.office.introduce(self._start_archive, killed_after)
        elif process is not None:
            self._disturb(process, decision)
        else:
            self.office.do(decision)

    def _disturb(self, process: Process, decision: Decision) -> None:
        kind, loop = decision.kind, self.world.loop
        if kind == "kill":
            process.kill()
            loop.happen(decision.length, process.start)
        elif kind == "stop":
            process.stop()
            loop.happen(decision.length, process.start)
        elif kind == "freeze" and process.host.alive and not process.host.frozen:
            process.freeze()
            loop.happen(decision.length, process.thaw)
        elif kind == "drop":
            process.drop(decision.detail)
        elif kind == "slow":
            process.pace = process.host.pace = 30.0
            loop.happen(decision.length, self._speed_up, process)

    def _speed_up(self, process: Process) -> None:
        process.pace = process.host.pace = 1.0

    def _start_archive(self) -> None:
        if "archive" not in self.office.services:
            self.office.services.append("archive")
            for name, process in all_of(self.world, ["archive"], 1).items():
                self.processes[name] = process
                process.start()

    def _calm_down(self) -> None:
        world = self.world
        world.note("no more faults from now on")
        world.calm = True
        world.broker.refusing.clear()
        world.broker.up = True
        for db in world.databases.values():
            db.up = True
        for process in self.processes.values():
            self._speed_up(process)
            if process.host.frozen:
                process.thaw()
        self._restart()

    def _restart(self) -> None:
        """Restart all stopped processes, and run `migrate` until it succeeds."""
        for process in list(self.processes.values()):
            if not process.stopping or not process.host.alive:
                process.start()
        if self.office.wants_archive and not self.office.introduced and not self.office.at_work:
            self.office.introduce(self._start_archive, None)
        self.world.loop.happen(3.0, self._restart)

    def _rests(self) -> bool:
        return next(self._unrest(), None) is None

    def _unrest(self) -> Iterator[str]:
        """What is still active, or should be."""
        office, world = self.office, self.world
        if office.at_work or (office.wants_archive and not office.introduced):
            yield "an operator is waiting"
        if any(client.publications for client in world.clients if client.host.alive):
            yield "something is being published"
        for queue in world.broker.queues.values():
            if not queue.empty:
                yield f"{queue.name} is not empty"
        for db in world.databases.values():
            tables = db.tables
            if tables["outbox"].rows:
                yield f"{db.name} has unsent events"
            if any(v["state"] == "open" for v in tables["job"].committed()):
                yield f"{db.name} has open requests"
            if any(v["published_at"] is None for v in tables["fence"].committed()):
                yield f"{db.name} has unsent barriers"
            if tables["awaiting"].rows:
                yield f"{db.name} awaits a replay"
            yield from _open_messages(db.name, tables["open_message"].committed())

    def _last_audit(self) -> None:
        self.world.loop.spawn(self.office.host, self.office._work(self.office.audit(60.0)), "audit")
        self.world.loop.run(lambda: self.office.at_work > 0, MOST_STEPS)
        self._until(lambda: not self.office.at_work)
        self._until(self._rests, stall=True)

    def _digest(self) -> str:
        """A hash of everything committed, with its times: equal for equal histories."""
        text = hashlib.sha256()
        for name, db in sorted(self.world.databases.items()):
            for rows in db.watched.values():
                for row in rows:
                    text.update(f"{name} {list(row.values())}".encode())
        text.update(f"{self.world.loop.steps} {self.world.loop.now:.9f}".encode())
        return text.hexdigest()[:16]


def _open_messages(name: str, rows: list[dict[str, object]]) -> Iterator[str]:
    """Unresolved messages that should move: retrying ones, and followers of no failed message."""
    blocked = {(v["subscription"], v["source"], v["key"]) for v in rows if v["state"] == "dead"}
    for values in rows:
        ordering_key = (values["subscription"], values["source"], values["key"])
        if values["closing"] is not None:
            yield f"{name} closes {values['subscription']}"
        elif values["state"] == "waiting" and values["next_attempt_at"] is not None:
            yield f"{name} has messages to handle for {values['subscription']}"
        elif values["state"] == "retrying":
            yield f"{name} retries {values['subscription']}"
        elif values["state"] == "waiting" and ordering_key not in blocked:
            yield f"{name} {values['subscription']} waits behind nobody"
