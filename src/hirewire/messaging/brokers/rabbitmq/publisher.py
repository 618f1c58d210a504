"""A confirm channel and the outcomes of its published messages."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, TypeAlias

import pika
from pika import exceptions

from hirewire.messaging.broker import EXCHANGE, BrokerUnavailable, Message, Outcome
from hirewire.messaging.brokers.rabbitmq.frames import short, write_content, write_publish
from hirewire.messaging.brokers.rabbitmq.link import CONFIRM_SECONDS, Channel, Link, translated

PUBLISH_CHUNK = 250
"""Messages written before other tasks get a turn."""

_Name: TypeAlias = tuple[str, str]
"""Id and routing key, which identify an unconfirmed message."""


class MessageRefused(BrokerUnavailable):
    """The broker closed the channel because of one message; its reason does not name which."""


class Unconfirmed(BrokerUnavailable):
    """The broker did not confirm in time, though the connection seems to be open."""


class _Batch:
    """Messages published together: how many are unconfirmed, and the outcomes of the others."""

    __slots__ = ("answered", "left", "nacked", "returned")

    def __init__(self, count: int) -> None:
        self.left = count
        self.nacked: set[_Name] = set()
        self.returned: set[_Name] = set()
        self.answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class Publisher:
    """Publishes on its own channel; several batches may be unconfirmed at once."""

    def __init__(self, link: Link, channel: Channel, client: str) -> None:
        self.channel = channel
        self._wire = link.connection
        self._number = channel.raw.channel_number
        self._user, self._client = short(link.user), short(client)
        self._methods: dict[tuple[str, bool], bytes] = {}
        self._senders: dict[str, bytes] = {}
        self._tag = 0
        self._first = 1
        self._unconfirmed: dict[int, tuple[_Batch, _Name]] = {}
        self._by_name: dict[_Name, _Batch] = {}
        channel.closed.add_done_callback(lambda _: self._end())

    @classmethod
    async def open(cls, link: Link, client: str) -> "Publisher":
        """Open a new channel of this connection."""
        channel = await link.channel()
        publisher = cls(link, channel, client)
        channel.raw.add_on_return_callback(publisher._on_return)
        await channel.ask(
            lambda callback: channel.raw.confirm_delivery(publisher._on_confirm, callback)
        )
        return publisher

    async def publish(self, messages: Sequence[Message]) -> list[Outcome]:
        """See `Broker.publish`. Unconfirmed messages must differ in id or routing key.

        Raises `MessageRefused` if the broker closed the channel because of one message of this or
        another unconfirmed batch.
        """
        batch = _Batch(len(messages))
        for start in range(0, len(messages), PUBLISH_CHUNK):
            if start:
                await asyncio.sleep(0)
            self._send(messages[start : start + PUBLISH_CHUNK], batch)
        if batch.left:
            await self._confirmed(batch)
        if not batch.nacked and not batch.returned:
            return [Outcome.CONFIRMED] * len(messages)
        return [_outcome(batch, message) for message in messages]

    async def _confirmed(self, batch: _Batch) -> None:
        try:
            async with asyncio.timeout(CONFIRM_SECONDS):
                await batch.answered
        except TimeoutError:
            raise Unconfirmed(f"{batch.left} messages unconfirmed in time") from None

    def _send(self, messages: Sequence[Message], batch: _Batch) -> None:
        closed = self.channel.closed
        if closed.done():
            raise translated_publishing(closed.result())
        encoded: list[bytes] = []
        for message in messages:
            try:
                encoded.append(self._encode(message))
            except ValueError as error:
                message.refusal = f"cannot be written as an AMQP message: {error}"
                batch.nacked.add((message.id, message.routing_key))
                batch.left -= 1
                continue
            self._tag += 1
            name = (message.id, message.routing_key)
            self._unconfirmed[self._tag] = (batch, name)
            self._by_name[name] = batch
        if not encoded:
            return
        try:
            self._wire.emit(b"".join(encoded))
        except exceptions.AMQPError as error:
            raise translated_publishing(closed.result() if closed.done() else error) from None

    def _encode(self, message: Message) -> bytes:
        key = message.routing_key
        method = self._methods.get((key, message.mandatory))
        if method is None:
            method = write_publish(self._number, EXCHANGE, key, mandatory=message.mandatory)
            self._methods[key, message.mandatory] = method
        sender = self._senders.get(message.type)
        if sender is None:
            sender = self._senders[message.type] = short(message.type) + self._user + self._client
        return method + write_content(
            self._number,
            message.body,
            self._wire.largest_body,
            headers=message.headers,
            message_id=message.id,
            correlation_id=message.correlation_id,
            timestamp=int(time.time()),
            sender=sender,
        )

    def _on_return(self, _: object, method: Any, properties: Any, __: bytes) -> None:
        name = (properties.message_id, method.routing_key)
        if name in self._by_name:
            self._by_name[name].returned.add(name)

    def _on_confirm(self, frame: Any) -> None:
        tag, multiple = frame.method.delivery_tag, frame.method.multiple
        nacked = isinstance(frame.method, pika.spec.Basic.Nack)
        for one in range(self._first, tag + 1) if multiple else (tag,):
            found = self._unconfirmed.pop(one, None)
            if found is None:
                continue
            batch, name = found
            self._by_name.pop(name, None)
            if nacked:
                batch.nacked.add(name)
            batch.left -= 1
            if not batch.left and not batch.answered.done():
                batch.answered.set_result(None)
        if multiple:
            self._first = tag + 1

    def _end(self) -> None:
        """The channel is closed: no more notifications."""
        error = translated_publishing(self.channel.closed.result())
        for batch in {id(b): b for b, _ in self._unconfirmed.values()}.values():
            if not batch.answered.done():
                batch.answered.set_exception(error)
                batch.answered.exception()  # there may be no waiter any more


def _outcome(batch: _Batch, message: Message) -> Outcome:
    name = (message.id, message.routing_key)
    if name in batch.nacked:
        return Outcome.REFUSED
    return Outcome.UNROUTABLE if name in batch.returned else Outcome.CONFIRMED


def translated_publishing(error: BaseException) -> Exception:
    """Whether a publishing channel was closed because of one message, or for another reason."""
    if isinstance(error, exceptions.ChannelClosedByBroker):
        text = f"{error.reply_code} {error.reply_text}"
        of_a_topic = error.reply_code == 403 and "topic" in str(error.reply_text)
        if of_a_topic or error.reply_code in (311, 406):
            return MessageRefused(text)
    return translated(error)
