"""The command that creates signing keys, and keeps them encrypted."""

from datetime import datetime
from typing import Any

import structlog
from joserfc.jwk import OKPKey
from sqlalchemy import delete, insert, update

from hirewire.auth.keys import queries
from hirewire.auth.keys.queries import StoredKey
from hirewire.auth.keys.rules import PLAIN_FOR, KeyLife, next_key
from hirewire.auth.signing import opened, sealed
from hirewire.auth.tables import signing_key
from hirewire.contracts.auth import SigningKeyPublished
from hirewire.kit import keyring
from hirewire.kit.clock import now
from hirewire.kit.db import lock
from hirewire.kit.secrets import CannotOpen, is_current
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.transaction import Tx

log = structlog.get_logger(__name__)


async def ensure_signing_key(tx: Tx) -> str | None:
    """Create a signing key if one is due and delete expired ones; returns the new key's kid.

    Keys are encrypted that an older version stored readable, and those encrypted with an earlier
    `HIREWIRE_SECRET_KEY` again. If none can be opened that may sign now, one is created that signs
    at once; the others stay published, for their last tokens.

    An advisory lock makes sure that only one replica creates it. Records `SigningKeyPublished`, for
    each valid key again twice a day: a service that is added reads it in the log.
    """
    await lock(tx, "signing keys")
    moment = now()
    await tx.execute(delete(signing_key).where(signing_key.c.not_after <= moment))
    stored = await queries.stored_keys(tx)
    for key in stored:
        if key.is_due_to_be_announced(moment):
            await _announce(tx, key.kid, key.public_jwk, key.life)
    usable = [key.life for key in stored if await _encrypt(tx, key, moment)]
    signs = any(life.signs_at(moment) for life in usable)
    life = next_key(usable[-1] if signs else None, moment)
    if life is None:
        return None
    if not signs and any(key.life.signs_at(moment) for key in stored):
        log.error(
            "no signing key can be opened, so a new one is made: HIREWIRE_SECRET_KEY was changed "
            "without keeping the key before it (new,old)"
        )
    return await _make(tx, life)


async def _encrypt(tx: Tx, key: StoredKey, moment: datetime) -> bool:
    """Encrypt a key with the current secret key, if it is not; False if it cannot be opened."""
    private = _opened(key)
    if private is None:
        return False
    changes: dict[str, Any] = {}
    if key.sealed is None or not is_current(key.sealed):
        changes["sealed"] = sealed(private)
    if key.private_jwk is not None and key.plain_until is None:
        public = private.as_dict(private=False)
        changes |= {"public_jwk": public, "plain_until": moment + PLAIN_FOR}
    elif key.plain_until is not None and key.plain_until <= moment:
        changes |= {"private_jwk": None, "plain_until": None}
    if changes:
        await tx.execute(update(signing_key).where(signing_key.c.kid == key.kid).values(changes))
    return True


def _opened(key: StoredKey) -> OKPKey | None:
    if key.private_jwk is not None:
        return OKPKey.import_key(dict(key.private_jwk))
    try:
        return opened(key.sealed or b"")
    except CannotOpen:
        return None


async def _make(tx: Tx, life: KeyLife) -> str:
    key = OKPKey.generate_key("Ed25519", private=True)
    kid = key.thumbprint()
    await tx.execute(
        insert(signing_key).values(
            kid=kid,
            public_jwk=key.as_dict(private=False),
            sealed=sealed(key),
            not_before=life.not_before,
            sign_from=life.sign_from,
            sign_until=life.sign_until,
            not_after=life.not_after,
        )
    )
    jwk = queries.public_jwk(kid, key.as_dict(private=False))
    await keyring.store(tx, kid=kid, jwk=jwk, not_before=life.not_before, not_after=life.not_after)
    await _announce(tx, kid, jwk, life)
    return kid


async def _announce(tx: Tx, kid: str, jwk: dict[str, str], life: KeyLife) -> None:
    await tx.execute(update(signing_key).where(signing_key.c.kid == kid).values(announced_at=now()))
    record(
        tx,
        SigningKeyPublished(kid=kid, jwk=jwk, not_before=life.not_before, not_after=life.not_after),
    )
