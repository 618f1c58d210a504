"""The command that creates signing keys."""

from joserfc.jwk import OKPKey
from sqlalchemy import delete, insert

from hirewire.auth.keys import queries
from hirewire.auth.keys.rules import KeyLife, next_key
from hirewire.auth.tables import signing_key
from hirewire.contracts.auth import SigningKeyPublished
from hirewire.kit import keyring
from hirewire.kit.clock import now
from hirewire.kit.db import lock
from hirewire.messaging.publishing.outbox import record
from hirewire.messaging.transaction import Tx


async def ensure_signing_key(tx: Tx) -> str | None:
    """Create a signing key if one is due and delete expired ones; returns the new key's kid.

    An advisory lock makes sure that only one replica creates it. Records `SigningKeyPublished`.
    """
    await lock(tx, "signing keys")
    moment = now()
    await tx.execute(delete(signing_key).where(signing_key.c.not_after <= moment))
    life = next_key(await queries.newest_key(tx), moment)
    return None if life is None else await _make(tx, life)


async def _make(tx: Tx, life: KeyLife) -> str:
    key = OKPKey.generate_key("Ed25519", private=True)
    kid = key.thumbprint()
    await tx.execute(
        insert(signing_key).values(
            kid=kid,
            private_jwk=key.as_dict(private=True),
            not_before=life.not_before,
            sign_from=life.sign_from,
            sign_until=life.sign_until,
            not_after=life.not_after,
        )
    )
    jwk = queries.public_jwk(kid, key.as_dict(private=False))
    await keyring.store(tx, kid=kid, jwk=jwk, not_before=life.not_before, not_after=life.not_after)
    record(
        tx,
        SigningKeyPublished(kid=kid, jwk=jwk, not_before=life.not_before, not_after=life.not_after),
    )
    return kid
