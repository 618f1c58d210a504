"""Mails about an act by which a stolen account would be noticed."""

from dataclasses import dataclass
from uuid import UUID

from fastapi import Request
from sqlalchemy import select

from hirewire.auth.mails.letters import Kind, letter
from hirewire.auth.tables import user
from hirewire.auth.where import Where, where_of
from hirewire.kit.http import language_of
from hirewire.kit.mail import queue
from hirewire.messaging.transaction import Tx


@dataclass(frozen=True, slots=True)
class Requester:
    """Who acts, as far as the request says."""

    where: Where
    public_url: str
    language: str | None


def requester_of(request: Request) -> Requester:
    """Who makes a request."""
    public_url: str = request.app.state.settings.public_url
    return Requester(where_of(request), public_url, language_of(request))


async def notify(
    tx: Tx, user_id: UUID, what: Kind, requester: Requester, *, page: str = "/account"
) -> None:
    """Notify a user by mail of what was done with their account; its button leads to this page."""
    found = await tx.execute(select(user.c.email, user.c.language).where(user.c.id == user_id))
    reader = found.one()
    mail = letter(
        what,
        to=reader.email,
        language=reader.language or requester.language,
        link=f"{requester.public_url}{page}",
    )
    await queue.send(tx, what, mail, user_id=user_id)
