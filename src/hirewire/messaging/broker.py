"""The interface of a broker: one small Protocol, and the values that cross it."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from importlib import import_module
from typing import Protocol
from urllib.parse import urlsplit

EXCHANGE = "hirewire.events"
DEAD = "hirewire.dead"
QUEUE_PREFIX = "hirewire"
BATCH_BYTES = 4 * 1024 * 1024
"""Bytes of bodies in what a broker yields at once, but for a single larger body."""
BROADCAST_MESSAGES, BROADCAST_BYTES = 10_000, 32 * 1024 * 1024
"""How far the reader of a broadcast may fall behind."""


def queue_of(service: str) -> str:
    """The name of the queue in which a service consumes its events."""
    return f"{QUEUE_PREFIX}.{service}"


class BrokerUnavailable(Exception):
    """The broker cannot be reached, or closed what was open. Trying again later may help."""


class BrokerMisconfigured(Exception):
    """The broker will not do this however often it is asked: a permission is missing, or something
    is there under the same name with other properties. The message says which.
    """


class Outcome(Enum):
    """The outcome of publishing one message."""

    CONFIRMED = "confirmed"
    UNROUTABLE = "unroutable"
    """The broker is well, but no queue is bound for this type; the message is nowhere."""
    REFUSED = "refused"
    """The broker said no; the message may or may not be somewhere. `Message.refusal` says why,
    where the broker does.
    """
    HELD_BACK = "held back"
    """Not published, since an earlier message of its key in the same batch was not taken."""


@dataclass(slots=True)
class Message:
    """A message on its way to the broker."""

    id: str
    type: str
    key: str
    body: bytes
    headers: Mapping[str, str]
    """CloudEvents attributes and extensions, without any prefix: ``source``, ``time``, …"""
    correlation_id: str | None = None
    to: str | None = None
    """The one service that is to get it; otherwise all that consume its type do."""
    via: str | None = None
    """A routing key in place of all that: to one of a service's partitions."""
    mandatory: bool = True
    """Whether somebody must get it: else it counts as confirmed when no queue is bound for it."""
    refusal: str = ""
    """Why the broker does not take it, as it says itself; set by `Broker.publish`."""

    @property
    def routing_key(self) -> str:
        """The type, or ``to.<service>.<type>`` for a message to one service alone."""
        if self.via is not None:
            return self.via
        return self.type if self.to is None else f"to.{self.to}.{self.type}"


@dataclass(slots=True)
class Delivery:
    """A message as a consumer receives it. Nothing in it is trusted or checked yet."""

    body: bytes
    routing_key: str
    headers: Mapping[str, str] = field(default_factory=dict)
    """CloudEvents attributes, prefix taken off, values as text; others under their own name."""
    message_id: str | None = None
    user_id: str | None = None
    """The publisher as the broker names it; None where the broker does not."""
    delivery_count: int = 0
    """How often the broker handed it out before, without an ack: 0 at first."""
    partition: str = ""
    position: int = 0
    """Its position in its partition; `Broker.ack` acknowledges up to it."""
    lease: object = None
    """Belongs to the broker: the life of the consumer that received it."""


@dataclass(frozen=True, slots=True)
class QueueTopology:
    """A listening service's queue and the event names bound to it.

    Messages sent to this service alone reach the queue as well.
    """

    queue: str
    types: tuple[str, ...]
    plain: bool = False
    """A durable queue without any more properties, as foreign services declare theirs."""
    keys: tuple[str, ...] = ()
    """Binding keys in place of the usual ones: of a service's partition."""

    @property
    def service(self) -> str:
        """Whose queue it is."""
        return self.queue.removeprefix(f"{QUEUE_PREFIX}.")

    @property
    def bindings(self) -> tuple[str, ...]:
        """The binding keys: the event names, and all that is sent to this service alone."""
        if self.keys:
            return self.keys
        return self.types if self.plain else (*self.types, f"to.{self.service}.#")


@dataclass(frozen=True, slots=True)
class QueueStats:
    """A broker's figures of a queue; `None` for those it does not count."""

    ready: int
    consumers: int | None


class Broker(Protocol):
    """A broker. Every method raises `BrokerUnavailable` when the broker is out of reach."""

    keeps_order_within_batch: bool
    """Whether `publish` takes no message of a key after one that it does not take. Where it cannot
    promise that, at most one unconfirmed message of a key may be under way.
    """

    async def declare(self, queues: Sequence[QueueTopology]) -> None:
        """Make the exchange, the dead-letter queue, and these queues with exactly these bindings.

        Declaring again changes nothing; a binding that is no longer named is taken away.
        """

    async def publish(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Publish persistently, and wait for every confirm; one outcome each.

        Order is kept among the messages that are confirmed. A message that cannot be published
        for what it is costs no other one anything (but, of its key, the later ones). If it raises,
        each message may or may not have been taken: publish again (readers know them by their id).
        """

    async def delete(self, queue: str) -> None:
        """Take a queue away with all that is in it. One that is not there is no error."""

    def deliveries(
        self, topology: QueueTopology, *, limit: int
    ) -> AsyncGenerator[Sequence[Delivery]]:
        """Declare the queue, consume it as its single active consumer, yield what is there.

        Each yield is 1 to `limit` deliveries in the queue's order, as soon as there are any.
        The iterator ends only by `BrokerUnavailable`, or when it is closed: then what was not
        acked goes back to the queue, in its order.
        """

    def broadcasts(self, types: Sequence[str]) -> AsyncGenerator[Sequence[Delivery]]:
        """Every event of these types from now on, to every process that asks; nothing is kept.

        Now is when it yields for the first time, and nothing yet. A reader that falls far behind
        gets `BrokerUnavailable`, as if the connection had been lost.
        """

    async def ack(self, delivery: Delivery) -> None:
        """Acknowledge this delivery and all before it in its partition.

        Raises `BrokerUnavailable` when its consumer is gone (it will be delivered again).
        """

    async def stats(self, queue: str) -> QueueStats:
        """How many messages wait in the queue, and how many consumers it has."""

    async def ping(self) -> None:
        """Return when the broker has answered."""

    async def close(self) -> None:
        """Close all connections. Unacknowledged deliveries go back to their queues."""


BROKERS = {
    "amqp": "hirewire.messaging.brokers.rabbitmq:RabbitMQ",
    "amqps": "hirewire.messaging.brokers.rabbitmq:RabbitMQ",
    "postgresql": "hirewire.messaging.brokers.postgres:PostgresBroker",
}
"""Broker classes by URL scheme; a new broker is one file and one line here."""


def open_broker(url: str, *, client: str) -> Broker:
    """The broker at `url`, not connected yet; `client` is the name shown to its operators.

    Raises `ValueError` for a scheme that no broker has.
    """
    scheme = urlsplit(url).scheme
    if scheme not in BROKERS:
        raise ValueError(f"no broker for {scheme!r}: one of {', '.join(sorted(BROKERS))}")
    module, _, name = BROKERS[scheme].partition(":")
    broker: Broker = getattr(import_module(module), name)(url, client=client)
    return broker
