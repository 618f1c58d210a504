"""One service's messaging, running: what starts with the process and stops with it."""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Literal

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from hirewire.messaging.background import Wake
from hirewire.messaging.bodies import BodyStore, ClaimCheck
from hirewire.messaging.broker import Broker, QueueTopology
from hirewire.messaging.consuming.consumer import Consumer
from hirewire.messaging.consuming.partitions import (
    PartitionAssigner,
    PartitionRouter,
    taken_over,
    topology_of,
)
from hirewire.messaging.consuming.retries import Retries
from hirewire.messaging.maintenance.gauges import Gauges
from hirewire.messaging.maintenance.retention import Retention
from hirewire.messaging.projections.generations import Generation, Projection
from hirewire.messaging.projections.runner import Generations, Watch
from hirewire.messaging.publishing.relay import Notifier, Relay
from hirewire.messaging.publishing.schedule import Recurring, Scheduler
from hirewire.messaging.subscriptions import Subscription
from hirewire.messaging.transaction import Transactions

log = structlog.get_logger(__name__)

Role = Literal["all", "api", "worker"]


HEARING = ("consumer", "shares")
"""How the names of the background tasks begin that hand messages to handlers."""


@dataclass(frozen=True, slots=True)
class Options:
    """What can be set of it."""

    batch: int = 500
    """Most deliveries in one transaction."""
    retention: timedelta = timedelta(days=30)
    """How long the log and the inbox are kept."""
    drain_seconds: float = 10.0
    """How long stopping waits for the batch at hand."""


class Messaging:
    """The background tasks of one service's messaging, over one engine and broker."""

    def __init__(
        self,
        *,
        service: str,
        engine: AsyncEngine,
        database_url: str,
        broker: Broker,
        subscriptions: Sequence[Subscription],
        services: frozenset[str] = frozenset(),
        options: Options = Options(),
        plain_queues: Sequence[str] = (),
        partitions: int = 1,
        recurring: Sequence[Recurring] = (),
        store: BodyStore | None = None,
        projections: Sequence[Projection] = (),
    ) -> None:
        """`plain_queues` are events that it consumes from a foreign service's plain queue as well;
        over `partitions` queues its replicas work at once. `recurring` are events of its own that
        are recorded by the clock; `store` takes bodies that are too large for the broker. Of
        `projections` it consumes the generations that are there, each through a queue of its own.
        """
        broker = ClaimCheck(broker, store) if store is not None else broker
        self.service = service
        self.broker = broker
        self.options = options
        self.transactions = Transactions(engine, service, self._committed)
        self.relay = Relay(service=service, database_url=database_url, broker=broker)
        self.notifier = Notifier(service=service, database_url=database_url)
        parked = Wake()
        self.consumer = Consumer(
            service=service,
            transactions=self.transactions,
            broker=broker,
            subscriptions=subscriptions,
            services=services,
            batch=options.batch,
            parked=parked,
        )
        self.plain_consumers = [
            Consumer(
                service=service,
                transactions=self.transactions,
                broker=broker,
                subscriptions=[s for s in subscriptions if s.event.name == name],
                services=services,
                batch=options.batch,
                parked=parked,
                topology=QueueTopology(name, (), plain=True),
            )
            for name in plain_queues
        ]
        self.router: PartitionRouter | None = None
        if partitions > 1 and self.consumer.topology.types:
            self.consumer.queues = tuple(topology_of(service, n).queue for n in range(partitions))
            self.router = PartitionRouter(
                service=service,
                topology=self.consumer.topology,
                transactions=self.transactions,
                broker=broker,
                count=partitions,
                batch=options.batch,
            )
            self.assigner = PartitionAssigner(
                service=service,
                database_url=database_url,
                count=partitions,
                consumer=lambda number: Consumer(
                    service=service,
                    transactions=self.transactions,
                    broker=broker,
                    subscriptions=subscriptions,
                    services=services,
                    batch=options.batch,
                    parked=parked,
                    topology=topology_of(service, number),
                    restore=taken_over,
                ),
            )
        self.retries = Retries(consumer=self.consumer, transactions=self.transactions, wake=parked)
        self.retention = Retention(
            service=service,
            transactions=self.transactions,
            retention=options.retention,
            store=store,
        )
        self.scheduler = Scheduler(
            service=service, transactions=self.transactions, recurring=recurring
        )
        self.generations = Generations(
            service=service,
            declared=projections,
            transactions=self.transactions,
            broker=broker,
            consumer=partial(self._consumer_of, services),
        )
        self._has_projections = bool(projections)
        self.gauges = Gauges(consumer=self.consumer, transactions=self.transactions, broker=broker)
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def _consumer_of(
        self,
        services: frozenset[str],
        generation: Generation,
        handlers: Sequence[Subscription],
        parked: Wake,
        watch: Watch,
    ) -> Consumer:
        return Consumer(
            service=self.service,
            transactions=self.transactions,
            broker=self.broker,
            subscriptions=handlers,
            services=services,
            batch=self.options.batch,
            parked=parked,
            topology=generation.topology(self.service),
            watcher=watch,
            unreadable=generation.unreadable,
        )

    def _committed(self) -> None:
        if self.relay.leads:
            self.relay.wake()
        else:
            self.notifier.wake()

    def start(self, role: Role = "all") -> None:
        """Start the background tasks: none but the notifier's for `api`, all for `worker` and
        `all`.
        """
        self._start("notifier", self.notifier.run())
        if role == "api":
            return
        self._start("relay", self.relay.run())
        self._start("retries", self.retries.run())
        self._start("janitor", self.retention.run())
        self._start("scheduler", self.scheduler.run())
        self._start("gauges", self.gauges.run())
        if self._has_projections:
            self._start("generations", self.generations.run())
        if self.router is not None:
            self._start("consumer of all", self.router.run())
            self._start("shares", self.assigner.run())
        elif self.consumer.topology.types:
            self._start("consumer", self.consumer.run())
        for plain in self.plain_consumers:
            self._start(f"consumer of {plain.topology.queue}", plain.run())

    async def stop(self) -> None:
        """Stop cleanly: the batch at hand is finished and acked, or rolled back and not acked."""
        for consumer in (self.consumer, *self.plain_consumers):
            consumer.stop()
        if self.router is not None:
            self.router.stop()
            self.assigner.stop()
        hearing = [task for name, task in self._tasks.items() if name.startswith(HEARING)]
        if self._has_projections:
            hearing.append(asyncio.create_task(self.generations.stop(self.options.drain_seconds)))
        if hearing:
            await asyncio.wait(hearing, timeout=self.options.drain_seconds)
        for task in self._tasks.values():
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=15)
        self._tasks.clear()
        with suppress(Exception):
            await self.broker.close()

    def _start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=f"{self.service} {name}")
        task.add_done_callback(self._ended)
        self._tasks[name] = task

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("background task ended", task=task.get_name(), exc_info=error)

    @property
    def healthy(self) -> bool:
        """Whether every background task that was started is still at work."""
        return all(not task.done() for task in self._tasks.values())
