"""Decodes deliveries and assigns them to handlers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from hirewire.messaging.broker import Delivery, QueueTopology
from hirewire.messaging.envelope import (
    Malformed,
    Unknown,
    decode,
    message_id_of,
    source_of,
    type_of,
)
from hirewire.messaging.reconciliation import barriers, cutover
from hirewire.messaging.subscriptions import Invocation, Subscription

OURS = source_of("")
"""The beginning of the `source` of every service's own events."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A delivery that no handler can get."""

    delivery: Delivery
    id: UUID
    reason: str
    held: bool = False
    """Whether a newer version of this program probably knows it."""


@dataclass(slots=True)
class Batch:
    """Decoded deliveries: those for the handlers, and the others."""

    deliveries: Sequence[Delivery]
    invocations: list[Invocation] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    barriers: list[Delivery] = field(default_factory=list)
    watermarks: list[cutover.Watermark] = field(default_factory=list)
    dropped: set[int] = field(default_factory=set)
    """Indexes of those that a replay will deliver."""


class BatchReader:
    """Reads deliveries of one queue for the subscriptions of a service."""

    def __init__(
        self,
        *,
        service: str,
        topology: QueueTopology,
        subscriptions: Sequence[Subscription],
        services: frozenset[str],
        restore: Callable[[Delivery], Delivery] | None = None,
        shared_user: str | None = None,
    ) -> None:
        """`restore` undoes the partition router's changes to a delivery.

        `shared_user` is the broker's user as whom all services publish, if they share one.
        """
        self.open_replays = cutover.OpenReplays(services)
        self._service = service
        self._topology_service = topology.service
        self._services = services
        self._senders = {None, shared_user, *services}
        self._restore = restore
        self._by_event: dict[str, list[Subscription]] = {}
        for subscription in subscriptions:
            self._by_event.setdefault(subscription.event.name, []).append(subscription)

    @property
    def types(self) -> list[str]:
        """The events with a subscription."""
        return list(self._by_event)

    def read_one(self, delivery: Delivery) -> Batch:
        """Decode a single delivery again: of a split batch, or one kept for a newer version."""
        batch = Batch([delivery])
        self.read_into(delivery, batch)
        return batch

    def read(self, deliveries: Sequence[Delivery]) -> Batch:
        """Decode: an invocation for each subscription to the event, and the unreadable deliveries.

        Called once for each batch, in the queue's order, since the queue's watermarks depend on it.
        Never raises, whatever was sent.
        """
        if self._restore is not None:
            deliveries = [self._restore(delivery) for delivery in deliveries]
        batch = Batch(deliveries)
        for place, delivery in enumerate(deliveries):
            if self.open_replays.drops(delivery, type_of(delivery)):
                batch.dropped.add(place)
                continue
            watermarks = len(batch.watermarks)
            self.read_into(delivery, batch)
            if len(batch.watermarks) > watermarks:
                self.open_replays.pass_watermark(batch.watermarks[-1])
        return batch

    def read_into(self, delivery: Delivery, batch: Batch) -> None:
        """Decode one into a batch."""
        try:
            if type_of(delivery).startswith("hirewire."):
                self._read_control(delivery, batch)
                return
            received = decode(delivery, self._services)
            subscriptions = self._by_event.get(received.event.name)
            if subscriptions is None:
                raise Unknown(f"{received.event.name} is not consumed by {self._service}")
        except Malformed as error:
            held = isinstance(error, Unknown) and self._is_ours(delivery)
            id = message_id_of(delivery)
            batch.unreadable.append(Unreadable(delivery, id, str(error), held))
        else:
            for subscription in subscriptions:
                batch.invocations.append(Invocation(delivery, received, subscription))

    def _is_ours(self, delivery: Delivery) -> bool:
        """Whether it looks like an event of our own services: then a newer version has bound it."""
        type = type_of(delivery)
        names = (self._service, self._topology_service)
        return (
            delivery.headers.get("source", "").startswith(OURS)
            and delivery.routing_key in (type, *(f"to.{name}.{type}" for name in names))
            and delivery.user_id in self._senders
        )

    def _read_control(self, delivery: Delivery, batch: Batch) -> None:
        if barriers.is_barrier(delivery):
            batch.barriers.append(delivery)
        elif watermark := cutover.watermark_of(delivery, self._services):
            batch.watermarks.append(watermark)
        else:
            raise Malformed(f"unknown message {type_of(delivery)!r}")
