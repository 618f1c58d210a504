"""Mails about what operators have done to an account."""

from dataclasses import dataclass, replace
from uuid import UUID

import structlog

from hirewire.auth.mails.letters import Kind, letter
from hirewire.kit.mail import queue
from hirewire.kit.secrets import NoSecretKey
from hirewire.messaging.transaction import Tx

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Board:
    """What mails say about the board."""

    public_url: str
    contact: str | None
    """The operators' address, to which answers go."""


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


async def _send(
    tx: Tx, kind: Kind, reader: Reader, link: str, board: Board, values: dict[str, str]
) -> None:
    mail = letter(kind, to=reader.email, language=reader.language, link=link, values=values)
    if board.contact is not None:
        mail = replace(mail, headers={"Reply-To": board.contact})
    try:
        await queue.send(tx, kind, mail, user_id=reader.id)
    except NoSecretKey as error:
        log.warning("no mail can be sent", error=str(error))
