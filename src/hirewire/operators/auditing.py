"""The audit: fences through every outbox to every queue, then both sides' books side by side."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from hirewire.messaging.audit import Account, Found, Line
from hirewire.operators.client import POLL_SECONDS, Operators, Refused, ServiceAway

FENCE_SECONDS = 5.0
"""After so long another fence is sent: the queue of the first may have been lost with it."""
REPAIR_CHUNK = 5000


@dataclass
class Report:
    """What the audit found."""

    accounts: dict[str, Account] = field(default_factory=dict)
    """By owner."""
    problems: list[str] = field(default_factory=list)
    """What kept it from being complete."""
    repaired: int = 0

    def lines(self) -> list[tuple[str, str, Line]]:
        """Owner, listener and their line."""
        return [
            (owner, listener, line)
            for owner, account in self.accounts.items()
            for listener, line in sorted(account.lines.items())
        ]

    @property
    def missing(self) -> int:
        """Events that are lost as things stand."""
        return sum(len(line.missing) for _, _, line in self.lines())

    @property
    def clean(self) -> bool:
        """Complete, and nothing is missing or unaccounted for."""
        return (
            not self.problems
            and not self.missing
            and all(line.adds_up and not line.counts["in flight"] for _, _, line in self.lines())
        )


class Auditor:
    """Audits every owner with `Operators`; `progress` is told of each page of events."""

    def __init__(
        self,
        operators: Operators,
        *,
        wait: float = 60.0,
        progress: Callable[[str, int], None] = lambda owner, events: None,
    ) -> None:
        self._operators = operators
        self._wait = wait
        self._progress = progress

    async def audit(self, since: UUID, *, only: Mapping[str, set[UUID]] | None = None) -> Report:
        """The books of all services. `only` limits it to single events by owner."""
        report = Report()
        for owner in self._operators.services:
            if only is not None and owner not in only:
                continue
            try:
                account = await self._audit_owner(owner, since, report)
            except (ServiceAway, Refused) as error:
                report.problems.append(str(error))
            else:
                report.accounts[owner] = account
        return report

    async def repair(self, report: Report, *, by: str) -> dict[str, int]:
        """Send what is missing again, each to the one service that misses it; how many by pair."""
        sent: dict[str, int] = {}
        for owner, listener, line in report.lines():
            ids = sorted(line.missing)
            for start in range(0, len(ids), REPAIR_CHUNK):
                chunk = [str(id) for id in ids[start : start + REPAIR_CHUNK]]
                # `anew`: what was repaired before and is missing now is missing again.
                body = {"kind": "repair", "to": listener, "ids": chunk, "by": by, "anew": True}
                job = await self._operators.start_job(owner, body)
                ended = await self._operators.wait_for_job(owner, job["id"], self._wait)
                if ended["state"] != "done":
                    report.problems.append(
                        f"repair {job['id']} of {owner} for {listener}: {ended['state']}"
                    )
                sent[f"{owner} -> {listener}"] = sent.get(f"{owner} -> {listener}", 0) + len(chunk)
        return sent

    async def _audit_owner(self, owner: str, since: UUID, report: Report) -> Account:
        id, heard = await self._fence(owner, report)
        found = await self._operators.fence(owner, id)
        account = Account(UUID(one) for one in found["unsent"])
        async for page in self._operators.log(owner, id, since):
            for listener, events in account.expect(page).items():
                if listener not in self._operators.services:
                    continue
                await self._enter(account, listener, events, listener in heard, report)
            self._progress(owner, len(page))
        return account

    async def _enter(
        self,
        account: Account,
        listener: str,
        events: Mapping[UUID, str],
        fenced: bool,
        report: Report,
    ) -> None:
        try:
            states = await self._operators.states(listener, events)
        except ServiceAway as error:
            self._note(report, str(error))
            states = [Found(id, "missing", False, None, None) for id in events]
            fenced = False
        account.enter(listener, events, states, fenced=fenced)

    def _note(self, report: Report, problem: str) -> None:
        if problem not in report.problems:
            report.problems.append(problem)

    async def _fence(self, owner: str, report: Report) -> tuple[UUID, set[str]]:
        """A fence, and the listeners that have heard it in time; another when it was lost."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._wait
        while True:
            id = await self._operators.raise_fence(owner)
            again = min(loop.time() + FENCE_SECONDS, until)
            heard: set[str] = set()
            while True:
                sent = await self._operators.fence(owner, id)
                listeners = set(sent["reached"])
                for listener in listeners - heard:
                    if await self._has_heard(listener, id, report):
                        heard.add(listener)
                if sent["publishedAt"] and heard >= listeners:
                    return id, heard
                if loop.time() > again:
                    break
                await asyncio.sleep(POLL_SECONDS)
            if loop.time() > until:
                late = sorted(listeners - heard) or ["any listener"]
                report.problems.append(
                    f"{owner}: the fence has not come through to {', '.join(late)} in "
                    f"{self._wait:g} s; what they do not know counts as in flight"
                )
                return id, heard

    async def _has_heard(self, listener: str, id: UUID, report: Report) -> bool:
        try:
            return await self._operators.fence_is_heard(listener, id)
        except ServiceAway as error:
            self._note(report, str(error))
            return False
