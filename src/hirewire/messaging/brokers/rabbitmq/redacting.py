"""Replaces bodies in the queue of messages that RabbitMQ has given up on."""

import asyncio
from typing import Any, NamedTuple

from pika.spec import Basic

from hirewire.messaging.broker import DEAD, Redaction, event_of
from hirewire.messaging.brokers.rabbitmq.link import Channel, Link, resolve


class _Got(NamedTuple):
    tag: int
    routing_key: str
    properties: Any
    body: bytes


async def redact_dead(link: Link, text: str, redaction: Redaction) -> int:
    """Redact the messages of `hirewire.dead` whose bodies contain this text; returns how many.

    A message in a queue cannot be changed: each one is published to the queue again and confirmed
    before the former is acknowledged. Returning it would count as one more delivery, and after
    some of these the broker would drop it. The queue keeps its order, unless somebody adds to it.
    """
    channel = await link.channel()
    try:
        publisher = _Confirming(channel)
        await channel.ask(
            channel.raw.confirm_delivery, ack_nack_callback=lambda _: publisher.confirmed()
        )
        frame = await channel.ask(channel.raw.queue_declare, queue=DEAD, passive=True)
        redacted = 0
        for _ in range(frame.method.message_count):
            got = await _get(channel)
            if got is None:
                break
            body = None
            if text.encode() in got.body:
                name = (got.properties.headers or {}).get("cloudEvents_type")
                body = redaction(name or event_of(got.routing_key), got.body)
            await publisher.publish(got, got.body if body is None else body)
            channel.raw.basic_ack(got.tag)
            redacted += body is not None
        return redacted
    finally:
        channel.close()


class _Confirming:
    """Publishes one message at a time to `hirewire.dead` and waits for its confirm."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._answer: asyncio.Future[Any] | None = None

    def confirmed(self) -> None:
        """The broker has answered."""
        if self._answer is not None:
            resolve(self._answer, None)

    async def publish(self, got: _Got, body: bytes) -> None:
        """Publish a message with the properties of another one."""
        self._answer = asyncio.get_running_loop().create_future()
        self._channel.raw.basic_publish(DEAD, got.routing_key, body, got.properties)
        await self._channel.wait_for(self._answer)


async def _get(channel: Channel) -> _Got | None:
    """The first message of the queue, unacknowledged; None if it is empty."""
    answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    channel.raw.add_callback(lambda _: resolve(answer, None), [Basic.GetEmpty])

    def taken(_: Any, method: Any, properties: Any, body: bytes) -> None:
        resolve(answer, _Got(method.delivery_tag, method.routing_key, properties, body))

    channel.raw.basic_get(DEAD, taken)
    found: _Got | None = await channel.wait_for(answer)
    return found
