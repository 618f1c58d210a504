"""Queries for signing keys."""

from collections.abc import Mapping

from sqlalchemy import select

from hirewire.auth.keys.rules import KeyLife
from hirewire.auth.tables import signing_key
from hirewire.kit.clock import now
from hirewire.kit.tokens import ALGORITHM
from hirewire.messaging.transaction import Tx


def public_jwk(kid: str, jwk: Mapping[str, str | list[str]]) -> dict[str, str]:
    """The public part of a key as a JSON Web Key (RFC 7517, RFC 8037)."""
    public = {name: str(jwk[name]) for name in ("kty", "crv", "x")}
    return public | {"kid": kid, "use": "sig", "alg": ALGORITHM}


async def published_keys(tx: Tx) -> list[dict[str, str]]:
    """The public keys that verify current tokens or will verify future ones, oldest first."""
    result = await tx.execute(
        select(signing_key.c.kid, signing_key.c.private_jwk)
        .where(signing_key.c.not_after > now())
        .order_by(signing_key.c.not_before)
    )
    return [public_jwk(row.kid, row.private_jwk) for row in result]


async def newest_key(tx: Tx) -> KeyLife | None:
    """The lifetime of the most recent key; None before the first one."""
    columns = signing_key.c
    result = await tx.execute(
        select(columns.not_before, columns.sign_from, columns.sign_until, columns.not_after)
        .order_by(columns.not_before.desc())
        .limit(1)
    )
    row = result.first()
    return None if row is None else KeyLife(*row)
