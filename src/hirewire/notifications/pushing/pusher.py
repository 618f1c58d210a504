"""Sends the pushes that are due."""

import asyncio
import hashlib
from base64 import urlsafe_b64encode
from collections import Counter as Tally
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import structlog
from prometheus_client import Counter

from hirewire.kit.clock import now
from hirewire.kit.outgoing import Broken, Failed, Limits, Outgoing, TimedOut
from hirewire.kit.secrets import CannotOpen
from hirewire.kit.settings import Settings
from hirewire.kit.time_zones import zone_of
from hirewire.messaging.background import Wake, describe, run_steps
from hirewire.messaging.transaction import Transactions
from hirewire.notifications import push_queue, web_push
from hirewire.notifications.kinds import is_pushed
from hirewire.notifications.pushing import commands, presenters, queries, rules
from hirewire.notifications.pushing.commands import Claimed
from hirewire.notifications.pushing.queries import Due
from hirewire.notifications.pushing.rules import Failing
from hirewire.notifications.quiet import quiet_until
from hirewire.notifications.web_push import Target

log = structlog.get_logger(__name__)
SERVICE = "notifications"
SLOTS, SLOTS_OF_ONE = 32, 8
"""Devices that are sent to at the same time, and those of one push service: one that hangs leaves
room for the others."""
PUSHES_IN_A_ROW = 5
"""Pushes to a device before it is claimed again."""
POLL_SECONDS = 5.0
END_SECONDS = 3.0
"""How long pushes in progress may take when the process ends."""
LIMITS = Limits(connect=5, answer=10, body=1, bytes=512)

PUSHES = Counter("hirewire_pushes", "Attempts to push, by what became of them", ["outcome"])


class Pusher:
    """Sends the pushes of `notifications`. Several replicas can run one each."""

    def __init__(
        self, transactions: Transactions, settings: Settings, outgoing: Outgoing | None = None
    ) -> None:
        self._transactions = transactions
        self._outgoing = outgoing or Outgoing(settings.outgoing_networks)
        self._contact = web_push.contact(settings)
        self._running: dict[asyncio.Task[None], str] = {}
        self._wake = Wake()

    async def run(self) -> None:
        """Send what is due, until cancelled."""
        push_queue.wakes[SERVICE] = self._wake
        try:
            await run_steps("pushes", self.step, self._wake, idle=POLL_SECONDS)
        finally:
            del push_queue.wakes[SERVICE]
            if self._running:  # else what is in progress would be sent again
                await asyncio.wait(self._running, timeout=END_SECONDS)
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    async def step(self) -> bool:
        """Begin to send to as many devices as there is room for. True if there may be more."""
        if len(self._running) >= SLOTS:
            await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
        tally = Tally(self._running.values())
        full = [origin for origin, count in tally.items() if count >= SLOTS_OF_ONE]
        async with self._transactions() as tx:
            free = min(SLOTS - len(self._running), SLOTS_OF_ONE)
            claimed = await commands.claim(tx, free, but=full)
        for device in claimed:
            task = asyncio.create_task(self._serve(device))
            self._running[task] = device.origin
            task.add_done_callback(self._ended)
        return bool(claimed)

    async def finish(self) -> None:
        """Wait until all that has begun is sent."""
        while self._running:
            await asyncio.wait(self._running)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        self._wake()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("push not noted, it may be repeated", error=describe(error))

    async def _serve(self, device: Claimed) -> None:
        try:
            for _ in range(PUSHES_IN_A_ROW):
                due = await self._next(device)
                if due is None or not await self._tried(device, due):
                    break
                device = replace(device, failures=0, failing_since=None)
        finally:
            async with self._transactions() as tx:
                await commands.release(tx, device)

    async def _next(self, device: Claimed) -> Due | None:
        """The next push that is to be sent, by the state of now: what was read or withdrawn, or
        is turned off, is dropped, and quiet hours put off.
        """
        async with self._transactions() as tx:
            while (due := await queries.next_due(tx, device.id, device.attempt)) is not None:
                moment = now()
                is_late = due.queued_at + rules.GIVE_UP_AFTER <= moment
                zone = zone_of(due.time_zone)
                quiet = quiet_until(moment, zone, due.quiet_from, due.quiet_until)
                is_chosen = is_pushed(due.kind) if due.wish is None else due.wish
                if due.is_void or is_late or not is_chosen:
                    await commands.drop(tx, device.id, due.notice_id)
                    PUSHES.labels("dropped").inc()
                elif quiet is not None:
                    await commands.hold(tx, device.id, due.notice_id, quiet)
                else:
                    return due
        return None

    async def _tried(self, device: Claimed, due: Due) -> bool:
        try:
            return await self._push(device, due)
        except Exception as error:  # one device must not stop the others, whatever it has
            log.exception("push cannot be sent", device=str(device.id))
            return await self._fail(device, describe(error), 0)

    async def _push(self, device: Claimed, due: Due) -> bool:
        """Send one push and note what became of it. False if the next one would fail too."""
        try:
            target = Target.opened(device.sealed)
            key = web_push.opened_key(device.key_id, device.public, device.sealed_key)
        except CannotOpen:
            return await self._fail(device, "cannot_open", 0)
        headers = {
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(int(rules.TTL.total_seconds())),
            "Topic": topic(due.notice_id),
            "Urgency": "normal" if is_pushed(due.kind) else "low",
            **web_push.authorization(key, target, self._contact),
        }
        body = web_push.encrypted(target, presenters.message(due))
        try:
            answer = await self._outgoing.send(
                "POST", target.endpoint, headers=headers, body=body, limits=LIMITS
            )
        except Failed as error:
            # The push service may have it: then it comes twice, with the same topic and tag.
            outcome = "unanswered" if isinstance(error, TimedOut | Broken) else "failed"
            return await self._fail(device, error.code, 0, outcome)
        verdict = rules.verdict(answer.status)
        if verdict == "again":
            wait = rules.wait_of(answer.headers.get("retry-after"), now())
            return await self._fail(device, str(answer.status), wait.total_seconds())
        async with self._transactions() as tx:
            if verdict == "sent":
                apart = push_queue.pace(due.kind).apart
                await commands.sent(tx, device, due.notice_id, due.changes, apart)
            elif verdict == "gone":
                await commands.lose(tx, device)
            else:
                await commands.drop(tx, device.id, due.notice_id)
        PUSHES.labels(verdict).inc()
        return verdict != "gone"

    async def _fail(
        self, device: Claimed, error: str, wait: float, outcome: str = "failed"
    ) -> bool:
        moment = now()
        failing = Failing(device.failures + 1, device.failing_since or moment)
        until = moment + max(failing.pause, timedelta(seconds=wait))
        is_lost = failing.is_lost(moment)
        async with self._transactions() as tx:
            if is_lost:
                await commands.lose(tx, device)
            else:
                await commands.fail(tx, device, failing, error, until)
        PUSHES.labels("lost" if is_lost else outcome).inc()
        known = {"origin": device.origin, "device": str(device.id), "failures": failing.failures}
        log.warning("push not sent yet", error=error, lost=is_lost, **known)
        return False


def topic(notice_id: UUID) -> str:
    """By which a push replaces an earlier one of the same notice that the push service still has
    (RFC 8030, 5.4). The service learns nothing from it.
    """
    return urlsafe_b64encode(hashlib.sha256(notice_id.bytes).digest())[:32].decode()
