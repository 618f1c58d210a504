"""Finds nodes that the others do not reach, though their clients do.

The client library asks the node that it has used last how the cluster is (librdkafka 2.16). A node
that leads a partition or coordinates a group, and is cut off from the others, says for ever that it
still does, and that there are no new records. So several nodes are asked: most do not list it.
"""

import asyncio
import random
from collections.abc import Set

from confluent_kafka import KafkaException

from hirewire.messaging.broker import BrokerUnavailable
from hirewire.messaging.brokers.kafka.address import Address
from hirewire.messaging.brokers.kafka.reading import listed
from hirewire.messaging.brokers.kafka.topics import admin_of

MOST_ASKED = 5


class CutOff:
    """Looks for such nodes on behalf of one client of the cluster."""

    def __init__(self, address: Address, client: str, topic: str) -> None:
        """`topic` exists; nodes are asked for no other one."""
        self._address = address
        self._client = client
        self._topic = topic
        self._suspected: Set[int] = frozenset()

    async def check(self, known: Set[int]) -> None:
        """Compare the nodes that the client knows with those that the nodes themselves list.

        Raises `BrokerUnavailable` if most nodes have not listed one of them twice in a row. New
        clients do not begin at such a node for a while.
        """
        servers = self._address.servers.split(",")
        if not known or len(servers) < 3:
            return
        asked = random.sample(servers, min(len(servers), MOST_ASKED))
        answers = await asyncio.gather(*(asyncio.to_thread(self._view, one) for one in asked))
        views = {one: view for one, view in zip(asked, answers, strict=True) if view}
        cut = cut_off(known, list(views.values()))
        lasting, self._suspected = cut & self._suspected, cut
        if not lasting:
            return
        for server, view in views.items():
            if view & lasting:
                self._address.avoid(server)
        raise BrokerUnavailable(f"the other nodes do not reach {sorted(lasting)}")

    def _view(self, server: str) -> Set[int]:
        """The nodes that the node at this address lists; none if it does not answer."""
        # What a client asks first, it asks where it begins.
        asking = admin_of(self._address, self._client, server=server)
        try:
            return listed(asking, self._topic)
        except KafkaException:
            return frozenset()


def cut_off(known: Set[int], views: list[Set[int]]) -> Set[int]:
    """The nodes that most of these views lack; none if there are too few views to say."""
    if len(views) < 2:
        return frozenset()
    return frozenset(node for node in known if 2 * sum(node in one for one in views) < len(views))
