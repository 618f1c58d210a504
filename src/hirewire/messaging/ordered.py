"""Publishes a list of messages in order."""

from collections.abc import Iterator, Sequence

from hirewire.messaging.broker import Broker, BrokerMisconfigured, Message, Outcome


async def publish_in_order(broker: Broker, messages: Sequence[Message]) -> bool:
    """Publish, one message of a key at a time unless the broker keeps the order of several; False
    if some did not reach the queue.

    Raises `BrokerMisconfigured` if the broker refuses a message permanently. Watermarks and
    barriers keep their place: each is published once all messages before it are confirmed, and
    later ones once it is confirmed itself.
    """
    for wave in _waves(messages, in_a_row=broker.keeps_order_within_batch):
        outcomes = await broker.publish(wave)
        if refusal := next((message.refusal for message in wave if message.refusal), None):
            raise BrokerMisconfigured(refusal)
        if any(outcome is not Outcome.CONFIRMED for outcome in outcomes):
            return False
    return True


def _waves(messages: Sequence[Message], *, in_a_row: bool) -> Iterator[list[Message]]:
    """Groups of messages that may be unconfirmed at once."""
    waves: list[list[Message]] = []
    depth: dict[str, int] = {}
    control = False
    for message in messages:
        if message.type.startswith("hirewire.") != control:
            yield from waves
            waves, depth, control = [], {}, not control
        nth = 0 if in_a_row else depth.get(message.key, 0)
        depth[message.key] = nth + 1
        if nth == len(waves):
            waves.append([])
        waves[nth].append(message)
    yield from waves
