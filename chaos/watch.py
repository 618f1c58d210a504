"""Runs audits during the faults, one after the other: none may report an event as missing."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

import httpx

from chaos.world import World, eventually
from hirewire.messaging.reconciliation.audit import first_id
from hirewire.operators.auditing import Auditor, Report

WAIT_SECONDS = 20.0
AUDIT_SECONDS = 45.0
COMPLETE_SECONDS = 120.0
"""How long an audit may take to complete after the faults, while the writers write."""


class Watch:
    """Audits in the background."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._since = first_id(datetime.now(UTC))
        self._task: asyncio.Task[None] | None = None
        self.begun = 0
        self.complete = 0
        self.missing: set[UUID] = set()
        """Every event that any audit has reported as missing."""
        self.wrong: list[str] = []

    def start(self) -> None:
        """Start auditing."""
        self._task = asyncio.create_task(self._audit_for_ever())

    async def stop(self) -> None:
        """Stop; an audit in progress is dropped."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def completes(self) -> None:
        """Wait until an audit that starts from now on is complete. Raises `TimeoutError`."""
        goal = self.complete + 2  # the first one may have started earlier

        async def done() -> bool:
            return self.complete >= goal

        await eventually(done, COMPLETE_SECONDS, "an audit completes while the writers write")

    async def _audit_for_ever(self) -> None:
        while True:
            try:
                await self._audit()
            except (OSError, httpx.HTTPError):
                pass  # the requested replica has gone
            except Exception as error:
                self.wrong.append(f"audit in progress: {type(error).__name__}: {error}")
            await asyncio.sleep(0.5)

    async def _audit(self) -> None:
        chosen = []
        for service in ("writer", *self._world.readers):
            names = [n for n, one in self._world.replicas.items() if one.service == service]
            for name in names:
                if await self._world.is_live(name, 1):
                    chosen.append(name)
                    break
            else:
                return  # no replica to ask
        self.begun += 1
        async with asyncio.timeout(AUDIT_SECONDS), self._world.operators(chosen) as operators:
            self._enter(await Auditor(operators, wait=WAIT_SECONDS).audit(self._since))

    def _enter(self, report: Report) -> None:
        for _, _, line in report.lines():
            self.missing |= set(line.missing)
            if not line.adds_up:
                self.wrong.append(f"{line.counts} do not add up to {line.expected}")
        if not report.problems and report.accounts:
            self.complete += 1
