"""Acts by which a stolen account would be noticed: the log notes them, and a mail is sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from fastapi import Request
from sqlalchemy import Row, select

from hirewire.auth.mails.letters import Kind, letter, of_act
from hirewire.auth.security_log.commands import note
from hirewire.auth.tables import user
from hirewire.auth.where import Where, where_of
from hirewire.kit.clock import now
from hirewire.kit.http import language_of
from hirewire.kit.mail import queue
from hirewire.kit.mail.letters import Language
from hirewire.messaging.transaction import Tx

Act = Literal[
    "passkey_added",
    "passkey_removed",
    "passkey_copied",
    "two_step_on",
    "two_step_off",
    "second_step_failed",
    "recovery_code_used",
    "recovery_codes_made",
    "token_made",
    "token_revoked",
    "identity_connected",
    "identity_disconnected",
]


@dataclass(frozen=True, slots=True)
class Requester:
    """Who acts, as far as the request says."""

    where: Where
    public_url: str
    language: Language | None


def requester_of(request: Request) -> Requester:
    """Who makes a request."""
    public_url: str = request.app.state.settings.public_url
    return Requester(where_of(request), public_url, language_of(request))


async def reader_of(tx: Tx, user_id: UUID) -> Row[str, str | None] | None:
    """The address and the language of a user; None if there is none any more."""
    found = await tx.execute(select(user.c.email, user.c.language).where(user.c.id == user_id))
    return found.first()


async def notify(
    tx: Tx,
    user_id: UUID,
    what: Kind,
    requester: Requester,
    *,
    page: str = "/account",
    more: Mapping[str, str] | None = None,
) -> None:
    """Notify a user by mail of what was done with their account; its button leads to this page.

    Its texts may name `{device}`, `{network}`, `{moment}`, and what stands in `more`.
    """
    reader = await reader_of(tx, user_id)
    assert reader is not None, "whoever acts has an account until the commit"
    language = reader.language or requester.language
    mail = letter(
        what,
        to=reader.email,
        language=language,
        link=f"{requester.public_url}{page}",
        values={**of_act(requester.where, language, now()), **(more or {})},
    )
    await queue.send(tx, what, mail, user_id=user_id)


async def note_and_notify(
    tx: Tx, user_id: UUID, what: Act, requester: Requester, *, page: str = "/account"
) -> None:
    """Note an act in the user's log, and notify the user of it."""
    await note(tx, user_id, what, requester.where)
    await notify(tx, user_id, what, requester, page=page)
