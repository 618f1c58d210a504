"""Mails of `auth`, as a real SMTP server has received them."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from typing import TYPE_CHECKING

import pytest

from hirewire.kit.mail import mailer, queue
from hirewire.kit.mail.mailer import Mailer
from hirewire.kit.settings import Settings
from tests.builders import eventually
from tests.smtp import MailServer, mail_server

if TYPE_CHECKING:
    from tests.auth.conftest import Auth

WELCOMES = ("Confirm your email address", "Подтвердите адрес электронной почты")
SITE = "https://jobs.example.org"


@dataclass(frozen=True)
class Postbox:
    """The mails that the service has sent."""

    auth: "Auth"
    server: MailServer
    ignored: tuple[str, ...]
    """Subjects of mails that do not count."""

    async def mails(self, to: str = "anna@example.org") -> list[EmailMessage]:
        """The mails to an address, once all queued ones are sent."""

        async def is_empty() -> bool:
            async with self.auth.service.messaging.transactions() as tx:
                return not (await queue.counts(tx)).get("queued")

        await eventually(is_empty, within=30, what="all mails are sent")
        return [mail for mail in self.taken if mail["To"] == to]

    @property
    def taken(self) -> list[EmailMessage]:
        """The mails to all addresses so far."""
        return [mail for mail in self.server.taken if mail["Subject"] not in self.ignored]

    async def texts(self, to: str = "anna@example.org") -> list[str]:
        """Their parts in plain text."""
        return [plain(mail) for mail in await self.mails(to)]

    async def tokens(self, path: str, to: str = "anna@example.org") -> list[str]:
        """The tokens of the links to this path."""
        texts = "\n".join(await self.texts(to))
        return re.findall(rf"{re.escape(path)}\?token=([\w-]+)", texts)


def plain(mail: EmailMessage) -> str:
    """The part in plain text."""
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


@asynccontextmanager
async def sending(
    auth: "Auth", monkeypatch: pytest.MonkeyPatch, *, ignored: tuple[str, ...] = WELCOMES
) -> AsyncIterator[Postbox]:
    """The service with a mailer at work. The mails of registrations do not count by default."""
    monkeypatch.setattr(mailer, "POLL_SECONDS", 0.1)
    async with mail_server() as server:
        settings = Settings(smtp_url=server.url, public_url=SITE)
        work = Mailer("auth", auth.service.messaging.transactions, settings)
        task = asyncio.create_task(work.run())
        yield Postbox(auth, server, ignored)
        task.cancel()
        await asyncio.wait({task})
