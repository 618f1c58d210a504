"""Mails about what operators have done to an account."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from hirewire.auth.mails.letters import Kind, letter
from hirewire.kit.clock import now
from hirewire.kit.mail import queue
from hirewire.kit.mail.letters import Language
from hirewire.kit.secrets import NoSecretKey
from hirewire.messaging.transaction import Tx

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Board:
    """What mails say about the board."""

    public_url: str
    contact: str | None
    """The operators' address, to which answers go."""
    language: Language | None = None
    """Of the mail to a new account."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Who gets a mail."""

    id: UUID
    email: str
    language: str | None


async def mail_blocked(tx: Tx, reader: Reader, why: str, board: Board) -> None:
    """Queue the mail to a person who has been blocked, with the reason."""
    link = f"{board.public_url}/contact"
    await _send(tx, "account_blocked", reader, link, board, {"why": why})


async def mail_unblocked(tx: Tx, reader: Reader, board: Board) -> None:
    """Queue the mail to a person who has been unblocked."""
    await _send(tx, "account_unblocked", reader, f"{board.public_url}/signin", board, {})


async def mail_reset(tx: Tx, reader: Reader, token: str, life: timedelta, board: Board) -> None:
    """Queue the mail with a link for a new password that an operator sends."""
    link = f"{board.public_url}/password/reset?token={token}"
    await _send(tx, "password_help", reader, link, board, {}, now() + life)


async def mail_made(tx: Tx, reader: Reader, token: str, life: timedelta, board: Board) -> None:
    """Queue the mail to the owner of a new account, with a link to choose a password."""
    link = f"{board.public_url}/password/reset?token={token}"
    await _send(tx, "account_made", reader, link, board, {}, now() + life)


async def _send(
    tx: Tx,
    kind: Kind,
    reader: Reader,
    link: str,
    board: Board,
    values: dict[str, str],
    expires_at: datetime | None = None,
) -> None:
    mail = letter(kind, to=reader.email, language=reader.language, link=link, values=values)
    if board.contact is not None:
        mail = replace(mail, headers={"Reply-To": board.contact})
    try:
        await queue.send(tx, kind, mail, user_id=reader.id, expires_at=expires_at)
    except NoSecretKey as error:
        log.warning("no mail can be sent", error=str(error))
