"""One service's messaging at run time, which starts and stops with the process."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncEngine

from hirewire.messaging import bodies
from hirewire.messaging.background import BackgroundTask, BackgroundTasks, Wake
from hirewire.messaging.bodies import BodyStore, ClaimCheck
from hirewire.messaging.broker import Broker, Delivery, QueueTopology
from hirewire.messaging.consuming.batch_handler import Watcher
from hirewire.messaging.consuming.consumer import Consumer
from hirewire.messaging.consuming.partitions import (
    PartitionAssigner,
    PartitionRouter,
    taken_over,
    topology_of,
)
from hirewire.messaging.consuming.retries import Retries
from hirewire.messaging.event import EVENTS
from hirewire.messaging.maintenance.gauges import Gauges
from hirewire.messaging.maintenance.queues import QueueRedaction
from hirewire.messaging.maintenance.retention import Retention
from hirewire.messaging.projections.generations import Generation, Projection
from hirewire.messaging.projections.runner import GenerationRunner
from hirewire.messaging.publishing.relay import Notifier, Relay
from hirewire.messaging.publishing.schedule import Recurring, Scheduler
from hirewire.messaging.subscriptions import UNREADABLE, Subscription
from hirewire.messaging.transaction import Transactions

Role = Literal["all", "api", "worker"]


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of one service's messaging."""

    batch: int = 500
    """Largest number of deliveries in one transaction."""
    retention: timedelta = timedelta(days=30)
    """How long the log and the inbox are kept."""
    drain_seconds: float = 10.0
    """How long a stop waits for the current batch."""
    shared_user: str | None = None
    """The broker's user as whom all services publish, if they have none of their own."""


class Messaging:
    """The background tasks of one service's messaging, over one engine and broker."""

    def __init__(
        self,
        *,
        service: str,
        engine: AsyncEngine,
        database_url: str,
        shared_url: str | None = None,
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
        """`shared_url` leads through a pooler in transaction mode, `database_url` does not.

        `plain_queues` are events that it also consumes from an external service's plain queue. Over
        `partitions` queues its replicas work in parallel. `recurring` are its own events recorded
        on a schedule; `store` holds bodies that are too large for the broker. Of `projections` it
        consumes the existing generations, each through a separate queue.
        """
        if store is not None:
            bodies.stores[service] = store
            broker = ClaimCheck(broker, store)
        self.service = service
        self.broker = broker
        self.options = options
        self.transactions = Transactions(engine, service, self._committed)
        self.relay = Relay(service=service, database_url=database_url, broker=broker)
        self.notifier = Notifier(
            service=service, database_url=shared_url or database_url, shared=shared_url is not None
        )
        self._services = services
        self._wake_retries = Wake()
        self.consumer = self._consumer(subscriptions)
        self.plain_consumers = [self._plain(subscriptions, name) for name in plain_queues]
        self.router: PartitionRouter | None = None
        if partitions > 1 and self.consumer.topology.types:
            self._partition(partitions, subscriptions, database_url)
        self.retries = Retries(
            consumer=self.consumer, transactions=self.transactions, wake=self._wake_retries
        )
        self.scheduler = Scheduler(
            service=service, transactions=self.transactions, recurring=recurring
        )
        self.generations = GenerationRunner(
            service=service,
            declared=projections,
            transactions=self.transactions,
            broker=broker,
            consumer=self._consumer_of,
        )
        self._has_projections = bool(projections)
        self._maintain(store)
        self._tasks = BackgroundTasks(service)

    def _partition(
        self, count: int, subscriptions: Sequence[Subscription], database_url: str
    ) -> None:
        """Route the service's queue to so many partitions, which the replicas share."""
        self.consumer.queues = tuple(topology_of(self.service, n).queue for n in range(count))
        self.router = PartitionRouter(
            service=self.service,
            topology=self.consumer.topology,
            transactions=self.transactions,
            broker=self.broker,
            count=count,
            batch=self.options.batch,
        )
        self.assigner = PartitionAssigner(
            service=self.service,
            database_url=database_url,
            count=count,
            consumer=lambda number: self._consumer(
                subscriptions, topology=topology_of(self.service, number), restore=taken_over
            ),
        )

    def _maintain(self, store: BodyStore | None) -> None:
        """What keeps the service's tables small, and measures and redacts its queues."""
        self.retention = Retention(
            service=self.service,
            transactions=self.transactions,
            retention=self.options.retention,
            store=store,
        )
        self.gauges = Gauges(
            consumer=self.consumer, transactions=self.transactions, broker=self.broker
        )
        self.queues = QueueRedaction(
            service=self.service, transactions=self.transactions, broker=self.broker
        )

    def _consumer(
        self,
        subscriptions: Sequence[Subscription],
        *,
        topology: QueueTopology | None = None,
        wake: Wake | None = None,
        restore: Callable[[Delivery], Delivery] | None = None,
        watcher: Watcher | None = None,
        unreadable: str = UNREADABLE,
    ) -> Consumer:
        """A consumer of the service's own queue, or of another one."""
        return Consumer(
            service=self.service,
            transactions=self.transactions,
            broker=self.broker,
            subscriptions=subscriptions,
            services=self._services,
            batch=self.options.batch,
            wake=wake or self._wake_retries,
            topology=topology,
            restore=restore,
            watcher=watcher,
            unreadable=unreadable,
            shared_user=self.options.shared_user,
        )

    def _plain(self, subscriptions: Sequence[Subscription], name: str) -> Consumer:
        """A consumer of an external service's plain queue for an event."""
        own = [s for s in subscriptions if s.event.name == name]
        return self._consumer(own, topology=QueueTopology(name, (), plain=True))

    def _consumer_of(
        self,
        generation: Generation,
        handlers: Sequence[Subscription],
        wake: Wake,
        watcher: Watcher,
    ) -> Consumer:
        return self._consumer(
            handlers,
            topology=generation.topology(self.service),
            wake=wake,
            watcher=watcher,
            unreadable=generation.unreadable,
        )

    def _committed(self) -> None:
        if self.relay.leads:
            self.relay.wake()
        else:
            self.notifier.wake()

    def start(self, role: Role = "all") -> None:
        """Start the background tasks: only the notifier for `api`, all for `worker` and `all`."""
        self._tasks.start(BackgroundTask("notifier", "publishing", self.notifier.run))
        if role == "api":
            return
        for task in (*self._publishing(), *self._consuming(), *self._maintenance()):
            self._tasks.start(task)

    def _publishing(self) -> list[BackgroundTask]:
        return [
            BackgroundTask("relay", "publishing", self.relay.run),
            BackgroundTask("scheduler", "publishing", self.scheduler.run),
        ]

    def _consuming(self) -> list[BackgroundTask]:
        tasks = [
            BackgroundTask(f"consumer of {one.topology.queue}", "consuming", one.run, one.stop)
            for one in self.plain_consumers
        ]
        if self.router is not None:
            router, assigner = self.router, self.assigner
            tasks += [
                BackgroundTask("partition router", "consuming", router.run, router.stop),
                BackgroundTask("partition assigner", "consuming", assigner.run, assigner.stop),
            ]
        elif self.consumer.topology.types:
            own = self.consumer
            tasks.append(BackgroundTask("consumer", "consuming", own.run, own.stop))
        if self._has_projections:
            running = self.generations
            tasks.append(BackgroundTask("generations", "consuming", running.run, running.stop))
        return tasks

    def _maintenance(self) -> list[BackgroundTask]:
        tasks = [
            BackgroundTask("retries", "retrying", self.retries.run),
            BackgroundTask("retention", "maintenance", self.retention.run),
            BackgroundTask("gauges", "maintenance", self.gauges.run),
        ]
        mine = [event for event in EVENTS.values() if event.owner == self.service]
        if any(event.erasure == "asks" for event in mine):
            tasks.append(BackgroundTask("queues", "maintenance", self.queues.run))
        return tasks

    async def stop(self) -> None:
        """Stop: the current batch is finished and acknowledged, or rolled back and redelivered."""
        await self._tasks.stop("consuming", seconds=self.options.drain_seconds)
        with suppress(Exception):
            await self.broker.close()

    @property
    def healthy(self) -> bool:
        """Whether every started background task is still running."""
        return self._tasks.healthy
