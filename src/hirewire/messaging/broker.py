"""The interface of a broker: one small Protocol and its value types."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from importlib import import_module
from typing import Protocol, TypeAlias, runtime_checkable
from urllib.parse import urlsplit

EXCHANGE = "hirewire.events"
DEAD = "hirewire.dead"
QUEUE_PREFIX = "hirewire"
BATCH_BYTES = 4 * 1024 * 1024
"""Bytes of bodies in one batch of deliveries; one body may be larger."""
BROADCAST_MESSAGES, BROADCAST_BYTES = 10_000, 32 * 1024 * 1024
"""How far the reader of a broadcast may fall behind."""


def queue_of(service: str) -> str:
    """The name of the queue in which a service consumes its events."""
    return f"{QUEUE_PREFIX}.{service}"


class BrokerUnavailable(Exception):
    """The broker cannot be reached, or the connection is lost. A later attempt may succeed."""


class BrokerMisconfigured(Exception):
    """The broker refuses permanently, for example for a missing permission.

    Or something with the same name exists with other properties. The message gives the reason.
    """


class Outcome(Enum):
    """The outcome of publishing one message."""

    CONFIRMED = "confirmed"
    UNROUTABLE = "unroutable"
    """No queue is bound for this type, so the message is in no queue."""
    REFUSED = "refused"
    """The broker refused the message, which may or may not be in a queue.

    `Message.refusal` has the broker's reason, if it gives one.
    """
    HELD_BACK = "held back"
    """Not published, since an earlier message of its key in the same batch was not accepted."""


@dataclass(slots=True)
class Message:
    """A message to be published."""

    id: str
    type: str
    key: str
    body: bytes
    headers: Mapping[str, str]
    """CloudEvents attributes and extensions, without any prefix: ``source``, ``time``, …"""
    correlation_id: str | None = None
    to: str | None = None
    """The only service that gets the message; None for all that consume its type."""
    via: str | None = None
    """A routing key that overrides all others: of one partition of a service."""
    mandatory: bool = True
    """Whether the message must reach a queue; if not, it counts as confirmed without one."""
    refusal: str = ""
    """The broker's reason for refusing it; set by `Broker.publish`."""

    @property
    def routing_key(self) -> str:
        """The type, or ``to.<service>.<type>`` for a message to one service alone."""
        if self.via is not None:
            return self.via
        return self.type if self.to is None else f"to.{self.to}.{self.type}"


@dataclass(slots=True)
class Delivery:
    """A message as a consumer receives it, not yet validated."""

    body: bytes
    routing_key: str
    headers: Mapping[str, str] = field(default_factory=dict)
    """CloudEvents attributes without their prefix, values as text; other headers by their own name.
    """
    message_id: str | None = None
    user_id: str | None = None
    """The publisher as verified by the broker; None if the broker does not verify it."""
    delivery_count: int = 0
    """How often the broker delivered it before without an ack: 0 at first."""
    partition: str = ""
    position: int = 0
    """Its position in its partition; `Broker.ack` acknowledges up to it."""
    lease: object = None
    """For the broker's own use: identifies the consumer that received it."""


@dataclass(frozen=True, slots=True)
class QueueTopology:
    """A consuming service's queue and the event names bound to it.

    Messages to this service alone reach the queue as well.
    """

    queue: str
    types: tuple[str, ...]
    plain: bool = False
    """A durable queue without other properties, as external services declare theirs."""
    keys: tuple[str, ...] = ()
    """Binding keys that replace the usual ones: those of a service's partition."""

    @property
    def service(self) -> str:
        """The service that owns the queue."""
        return self.queue.removeprefix(f"{QUEUE_PREFIX}.")

    @property
    def bindings(self) -> tuple[str, ...]:
        """The binding keys: the event names, and all messages to this service alone."""
        if self.keys:
            return self.keys
        return self.types if self.plain else (*self.types, f"to.{self.service}.#")


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a consumer group is behind the end of a partition, in records."""

    group: str
    topic: str
    partition: int
    records: int


@dataclass(frozen=True, slots=True)
class QueueStats:
    """A broker's counts of a queue; `None` for those it does not count."""

    ready: int
    consumers: int | None
    lags: tuple[Lag, ...] = ()
    """Of a broker with partitions."""


Redaction: TypeAlias = Callable[[str, bytes], bytes | None]
"""The body that replaces that of an event of this name; None: it stays."""


@runtime_checkable
class RedactsQueues(Protocol):
    """A broker that can replace bodies of messages that nobody consumes."""

    async def redact(self, text: str, redaction: Redaction) -> int:
        """Redact the messages whose bodies contain this text; returns how many.

        At least those that the broker has given up on. What a consumer has taken meanwhile is its
        business.
        """


def event_of(routing_key: str) -> str:
    """The name of the event in a routing key, which may name a service or a partition before it."""
    kind, _, rest = routing_key.partition(".")
    names = {"to": 1, "part": 2}.get(kind, 0)
    return rest.split(".", names)[-1] if names else routing_key


class Broker(Protocol):
    """A broker. Every method raises `BrokerUnavailable` if the broker cannot be reached."""

    keeps_order_within_batch: bool
    """Whether `publish` accepts no message of a key after one that it has not accepted.

    If not, at most one message of a key may be unconfirmed at a time.
    """

    async def declare(self, queues: Sequence[QueueTopology]) -> None:
        """Declare the exchange, the dead-letter queue, and these queues with these bindings only.

        Declaring again changes nothing; bindings that are not listed are removed.
        """

    async def publish(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Publish persistently and wait for every confirm; returns one outcome for each message.

        Order is kept among the confirmed messages. A message that cannot be published affects only
        later messages of its key. If this raises, each message may or may not have been accepted:
        publish again (consumers recognise repeats by their ids).
        """

    async def delete(self, queue: str) -> None:
        """Delete a queue with its messages. A missing queue is no error."""

    def deliveries(
        self, topology: QueueTopology, *, limit: int
    ) -> AsyncGenerator[Sequence[Delivery]]:
        """Declare the queue, consume it as its single active consumer, and yield its deliveries.

        Each yield is a list of 1 to `limit` deliveries in the queue's order, as soon as there are
        any. The iterator ends only with `BrokerUnavailable`, or when it is closed: unacknowledged
        deliveries then return to the queue, in order.
        """

    def broadcasts(self, types: Sequence[str]) -> AsyncGenerator[Sequence[Delivery]]:
        """Every new event of these types, for every process that calls this; nothing is stored.

        It first yields an empty list, when the subscription is active. A reader that falls far
        behind gets `BrokerUnavailable`, as after a lost connection, or a call of `close`.
        """

    async def ack(self, delivery: Delivery) -> None:
        """Acknowledge this delivery and all before it in its partition.

        Raises `BrokerUnavailable` if its consumer is gone; the delivery will then be repeated.
        """

    async def stats(self, queue: str) -> QueueStats:
        """The number of waiting messages and of consumers of a queue."""

    async def ping(self) -> None:
        """Return when the broker has responded."""

    async def close(self) -> None:
        """Close all connections. Unacknowledged deliveries go back to their queues."""


BROKERS = {
    "amqp": "hirewire.messaging.brokers.rabbitmq:RabbitMQ",
    "amqps": "hirewire.messaging.brokers.rabbitmq:RabbitMQ",
    "kafka": "hirewire.messaging.brokers.kafka:Kafka",
    "kafka+ssl": "hirewire.messaging.brokers.kafka:Kafka",
    "postgresql": "hirewire.messaging.brokers.postgres:PostgresBroker",
}
"""Broker classes by URL scheme. A new broker is one file and one line here."""


def broker_at(url: str) -> str:
    """Which broker it is: postgres, rabbitmq or kafka; empty for an unknown scheme."""
    return BROKERS.get(urlsplit(url).scheme, "").partition(":")[0].rpartition(".")[2]


def open_broker(url: str, *, client: str) -> Broker:
    """The broker at `url`, not connected yet; `client` is the name that its operators see.

    Raises `ValueError` for an unknown scheme.
    """
    scheme = urlsplit(url).scheme
    if scheme not in BROKERS:
        raise ValueError(f"no broker for {scheme!r}: one of {', '.join(sorted(BROKERS))}")
    module, _, name = BROKERS[scheme].partition(":")
    broker: Broker = getattr(import_module(module), name)(url, client=client)
    return broker
