"""Records that a person agrees to the privacy notice: at registration, and later."""

from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from hirewire.auth.tables import consent
from hirewire.auth.where import Where
from hirewire.kit.clock import now
from hirewire.kit.errors import FieldError, Invalid
from hirewire.messaging.transaction import Tx


def require_current(version: str, current: str) -> None:
    """Raise `Invalid` for any other version than the current one: nobody can agree to that."""
    if version != current:
        error = FieldError("#/consent", "is not the current version", "consent_outdated")
        raise Invalid(errors=[error])


async def agree(tx: Tx, user_id: UUID, version: str, where: Where) -> None:
    """Store a consent. Who has agreed to this version before keeps the first time."""
    row = insert(consent).values(
        user_id=user_id,
        version=version,
        given_at=now(),
        device=where.device,
        network=where.network,
    )
    await tx.execute(row.on_conflict_do_nothing())
