"""Records that a person agrees to the privacy notice: at registration, and later."""

from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from hirewire.auth.tables import consent
from hirewire.auth.where import Where
from hirewire.kit.clock import now
from hirewire.kit.errors import AppError, Kind
from hirewire.messaging.transaction import Tx


class ConsentOutdated(AppError):
    """The privacy notice has another version now: read it and agree again."""

    slug = "consent-outdated"
    code = "consent_outdated"
    kind = Kind.CONFLICT


def require_current(version: str, current: str) -> None:
    """Raise `ConsentOutdated` for any other version than the current one."""
    if version != current:
        raise ConsentOutdated


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
