"""The relay: publishes recorded events in order per key, and marks them once confirmed."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import cast

import asyncpg
import structlog

from hirewire.messaging import lineage
from hirewire.messaging.background import Backoff, Wake, run_steps
from hirewire.messaging.broker import Broker, BrokerUnavailable, Message, Outcome
from hirewire.messaging.database import connect
from hirewire.messaging.locks import BEAT_SECONDS, IDLE_SECONDS, Session, lock_number, open_session
from hirewire.messaging.publishing import replay
from hirewire.messaging.publishing.pipeline import Pipeline
from hirewire.messaging.reconciliation import barriers

__all__ = ["Notifier", "Relay", "lock_number"]

log = structlog.get_logger(__name__)

CHANNEL = "hirewire_outbox"
GATHER_SECONDS = 0.004
"""Shortest pause between two readings of the outbox that found little.

Many small steps would cost more than all they publish. An event after a pause does not wait.
"""
LOOK_SECONDS = 0.25
"""How often a busy relay checks for barriers and requests."""
CHECK_SECONDS = 1.0
"""How often an active relay checks that it still holds the lock."""
STANDBY_SECONDS = 1.0
IDLE_NOTIFIER_SECONDS = 3600.0
GIVE_UP_SECONDS = 5.0
"""Seconds without the broker after which the active relay lets another replica try."""
STAND_BACK_SECONDS = 2.5
"""Seconds for which it then leaves the lock to others: longer than their checks are apart."""


class Relay:
    """Publishes one service's outbox. One replica is active, the others stand by.

    The active relay holds a session lock in the service's database, which is released when its
    connection ends. A former active relay may still publish the rows in its memory. Its successor
    publishes the same rows in the same order, and consumers recognise repeats by their ids.
    """

    def __init__(
        self,
        *,
        service: str,
        database_url: str,
        broker: Broker,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        """`idle_seconds`: how long an active relay may be frozen before another one takes over."""
        self.service = service
        self.wake = Wake()
        self._url = database_url
        self._broker = broker
        self._idle_seconds = idle_seconds
        self._lock = lock_number(f"relay {service}")
        self._session: Session | None = None
        self._leads = False
        self._read_at = 0.0
        self._looked_at = 0.0
        self._checked_at = 0.0
        self._works = False
        self._failing_since: float | None = None
        self._stands_back_until = 0.0

    @property
    def leads(self) -> bool:
        """Whether this replica publishes."""
        return self._leads

    async def step(self) -> bool:
        """Publish unsent events for about a second. True if there may be more.

        Then, with nothing unconfirmed, it publishes due barriers and one piece of each open
        request. An active relay that cannot reach the broker releases the lock after a while, and
        takes it again only when the broker is reachable and the lock is free.
        """
        started = time.monotonic()
        try:
            more = await self._step()
        except BrokerUnavailable:
            self._failing_since = self._failing_since or started
            if self._leads and time.monotonic() > self._failing_since + GIVE_UP_SECONDS:
                log.warning("relay gives up the lead: broker unavailable", service=self.service)
                await self.close()
                self._stands_back_until = time.monotonic() + STAND_BACK_SECONDS
            raise
        if self._leads:
            self._failing_since = None
        return more

    async def _step(self) -> bool:
        if time.monotonic() < self._stands_back_until:
            return False
        session = await self._lead()
        if session is None:
            return False
        await self._gather()
        pipeline = Pipeline(
            service=self.service,
            connection=session.connection,
            broker=self._broker,
            wake=self.wake,
            check=partial(self._check, session),
        )
        try:
            more = await pipeline.run()
        finally:
            self._read_at = pipeline.read_at
        looked = time.monotonic() < self._looked_at + LOOK_SECONDS
        if pipeline.sent and not self._works and looked:
            return more
        self._looked_at = time.monotonic()
        speaking = _Speaking(self._broker, session)
        await self._send_barriers(session.connection, speaking)
        self._works = await replay.work(session.connection, self.service, cast(Broker, speaking))
        return more or self._works

    async def _gather(self) -> None:
        since = time.monotonic() - self._read_at
        if since < GATHER_SECONDS:
            await asyncio.sleep(GATHER_SECONDS - since)

    async def _send_barriers(self, connection: asyncpg.Connection, broker: "_Speaking") -> None:
        for id, messages in await barriers.due(connection, self.service):
            outcomes = await broker.publish(messages)
            reached = [
                str(m.to) for m, o in zip(messages, outcomes, strict=True) if o is Outcome.CONFIRMED
            ]
            await barriers.sent(connection, id, reached)

    async def _lead(self) -> Session | None:
        if self._session is None or self._session.is_closed:
            self._leads = False
            if self._failing_since is not None:
                await self._broker.ping()
            self._session = await open_session(
                self._url,
                application=f"{self.service} relay",
                idle_seconds=self._idle_seconds,
            )
            await self._session.connection.add_listener(CHANNEL, lambda *_: self.wake())
        if not self._leads:
            self._checked_at = time.monotonic()
            if await self._session.try_lock(self._lock):
                await self._begin_to_lead(self._session)
        elif time.monotonic() > self._checked_at + CHECK_SECONDS:
            await self._check(self._session)
        return self._session if self._leads else None

    async def _begin_to_lead(self, session: Session) -> None:
        """The epoch of the database must be known before anything is published."""
        try:
            await lineage.adopt(session.connection)
            speaking = _Speaking(self._broker, session)
            await replay.take_over(session.connection, self.service, cast(Broker, speaking))
        except BaseException:
            await self.close()
            raise
        self._leads = True
        log.info("relay leads", service=self.service)

    async def _check(self, session: Session) -> None:
        try:
            await session.check(self._lock)
        except Exception:
            await self.close()
            raise
        self._checked_at = time.monotonic()

    async def run(self) -> None:
        """Publish for ever. Ends by cancellation."""
        try:
            await run_steps(
                "relay", self.step, self.wake, idle=STANDBY_SECONDS, backoff=Backoff(longest=2.0)
            )
        finally:
            await self.close()

    async def close(self) -> None:
        """Release the lock."""
        session, self._session, self._leads = self._session, None, False
        if session is not None:
            await session.close()


class _Speaking:
    """A broker for work that does not use the lock's session while it publishes.

    It keeps that session active in the meantime.
    """

    def __init__(self, broker: Broker, session: Session) -> None:
        self.keeps_order_within_batch = broker.keeps_order_within_batch
        self._broker = broker
        self._session = session

    async def publish(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """See `Broker.publish`."""
        publishing = asyncio.ensure_future(self._broker.publish(messages))
        try:
            while not (await asyncio.wait({publishing}, timeout=BEAT_SECONDS))[0]:
                await self._session.check()
            return publishing.result()
        finally:
            publishing.cancel()
            await asyncio.wait({publishing})


class Notifier:
    """Notifies the active relay, in whatever process, of a commit.

    It uses a separate connection, never one in a business transaction (a NOTIFY there would
    serialise the commits). Calls during a notification are combined into one.
    """

    def __init__(self, *, service: str, database_url: str, shared: bool = False) -> None:
        self.wake = Wake()
        self._service = service
        self._url = database_url
        self._shared = shared

    async def run(self) -> None:
        """Notify for ever. Ends by cancellation."""
        # Local, since an application may start twice.
        connection: asyncpg.Connection | None = None

        async def notify() -> bool:
            nonlocal connection
            if connection is None or connection.is_closed():
                name = f"{self._service} notifier"
                connection = await connect(self._url, application=name, shared=self._shared)
            await connection.execute(f"notify {CHANNEL}")
            return False

        try:
            await self.wake.wait(IDLE_NOTIFIER_SECONDS)
            await run_steps(
                "notifier",
                notify,
                self.wake,
                idle=IDLE_NOTIFIER_SECONDS,
                quiet=True,  # the relay also polls, slowly
                service=self._service,
            )
        finally:
            if connection is not None:
                with suppress(Exception):
                    await connection.close(timeout=2)
