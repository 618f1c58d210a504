"""Replicas of a service that work in parallel and keep the order of each key.

The service's own queue has one active consumer, the partition router. It forwards each message to
one of N queues by its key (jump consistent hash). Each of these also has one active consumer;
replicas share them by session locks in the service's database.

When N changes, the router first publishes a barrier to the current queues and waits until it has
passed each: so messages forwarded by the old number are handled before any by the new one. A
watermark or barrier is for every partition: it is published to each after all messages before it,
and before all messages after it.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace

import structlog

from hirewire.messaging.background import Backoff, describe, run_steps
from hirewire.messaging.broker import (
    Broker,
    BrokerUnavailable,
    Delivery,
    Message,
    Outcome,
    QueueTopology,
    queue_of,
)
from hirewire.messaging.consuming.consumer import Consumer, until_stopped
from hirewire.messaging.envelope import Malformed, decode, type_of
from hirewire.messaging.ids import new_id
from hirewire.messaging.ordered import publish_in_order
from hirewire.messaging.reconciliation import barriers, cutover
from hirewire.messaging.sharing import LOST, Share
from hirewire.messaging.spreading import partition_of
from hirewire.messaging.transaction import Transactions

log = structlog.get_logger(__name__)

ROUTED_AS, SENT_BY = "routedas", "sentby"
"""Headers that preserve the broker's own properties of a forwarded message."""
ASSIGN_SECONDS = 1.0
DRAIN_SECONDS = 8.0
CANCEL_SECONDS = 4.0
"""In total less than the time that a service gets for stopping."""


def topology_of(service: str, number: int) -> QueueTopology:
    """The queue of one partition."""
    return QueueTopology(f"{queue_of(service)}.p{number}", (), keys=(f"part.{service}.{number}.#",))


def handed_on(delivery: Delivery, service: str, number: int, key: str) -> Message:
    """A delivery as a message to one partition; `taken_over` restores the delivery."""
    headers = {name[:200]: value for name, value in delivery.headers.items()}
    headers[ROUTED_AS] = delivery.routing_key
    headers.pop(SENT_BY, None)  # only the broker may set it
    if delivery.user_id is not None:
        headers[SENT_BY] = delivery.user_id
    if delivery.message_id and "id" not in headers:
        headers["id"] = delivery.message_id  # complete, while the message's own is shortened
    type = type_of(delivery)
    return Message(
        id=(delivery.message_id or headers.get("id") or str(new_id()))[:60],
        type=type if len(type.encode()) < 200 else "unreadable",
        key=key,
        body=delivery.body,
        headers=headers,
        via=f"part.{service}.{number}.message",
    )


def taken_over(delivery: Delivery) -> Delivery:
    """The original delivery of a forwarded one."""
    headers = dict(delivery.headers)
    routing_key = headers.pop(ROUTED_AS, delivery.routing_key)
    return replace(
        delivery,
        headers=headers,
        routing_key=routing_key,
        user_id=headers.pop(SENT_BY, None),
    )


class PartitionRouter:
    """Forwards the service's messages to its partitions; one replica does so at a time."""

    def __init__(
        self,
        *,
        service: str,
        topology: QueueTopology,
        transactions: Transactions,
        broker: Broker,
        count: int,
        batch: int = 500,
    ) -> None:
        self._service = service
        self._topology = topology
        self._transactions = transactions
        self._broker = broker
        self._count = count
        self._batch = batch
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Finish the current batch and stop."""
        self._stopping.set()

    async def run(self) -> None:
        """Forward until stopped."""
        await run_steps(
            "partition router",
            self._read_queue,
            backoff=Backoff(least=1.0, longest=1.0),
            stopping=self._stopping,
            service=self._service,
        )

    async def _read_queue(self) -> bool:
        """Read the service's queue until its connection is lost, or until stopped."""
        await self._broker.declare([topology_of(self._service, n) for n in range(self._count)])
        batches = self._broker.deliveries(self._topology, limit=self._batch)
        async with aclosing(until_stopped([self._stopping], batches)) as arriving:
            await self._route(arriving)
        return True

    async def _route(self, arriving: AsyncGenerator[Sequence[Delivery]]) -> None:
        active = False
        async for deliveries in arriving:
            if not active:  # having got a batch, this replica is the active one
                await self._change_over()
                active = True
            messages = [message for one in deliveries for message in self._messages(one)]
            if not await publish_in_order(self._broker, messages):
                raise BrokerUnavailable("a partition's queue is not there")
            await self._broker.ack(deliveries[-1])

    def _messages(self, delivery: Delivery) -> list[Message]:
        if type_of(delivery).startswith("hirewire."):  # a watermark is for every partition
            return [handed_on(delivery, self._service, n, f"{n}") for n in range(self._count)]
        key = delivery.headers.get("partitionkey")
        if key is None:
            try:
                key = decode(delivery).key
            except Exception as error:  # its partition will report it; here it would stop the queue
                if not isinstance(error, Malformed):
                    log.warning(
                        "message without a key", service=self._service, reason=describe(error)
                    )
                key = ""
        return [handed_on(delivery, self._service, partition_of(key, self._count), key)]

    async def _change_over(self) -> None:
        """Switch to the new number of partitions.

        Wait until all messages forwarded by the old number are handled, and let the new partitions
        know the open replays.
        """
        async with self._transactions() as tx:
            before = (await tx.exec_driver_sql("select partitions from messaging.spread")).scalar()
        if before == self._count:
            return
        log.info("changing partitions", service=self._service, before=before, after=self._count)
        if before is not None:
            await self._drain(before)
        await self._notify_new_partitions(before or 0)
        async with self._transactions() as tx:
            await cutover.forget(tx, self._topology.queue)
            await tx.exec_driver_sql(
                "insert into messaging.spread (partitions) values ($1) "
                "on conflict (single) do update set partitions = excluded.partitions",
                (self._count,),
            )

    async def _notify_new_partitions(self, before: int) -> None:
        """Start the open replays in each new partition, and end those that are not open.

        Those may be left from a time when there were as many partitions.
        """
        queues = [topology_of(self._service, n).queue for n in range(before)]
        messages = []
        async with self._transactions() as tx:
            present = await cutover.open_in(tx, queues or [self._topology.queue])
            replays = {watermark.replay for watermark in present}
            for n in range(before, self._count):
                left = await cutover.open_in(tx, [topology_of(self._service, n).queue])
                watermarks = [replace(one, edge="end") for one in left if one.replay not in replays]
                messages += [self._watermark(one, n) for one in (*watermarks, *present)]
        if not await publish_in_order(self._broker, messages):
            raise BrokerUnavailable("a partition's queue is not there")

    def _watermark(self, watermark: cutover.Watermark, number: int) -> Message:
        message = cutover.watermark_message(self._service, watermark)
        return replace(message, key=f"{number}", via=f"part.{self._service}.{number}.message")

    async def _drain(self, before: int) -> None:
        id = new_id()
        queues = {topology_of(self._service, n).queue for n in range(before)}
        watermarks = [
            replace(
                barriers.message(id, self._service, self._service),
                via=f"part.{self._service}.{n}.message",
            )
            for n in range(before)
        ]
        outcomes = await self._broker.publish(watermarks)
        if any(outcome is not Outcome.CONFIRMED for outcome in outcomes):
            raise BrokerUnavailable("a partition's queue is not there")
        while not self._stopping.is_set():
            async with self._transactions() as tx:
                if queues <= set(await barriers.passed_queues(tx, id)):
                    return
            await asyncio.sleep(0.05)
        raise BrokerUnavailable("stopped while changing over")


class PartitionAssigner:
    """The partitions that this replica consumes: an equal share of all."""

    def __init__(
        self, *, service: str, database_url: str, count: int, consumer: Callable[[int], Consumer]
    ) -> None:
        self._service = service
        self._share = Share("partition", service, database_url)
        self._count = count
        self._make = consumer
        self._running: dict[int, tuple[Consumer, asyncio.Task[None]]] = {}
        self._stopping = asyncio.Event()
        self._ending: dict[int, asyncio.Task[None]] = {}
        """Released partitions whose consumers have not ended yet."""

    def stop(self) -> None:
        """Finish the current batches, and take no more partitions."""
        self._stopping.set()

    @property
    def held(self) -> list[int]:
        """The partitions that this replica consumes now."""
        return sorted(self._running)

    async def run(self) -> None:
        """Share partitions until stopped or cancelled; the current batches are finished."""
        try:
            await run_steps(
                "partition assigner",
                self._step_or_let_go,
                idle=ASSIGN_SECONDS,
                backoff=Backoff(least=ASSIGN_SECONDS, longest=ASSIGN_SECONDS),
                stopping=self._stopping,
                service=self._service,
            )
        finally:
            await self._let_go(self.held)
            await self._share.close()

    async def _step_or_let_go(self) -> bool:
        """Run one step; if it fails, this replica has no partitions until the next one."""
        try:
            await self.step()
        except LOST:
            await self._let_go(self.held)
            await self._share.close()
            raise
        return False

    async def step(self) -> None:
        """Take or release partitions, so that all replicas have an equal share."""
        await self._connect()
        await self._unlock_ended()
        count = max(
            self._count,
            await self._share.connection.fetchval(
                "select coalesce(max(partitions), 0) from messaging.spread"
            ),
        )
        most = await self._share.most(count)
        kept = [number for number in self.held if number < count][:most]
        await self._let_go([number for number in self.held if number not in kept])
        for number in range(count):
            is_taken = number in self._running or number in self._ending
            if len(self._running) < most and not is_taken and await self._share.take(number):
                consumer = self._make(number)
                self._running[number] = (consumer, asyncio.create_task(consumer.run()))

    async def _connect(self) -> None:
        if self._share.is_open:
            await self._share.check()
        else:
            await self._let_go(self.held)
            await self._share.open()

    async def _let_go(self, numbers: Sequence[int]) -> None:
        """Drain all at once.

        A consumer that does not end keeps its lock: its last batch may still be committed, and
        another consumer would overtake it.
        """
        letting_go = {number: self._running.pop(number) for number in numbers}
        for consumer, _ in letting_go.values():
            consumer.stop()
        tasks = [task for _, task in letting_go.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=DRAIN_SECONDS)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=CANCEL_SECONDS)
        self._ending |= {number: task for number, (_, task) in letting_go.items()}
        await self._unlock_ended()

    async def _unlock_ended(self) -> None:
        for number in [number for number, task in self._ending.items() if task.done()]:
            del self._ending[number]
            if self._share.is_open:
                with suppress(*LOST):
                    await self._share.release(number)
