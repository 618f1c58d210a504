"""Runs a separate consumer for each generation of a service's projections."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

from hirewire.messaging.background import Backoff, Wake, run_steps
from hirewire.messaging.broker import Broker
from hirewire.messaging.consuming.consumer import Consumer
from hirewire.messaging.consuming.retries import Retries
from hirewire.messaging.projections import dropping, generations, switching
from hirewire.messaging.projections.generations import (
    Generation,
    Projection,
    ProjectionError,
)
from hirewire.messaging.reconciliation.cutover import Watermark
from hirewire.messaging.subscriptions import Subscription
from hirewire.messaging.transaction import Transactions, Tx

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
STOP_SECONDS = 10.0
SWITCH_SECONDS = 2.0
"""Seconds for which an automatic switch may block writes to the live generation."""
MakeConsumer = Callable[[Generation, Sequence[Subscription], Wake, "GenerationWatcher"], Consumer]


class GenerationWatcher:
    """Stores the progress of a generation when its consumer enters the watermarks."""

    def __init__(self, generation: Generation, service: str) -> None:
        self._generation = generation
        self._queue = generation.topology(service).queue

    async def before(self, tx: Tx) -> None:
        """Raise `ProjectionError` if the generation must not consume any more."""
        found = await generations.find(tx, self._generation.number)
        if found is None or not found.is_fed:
            number = self._generation.number
            raise ProjectionError(f"generation {number} of {self._generation.projection} is gone")

    async def noted(self, tx: Tx, watermarks: Sequence[Watermark]) -> None:
        """Watermarks were entered."""
        await generations.note_watermarks(tx, self._generation, self._queue, watermarks)


@dataclass(slots=True)
class _Running:
    consumer: Consumer
    consuming: asyncio.Task[None]
    retrying: asyncio.Task[None]


class GenerationRunner:
    """The background task that consumes the generations of known versions.

    It also makes the switches that were requested as automatic.
    """

    def __init__(
        self,
        *,
        service: str,
        declared: Sequence[Projection],
        transactions: Transactions,
        broker: Broker,
        consumer: MakeConsumer,
    ) -> None:
        self._service = service
        self._declared = {(one.name, one.version): one for one in declared}
        self._transactions = transactions
        self._broker = broker
        self._consumer = consumer
        self._running: dict[int, _Running] = {}
        self._left: set[int] = set()
        """Dropped generations that this process has consumed: it may have recreated their queues.
        """
        self._left_out: set[int] = set()
        self._waits: dict[int, type[ProjectionError]] = {}
        self._stopping = asyncio.Event()
        if len(self._declared) < len(declared):
            raise ValueError(f"{service}: a projection is there twice in one version")

    @property
    def numbers(self) -> list[int]:
        """The generations that this process consumes, or stands by for."""
        return sorted(self._running)

    async def run(self) -> None:
        """Run until stopped (the current batches are finished) or cancelled."""
        try:
            await run_steps(
                "generations",
                self.step,
                idle=LOOK_SECONDS,
                backoff=Backoff(longest=LOOK_SECONDS),
                stopping=self._stopping,
                service=self._service,
            )
            await self._end(list(self._running), STOP_SECONDS)
        finally:
            await self._end(list(self._running), 0)

    async def step(self) -> bool:
        """Start and end consumers according to the table; switch to generations that are ready."""
        async with self._transactions() as tx:
            fed = await generations.fed(tx)
        for number in self._running.keys() - {one.number for one in fed}:
            await self._end([number], STOP_SECONDS)
            self._left.add(number)
        for number in sorted(self._left):
            await self._clean_up(number)
        for number in [n for n, one in self._running.items() if one.consuming.done()]:
            await self._end([number], 0)
        for generation in fed:
            if generation.introduced_at is None or self._stopping.is_set():
                continue
            if generation.number not in self._running:
                self._start(generation)
        for generation in fed:
            if generation.state == "building" and generation.switch_when_ready:
                await self._switch(generation)
        return False

    def stop(self) -> None:
        """Finish the current batches and stop consuming."""
        self._stopping.set()
        for one in self._running.values():
            one.consumer.stop()

    def _start(self, generation: Generation) -> None:
        declared = self._declared.get((generation.projection, generation.version))
        try:
            if declared is None:
                raise ProjectionError(
                    f"projection {generation.projection}: this program has no version "
                    f"{generation.version}, of which generation {generation.number} is"
                )
            handlers = generations.handlers_of(declared, generation)
        except ProjectionError as error:
            if generation.number not in self._left_out:
                log.warning("generation not consumed", service=self._service, reason=str(error))
            self._left_out.add(generation.number)
            return
        parked = Wake()
        watch = GenerationWatcher(generation, self._service)
        consumer = self._consumer(generation, handlers, parked, watch)
        lanes = {generation.unreadable, *generation.handlers}
        retries = Retries(
            consumer=consumer,
            transactions=self._transactions,
            wake=parked,
            mine=lanes.__contains__,
        )
        name = f"generation {generation.number} of {generation.projection}"
        self._running[generation.number] = _Running(
            consumer,
            asyncio.create_task(consumer.run(), name=f"{self._service} {name}"),
            asyncio.create_task(retries.run(), name=f"{self._service} retries of {name}"),
        )
        log.info("consuming generation", service=self._service, generation=generation.number)

    async def _switch(self, generation: Generation) -> None:
        try:
            await switching.switch(
                self._transactions,
                self._service,
                generation.projection,
                number=generation.number,
                by=generation.started_by,
                wait=SWITCH_SECONDS,
            )
        except ProjectionError as error:
            if self._waits.get(generation.number) is not type(error):
                log.info("switch postponed", service=self._service, reason=str(error))
            self._waits[generation.number] = type(error)
        else:
            log.info("generation switched", service=self._service, generation=generation.number)

    async def _clean_up(self, number: int) -> None:
        """After the drop, delete what this process may have recreated, perhaps after a long freeze.

        Before the drop its queue must exist, since its owners know it.
        """
        async with self._transactions() as tx:
            found = await generations.find(tx, number)
            if found is not None and found.state == "dropped":
                await dropping.forget_messages(tx, self._service, found)
        if found is not None and found.state == "dropped":
            await self._broker.delete(found.topology(self._service).queue)
            self._left.discard(number)

    async def _end(self, numbers: Sequence[int], seconds: float) -> None:
        ended = [self._running.pop(number) for number in numbers if number in self._running]
        for one in ended:
            one.consumer.stop()
            one.retrying.cancel()
        consuming = [one.consuming for one in ended]
        try:
            if consuming and seconds:
                await asyncio.wait(consuming, timeout=seconds)
        finally:
            for task in consuming:
                task.cancel()
            tasks: list[Awaitable[None]] = [*consuming, *(one.retrying for one in ended)]
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*tasks, return_exceptions=True)
