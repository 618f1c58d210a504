"""A real SMTP server (aiosmtpd) that can also refuse, defer, hang and drop connections."""

import asyncio
import email
import email.policy
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any, Literal, cast

from aiosmtpd.smtp import SMTP, Envelope, Session

Manner = Literal["take", "refuse", "defer", "hang", "drop", "take and drop", "not for long"]


@dataclass
class MailServer:
    """What the server does with mails, and what it has taken."""

    manner: Manner = "take"
    only_for: str | None = None
    """The reader whose mails it treats so; None: everybody's."""
    taken: list[EmailMessage] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    """The return addresses of the mails taken."""
    attempts: Counter[str] = field(default_factory=Counter)
    """By reader."""
    port: int = 0
    user: tuple[str, str] | None = None

    @property
    def url(self) -> str:
        login = f"{self.user[0]}:{self.user[1]}@" if self.user else ""
        return f"smtp://{login}127.0.0.1:{self.port}"

    def to(self, address: str) -> list[EmailMessage]:
        """The mails taken for a reader."""
        return [mail for mail in self.taken if mail["To"] == address]

    def _manner(self, address: str) -> Manner:
        return self.manner if self.only_for in (None, address) else "take"

    async def handle_RCPT(  # noqa: N802 (called by this name)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, _: list[str]
    ) -> str:
        self.attempts[address] += 1
        if self._manner(address) == "refuse":
            return f"550 5.1.1 <{address}> unknown"
        if self._manner(address) == "defer":
            return f"450 4.2.0 <{address}> greylisted"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        [address] = envelope.rcpt_tos
        manner = self._manner(address)
        if manner == "hang":
            await asyncio.sleep(3600)
        if manner == "drop":
            _abort(server)
            return "250 OK"
        content = cast(bytes, envelope.content)
        parsed = email.message_from_bytes(content, policy=email.policy.default)
        self.taken.append(parsed)
        self.senders.append(cast(str, envelope.mail_from))
        if manner == "take and drop":
            _abort(server)
        return "250 OK"


@asynccontextmanager
async def mail_server(port: int = 0, **options: Any) -> AsyncIterator[MailServer]:
    """A server on a port of this machine."""
    handler = MailServer(**options)
    connections: set[SMTP] = set()

    def connected() -> SMTP:
        made = SMTP(handler, enable_SMTPUTF8=True, hostname="mail.test")
        connections.add(made)
        return made

    server = await asyncio.get_running_loop().create_server(connected, "127.0.0.1", port)
    handler.port = server.sockets[0].getsockname()[1]
    try:
        yield handler
    finally:
        server.close()
        for one in connections:
            _abort(one)


def _abort(server: SMTP) -> None:
    if isinstance(server.transport, asyncio.Transport):
        server.transport.abort()
