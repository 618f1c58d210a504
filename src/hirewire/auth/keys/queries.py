"""Signing keys, read."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from hirewire.auth.keys.rules import KeyLife
from hirewire.auth.tables import signing_key
from hirewire.kit.clock import now
from hirewire.kit.tokens import ALGORITHM
from hirewire.messaging.transaction import Tx


def public_jwk(kid: str, jwk: Mapping[str, Any]) -> dict[str, Any]:
    """The public part of a key as it is published (RFC 7517, RFC 8037)."""
    public = {name: jwk[name] for name in ("kty", "crv", "x")}
    return public | {"kid": kid, "use": "sig", "alg": ALGORITHM}


async def published_keys(tx: Tx) -> list[dict[str, Any]]:
    """The public keys of all tokens that are, or soon will be, valid."""
    found = await tx.execute(
        select(signing_key.c.kid, signing_key.c.private_jwk)
        .where(signing_key.c.not_after > now())
        .order_by(signing_key.c.not_before)
    )
    return [public_jwk(row.kid, row.private_jwk) for row in found]


async def newest_key(tx: Tx) -> KeyLife | None:
    """The times of the key that was made last."""
    columns = signing_key.c
    found = await tx.execute(
        select(columns.not_before, columns.sign_from, columns.sign_until, columns.not_after)
        .order_by(columns.not_before.desc())
        .limit(1)
    )
    row = found.first()
    return None if row is None else KeyLife(*row)
