"""Where mails go: an SMTP server, or a folder."""

import asyncio
import re
import time
from contextlib import suppress
from email.policy import SMTP, SMTPUTF8
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit
from uuid import UUID

import aiosmtplib

from hirewire.kit.clock import now
from hirewire.kit.mail.kept import KeptMail, keep
from hirewire.kit.mail.letters import Letter, Sender, as_html, as_message, as_text
from hirewire.messaging.background import describe

CONNECT_SECONDS = 10.0
ATTEMPT_SECONDS = 60.0
"""An attempt that takes longer is ended; see `queue.LEASE`."""
PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
LAST_DEFERRAL = 499
CLOSING = 421
FRESH_SECONDS = 5.0
"""A connection that was used within this time is used again without asking whether it is open."""
_STATUS = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})(?!\S)")


class Refused(Exception):
    """The server refused this mail for good (5xx)."""

    def __init__(
        self, text: str, *, code: int = 0, status: str | None = None, of_reader: bool = False
    ) -> None:
        super().__init__(text)
        self.code = code
        self.status = status
        """The enhanced status (RFC 3463), such as 5.1.1, if the server gave one."""
        self.of_reader = of_reader
        """Whether the reader's address was refused, not the sender or the content."""


class Deferred(Exception):
    """The server was there and did not take the mail: try it later."""

    def __init__(self, text: str, *, unanswered: bool = False) -> None:
        super().__init__(text)
        self.unanswered = unanswered
        """Whether the server may have taken it and its answer was lost."""


class _Ended(Deferred):
    """The connection ended before the mail was transmitted."""


class ServerAway(Exception):
    """No mail can be sent at present: there is no server, or it does not let us in."""


class Transport(Protocol):
    """Sends one mail at a time."""

    async def send(self, id: UUID, letter: Letter) -> None:
        """Send a mail. Raises `Refused`, `Deferred` and `ServerAway`."""

    async def close(self) -> None:
        """Close its connection."""


class Folder:
    """Keeps mails in a folder."""

    def __init__(self, folder: Path, sender: Sender) -> None:
        self._folder = folder
        self._sender = sender

    async def send(self, id: UUID, letter: Letter) -> None:
        """Keep a mail. Raises `ServerAway` when the folder cannot be written."""
        mail = KeptMail(
            id=str(id),
            to=letter.to,
            subject=letter.subject,
            text=as_text(letter, self._sender),
            html=as_html(letter, self._sender),
            at=now().isoformat(),
        )
        try:
            await asyncio.to_thread(keep, self._folder, id, mail)
        except OSError as error:
            raise ServerAway(describe(error)) from error

    async def close(self) -> None:
        """Nothing is open."""


class Smtp:
    """A connection to an SMTP server (RFC 5321), opened at first use and after a failure."""

    def __init__(self, url: str, sender: Sender) -> None:
        parts = urlsplit(url)
        self._sender = sender
        self._host = parts.hostname or ""
        self._port = parts.port or PORTS[parts.scheme]
        self._tls = parts.scheme == "smtps"
        # None: STARTTLS if the server offers it.
        self._starttls = {"smtp+starttls": True, "smtps": False}.get(parts.scheme)
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._client: aiosmtplib.SMTP | None = None
        self._used_at = 0.0

    async def send(self, id: UUID, letter: Letter) -> None:
        """Send a mail over the open connection, or over a new one."""
        is_fresh = self._used_at + FRESH_SECONDS > time.monotonic()
        if self._client is not None and not is_fresh and not await self._is_alive(self._client):
            await self.close()
        is_used = self._client is not None
        try:
            await self._send(id, letter)
        except _Ended:
            if not is_used:
                raise Deferred("the connection ended") from None
            await self._send(id, letter)  # nothing was taken: once more over a new one
        self._used_at = time.monotonic()

    async def _send(self, id: UUID, letter: Letter) -> None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                self._client = self._client or await self._connected()
        except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as error:
            raise ServerAway(describe(error)) from None
        said = of_reader = False
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                content, encoding, options = self._content(self._client, id, letter)
                sender = self._sender.envelope(id, letter)
                await self._client.mail(sender, options=options, encoding=encoding)
                of_reader = True
                await self._client.rcpt(letter.reader, encoding=encoding)
                said, of_reader = True, False
                await self._client.data(content)
        except aiosmtplib.SMTPResponseException as error:
            await self.close()
            if not said and (error.code < 0 or error.code == CLOSING):
                raise _Ended(f"the server answered {error.code}") from None
            raise _judged(error, said=said, of_reader=of_reader) from None
        except (aiosmtplib.SMTPServerDisconnected, ConnectionError) as error:
            await self.close()
            if not said:
                raise _Ended(describe(error)) from None
            raise Deferred(describe(error), unanswered=True) from None
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            await self.close()
            raise Deferred(describe(error), unanswered=said) from None

    def _content(
        self, client: aiosmtplib.SMTP, id: UUID, letter: Letter
    ) -> tuple[bytes, str, list[str]]:
        """The message's bytes, the encoding of addresses, and the options of MAIL.

        Raises `Refused` if the server does not take the reader's letters (RFC 6531).
        """
        message = as_message(id, letter, self._sender, now())
        if letter.reader.isascii():
            return message.as_bytes(policy=SMTP), "ascii", []
        if not client.supports_extension("smtputf8"):
            raise Refused("the server takes no addresses in other letters than ASCII (SMTPUTF8)")
        return message.as_bytes(policy=SMTPUTF8), "utf-8", ["SMTPUTF8", "BODY=8BITMIME"]

    @staticmethod
    async def _is_alive(client: aiosmtplib.SMTP) -> bool:
        """Whether an idle connection is still open: a server may end it whenever it likes."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await client.rset()
        except (aiosmtplib.SMTPException, OSError, TimeoutError):
            return False
        return True

    async def _connected(self) -> aiosmtplib.SMTP:
        client = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            use_tls=self._tls,
            start_tls=self._starttls,
            timeout=CONNECT_SECONDS,
            local_hostname=self._sender.domain,
        )
        try:
            await client.connect()
            if self._user is not None:
                await client.login(self._user, self._password or "")
        except aiosmtplib.SMTPResponseException as error:
            client.close()
            raise ServerAway(f"{error.code} while signing in") from None
        except BaseException:
            client.close()
            raise
        client.timeout = ATTEMPT_SECONDS
        return client

    async def close(self) -> None:
        """Close the connection; does nothing without one."""
        client, self._client = self._client, None
        if client is not None:
            with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                async with asyncio.timeout(1):
                    await client.quit()
            client.close()


def _judged(error: aiosmtplib.SMTPResponseException, *, said: bool, of_reader: bool) -> Exception:
    """What a negative answer means. Its text may quote the reader's address: the code is enough.

    A code below zero is aiosmtplib's for a broken connection.
    """
    if error.code < 0:
        return Deferred("the connection ended", unanswered=said)
    if error.code <= LAST_DEFERRAL:
        return Deferred(f"the server answered {error.code}")
    found = _STATUS.match(str(error.message))
    status = found[1] if found else None
    text = f"the server answered {error.code}" + (f" {status}" if status else "")
    return Refused(text, code=error.code, status=status, of_reader=of_reader)


def transport_of(url: str, sender: Sender) -> Transport:
    """The transport of `HIREWIRE_SMTP_URL`."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return Folder(Path(unquote(parts.path)), sender)
    return Smtp(url, sender)
