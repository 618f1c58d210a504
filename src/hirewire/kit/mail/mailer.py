"""The background task that sends queued mails."""

import asyncio
from datetime import timedelta
from urllib.parse import urlsplit

import structlog
from prometheus_client import Counter

from hirewire.kit.clock import now
from hirewire.kit.mail import queue
from hirewire.kit.mail.addresses import masked
from hirewire.kit.mail.letters import Letter, Sender
from hirewire.kit.mail.queue import Claimed
from hirewire.kit.mail.transports import Deferred, Refused, ServerAway, Transport, transport_of
from hirewire.kit.secrets import CannotOpen, unseal
from hirewire.kit.settings import Settings
from hirewire.messaging.background import Backoff, Wake, describe, run_steps
from hirewire.messaging.transaction import Transactions

log = structlog.get_logger(__name__)
CONNECTIONS = 4
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


class Mailer:
    """Sends the mails of one service's queue. Several replicas can run one each."""

    def __init__(
        self,
        service: str,
        transactions: Transactions,
        settings: Settings,
        on_refused: queue.OnRefused | None = None,
    ) -> None:
        """`on_refused` is called in the transaction that notes that a mail was refused."""
        self._service = service
        self._transactions = transactions
        self._url = settings.smtp_url
        self._sender = sender_of(settings)
        self._on_refused = on_refused
        self._away = Backoff(first=FIRST_PAUSE, longest=LONGEST_PAUSE)

    async def run(self) -> None:
        """Send what is due, until cancelled. Without a server, mails wait in the queue."""
        if self._url is None:
            log.warning("no mail can be sent: HIREWIRE_SMTP_URL is not set", service=self._service)
            return
        transports = [transport_of(self._url, self._sender) for _ in range(CONNECTIONS)]
        wake = queue.wakes[self._service] = Wake()
        try:
            await run_steps("mail", lambda: self._step(transports), wake, idle=POLL_SECONDS)
        finally:
            del queue.wakes[self._service]
            for transport in transports:
                await transport.close()

    async def _step(self, transports: list[Transport]) -> bool:
        """Send as many mails as there are connections. True if there may be more."""
        async with self._transactions() as tx:
            claimed = await queue.claim(tx, len(transports))
        if not claimed:
            return False
        reached = await asyncio.gather(
            *(self._deliver(*pair) for pair in zip(transports, claimed, strict=False))
        )
        if any(reached):
            self._away.reset()
        else:
            await asyncio.sleep(self._away.next())
        return True

    async def _deliver(self, transport: Transport, mail: Claimed) -> bool:
        """Send one mail and note what became of it. False if there is no server."""
        if mail.expires_at is not None and mail.expires_at <= now():
            await self._end(mail, "expired")
            return True
        try:
            letter = Letter.from_json(unseal(mail.content, queue.PURPOSE))
        except CannotOpen as error:
            await self._end(mail, "dead", masked(str(error)))
            return True
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
        async with self._transactions() as tx:
            await queue.end(tx, mail, state, error)
        MAILS.labels(self._service, state).inc()
        if state == "dead":
            known = {"id": str(mail.id), "kind": mail.kind, "error": error}
            log.error("mail given up", service=self._service, **known)
