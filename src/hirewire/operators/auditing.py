"""The audit: a barrier through every queue, then the ledgers of both sides compared."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from hirewire.messaging.reconciliation.audit import Found, Ledger, Line
from hirewire.operators.client import POLL_SECONDS, Operators, Refused, ServiceAway

BARRIER_SECONDS = 5.0
"""After so long another barrier is sent beside the first, whose queue may have been lost with it;
then after twice as long, and so on."""
STALL_SECONDS = 30.0
"""For how long nothing at all may be sent or entered before the barriers are waited for no more."""
SLOWEST_POLL = 1.0
REPAIR_CHUNK = 5000


@dataclass
class Report:
    """What the audit found."""

    accounts: dict[str, Ledger] = field(default_factory=dict)
    """By owner."""
    problems: list[str] = field(default_factory=list)
    """What kept it from being complete."""
    repaired: int = 0

    def lines(self) -> list[tuple[str, str, Line]]:
        """Owner, subscriber and their line."""
        return [
            (owner, subscriber, line)
            for owner, account in self.accounts.items()
            for subscriber, line in sorted(account.lines.items())
        ]

    @property
    def missing(self) -> int:
        """Events that are lost as things stand."""
        return sum(len(line.missing) for _, _, line in self.lines())

    @property
    def phantoms(self) -> int:
        """Events that were consumed and that no log has."""
        return sum(len(line.phantoms) for _, _, line in self.lines())

    @property
    def clean(self) -> bool:
        """Complete, and nothing is missing, unaccounted for, or known to its subscribers only."""
        return (
            not self.problems
            and not self.missing
            and not self.phantoms
            and all(line.adds_up and not line.counts["in flight"] for _, _, line in self.lines())
        )

    def note(self, problem: str) -> None:
        """Add what keeps it from being complete, once."""
        if problem not in self.problems:
            self.problems.append(problem)


@dataclass
class _Barrier:
    """A barrier that is waited for."""

    id: UUID
    reached: set[str] = field(default_factory=set)
    passed: set[str] = field(default_factory=set)
    published: bool = False

    @property
    def through(self) -> bool:
        return self.published and self.passed >= self.reached


class Auditor:
    """Audits every owner with `Operators`; `progress` is told of each page of events, `waiting`
    of what keeps the barriers. These are waited for as long as anything moves, and no longer than
    `wait` seconds when that is given.
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
        """The audit of all services. `only` limits it to single events by owner."""
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
        """Send what is missing again, each to the one service that misses it; how many by pair."""
        sent: dict[str, int] = {}
        for owner, subscriber, line in report.lines():
            ids = sorted(line.missing)
            for start in range(0, len(ids), REPAIR_CHUNK):
                chunk = [str(id) for id in ids[start : start + REPAIR_CHUNK]]
                # `anew`: what was repaired before and is missing now is missing again.
                body = {"kind": "repair", "to": subscriber, "ids": chunk, "by": by, "anew": True}
                try:
                    request = await self._operators.request(owner, body)
                    seconds = self._stall if self._wait is None else self._wait
                    ended = await self._operators.wait_for_request(owner, request["id"], seconds)
                except (ServiceAway, Refused) as error:
                    report.note(f"repair of {owner} for {subscriber}: {error}")
                    break
                if ended["state"] != "done":
                    report.note(
                        f"repair {request['id']} of {owner} for {subscriber}: {ended['state']}"
                    )
                sent[f"{owner} -> {subscriber}"] = sent.get(f"{owner} -> {subscriber}", 0) + len(
                    chunk
                )
        return sent

    async def accept_phantoms(self, report: Report, *, why: str, by: str) -> int:
        """Have the phantoms of this report listed no more; how many there were."""
        count = 0
        for owner, subscriber, line in report.lines():
            for start in range(0, len(line.phantoms), REPAIR_CHUNK):
                ids = [one.id for one in line.phantoms[start : start + REPAIR_CHUNK]]
                await self._operators.accept(subscriber, owner, ids, why=why, by=by)
                count += len(ids)
        return count

    async def _retained_from(self) -> list[UUID]:
        """How far back each inbox goes: of what is older it cannot be said that it is missing."""
        found = []
        for service in self._operators.services:
            try:
                found.append(UUID((await self._operators.flow(service))["retainedFrom"]))
            except (ServiceAway, Refused):
                continue  # said of its owner's events, and of those that it consumes
        return found

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
                    report.note(
                        f"{owner} has the subscriber {subscriber}, which is no service here"
                    )
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
        """From the subscribers' side: what they have consumed and no log has. All logs are asked,
        since an event may have had another owner before.
        """
        others = [name for name in self._operators.services if name != owner]
        for subscriber in self._operators.services:
            try:
                async for page in self._operators.entered(subscriber, owner, since):
                    ids = [one.id for one in page]
                    for log in (owner, *others):
                        ids = await self._operators.unknown(log, ids) if ids else []
                    if ids:
                        found = account.lines.setdefault(subscriber, Line()).phantoms
                        found += [one for one in page if one.id in set(ids)]
            except (ServiceAway, Refused) as error:
                report.note(str(error))

    async def _barrier(self, owner: str, report: Report) -> _Barrier:
        """The barrier that all subscribers have passed, or the one that most of them have.

        One barrier that is consumed is enough, however many were sent after it.
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
                await self._look(owner, barrier, away)
                if barrier.through:
                    return barrier
            best = max(barriers, key=lambda one: (len(one.passed), one.published))
            late = best.reached - best.passed
            if await self._moved(flow, owner, best, late - away.keys()):
                moved = clock()
            reason = None
            if self._wait is not None and clock() - begun > self._wait:
                reason = f"in {self._wait:g} s"
            elif clock() - moved > self._stall:
                reason = f"though nothing has moved for {self._stall:g} s"
            elif best.published and late <= away.keys() and clock() - begun > BARRIER_SECONDS:
                reason = "while they are away"
            if reason is not None:
                for problem in away.values():
                    report.note(problem)
                names = ", ".join(sorted(late)) or "any subscriber"
                report.note(
                    f"{owner}: the barrier has not come through to {names} {reason}; what they do "
                    "not know counts as in flight"
                )
                return best
            self._waiting(f"{owner}: {flow.words(owner, best, late)}")
            await asyncio.sleep(poll)
            poll = min(poll * 1.2, SLOWEST_POLL)

    async def _look(self, owner: str, barrier: _Barrier, away: dict[str, str]) -> None:
        sent = await self._operators.barrier(owner, barrier.id)
        barrier.published = sent["publishedAt"] is not None
        barrier.reached = {name for name in sent["reached"] if self._operators.knows(name)}
        for subscriber in barrier.reached - barrier.passed - away.keys():
            try:
                if await self._operators.barrier_has_passed(subscriber, barrier.id):
                    barrier.passed.add(subscriber)
            except ServiceAway as error:
                away[subscriber] = str(error)

    async def _moved(self, flow: "_Flow", owner: str, barrier: _Barrier, late: set[str]) -> bool:
        """Whether what is in front of a barrier has become less since the last look: of the outbox,
        until it has been sent; then of the queues of those who have not consumed it.
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
    """What is known of the way of one owner's barriers."""

    _sent: int | None = None
    _entered: dict[str, int] = field(default_factory=dict)
    _queued: dict[str, int] = field(default_factory=dict)

    def sent(self, found: Mapping[str, Any]) -> bool:
        """Note how much the owner has sent; whether that is more than before."""
        before, self._sent = self._sent, found["sent"]
        return before != self._sent

    def advanced(self, subscriber: str, found: Mapping[str, Any]) -> bool:
        """Note how much a subscriber has entered and what is left; whether it has gone on. A queue
        that grows is no progress.
        """
        entered, queued = found["entered"], found["queued"] or 0
        moved = self._entered.get(subscriber) != entered
        moved = moved or queued < self._queued.get(subscriber, 0)
        self._entered[subscriber], self._queued[subscriber] = entered, queued
        return moved

    def words(self, owner: str, barrier: _Barrier, late: set[str]) -> str:
        """What is waited for."""
        if not barrier.reached:
            return "waits for its outbox"
        queues = [f"{name} ({self._queued.get(name, 0):,} queued)" for name in sorted(late)]
        return f"waits for {', '.join(queues) or 'a queue that is not there'}"


def _not_known(events: Iterable[UUID]) -> list[Found]:
    return [Found(id, "missing", False, None, None) for id in events]
