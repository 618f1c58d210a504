"""Consumes the events of the broker for the open streams."""

import asyncio
from contextlib import aclosing
from pathlib import Path

from hirewire.messaging.background import Backoff, run_steps
from hirewire.messaging.bodies import BodyStore, ClaimCheck
from hirewire.messaging.broker import Broker, open_broker
from hirewire.web.live.hub import CONSUMED, Hub


class Live:
    """Consumes events from the broker as long as the process runs."""

    def __init__(self, broker_url: str | None, large_bodies: Path | None = None) -> None:
        """Without a broker address there is no consumer, and streams are refused."""
        self.hub = Hub()
        self.is_on = broker_url is not None
        self._broker: Broker | None = None
        if broker_url:
            self._broker = open_broker(broker_url, client="web")
            if large_bodies is not None:
                self._broker = ClaimCheck(self._broker, BodyStore(large_bodies))
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start consuming."""
        if self._broker is not None:
            self._task = asyncio.create_task(self._consume(self._broker))

    async def stop(self) -> None:
        """End the streams and stop consuming."""
        self.hub.end()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._broker is not None:
            await self._broker.close()

    async def _consume(self, broker: Broker) -> None:
        backoff = Backoff(longest=10.0)

        async def step() -> bool:
            try:
                async with aclosing(broker.broadcasts(CONSUMED)) as batches:
                    async for deliveries in batches:
                        if not deliveries:  # only new events: earlier ones are missed
                            backoff.reset()
                            self.hub.catch_up()
                        self.hub.consume(deliveries)
            except Exception:
                self.hub.interrupt()
                raise
            self.hub.interrupt()
            return False

        await run_steps("live streams", step, backoff=backoff)
