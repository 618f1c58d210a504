"""Queries for signing keys."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select

from hirewire.auth.keys.rules import ANNOUNCED_EVERY, KeyLife
from hirewire.auth.tables import signing_key
from hirewire.kit.clock import now
from hirewire.kit.tokens import ALGORITHM
from hirewire.messaging.transaction import Tx


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A signing key as it is stored: encrypted, or readable by an older version, or both."""

    kid: str
    life: KeyLife
    private_jwk: Mapping[str, str] | None = field(repr=False)
    sealed: bytes | None
    plain_until: datetime | None
    public_jwk: dict[str, str]
    announced_at: datetime | None

    def is_due_to_be_announced(self, moment: datetime) -> bool:
        """Whether its event may leave the log soon, or was never recorded by this version."""
        at = self.announced_at
        return at is None or not moment - ANNOUNCED_EVERY < at <= moment


def public_jwk(kid: str, jwk: Mapping[str, str | list[str]]) -> dict[str, str]:
    """The public part of a key as a JSON Web Key (RFC 7517, RFC 8037)."""
    public = {name: str(jwk[name]) for name in ("kty", "crv", "x")}
    return public | {"kid": kid, "use": "sig", "alg": ALGORITHM}


async def published_keys(tx: Tx) -> list[dict[str, str]]:
    """The public keys that verify current tokens or will verify future ones, oldest first."""
    known = func.coalesce(signing_key.c.public_jwk, signing_key.c.private_jwk)
    result = await tx.execute(
        select(signing_key.c.kid, known.label("jwk"))
        .where(signing_key.c.not_after > now())
        .order_by(signing_key.c.not_before)
    )
    return [public_jwk(row.kid, row.jwk) for row in result]


async def stored_keys(tx: Tx) -> list[StoredKey]:
    """All keys, oldest first."""
    result = await tx.execute(select(signing_key).order_by(signing_key.c.not_before))
    return [
        StoredKey(
            row.kid,
            KeyLife(row.not_before, row.sign_from, row.sign_until, row.not_after),
            row.private_jwk,
            row.sealed,
            row.plain_until,
            public_jwk(row.kid, row.public_jwk or row.private_jwk),
            row.announced_at,
        )
        for row in result
    ]
