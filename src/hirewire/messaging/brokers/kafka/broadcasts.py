"""Reads topics from their ends on, for one process, without a group."""

import asyncio
from collections.abc import Callable, Mapping, Set
from contextlib import suppress
from typing import TypeVar

from confluent_kafka import KafkaException
from confluent_kafka import Message as Record

from hirewire.messaging.broker import BROADCAST_MESSAGES, BrokerUnavailable
from hirewire.messaging.brokers.kafka.address import Address
from hirewire.messaging.brokers.kafka.reading import (
    Place,
    listed,
    look_up,
    next_records,
    partitions,
    reader_of,
)

POLL_SECONDS = 0.1
AT_ONCE = 1000
T = TypeVar("T")


class BroadcastReader:
    """A reader of several topics."""

    def __init__(self, address: Address, client: str) -> None:
        self._address = address
        self._ended = False
        self._client = reader_of(
            address,
            client,
            {
                "auto.offset.reset": "latest",
                "queued.min.messages": 1_000,
                "queued.max.messages.kbytes": 8 * 1024,
                "fetch.queue.backoff.ms": 10,
            },
        )

    @classmethod
    async def open(
        cls, address: Address, client: str, offsets: Mapping[Place, int]
    ) -> "BroadcastReader":
        """Start at these offsets."""
        reader = cls(address, client)
        await reader._call(lambda: reader._assign(offsets))
        return reader

    async def next(self) -> list[Record]:
        """Records as soon as there are any; none if none arrives soon.

        Raises `BrokerUnavailable` if too many wait, or after `end`.
        """
        if self._ended:
            raise BrokerUnavailable("the connections have been closed")
        return await self._call(self._records)

    async def nodes(self, topic: str) -> Set[int]:
        """The nodes of the cluster by number, as the client library knows them; none if nobody
        answers. `topic` exists.
        """
        with suppress(BrokerUnavailable):
            return await self._call(lambda: listed(self._client, topic))
        return frozenset()

    def end(self) -> None:
        """Let whoever reads end, and close it."""
        self._ended = True

    async def close(self) -> None:
        """Close the connections."""
        await asyncio.to_thread(self._client.close)

    def _assign(self, offsets: Mapping[Place, int]) -> None:
        look_up(self._client, [topic for topic, _ in offsets])
        self._client.assign(partitions(offsets))

    def _records(self) -> list[Record]:
        records = next_records(self._client, AT_ONCE, POLL_SECONDS)
        if not records:
            return []
        behind = 0
        for one in self._client.position(self._client.assignment()):
            _, end = self._client.get_watermark_offsets(one, cached=True)
            behind += max(end - one.offset, 0) if one.offset >= 0 and end >= 0 else 0
        if behind > BROADCAST_MESSAGES:
            raise BrokerUnavailable("the reader is too slow: too much has arrived meanwhile")
        return records

    async def _call(self, call: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(call)
        except KafkaException as error:
            raise self._address.translated(error) from None
