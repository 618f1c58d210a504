"""Reads topics from their ends on, for one process, without a group."""

import asyncio
from collections.abc import Callable, Mapping
from typing import TypeVar

from confluent_kafka import Consumer as Client
from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka import Message as Record

from hirewire.messaging.broker import BROADCAST_MESSAGES, BrokerUnavailable
from hirewire.messaging.brokers.kafka.address import Address, translated

ANSWER_SECONDS = 10.0
POLL_SECONDS = 0.1
AT_ONCE = 1000
T = TypeVar("T")


class BroadcastReader:
    """A reader of several topics."""

    def __init__(self, address: Address, client: str) -> None:
        self._client = Client(
            address.configuration(client)
            | {
                "group.id": f"{address.namespace}.none",  # it joins none
                "enable.auto.commit": False,
                "auto.offset.reset": "latest",
                "queued.min.messages": 1_000,
                "queued.max.messages.kbytes": 8 * 1024,
                "fetch.queue.backoff.ms": 10,
            }
        )

    @classmethod
    async def open(
        cls, address: Address, client: str, offsets: Mapping[str, int]
    ) -> "BroadcastReader":
        """Start at these offsets, by topic."""
        reader = cls(address, client)
        await _call(lambda: reader._assign(offsets))
        return reader

    async def next(self) -> list[Record]:
        """Records as soon as there are any; none if none arrives soon.

        Raises `BrokerUnavailable` if too many wait.
        """
        return await _call(self._records)

    async def close(self) -> None:
        """Close the connections."""
        await asyncio.to_thread(self._client.close)

    def _assign(self, offsets: Mapping[str, int]) -> None:
        for topic in offsets:
            self._client.list_topics(topic, timeout=ANSWER_SECONDS)  # it would wait a second
        self._client.assign([TopicPartition(topic, 0, end) for topic, end in offsets.items()])

    def _records(self) -> list[Record]:
        first = self._client.poll(POLL_SECONDS)
        if first is None:
            return []
        records = [first, *self._client.consume(AT_ONCE - 1, 0)]
        for record in records:
            if (error := record.error()) is not None:
                raise KafkaException(error)
        behind = 0
        for one in self._client.position(self._client.assignment()):
            _, end = self._client.get_watermark_offsets(one, cached=True)
            behind += max(end - one.offset, 0) if one.offset >= 0 and end >= 0 else 0
        if behind > BROADCAST_MESSAGES:
            raise BrokerUnavailable("the reader is too slow: too much has arrived meanwhile")
        return records


async def _call(call: Callable[[], T]) -> T:
    try:
        return await asyncio.to_thread(call)
    except KafkaException as error:
        raise translated(error) from None
