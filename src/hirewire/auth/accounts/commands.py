"""Registering."""

from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from hirewire.auth.credentials import email_key
from hirewire.auth.tables import user
from hirewire.contracts.auth import UserRegistered
from hirewire.kit.clock import now
from hirewire.kit.errors import AppError, Kind
from hirewire.messaging.ids import new_id
from hirewire.messaging.outbox import Tx, record


class EmailTaken(AppError):
    """The e-mail address is registered already."""

    slug = "email-taken"
    kind = Kind.CONFLICT


async def register(tx: Tx, *, email: str, password_hash: str) -> UUID:
    """A new applicant; their id. Records `UserRegistered`. Raises `EmailTaken`."""
    id, moment = new_id(), now()
    made = await tx.execute(
        insert(user)
        .values(
            id=id,
            email=email,
            email_key=email_key(email),
            password_hash=password_hash,
            role="applicant",
            registered_at=moment,
        )
        .on_conflict_do_nothing(index_elements=[user.c.email_key])
        .returning(user.c.id)
    )
    if made.first() is None:
        raise EmailTaken
    record(tx, UserRegistered(id=id, email=email, registered_at=moment))
    return id
