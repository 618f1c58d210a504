"""The audit: sends a barrier through every queue, then compares the ledgers of both sides."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from hirewire.kit.internal.models import Flow, RequestIn
from hirewire.messaging.reconciliation.audit import Found, Ledger, Line
from hirewire.operators.client import POLL_SECONDS, Operators, Refused, ServiceAway

BARRIER_SECONDS = 5.0
"""Seconds before a second barrier is sent: a deleted queue may have lost the first. The pause
doubles each time."""
STALL_SECONDS = 30.0
"""Seconds without any progress after which the audit stops waiting for the barriers."""
SLOWEST_POLL = 1.0
REPAIR_CHUNK = 5000


@dataclass
class Report:
    """The result of an audit."""

    accounts: dict[str, Ledger] = field(default_factory=dict)
    """Ledgers by owner."""
    problems: list[str] = field(default_factory=list)
    """Reasons why the audit is incomplete."""
    repaired: int = 0

    def lines(self) -> list[tuple[str, str, Line]]:
        """The owner, the subscriber and the ledger line of each pair."""
        return [
            (owner, subscriber, line)
            for owner, account in self.accounts.items()
            for subscriber, line in sorted(account.lines.items())
        ]

    @property
    def missing(self) -> int:
        """The number of missing events."""
        return sum(len(line.missing) for _, _, line in self.lines())

    @property
    def phantoms(self) -> int:
        """The number of consumed events that are missing from every log."""
        return sum(len(line.phantoms) for _, _, line in self.lines())

    @property
    def clean(self) -> bool:
        """Whether the audit is complete, without missing, unaccounted or phantom events."""
        return (
            not self.problems
            and not self.missing
            and not self.phantoms
            and all(line.adds_up and not line.counts["in flight"] for _, _, line in self.lines())
        )

    def note(self, problem: str) -> None:
        """Add a reason why the audit is incomplete, unless it is listed already."""
        if problem not in self.problems:
            self.problems.append(problem)


@dataclass
class _Barrier:
    """A barrier that the audit waits for."""

    id: UUID
    reached: set[str] = field(default_factory=set)
    passed: set[str] = field(default_factory=set)
    published: bool = False

    @property
    def complete(self) -> bool:
        return self.published and self.passed >= self.reached


class Auditor:
    """Audits every owner through `Operators`.

    It calls `progress` for each page of events, and `waiting` with what the barriers are waiting
    for. It waits as long as events keep moving, but at most `wait` seconds if that is given.
    """

    def __init__(
        self,
        operators: Operators,
        *,
        wait: float | None = None,
        stall: float = STALL_SECONDS,
        progress: Callable[[str, int], None] = lambda owner, events: None,
        waiting: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._operators = operators
        self._wait = wait
        self._stall = stall
        self._progress = progress
        self._waiting = waiting

    async def audit(self, since: UUID, *, only: Mapping[str, set[UUID]] | None = None) -> Report:
        """Audit all services. `only` limits the audit to single events by owner."""
        report = Report()
        since = max([since, *await self._retained_from()])
        for owner in self._operators.services:
            if only is not None and owner not in only:
                continue
            try:
                account = await self._audit_owner(owner, since, report)
                if only is None:
                    await self._find_phantoms(owner, since, account, report)
            except (ServiceAway, Refused) as error:
                report.note(str(error))
            else:
                report.accounts[owner] = account
        return report

    async def repair(self, report: Report, *, by: str) -> dict[str, int]:
        """Publish missing events again to the subscribers that miss them; returns counts."""
        sent: dict[str, int] = {}
        for owner, subscriber, line in report.lines():
            ids = sorted(line.missing)
            for start in range(0, len(ids), REPAIR_CHUNK):
                chunk = ids[start : start + REPAIR_CHUNK]
                # A repaired event may get lost again, so this must be a new request each time.
                body = RequestIn(kind="repair", to=subscriber, ids=chunk, by=by, anew=True)
                try:
                    request = await self._operators.request(owner, body)
                    seconds = self._stall if self._wait is None else self._wait
                    ended = await self._operators.wait_for_request(owner, request.id, seconds)
                except (ServiceAway, Refused) as error:
                    report.note(f"repair of {owner} for {subscriber}: {error}")
                    break
                if ended.state != "done":
                    report.note(f"repair {request.id} of {owner} for {subscriber}: {ended.state}")
                sent[f"{owner} -> {subscriber}"] = sent.get(f"{owner} -> {subscriber}", 0) + len(
                    chunk
                )
        return sent

    async def accept_phantoms(self, report: Report, *, why: str, by: str) -> int:
        """Accept the phantoms of this report: they are not listed again. Returns their number."""
        count = 0
        for owner, subscriber, line in report.lines():
            for start in range(0, len(line.phantoms), REPAIR_CHUNK):
                ids = [phantom.id for phantom in line.phantoms[start : start + REPAIR_CHUNK]]
                await self._operators.accept(subscriber, owner, ids, why=why, by=by)
                count += len(ids)
        return count

    async def _retained_from(self) -> list[UUID]:
        """From which event on each inbox is kept. Older events cannot be reported as missing."""
        retained = []
        for service in self._operators.services:
            try:
                retained.append((await self._operators.flow(service)).retained_from)
            except (ServiceAway, Refused):
                continue  # reported when its own and its consumed events are audited
        return retained

    async def _audit_owner(self, owner: str, since: UUID, report: Report) -> Ledger:
        barrier = await self._barrier(owner, report)
        account = Ledger()
        async for page in self._operators.log(owner, barrier.id, since):
            for subscriber, events in account.expect(page).items():
                if self._operators.knows(subscriber):
                    behind_barrier = subscriber in barrier.passed
                    await self._enter(account, subscriber, events, behind_barrier, report)
                else:
                    account.enter(subscriber, events, _not_known(events), behind_barrier=False)
                    report.note(f"{owner} has an unknown subscriber: {subscriber}")
            self._progress(owner, len(page))
        return account

    async def _enter(
        self,
        account: Ledger,
        subscriber: str,
        events: Mapping[UUID, str],
        behind_barrier: bool,
        report: Report,
    ) -> None:
        try:
            states = await self._operators.states(subscriber, events)
        except ServiceAway as error:
            report.note(str(error))
            states = _not_known(events)
            behind_barrier = False
        account.enter(subscriber, events, states, behind_barrier=behind_barrier)

    async def _find_phantoms(
        self, owner: str, since: UUID, account: Ledger, report: Report
    ) -> None:
        """Find events that a subscriber has consumed but no log contains.

        Checks the logs of all services, since an event type may have had another owner in the past.
        """
        others = [name for name in self._operators.services if name != owner]
        for subscriber in self._operators.services:
            try:
                async for page in self._operators.entered(subscriber, owner, since):
                    ids = [event.id for event in page]
                    for log in (owner, *others):
                        ids = await self._operators.unknown(log, ids) if ids else []
                    if ids:
                        phantoms = account.lines.setdefault(subscriber, Line()).phantoms
                        phantoms += [event for event in page if event.id in set(ids)]
            except (ServiceAway, Refused) as error:
                report.note(str(error))

    async def _barrier(self, owner: str, report: Report) -> _Barrier:
        """Send barriers until all subscribers have passed one, and return it.

        If the wait ends early, the result is the barrier that most subscribers have passed.
        """
        clock = asyncio.get_running_loop().time
        begun = moved = clock()
        again, pause, poll = begun, BARRIER_SECONDS, POLL_SECONDS
        barriers: list[_Barrier] = []
        flow = _Flow()
        while True:
            if clock() >= again:
                barriers.append(_Barrier(await self._operators.request_barrier(owner)))
                again, pause = clock() + pause, pause * 2
            away: dict[str, str] = {}
            for barrier in barriers:
                await self._update(owner, barrier, away)
                if barrier.complete:
                    return barrier
            best = max(barriers, key=lambda barrier: (len(barrier.passed), barrier.published))
            late = best.reached - best.passed
            if await self._moved(flow, owner, best, late - away.keys()):
                moved = clock()
            reason = None
            if self._wait is not None and clock() - begun > self._wait:
                reason = f"within {self._wait:g} s"
            elif clock() - moved > self._stall:
                reason = f"and there has been no progress for {self._stall:g} s"
            elif best.published and late <= away.keys() and clock() - begun > BARRIER_SECONDS:
                reason = "because it does not respond"
            if reason is not None:
                for problem in away.values():
                    report.note(problem)
                names = ", ".join(sorted(late)) or "any subscriber"
                report.note(
                    f"{owner}: the barrier has not reached {names} {reason}; events not found "
                    "there count as in flight"
                )
                return best
            self._waiting(f"{owner}: {flow.description(owner, best, late)}")
            await asyncio.sleep(poll)
            poll = min(poll * 1.2, SLOWEST_POLL)

    async def _update(self, owner: str, barrier: _Barrier, away: dict[str, str]) -> None:
        sent = await self._operators.barrier(owner, barrier.id)
        barrier.published = sent.published_at is not None
        barrier.reached = {name for name in sent.reached if self._operators.knows(name)}
        for subscriber in barrier.reached - barrier.passed - away.keys():
            try:
                if await self._operators.barrier_has_passed(subscriber, barrier.id):
                    barrier.passed.add(subscriber)
            except ServiceAway as error:
                away[subscriber] = str(error)

    async def _moved(self, flow: "_Flow", owner: str, barrier: _Barrier, late: set[str]) -> bool:
        """Whether a barrier has made progress since the last check.

        Progress shows in the owner's outbox until the barrier is published, then in the queues of
        the subscribers that have not consumed it.
        """
        moved = False
        try:
            if not barrier.reached:
                moved = flow.sent(await self._operators.flow(owner))
            for subscriber in late:
                moved = flow.advanced(subscriber, await self._operators.flow(subscriber)) or moved
        except ServiceAway:
            pass
        return moved


@dataclass
class _Flow:
    """The progress of one owner's barriers."""

    _sent: int | None = None
    _entered: dict[str, int] = field(default_factory=dict)
    _queued: dict[str, int] = field(default_factory=dict)

    def sent(self, flow: Flow) -> bool:
        """Store the owner's number of sent events; returns whether it has changed."""
        before, self._sent = self._sent, flow.sent
        return before != self._sent

    def advanced(self, subscriber: str, flow: Flow) -> bool:
        """Store a subscriber's entered and queued counts; returns whether it has made progress.

        A growing queue is not progress.
        """
        entered, queued = flow.entered, flow.queued or 0
        moved = self._entered.get(subscriber) != entered
        moved = moved or queued < self._queued.get(subscriber, 0)
        self._entered[subscriber], self._queued[subscriber] = entered, queued
        return moved

    def description(self, owner: str, barrier: _Barrier, late: set[str]) -> str:
        """What the barrier is waiting for."""
        if not barrier.reached:
            return "waiting for its outbox"
        queues = [f"{name} ({self._queued.get(name, 0):,} queued)" for name in sorted(late)]
        return f"waiting for {', '.join(queues) or 'a missing queue'}"


def _not_known(events: Iterable[UUID]) -> list[Found]:
    return [Found(id, "missing", False, None, None) for id in events]
