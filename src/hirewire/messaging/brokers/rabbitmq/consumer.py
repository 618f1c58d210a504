"""The deliveries of one channel."""

import asyncio
from collections import deque
from typing import Any

from pika import exceptions

from hirewire.messaging.broker import BATCH_BYTES, BrokerUnavailable, Delivery
from hirewire.messaging.brokers.rabbitmq.frames import (
    DELIVER,
    FRAME_BODY,
    FRAME_HEADER,
    FRAME_METHOD,
    Content,
    read_content,
    read_deliver,
)
from hirewire.messaging.brokers.rabbitmq.link import Channel, Link, translated
from hirewire.messaging.envelope import NOT_UNWRAPPED
from hirewire.messaging.structured import unwrapped

_DELIVER = DELIVER.to_bytes(4)
PAUSE_BYTES = 2 * BATCH_BYTES
"""Bytes of bodies waiting for the reader above which the socket is not read."""


class Consumer:
    """Assembles the deliveries of a channel, and acknowledges them."""

    def __init__(
        self, link: Link, channel: Channel, limit: int, *, most: tuple[int, int] | None = None
    ) -> None:
        """With `most`, more than that many waiting deliveries or bytes end it; without, it stops
        reading.
        """
        self._channel = channel
        self._limit = limit
        self._wire = link.connection
        self._most = most
        self._bytes = 0
        self._overrun = self._has_left = False
        self._average = 0
        self._unacked = 0
        self._recent: deque[int] = deque(maxlen=limit)
        self._arrived: deque[Delivery] = deque()
        self._signal = asyncio.Event()
        self._cancelled = False
        self._method: tuple[int, bool, str] = (0, False, "")
        self._content: Content | None = None
        self._body: list[bytes] = []
        self._left = 0
        self._queue = ""
        self.started = False
        """Whether the broker has confirmed the consumer."""
        channel.closed.add_done_callback(lambda _: self._signal.set())
        channel.raw.add_on_cancel_callback(self._on_cancel)
        link.connection.sinks[channel.raw.channel_number] = self

    async def start(self, queue: str, *, auto_ack: bool = False, exclusive: bool = False) -> None:
        """Start consuming; `exclusive` if the queue has no single active consumer."""
        self._queue = queue
        await self._channel.ask(
            self._channel.raw.basic_consume,
            queue=queue,
            on_message_callback=_unused,
            auto_ack=auto_ack,
            exclusive=exclusive,
        )
        self.started = True

    async def next(self, at_most: float) -> list[Delivery]:
        """Up to `limit` deliveries, in order; none if none arrives in `at_most` seconds."""
        if not self._arrived:
            self._signal.clear()
            self._check()
            try:
                async with asyncio.timeout(at_most):
                    await self._signal.wait()
            except TimeoutError:
                return []
        self._check()
        taken: list[Delivery] = []
        size = 0
        while self._arrived and len(taken) < self._limit:
            size += len(self._arrived[0].body)
            if size > BATCH_BYTES and taken:
                break
            taken.append(delivery := self._arrived.popleft())
            self._bytes -= len(delivery.body)
            self._recent.append(len(delivery.body))
        self._unacked = taken[-1].position
        if self._wire.paused and self._bytes < PAUSE_BYTES // 2:
            self._wire.resume()
        return taken

    def ack(self, tag: int) -> None:
        """Acknowledge all deliveries up to this one."""
        self._check()
        try:
            self._channel.raw.basic_ack(tag, multiple=True)
        except exceptions.AMQPError as error:
            raise translated(error) from None
        if tag == self._unacked:
            self._unacked = 0

    @property
    def fitting_prefetch(self) -> int | None:
        """The next prefetch count, if the connection was lost while reading was paused.

        The reader was slow, and too many bytes were waiting for it.
        """
        if not self._average or not self._wire.paused:
            return None
        return max(1, PAUSE_BYTES // self._average)

    @property
    def is_idle_and_small(self) -> bool:
        """Whether all is acknowledged, and a whole batch of bodies of the recent size would fit."""
        recent = self._recent
        idle = not self._unacked and not self._arrived
        return idle and len(recent) == recent.maxlen and sum(recent) < PAUSE_BYTES // 2

    def leave(self) -> None:
        """End the consumer together with its channel.

        pika would cancel the consumer first. RabbitMQ then gives ready messages to the next
        consumer before it requeues the unacknowledged ones: out of order.
        """
        self._channel.raw._cancelled.update(self._channel.raw._consumers)
        self._has_left = True
        self._arrived.clear()

    def take(self, kind: int, data: bytes, start: int, end: int) -> bool:
        """See `Sink.take`."""
        if kind == FRAME_METHOD:
            if data[start : start + 4] != _DELIVER:
                return False
            self._method = read_deliver(data, start)
        elif kind == FRAME_HEADER:
            self._content = read_content(data, start, end)
            self._body.clear()
            self._left = self._content.size
        elif kind == FRAME_BODY:
            self._body.append(data[start:end])
            self._left -= end - start
        else:
            return False
        if self._content is not None and self._left <= 0:
            self._arrive(self._delivery(self._content))
            self._content = None
        return True

    def _arrive(self, delivery: Delivery) -> None:
        if self._has_left or self._overrun:
            return
        self._arrived.append(delivery)
        self._bytes += len(delivery.body)
        self._signal.set()
        if self._most is None:
            if self._bytes > PAUSE_BYTES:
                self._average = self._bytes // len(self._arrived)
                self._wire.pause()
        elif len(self._arrived) > self._most[0] or self._bytes > self._most[1]:
            self._overrun = True
            self._arrived.clear()
            self._bytes = 0
            self._channel.close()

    def _delivery(self, content: Content) -> Delivery:
        tag, redelivered, routing_key = self._method
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        if content.structured:
            content.headers, body = _taken_apart(content, body)
        return Delivery(
            body,
            routing_key,
            content.headers,
            content.message_id,
            content.user_id,
            content.count or int(redelivered),
            self._queue,
            tag,
            self,
        )

    def _check(self) -> None:
        if self._overrun:
            raise BrokerUnavailable("the reader is too slow: too much has arrived meanwhile")
        if self._channel.closed.done():
            raise translated(self._channel.closed.result())
        if self._cancelled:
            raise BrokerUnavailable("the broker has cancelled the consumer")

    def _on_cancel(self, _: object) -> None:
        self._cancelled = True
        self._signal.set()


def _taken_apart(content: Content, body: bytes) -> tuple[dict[str, str], bytes]:
    """Headers and payload of a structured CloudEvent; unchanged, with a reason, if invalid."""
    try:
        attributes, payload = unwrapped(body, content.structured)
    except ValueError as error:
        return content.headers | {NOT_UNWRAPPED: str(error)}, body
    return content.headers | attributes, payload


def _unused(*_: Any) -> None:
    """Not used for deliveries: `Consumer.take` gets them first."""
