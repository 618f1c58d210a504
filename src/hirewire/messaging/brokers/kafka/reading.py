"""How records are read: from given offsets on, and as soon as there are any."""

from collections.abc import Iterable, Mapping, Set
from typing import TypeAlias

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka import Message as Record
from confluent_kafka.admin import AdminClient

from hirewire.messaging.brokers.kafka.address import ANSWER_SECONDS, Address, Configuration

LIST_SECONDS = 2.0
Place: TypeAlias = tuple[str, int]
"""A topic, and the number of one of its partitions."""


def group_of_none(address: Address) -> str:
    """The group that nobody joins. The library asks for its coordinator all the same."""
    return f"{address.namespace}.none"


def reader_of(address: Address, client: str, properties: Configuration) -> Consumer:
    """A client that reads what it assigns to itself. It joins no group, also if one is named."""
    of_none = {"group.id": group_of_none(address), "enable.auto.commit": False}
    return Consumer(address.configuration(client) | of_none | properties)


def look_up(reader: Consumer, topics: Iterable[str]) -> None:
    """Let a client know topics before it reads them: by itself it would first wait a second."""
    for topic in sorted(set(topics)):
        reader.list_topics(topic, timeout=ANSWER_SECONDS)


def listed(client: Consumer | AdminClient, topic: str) -> Set[int]:
    """The nodes that the client lists, by number. Raises `KafkaException`."""
    return frozenset(client.list_topics(topic, timeout=LIST_SECONDS).brokers)


def partitions(offsets: Mapping[Place, int]) -> list[TopicPartition]:
    """Partitions at offsets."""
    return [TopicPartition(topic, number, at) for (topic, number), at in offsets.items()]


def next_records(reader: Consumer, most: int, seconds: float) -> list[Record]:
    """Up to so many records as soon as there is one; none if none arrives in this time.

    Raises `KafkaException`.
    """
    first = reader.poll(seconds)  # `consume` would wait until there are as many
    if first is None:
        return []
    records = [first, *(reader.consume(most - 1, 0) if most > 1 else ())]
    for record in records:
        if (error := record.error()) is not None:
            raise KafkaException(error)
    return records
