"""Reads from a standby of the service's database, while it is close enough behind the primary.

A row of the primary is renewed every second. Whoever sees it on the standby knows that everything
committed before is there too: this also notices a standby that follows another primary, and needs
no right to look at the replication.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from weakref import WeakKeyDictionary

import asyncpg
import structlog
from prometheus_client import Gauge
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from hirewire.messaging.background import Backoff, describe, run_steps
from hirewire.messaging.database import DatabaseUnavailable, cause_of
from hirewire.messaging.transaction import Transactions, Tx

log = structlog.get_logger(__name__)

EVERY_SECONDS = 1.0
MEASURE_SECONDS = 3.0
_behind = Gauge(
    "hirewire_standby_behind_seconds", "How far the standby for reads is behind", ["service"]
)
_used = Gauge("hirewire_standby_used", "1 if reads go to the standby", ["service"])
# Several processes renew it: one write in half a second is enough.
_RENEW = """
insert into kit.probe as p (one) values (true) on conflict (one) do update set at = now()
where p.at < now() - interval '0.5 s'
"""
_NOW = "select clock_timestamp()"
_SEEN = "select at from kit.probe where pg_is_in_recovery()"
_IS_STANDBY = "select pg_is_in_recovery()"
_CONFLICTS = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.QueryCanceledError,
)
"""How a standby ends a query that would hold up the replication."""


_primaries: WeakKeyDictionary[AsyncEngine, AsyncEngine] = WeakKeyDictionary()


def primary_of(engine: AsyncEngine) -> AsyncEngine:
    """The engine of the primary, for one of a standby; any other engine itself.

    What a process keeps for a database in memory, it keeps under the primary's engine.
    """
    return _primaries.get(engine, engine)


class Standby:
    """The standby of one service, for reads that may be up to `longest` seconds old."""

    def __init__(
        self, service: str, primary: Transactions, standby: Transactions, longest: float
    ) -> None:
        self._service = service
        self._primary = primary
        self._standby = standby
        self._longest = longest
        self._until = 0.0
        _primaries[standby.engine] = primary.engine

    @property
    def is_near(self) -> bool:
        """Whether it was close enough behind when it was measured last, and is so still."""
        return time.monotonic() < self._until

    async def run(self) -> None:
        """Measure for ever. Ends by cancellation."""
        await run_steps(
            "standby",
            self._measured,
            idle=EVERY_SECONDS,
            backoff=Backoff(longest=10.0),
            service=self._service,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._standby.engine.dispose()

    async def _measured(self) -> bool:
        was_near = self.is_near
        try:
            async with asyncio.timeout(MEASURE_SECONDS):
                return await self.step()
        finally:
            _used.labels(self._service).set(self.is_near)
            if was_near != self.is_near:
                log.info("reads change over", service=self._service, to_standby=self.is_near)

    async def step(self) -> bool:
        """Measure once: renew the row at the primary, and read it from the standby."""
        async with self._primary() as tx:
            await tx.exec_driver_sql(_RENEW)
        measured = time.monotonic()
        async with self._primary.single() as single:
            now: datetime = (await single.exec_driver_sql(_NOW)).scalar_one()
        async with self._standby.single() as single:
            seen: datetime | None = (await single.exec_driver_sql(_SEEN)).scalar()
        if seen is None:
            self._leave("it is no standby, or has none of our rows")
            return False
        behind = max((now - seen).total_seconds(), 0.0)
        _behind.labels(self._service).set(behind)
        self._until = measured + self._longest - behind
        return False

    def _leave(self, why: str) -> None:
        if self.is_near:
            log.warning("standby not used", service=self._service, reason=why)
        self._until = 0.0

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Tx | None]:
        """A transaction at the standby; None if it is away or too far behind.

        Raises `DatabaseUnavailable` if it goes away, or ends the query, in the middle.
        """
        async with AsyncExitStack() as stack:
            tx = await self._opened(stack)
            if tx is None:
                yield None
                return
            try:
                yield tx
            except DBAPIError as error:
                if isinstance(cause_of(error), _CONFLICTS):
                    raise DatabaseUnavailable(describe(error)) from error
                raise
            except DatabaseUnavailable as error:
                self._leave(describe(error))
                raise

    async def _opened(self, stack: AsyncExitStack) -> Tx | None:
        if not self.is_near:
            return None
        try:
            async with AsyncExitStack() as own:
                tx = await own.enter_async_context(self._standby())
                if (await tx.exec_driver_sql(_IS_STANDBY)).scalar_one():
                    stack.push_async_exit(own.pop_all())
                    return tx
            self._leave("it is no standby any more")
        except DatabaseUnavailable as error:
            self._leave(describe(error))
        return None
