"""Retries: one lane for each subscription, so that none waits for another's slow handler."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, TypeAlias

import structlog

from hirewire.messaging.background import Wake, describe, run_steps
from hirewire.messaging.consuming import claims
from hirewire.messaging.consuming.consumer import Consumer
from hirewire.messaging.consuming.lanes import Lane, Owner, Patience
from hirewire.messaging.ids import new_id
from hirewire.messaging.transaction import Transactions

log = structlog.get_logger(__name__)

IDLE_SECONDS = 0.5
DEFAULT_PATIENCE = Patience()
_Place: TypeAlias = tuple[str, int]
"""A subscription and the number of its lane: it has as many lanes as its concurrency."""
LANES = 8
"""Lanes that work at once; of lanes known to be slow, half as many."""
TURN_SECONDS = 1.0
"""Seconds a lane works before another one gets its turn."""


def is_of_the_service(name: str) -> bool:
    """Whether a lane belongs to the service itself, not to a generation of a projection."""
    return "@" not in name


class Retries:
    """The background task that resolves one service's unresolved messages."""

    def __init__(
        self,
        *,
        consumer: Consumer,
        transactions: Transactions,
        wake: Wake,
        patience: Patience = DEFAULT_PATIENCE,
        mine: Callable[[str], bool] = is_of_the_service,
    ) -> None:
        """`mine` returns whether this task works on a lane, by its name."""
        self._mine = mine
        self._service = consumer.service
        self._transactions = transactions
        self.wake = wake
        self._owner = Owner(consumer, transactions, new_id(), asyncio.Lock(), patience)
        self._lanes: dict[_Place, Lane] = {}
        self._tasks: dict[_Place, asyncio.Task[None]] = {}
        self._concurrency = {s.name: s.concurrency for s in consumer.subscriptions}
        self._places = LANES + sum(number - 1 for number in self._concurrency.values())
        self._kept_out = False
        self._pause = IDLE_SECONDS

    async def run(self) -> None:
        """Retry for ever. Ends by cancellation; current claims are released."""
        try:
            await run_steps("retries", self._start_due, self.wake, idle=lambda: self._pause)
        finally:
            working = list(self._tasks.values())
            for task in working:
                task.cancel()
            if working:
                await asyncio.wait(working)

    async def _start_due(self) -> bool:
        """Start the lanes that have something due. False if nothing else is due for `_pause`
        seconds.
        """
        try:
            self._pause = await self._start_lanes()
        except Exception:
            for lane in self._lanes.values():
                lane.look_away()
            raise
        return False

    async def step(self) -> bool:
        """Do one piece of work in one lane. False if nothing is due."""
        for name, overdue in await self._due():
            place = (name, 0)
            if overdue >= 0 and place not in self._tasks and await self._lane(place).piece():
                return True
        return False

    async def _due(self) -> list[tuple[str, float]]:
        """The lanes with scheduled messages, the one that has waited longest first."""
        for place, lane in self._lanes.items():
            if place not in self._tasks:
                await lane.give_back_owed()
        async with self._transactions() as tx:
            found = await claims.due(tx)
        found = {name: overdue for name, overdue in found.items() if self._mine(name)}
        return sorted(found.items(), key=lambda one: self._lane((one[0], 0)).worked_at)

    def _lane(self, place: _Place) -> Lane:
        if place not in self._lanes:
            self._lanes[place] = Lane(place[0], self._owner)
        return self._lanes[place]

    async def _start_lanes(self) -> float:
        """Start a task for each lane with due messages; returns the time until more are due."""
        pause = IDLE_SECONDS
        self._kept_out = False
        for name, overdue in await self._due():
            if overdue < 0:
                pause = min(pause, -overdue)
                continue
            for nth in range(self._concurrency.get(name, 1)):
                pause = min(pause, self._start((name, nth)))
        return pause

    def _start(self, place: _Place) -> float:
        """Start a lane's task if allowed; returns the time until it may start."""
        lane = self._lane(place)
        rest = lane.rests_until - time.monotonic()
        if place in self._tasks:
            return IDLE_SECONDS
        if rest > 0:
            return rest
        if self._has_place(lane):
            self._tasks[place] = task = asyncio.create_task(self._work(place, lane))
            task.set_name(f"{self._service} retries of {lane.name}")
        else:
            self._kept_out = True
        return IDLE_SECONDS

    def _has_place(self, lane: Lane) -> bool:
        if len(self._tasks) >= self._places:
            return False
        slow = sum(self._lanes[place].slow for place in self._tasks)
        return not lane.slow or slow < self._places - LANES // 2

    async def _work(self, place: _Place, lane: Lane) -> None:
        began = time.monotonic()
        worked = False
        try:
            while time.monotonic() - began < TURN_SECONDS and await lane.piece():
                worked = True
            lane.backoff.reset()
            if (
                not worked and lane.rests_until < time.monotonic()
            ):  # other lanes are working, or were
                lane.rests_until = time.monotonic() + IDLE_SECONDS
        except Exception as error:
            lane.rests_until = time.monotonic() + lane.backoff.next()
            lane.look_away()
            fields: dict[str, Any] = {"lane": lane.name, "failures": lane.backoff.failures}
            log.warning("step failed", task="retries", error=describe(error), **fields)
        finally:
            del self._tasks[place]
            if worked or self._kept_out:
                self.wake()
