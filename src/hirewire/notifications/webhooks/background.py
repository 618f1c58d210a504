"""The background tasks that send deliveries and delete old ones."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from uuid import UUID

import prometheus_client
import structlog
from standardwebhooks import Webhook

from hirewire.kit.clock import now
from hirewire.kit.outgoing import Answer, Failed, Limits, Outgoing
from hirewire.kit.service import PeriodicTask
from hirewire.kit.settings import Settings
from hirewire.messaging.background import Backoff, run_steps
from hirewire.messaging.retry import RetrySchedule
from hirewire.messaging.transaction import Transactions
from hirewire.notifications.webhooks import commands, recording, rules, sending
from hirewire.notifications.webhooks.sending import Claimed, Outcome

log = structlog.get_logger(__name__)

SCHEDULE = RetrySchedule(
    attempts=12, first=timedelta(seconds=5), factor=4.0, longest=timedelta(hours=12)
)
"""Twelve attempts in two and a half days."""
LIMITS = Limits(connect=5.0, answer=15.0, body=2.0, bytes=4096)
HEALTHY, FAILING = 192, 64
"""Requests that a process sends at the same time: to webhooks whose last attempt was a success, and
to those that fail. Receivers that hang fill the second number only.
"""
POLL_SECONDS = 1.0
LONGEST_WAIT = timedelta(hours=1)
"""That a receiver can ask for by `Retry-After`."""
GONE = 410
BUSY = (429, 503)

ATTEMPTS = prometheus_client.Counter(
    "hirewire_webhook_attempts",
    "Attempts to deliver to webhooks, by what became of them",
    ["outcome"],
)


class Sender:
    """Sends what is due. Several replicas can run one each."""

    def __init__(
        self, transactions: Transactions, settings: Settings, outgoing: Outgoing | None = None
    ) -> None:
        self._transactions = transactions
        self._outgoing = outgoing or Outgoing(settings.outgoing_networks)
        self._off_after_days = settings.webhook_off_days
        self._sending: dict[asyncio.Task[Outcome], tuple[UUID, bool]] = {}
        """The requests that are sent, each with its webhook and whether that fails."""
        self._done: list[Outcome] = []

    async def run(self) -> None:
        """Send until cancelled. What is being sent then is sent again after its lease."""
        try:
            await run_steps(
                "webhooks",
                self.step,
                recording.wake,
                idle=POLL_SECONDS,
                backoff=Backoff(first=0.2, longest=10.0),
            )
        finally:
            for task in self._sending:
                task.cancel()

    async def step(self) -> bool:
        """Note what became of requests, and send others. True if anything was done."""
        done, self._done = self._done, []
        if done:
            try:
                await self._resolve(done)
            except BaseException:
                self._done = done + self._done
                raise
        busy = Counter(webhook_id for webhook_id, _ in self._sending.values())
        failing = sum(is_failing for _, is_failing in self._sending.values())
        healthy = len(self._sending) - failing
        async with self._transactions() as tx:
            claimed = await sending.claim(
                tx, busy, healthy=max(0, HEALTHY - healthy), failing=max(0, FAILING - failing)
            )
        for one in claimed:
            task = asyncio.create_task(self._attempt(one), name="webhook delivery")
            self._sending[task] = (one.webhook_id, one.is_failing)
            task.add_done_callback(self._finished)
        return bool(done or claimed)

    async def idle(self) -> None:
        """Wait until nothing is being sent. What became of it is noted by the next step."""
        while self._sending:
            await asyncio.wait(self._sending)

    def _finished(self, task: asyncio.Task[Outcome]) -> None:
        self._sending.pop(task, None)
        if task.cancelled():
            return
        self._done.append(task.result())
        recording.wake()

    async def _attempt(self, one: Claimed) -> Outcome:
        """Send one delivery. Raises nothing: one must not stop the others, whatever it holds."""
        moment = now()
        if not one.secrets:
            return unanswered(one, moment, "no_secret: its secret cannot be opened; make a new one")
        try:
            answer = await self._outgoing.send(
                "POST", one.url, headers=signed(one, moment), body=one.body.encode(), limits=LIMITS
            )
        except Failed as failed:
            return unanswered(one, moment, f"{failed.code}: {failed}")
        except Exception as error:
            log.exception("webhook cannot be sent", id=str(one.id))
            return unanswered(one, moment, type(error).__name__)
        return outcome_of(one, moment, answer)

    async def _resolve(self, done: list[Outcome]) -> None:
        async with self._transactions() as tx:
            switched_off = await sending.resolve(tx, done, self._off_after_days)
            for off in switched_off:
                await commands.mail_switched_off(tx, off)
        for one in done:
            ATTEMPTS.labels("failed" if one.state == "waiting" else one.state).inc()
        for off in switched_off:
            log.warning("webhook switched off", id=str(off.id), reason=off.reason)


def signed(one: Claimed, moment: datetime) -> Mapping[str, str]:
    """The headers of a request, by Standard Webhooks 1.0: a signature by each valid secret."""
    id = rules.message_id(one.event_id)
    signatures = [Webhook(secret).sign(id, moment, one.body) for secret in one.secrets]
    return {
        "content-type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def outcome_of(one: Claimed, moment: datetime, answer: Answer) -> Outcome:
    """What an answer means: 2xx is a delivery, 410 that it wants nothing more."""
    noted = partial(
        Outcome,
        claimed=one,
        at=moment,
        seconds=answer.seconds,
        status=answer.status,
        headers=answer.headers,
        answer=answer.text,
        is_cut=answer.is_cut,
    )
    if answer.is_success:
        return noted(state="delivered")
    is_gone = answer.status == GONE
    wait = asked_to_wait(answer, moment) if answer.status in BUSY else None
    delay = SCHEDULE.delay(one.attempts + 1)
    if delay is None:
        return noted(state="dead", is_gone=is_gone)
    retry_at = moment + max(delay, wait or timedelta())
    not_before = None if wait is None else moment + wait
    return noted(state="waiting", retry_at=retry_at, is_gone=is_gone, not_before=not_before)


def unanswered(one: Claimed, moment: datetime, error: str) -> Outcome:
    """An attempt without an answer."""
    delay = SCHEDULE.delay(one.attempts + 1)
    return Outcome(
        claimed=one,
        state="dead" if delay is None else "waiting",
        at=moment,
        seconds=(now() - moment).total_seconds(),
        retry_at=None if delay is None else moment + delay,
        error=error[:500],
    )


def asked_to_wait(answer: Answer, moment: datetime) -> timedelta | None:
    """How long a receiver asks to wait (`Retry-After`, RFC 9110), in seconds or until a date."""
    text = answer.headers.get("retry-after", "").strip()
    try:
        wait = (
            timedelta(seconds=int(text[:9]))
            if text.isascii() and text.isdigit()
            else parsedate_to_datetime(text) - moment
        )
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(wait, timedelta()), LONGEST_WAIT)


async def run(transactions: Transactions, settings: Settings) -> None:
    """Send deliveries for ever."""
    await Sender(transactions, settings).run()


_days = 30


def use_settings(settings: Settings) -> None:
    """Set how long deliveries are kept."""
    global _days
    _days = settings.webhook_delivery_days


async def forget(transactions: Transactions) -> bool:
    """Delete some old deliveries. True if there may be more."""
    async with transactions() as tx:
        return await commands.forget_old(tx, _days)


async def seal_again(transactions: Transactions) -> bool:
    """Encrypt some secrets with the current key. True if there may be more."""
    async with transactions() as tx:
        return await commands.seal_again(tx)


SEAL_AGAIN = PeriodicTask("secrets of webhooks of earlier keys", seal_again, every=3600.0)
FORGET_OLD_DELIVERIES = PeriodicTask("old deliveries to webhooks", forget, every=3600.0)
