"""The background task that sends queued mails."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from prometheus_client import Counter

from hirewire.kit.clock import now
from hirewire.kit.mail import queue
from hirewire.kit.mail.addresses import masked
from hirewire.kit.mail.endings import Endings
from hirewire.kit.mail.letters import Letter, Sender
from hirewire.kit.mail.queue import Claimed, Ending
from hirewire.kit.mail.transports import (
    ATTEMPT_SECONDS,
    CONNECT_SECONDS,
    Deferred,
    Refused,
    ServerAway,
    Transport,
    transport_of,
)
from hirewire.kit.secrets import CannotOpen, unseal
from hirewire.kit.settings import Settings
from hirewire.messaging.background import Backoff, Wake, describe, run_steps
from hirewire.messaging.transaction import Transactions

log = structlog.get_logger(__name__)
CONNECTIONS = 8
"""Opened as they are needed: a lone mail uses one."""
AT_ONCE = 64
"""The number of mails that are claimed in one transaction."""
POLL_SECONDS = 5.0
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds between attempts while the server is away."""
NAME = "Hirewire"

MAILS = Counter("hirewire_mails", "Mails by what became of them", ["service", "outcome"])


def sender_of(settings: Settings) -> Sender:
    """Who sends mails, by the settings."""
    host = urlsplit(settings.public_url).hostname or "localhost"
    address = settings.mail_from or f"no-reply@{host}"
    return Sender(address, NAME, settings.public_url, settings.bounces_address)


@dataclass(frozen=True, slots=True)
class _Ready:
    """A claimed mail with its letter."""

    mail: Claimed
    letter: Letter
    until: float
    """When it is too late to begin, by the clock of the event loop: the lease would end first."""


class Mailer:
    """Sends the mails of one service's queue. Several replicas can run one each.

    Mails are claimed in batches and sent over several connections. One that hangs holds up none.
    """

    def __init__(
        self,
        service: str,
        transactions: Transactions,
        settings: Settings,
        on_refused: queue.OnRefused | None = None,
        composers: Mapping[str, queue.Compose] | None = None,
    ) -> None:
        """`on_refused` is called in the transaction that notes that a mail was refused.

        `composers` make the letters of mails of their kinds when these are sent.
        """
        self._service = service
        self._transactions = transactions
        self._url = settings.smtp_url
        self._sender = sender_of(settings)
        self._on_refused = on_refused
        self._composers = composers or {}
        self._endings = Endings(transactions)
        self._claiming = asyncio.Lock()
        self._ready: deque[_Ready] = deque()
        self._sending: set[UUID] = set()

    async def run(self) -> None:
        """Send what is due, until cancelled. Without a server, mails wait in the queue."""
        if self._url is None:
            log.warning("no mail can be sent: HIREWIRE_SMTP_URL is not set", service=self._service)
            return
        wake = queue.wakes[self._service] = Wake()
        try:
            async with asyncio.TaskGroup() as connections:
                for _ in range(CONNECTIONS):
                    connections.create_task(self._run(transport_of(self._url, self._sender), wake))
        finally:
            queue.wakes.pop(self._service, None)
            await self._endings.close()

    async def _run(self, transport: Transport, wake: Wake) -> None:
        away = Backoff(first=FIRST_PAUSE, longest=LONGEST_PAUSE)
        try:
            await run_steps(
                "mail", lambda: self._step(transport, away), wake, idle=lambda: POLL_SECONDS
            )
        finally:
            await transport.close()

    async def _step(self, transport: Transport, away: Backoff) -> bool:
        """Send one mail. True if there may be more."""
        task = asyncio.current_task()
        if task is not None and task.cancelling():  # `wait_for` of Python 3.11 may swallow it
            raise asyncio.CancelledError
        ready = await self._next()
        if ready is None:
            return False
        try:
            is_there = await self._deliver(transport, ready.mail, ready.letter)
        finally:
            self._sending.discard(ready.mail.id)
        if is_there:
            away.reset()
        else:
            await self._release()
            await asyncio.sleep(away.next())
        return True

    async def _next(self) -> _Ready | None:
        """The next mail to send; None if none is due."""
        async with self._claiming:
            while not self._ready:
                if not await self._claim():
                    return None
            ready = self._ready.popleft()
            is_in_time = ready.until > asyncio.get_running_loop().time()
            if is_in_time:
                self._sending.add(ready.mail.id)
        return ready if is_in_time else await self._next()

    async def _claim(self) -> bool:
        """Claim mails and make their letters. False if none is due."""
        attempt = timedelta(seconds=CONNECT_SECONDS + ATTEMPT_SECONDS)
        until = asyncio.get_running_loop().time() + (queue.LEASE - attempt).total_seconds()
        async with self._transactions() as tx:
            claimed = await queue.claim(tx, AT_ONCE, self._sending)
        moment = now()
        for one in claimed:
            if one.expires_at is not None and one.expires_at <= moment:
                await self._end(one, "expired")
        claimed = [one for one in claimed if one.expires_at is None or one.expires_at > moment]
        by_kind: dict[str, list[Claimed]] = {}
        for one in claimed:
            by_kind.setdefault(one.kind, []).append(one)
        for kind, mails in by_kind.items():
            for mail, letter in await self._letters(kind, mails):
                self._ready.append(_Ready(mail, letter, until))
        return bool(by_kind)

    async def _letters(
        self, kind: str, mails: Sequence[Claimed]
    ) -> Sequence[tuple[Claimed, Letter]]:
        """The mails that are to be sent, with their letters. The others end here."""
        compose, found = self._composers.get(kind), list[tuple[Claimed, Letter]]()
        composed: Mapping[UUID, Letter | None] = {}
        if compose is not None:
            async with self._transactions() as tx:
                composed = await compose(tx, mails)
        for mail in mails:
            try:
                letter = composed[mail.id] if compose else _stored(mail)
            except KeyError:
                await self._end(mail, "expired")
            except CannotOpen as error:
                await self._end(mail, "dead", masked(str(error)))
            else:
                if letter is not None:
                    found.append((mail, letter))
                else:
                    await self._end(mail, "dead", "it cannot be written")
        return found

    async def _release(self) -> None:
        """Leave what is claimed to later: its letters are of now."""
        waiting, self._ready = list(self._ready), deque()
        if waiting:
            async with self._transactions() as tx:
                await queue.release(tx, [one.mail for one in waiting])

    async def _deliver(self, transport: Transport, mail: Claimed, letter: Letter) -> bool:
        """Send one mail and note what became of it. False if there is no server."""
        try:
            await transport.send(mail.id, letter)
        except Refused as error:
            await self._refuse(mail, letter, error)
        except (Deferred, ServerAway) as error:
            await self._again(mail, error)
            return isinstance(error, Deferred)
        except Exception as error:  # one mail must not stop the others, whatever it holds
            log.exception("mail cannot be sent", service=self._service, id=str(mail.id))
            await self._again(mail, Deferred(describe(error)))
        else:
            await self._end(mail, "sent")
        return True

    async def _again(self, mail: Claimed, error: Deferred | ServerAway) -> None:
        if mail.created_at + queue.GIVE_UP_AFTER <= now():
            await self._end(mail, "dead", f"given up: {masked(str(error))}")
            return
        unanswered, after, deferred = False, timedelta(), isinstance(error, Deferred)
        if isinstance(error, Deferred):
            unanswered = error.unanswered
            after = timedelta(seconds=queue.PAUSES[min(mail.deferrals, len(queue.PAUSES) - 1)])
        async with self._transactions() as tx:
            await queue.put_back(
                tx, mail, masked(str(error)), after=after, unanswered=unanswered, deferred=deferred
            )
        outcome = "unanswered" if unanswered else "deferred" if deferred else "away"
        MAILS.labels(self._service, outcome).inc()
        log.warning(
            "mail not sent yet", service=self._service, outcome=outcome, error=masked(str(error))
        )

    async def _refuse(self, mail: Claimed, letter: Letter, error: Refused) -> None:
        async with self._transactions() as tx:
            ended = await queue.end(tx, mail, "dead", masked(str(error)))
            if ended and self._on_refused is not None and mail.user_id is not None:
                refusal = queue.Refusal(
                    mail.id, mail.user_id, letter.to, error.code, error.status, error.of_reader
                )
                await self._on_refused(tx, refusal)
        MAILS.labels(self._service, "dead").inc()

    async def _end(self, mail: Claimed, state: queue.State, error: str | None = None) -> None:
        await self._endings.note(Ending(mail, state, error))
        MAILS.labels(self._service, state).inc()
        if state == "dead":
            known = {"id": str(mail.id), "kind": mail.kind, "error": error}
            log.error("mail given up", service=self._service, **known)


def _stored(mail: Claimed) -> Letter:
    return Letter.from_json(unseal(mail.content, queue.PURPOSE))
