"""The mailbox of the return address, over IMAP (RFC 9051) by the standard library.

Its functions block: they run in a thread.
"""

import imaplib
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from hirewire.notifications.bounces.reports import MOST

SECONDS = 30.0
"""How long the server may take for one answer."""
AT_ONCE = 50
_PORTS = {"imaps": 993, "imap": 143, "imap+starttls": 143}


class MailboxAway(Exception):
    """The mailbox cannot be reached, or does not let us in."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message that nobody has read."""

    uid: str
    content: bytes
    """Its first `MOST` bytes."""


class Mailbox:
    """An open mailbox. Every method may raise `MailboxAway`."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        folder = unquote(parts.path.strip("/")) or "INBOX"
        try:
            if parts.scheme == "imaps":
                context = ssl.create_default_context()
                self._server: imaplib.IMAP4 = imaplib.IMAP4_SSL(
                    host, port, ssl_context=context, timeout=SECONDS
                )
            else:
                self._server = imaplib.IMAP4(host, port, timeout=SECONDS)
        except (OSError, imaplib.IMAP4.error) as error:
            raise MailboxAway(type(error).__name__) from None
        try:
            if parts.scheme == "imap+starttls":
                self._server.starttls(ssl.create_default_context())
            self._server.login(unquote(parts.username or ""), unquote(parts.password or ""))
            # Of `imaplib`, those from before the login: Dovecot then names fewer.
            listed = self._checked(self._server.capability(), "CAPABILITY")
            self._expunges_one = b"UIDPLUS" in b" ".join(listed).upper().split()
            quoted = folder.replace("\\", "\\\\").replace('"', '\\"')
            self._checked(self._server.select(f'"{quoted}"'), "SELECT")
        except (OSError, imaplib.IMAP4.error) as error:
            self.close()
            raise MailboxAway(type(error).__name__) from None
        except MailboxAway:
            self.close()
            raise

    def unread(self) -> list[Arrived]:
        """The first unread messages, at most `AT_ONCE`."""
        found = self._uid("SEARCH", "UNSEEN", "UNDELETED")
        uids = b" ".join(part for part in found if isinstance(part, bytes)).decode().split()
        return [Arrived(uid, self._content(uid)) for uid in uids[:AT_ONCE]]

    def _content(self, uid: str) -> bytes:
        parts = self._uid("FETCH", uid, f"(BODY.PEEK[]<0.{MOST}>)")
        return b"".join(part[1] for part in parts if isinstance(part, tuple))

    def keep(self, message: Arrived) -> None:
        """Mark a message as read, for an operator to look at."""
        self._uid("STORE", message.uid, "+FLAGS.SILENT", r"(\Seen)")

    def delete(self, message: Arrived) -> None:
        """Delete a message."""
        self._uid("STORE", message.uid, "+FLAGS.SILENT", r"(\Seen \Deleted)")
        if self._expunges_one:  # otherwise also what others have marked as deleted goes
            self._uid("EXPUNGE", message.uid)
        else:
            self._asked(self._server.expunge, "EXPUNGE")

    def close(self) -> None:
        """End the connection."""
        with suppress(OSError, imaplib.IMAP4.error):
            self._server.logout()

    def _uid(self, command: str, *arguments: str) -> Sequence[Any]:
        return self._asked(lambda: self._server.uid(command, *arguments), command)

    def _asked(self, ask: Any, command: str) -> Sequence[Any]:
        try:
            return self._checked(ask(), command)
        except (OSError, imaplib.IMAP4.error) as error:
            raise MailboxAway(f"{command}: {type(error).__name__}") from None

    @staticmethod
    def _checked(answer: tuple[str, Sequence[Any]], command: str) -> Sequence[Any]:
        status, parts = answer
        if status != "OK":
            raise MailboxAway(f"{command}: {status}")
        return parts
