"""A lane: retries the unresolved messages of one subscription in order until they are resolved.

One piece of work is: claim what is due, with what waits behind it; pass it to the handlers in one
transaction; release the keys. If that transaction fails, it has no effect, and the lane continues
with one message at a time, then four, sixteen, and so on. While everything fails, each message
costs one call of its handler; afterwards, ten thousand messages cost about thirty transactions.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog

from hirewire.messaging import erasure, metrics, tracing
from hirewire.messaging.background import Backoff, describe
from hirewire.messaging.consuming import claims, rate_limits, resolution, unresolved
from hirewire.messaging.consuming.batch_handler import mark_overtaken
from hirewire.messaging.consuming.claims import Claim, Left
from hirewire.messaging.consuming.consumer import Consumer
from hirewire.messaging.consuming.dispatch import dispatch, verdict
from hirewire.messaging.consuming.failures import is_cancelled, is_deadlock
from hirewire.messaging.consuming.inbox import KeyState
from hirewire.messaging.consuming.resolution import Resolved
from hirewire.messaging.consuming.unreadable import is_unreadable
from hirewire.messaging.consuming.unresolved import restored_delivery
from hirewire.messaging.database import DatabaseUnavailable
from hirewire.messaging.retry import RetrySchedule
from hirewire.messaging.subscriptions import Invocation
from hirewire.messaging.transaction import Transactions, Tx

log = structlog.get_logger(__name__)

MOST = 500
"""Messages in one transaction."""
BLOCKING_SECONDS = 0.25
"""Longest time for which a lane may block the consumer from its keys; also its target."""
SLOW_SECONDS = 1.0
LOOK_SECONDS = 1.0
"""How often a busy lane checks for possible poison messages and abandoned claims."""
GIVE_BACK_SECONDS = 2.0
DEADLOCKS = 3
ENDED = "the process ended while handling it"


class _TakenApart(Exception):
    """One of several messages cannot be handled together with the others."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds for which a claim is left alone; together, when a dead process's work is taken."""

    lease: float = 20.0
    """Seconds after a claim in which no other process checks it."""
    watch: float = 10.0
    """Seconds for which another process must then see it idle.

    Enough for a living process whose database connection was lost to release its claims.
    """


@dataclass(frozen=True, slots=True)
class Owner:
    """The parts of the process that its lanes need."""

    consumer: Consumer
    transactions: Transactions
    instance: UUID
    alone: asyncio.Lock
    """Held while a possible poison message is handled: one at a time, so that the cause is known.
    """
    patience: Patience


class Lane:
    """The retries of one subscription in this process."""

    def __init__(self, name: str, owner: Owner) -> None:
        self.name = name
        self._owner = owner
        found = [s for s in owner.consumer.subscriptions if s.name == name]
        self._subscription = found[0] if found else None
        self._retry = self._subscription.retry if self._subscription else RetrySchedule()
        self._rate = self._subscription.rate if self._subscription else None
        self._chains = self._subscription is None or self._subscription.behind_failed == "wait"
        self._most = 1
        self._each: float | None = None
        """Seconds for each message in the last piece."""
        self._looked_at = float("-inf")
        self._seen: dict[Left, float] = {}
        self._owed: set[UUID] = set()
        self._piece_began: float | None = None
        self._last_piece = 0.0
        self.backoff = Backoff()
        self.rests_until = 0.0
        self.worked_at = 0.0

    @property
    def slow(self) -> bool:
        """Whether its pieces, or the current one, take long."""
        began = self._piece_began
        now = time.monotonic()
        return (now - began if began is not None else self._last_piece) > SLOW_SECONDS

    def look_away(self) -> None:
        """Forget other processes' claims, since the database was unavailable meanwhile."""
        self._seen.clear()

    async def piece(self) -> bool:
        """Do one piece of work. False if nothing is due."""
        self._piece_began = time.monotonic()
        try:
            await self.give_back_owed()
            look = self._piece_began - self._looked_at > LOOK_SECONDS
            if look and await self._left_behind():
                return True
            return await self._fresh() or (not look and await self._left_behind())
        finally:
            self.worked_at = time.monotonic()
            self._last_piece = self.worked_at - self._piece_began
            self._piece_began = None

    async def give_back_owed(self) -> None:
        """Release claims that could not be released earlier."""
        if self._owed:
            await self._give_back(list(self._owed))

    async def _fresh(self) -> bool:
        claim = await self._claim(self._take_fresh)
        return claim is not None and await self._work_on(claim)

    async def _take_fresh(self, tx: Tx) -> Claim | None:
        owner = self._owner
        most = self._most if self._subscription else 1
        if self._rate is not None:
            tokens = await rate_limits.allowed(tx, self.name, self._rate)
            if tokens < 1:
                self.rests_until = time.monotonic() + (1 - tokens) / self._rate.per_second
                return None
            most = min(most, int(tokens))
        claim = await claims.take_fresh(
            tx,
            self.name,
            owner.instance,
            most=most,
            attempts=self._retry.most_attempts,
            lease=owner.patience.lease,
            chains=self._chains,
        )
        if self._rate is not None and claim is not None and not claim.closing:
            await rate_limits.spend(tx, self.name, claim.size)
        return claim

    async def _claim(self, take: Callable[[Tx], Awaitable[Claim | None]]) -> Claim | None:
        """Claim in a separate transaction.

        If a stop interrupts it, the claim may still be committed: it is released, or another
        process would treat it as abandoned.
        """
        claim: Claim | None = None
        try:
            async with self._owner.transactions() as tx:
                claim = await take(tx)
        except (Exception, asyncio.CancelledError):
            if claim is not None:
                await self._owe(claim)
            raise
        return claim

    async def _left_behind(self) -> bool:
        owner = self._owner
        if owner.alone.locked():
            return False
        self._looked_at = time.monotonic()
        async with owner.alone:
            claim = await self._claim(self._take_left)
            return claim is not None and await self._work_on(claim)

    async def _take_left(self, tx: Tx) -> Claim | None:
        """A possible poison message, or a message that another process has abandoned."""
        owner, now = self._owner, time.monotonic()
        rows = await claims.left_behind(tx, self.name, owner.instance)
        lefts = [claims.left_of(row, owner.instance) for row in rows]
        self._seen = {left: self._seen.get(left, now) for left in lefts if left is not None}
        for row, left in zip(rows, lefts, strict=True):
            if left is None or now - self._seen[left] >= owner.patience.watch:
                return await claims.take_poison(
                    tx,
                    self.name,
                    owner.instance,
                    row,
                    left=left is not None,
                    lease=owner.patience.lease,
                )
        return None

    async def _work_on(self, claim: Claim) -> bool:
        if claim.closing:
            await self._close(claim)
            return True
        try:
            if is_unreadable(self.name):
                await self._read_again(claim)
            elif claim.size == 1:
                await self._try_one(claim)
            else:
                await self._try_together(claim)
        except (Exception, asyncio.CancelledError):
            await self._owe(claim)
            raise
        return True

    async def _owe(self, claim: Claim) -> None:
        self._owed.update(claim.heads)
        await asyncio.shield(asyncio.create_task(self._try_to_give_back()))

    async def _try_together(self, claim: Claim) -> None:
        try:
            done = await self._handle(claim)
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, DatabaseUnavailable) or is_cancelled(error):
                raise
            self._most = 1
            log.info("retries split", lane=self.name, number=claim.size, why=describe(error))
            await self._give_back(claim.heads)
            return
        if done:
            await self._close(claim)

    async def _try_one(self, claim: Claim) -> None:
        deadlocks = 0
        while True:
            try:
                done = await self._handle(claim)
            except (Exception, asyncio.CancelledError) as error:
                if isinstance(error, DatabaseUnavailable) or is_cancelled(error):
                    raise
                if isinstance(error, _TakenApart):  # with a new message: now it goes alone
                    self._each = None
                    continue
                deadlocks += is_deadlock(error)
                if is_deadlock(error) and deadlocks < DEADLOCKS:
                    continue
                self._most = 1
                await self._fail(claim, error)
                return
            if done:
                await self._close(claim)
            return

    async def _handle(self, claim: Claim) -> bool:
        """Handle the claimed messages in one transaction. True if keys must still be released.

        Releasing them needs the lock that every arriving follower needs, and the consumer with it.
        So the lock is taken first only if the handlers are known to be fast, or if later messages
        may pass and the order must be known; otherwise after the handlers.
        """
        expected = self._each * claim.size if self._each is not None else None
        quick = not claim.failed_before and expected is not None and expected < BLOCKING_SECONDS
        locked = quick or not self._chains
        alone = claim.size == 1
        began = time.monotonic()
        spans: list[Any] = []
        try:
            async with self._owner.transactions() as tx:
                heads = await claims.lock(tx, self.name, self._owner.instance, claim)
                if not heads:
                    return False
                if claim.size == 1:
                    self._refuse_spent(heads[0], claim)
                places = {(row.source, row.key) for row in heads}
                reached = await resolution.reached(tx, self.name, places, locked=locked)
                if quick and self._chains and self._rate is None:
                    claim = await claims.newcomers(
                        tx,
                        self.name,
                        claim,
                        heads,
                        most=max(50, self._most // 2),
                        attempts=self._retry.most_attempts,
                    )
                followers = await claims.followers(tx, self.name, claim, heads)
                invocations = self._read([*heads, *followers])
                await erasure.admit(tx, invocations)
                spans = tracing.processing(invocations, self._owner.consumer.topology.queue)
                late = await _call_handlers(tx, invocations, reached)
                await self._resolve(tx, invocations, late, len(heads), locked=locked)
        except (Exception, asyncio.CancelledError) as error:
            tracing.finish(spans, error)
            self._each = None if claim.size > 1 else time.monotonic() - began
            if alone and claim.size > 1 and _is_of_a_handler(error):
                raise _TakenApart(describe(error)) from error
            raise
        tracing.finish(spans)
        self._adapt(len(invocations), claim.size, time.monotonic() - began)
        service = self._owner.consumer.service
        metrics.handled.labels(service, invocations[0].received.event.name).inc(len(invocations))
        metrics.delays(
            service, ((self.name, invocation.received.time) for invocation in invocations)
        )
        return not locked

    def _refuse_spent(self, row: Any, claim: Claim) -> None:
        if row.attempts >= self._retry.most_attempts:
            raise _Spent(ENDED if claim.lost else row.error or "no attempts are left")

    def _read(self, rows: Sequence[Any]) -> list[Invocation]:
        invocations = []
        for row in rows:
            read = self._owner.consumer.reader.read_one(
                restored_delivery(bytes(row.body), row.headers)
            )
            invocation = next(
                (u for u in read.invocations if u.subscription.name == self.name), None
            )
            if invocation is None:
                if len(rows) > 1:
                    raise _TakenApart("one of them cannot be read")
                unreadable = read.unreadable
                raise _Spent(
                    unreadable[0].reason if unreadable else "no handler has this name any more"
                )
            # The inbox's own id: a message that came without one must not get another now.
            invocation.received.id = UUID(str(row.event_id))
            invocations.append(invocation)
        return invocations

    async def _resolve(
        self,
        tx: Tx,
        invocations: Sequence[Invocation],
        late: set[UUID],
        heads: int,
        *,
        locked: bool,
    ) -> None:
        resolved: dict[UUID, Resolved] = {}
        leaders: dict[tuple[str, str], UUID] = {}
        for nth, invocation in enumerate(invocations):
            received = invocation.received
            place, sequence = (received.source, received.key), received.order
            if nth < heads:
                leaders.setdefault(place, received.id)
                resolved[received.id] = Resolved(place, 1, sequence)
                continue
            before = resolved[leaders[place]]
            highest = max(before.sequence or 0, sequence or 0) or None
            resolved[leaders[place]] = Resolved(place, before.number + 1, highest)
        await resolution.resolve(
            tx,
            self.name,
            {invocation.received.id: invocation.received.id in late for invocation in invocations},
            [invocation.received.id for invocation in invocations[heads:]],
            resolved,
            locked=locked,
        )

    def _adapt(self, number: int, taken: int, seconds: float) -> None:
        """More at once after a fast piece, fewer after a slow one."""
        self._each = seconds / number
        if seconds > BLOCKING_SECONDS:
            self._most = max(1, int(number * BLOCKING_SECONDS / seconds))
        elif taken >= self._most:
            self._most = min(MOST, self._most * 4)

    async def _close(self, claim: Claim) -> None:
        async with self._owner.transactions() as tx:
            await resolution.close(tx, self.name, claim.heads)

    async def _read_again(self, claim: Claim) -> None:
        """Decode a replayed unreadable message again, which the current code may be able to read.

        Each of its handlers enters it in the inbox as it handles it, so that a repeat after a crash
        has no second effect.
        """
        owner = self._owner
        async with owner.transactions() as tx:
            heads = await claims.lock(tx, self.name, owner.instance, claim)
        if not heads:
            return
        id = claim.heads[0]
        read = owner.consumer.reader.read_one(
            restored_delivery(bytes(heads[0].body), heads[0].headers)
        )
        if read.unreadable:
            await self._fail(claim, _Spent(read.unreadable[0].reason))
            return
        for invocation in read.invocations:
            await owner.consumer.handler.resolve(
                replace(invocation, received=replace(invocation.received, id=id))
            )
        async with owner.transactions() as tx:
            heads = await claims.lock(tx, self.name, owner.instance, claim)
            if heads:
                await resolution.resolve(tx, self.name, {id: False}, [id], {}, locked=True)

    async def _fail(self, claim: Claim, error: BaseException) -> None:
        """Record that a message claimed alone has failed."""
        [id] = claim.heads
        async with self._owner.transactions() as tx:
            heads = await claims.lock(tx, self.name, self._owner.instance, claim)
            if not heads:
                return
            row = heads[0]
            delay, spent = _verdict(error, self._retry, row.attempts)
            why = error.why if isinstance(error, _Spent) else describe(error)
            if erasure.is_redacted(bytes(row.body)):
                why = erasure.WIPED
            await resolution.fail(
                tx,
                self.name,
                id,
                delay=None if delay is None else delay.total_seconds(),
                attempts=spent,
                error=unresolved.clean(why)[: unresolved.ERROR_LENGTH],
                history=json.dumps([unresolved.history_entry(why, spent)]),
                keep=unresolved.HISTORY_LENGTH,
            )
            if not self._chains and row.state == "waiting":
                await resolution.promote(tx, self.name, (row.source, row.key))
        self._note_failure(row, why, spent, delay)

    def _note_failure(self, row: Any, error: str, attempt: int, delay: timedelta | None) -> None:
        service = self._owner.consumer.service
        fields: dict[str, Any] = {
            "service": service,
            "event_type": row.type,
            "event_id": str(row.event_id),
            "subscription": self.name,
            "attempt": attempt,
            "error": error,
        }
        metrics.failed.labels(service, row.type).inc()
        if delay is None:
            metrics.dead.labels(service, row.type).inc()
            log.error("dead letter", **fields)
        else:
            metrics.retried.labels(service, row.type).inc()
            log.warning("event is retried", in_seconds=round(delay.total_seconds(), 3), **fields)

    async def _give_back(self, heads: Sequence[UUID]) -> None:
        async with self._owner.transactions() as tx:
            await claims.give_back(tx, self.name, self._owner.instance, heads)
        self._owed.difference_update(heads)

    async def _try_to_give_back(self) -> None:
        """Release claims; if the database is unavailable, that happens before the next claim."""
        try:
            async with asyncio.timeout(GIVE_BACK_SECONDS):
                await self.give_back_owed()
        except Exception as error:
            log.warning("claims not released yet", lane=self.name, reason=describe(error))


async def _call_handlers(
    tx: Tx, invocations: Sequence[Invocation], reached: Mapping[claims.Place, int]
) -> set[UUID]:
    """Call the handlers; returns the ids of events that a later one of their key overtook."""
    key_states = {place: KeyState(sequence, 1) for place, sequence in reached.items()}
    ordered, overtaken = mark_overtaken(
        [(u, key_states[u.received.source, u.received.key]) for u in invocations]
    )
    await dispatch(tx, ordered)
    return {invocation.received.id for invocation in overtaken}


class _Spent(Exception):
    """The message gets no more attempts; the error gives the reason."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def _is_of_a_handler(error: BaseException) -> bool:
    return not (isinstance(error, DatabaseUnavailable) or is_cancelled(error) or is_deadlock(error))


def _verdict(
    error: BaseException, retry: RetrySchedule, spent: int
) -> tuple[timedelta | None, int]:
    """The delay until the next attempt (None: dead), and the attempts spent by then."""
    if isinstance(error, _Spent):
        return None, spent
    return verdict(error, retry, attempt=spent + 1)
