"""Prometheus metrics of messaging."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from prometheus_client import Counter, Gauge, Histogram

from hirewire.messaging.broker import Lag

published = Counter(
    "hirewire_events_published_total", "Events confirmed by the broker", ["service"]
)
publish_failed = Counter(
    "hirewire_events_publish_failed_total", "Events not taken by the broker", ["service"]
)
_backlog = Gauge("hirewire_outbox_unsent", "Events recorded and not yet confirmed", ["service"])
_age = Gauge("hirewire_outbox_age_seconds", "Age of the oldest unsent event", ["service"])
handled = Counter(
    "hirewire_events_handled_total", "Events whose effect is committed", ["service", "event"]
)
repeated = Counter(
    "hirewire_events_repeated_total", "Deliveries of events handled before", ["service", "event"]
)
failed = Counter("hirewire_events_failed_total", "Failed attempts", ["service", "event"])
retried = Counter(
    "hirewire_events_retried_total", "Failed attempts that will be repeated", ["service", "event"]
)
dead = Counter("hirewire_events_dead_total", "Messages given up on", ["service", "event"])
waiting = Counter(
    "hirewire_events_waiting_total", "Messages kept behind a failed one", ["service", "event"]
)
late = Counter(
    "hirewire_events_late_total",
    "Events overtaken by a later one of their key",
    ["service", "event"],
)
superseded = Counter(
    "hirewire_events_superseded_total",
    "Deliveries dropped because a replay brings the event itself",
    ["service", "event"],
)
batch_size = Histogram(
    "hirewire_batch_size",
    "Deliveries handled in one transaction",
    ["service"],
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000),
)
batch_seconds = Histogram(
    "hirewire_batch_seconds",
    "Time from a batch's arrival to its commit",
    ["service"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)

handle_seconds = Histogram(
    "hirewire_handle_seconds",
    "Time in a handler, a batch at a time for batched ones",
    ["service", "event", "handler"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
_open = Gauge(
    "hirewire_messages_open", "Messages consumed and not handled, by state", ["service", "state"]
)
_lag = Gauge(
    "hirewire_handler_lag_seconds",
    "Age of the oldest message that the handler has not handled, dead ones left out",
    ["service", "handler"],
)
delay_seconds = Histogram(
    "hirewire_handler_delay_seconds",
    "Time from an event's recording to its effect, the slowest of each batch",
    ["service", "handler"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800),
)
_ready = Gauge("hirewire_queue_ready", "Messages that wait in the broker's queue", ["service"])
_partition_lag = Gauge(
    "hirewire_kafka_consumergroup_lag",
    "Records of a partition that the service's group has not handled",
    ["consumergroup", "topic", "partition"],
)
_broker_dead = Gauge(
    "hirewire_broker_dead", "Messages that the broker itself has given up on (all services')"
)


def open_messages(service: str, open: Mapping[str, int]) -> None:
    """Set how many messages are in each state that is not final."""
    for state, number in open.items():
        _open.labels(service, state).set(number)


def lag(service: str, seconds: Mapping[str, float]) -> None:
    """Set the age of each handler's oldest unhandled message."""
    for handler, age in seconds.items():
        _lag.labels(service, handler).set(age)


def delays(service: str, recorded: Iterable[tuple[str, datetime | None]]) -> None:
    """Observe a committed batch: its handlers, and when their events were recorded."""
    first: dict[str, datetime] = {}
    for handler, time in recorded:
        if time is not None and (handler not in first or time < first[handler]):
            first[handler] = time
    now = datetime.now(UTC)
    for handler, time in first.items():
        delay_seconds.labels(service, handler).observe(max(0.0, (now - time).total_seconds()))


def queued(service: str, ready: int | None, dead: int) -> None:
    """Set the numbers of messages in the service's queue and of the broker's dead letters."""
    if ready is not None:
        _ready.labels(service).set(ready)
    _broker_dead.set(dead)


def lags(found: Iterable[Lag]) -> None:
    """Set how far the service's groups are behind, by partition."""
    for one in found:
        _partition_lag.labels(one.group, one.topic, one.partition).set(one.records)


def outbox(service: str, unsent: int, age_seconds: float) -> None:
    """Set the known gauges of the backlog."""
    _backlog.labels(service).set(unsent)
    _age.labels(service).set(age_seconds)
