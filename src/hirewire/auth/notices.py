"""Acts by which a stolen account would be noticed: the log notes them, and a mail is sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from fastapi import Request

from hirewire.auth.acts import Act
from hirewire.auth.mails.letters import Kind, letter, of_act
from hirewire.auth.readers import reader_of
from hirewire.auth.security_log.commands import note
from hirewire.auth.where import Where, where_of
from hirewire.kit.clock import now
from hirewire.kit.http import language_of
from hirewire.kit.mail import queue
from hirewire.kit.mail.letters import Language
from hirewire.messaging.transaction import Tx


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
    tx: Tx,
    user_id: UUID,
    what: Act,
    requester: Requester,
    *,
    page: str = "/account",
    more: Mapping[str, str] | None = None,
) -> None:
    """Note an act in the user's log, and notify the user of it."""
    await note(tx, user_id, what, requester.where)
    await notify(tx, user_id, what, requester, page=page, more=more)
