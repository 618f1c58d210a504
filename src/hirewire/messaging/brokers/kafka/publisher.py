"""Publishes records and waits until all replicas in sync have them."""

import asyncio
import threading
from collections.abc import Awaitable, Sequence
from contextlib import suppress

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka import Message as Record

from hirewire.messaging.broker import BrokerUnavailable, Message
from hirewire.messaging.brokers.kafka.address import Address
from hirewire.messaging.brokers.kafka.messages import Headers
from hirewire.messaging.brokers.kafka.reading import Place
from hirewire.messaging.brokers.kafka.topics import LARGEST

CONFIRM_SECONDS = 30.0
POLL_SECONDS = 0.2
_REFUSALS = frozenset(
    {
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.INVALID_MSG,
        KafkaError.INVALID_MSG_SIZE,
        KafkaError.RECORD_LIST_TOO_LARGE,
        KafkaError.INVALID_RECORD,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
    }
)


class RecordRefused(BrokerUnavailable):
    """The cluster refused one of the records; the others are held up by it."""


class _Batch:
    """Records produced together, and how many of them are unconfirmed."""

    __slots__ = ("_loop", "answered", "error", "left")

    def __init__(self, count: int) -> None:
        self._loop = asyncio.get_running_loop()
        self.answered: asyncio.Future[None] = self._loop.create_future()
        self.left = count
        self.error: KafkaError | None = None

    def confirmed(self, error: KafkaError | None, _: Record) -> None:
        """Called in the thread that polls."""
        self.left -= 1
        if error is not None and self.error is None:
            self.error = error
        if not self.left or (error is not None and self.error is error):
            self._end()

    def _end(self) -> None:
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._set)

    def _set(self) -> None:
        if not self.answered.done():
            self.answered.set_result(None)


class Publisher:
    """An idempotent producer. Once something has failed, it publishes no more: a later record must
    not overtake the one that failed.
    """

    def __init__(self, address: Address, client: str) -> None:
        self.has_failed = False
        self.marked = 1
        """Over how many partitions its own topic's keys are spread, by its last mark."""
        self._address = address
        self._producer = Producer(
            address.configuration(client)
            | {
                "acks": "all",
                "enable.idempotence": True,
                # Without it, records behind a failed one would still be sent.
                "enable.gapless.guarantee": True,
                # Nor may one be given up while those behind it are sent: all are, by us.
                "message.timeout.ms": 0,
                "linger.ms": 0.2,
                "message.max.bytes": LARGEST,
                "batch.size": 1024 * 1024,
                "compression.type": "lz4",
            }
        )
        self._stopping = False
        self._thread = threading.Thread(target=self._poll, name="kafka producer", daemon=True)
        self._thread.start()

    def send(self, records: Sequence[tuple[Place, Message, Headers]]) -> Awaitable[None]:
        """Publish to partitions, in order; await the result for the confirms.

        That raises `RecordRefused`, `BrokerUnavailable` and `BrokerMisconfigured`. Then each may or
        may not have been accepted, but none behind one that was not.
        """
        batch = _Batch(len(records))
        confirmed = batch.confirmed
        try:
            if self.has_failed:
                raise BrokerUnavailable("the producer has failed")
            for (topic, partition), message, headers in records:
                self._producer.produce(
                    topic,
                    message.body,
                    partition=partition,
                    key=message.key.encode("utf-8", "surrogatepass"),
                    headers=list(headers),
                    on_delivery=confirmed,
                )
        except (BufferError, BrokerUnavailable, KafkaException) as error:
            self.has_failed = True
            batch.answered.set_exception(self._address.translated(error))
        if not records:
            batch.answered.set_result(None)
        return self._confirmed(batch)

    async def _confirmed(self, batch: _Batch) -> None:
        try:
            async with asyncio.timeout(CONFIRM_SECONDS):
                await batch.answered
        except TimeoutError:
            self.has_failed = True
            raise BrokerUnavailable(f"{batch.left} records unconfirmed in time") from None
        if batch.error is not None:
            self.has_failed = True
            if batch.error.code() in _REFUSALS:
                raise RecordRefused(f"{batch.error.name()}: {batch.error.str()}")
            raise self._address.translated(KafkaException(batch.error))

    def close(self) -> None:
        """Give up what is unconfirmed, and close. It takes up to a second."""
        self.has_failed = True
        self._stopping = True
        self._thread.join()
        with suppress(KafkaException):
            self._producer.purge()
            self._producer.flush(1.0)

    def _poll(self) -> None:
        while not self._stopping:
            # After a refused record each call raises an error, and still reports what has failed.
            with suppress(KafkaException):
                self._producer.poll(POLL_SECONDS)
