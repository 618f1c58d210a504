"""The public keys from consumed events, stored in each service's database (schema `kit`)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

_STORE = """
insert into kit.signing_key (kid, jwk, not_before, not_after) values ($1, $2::jsonb, $3, $4)
on conflict (kid) do update set not_before = excluded.not_before, not_after = excluded.not_after
"""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key that verifies access tokens, and its validity."""

    kid: str
    jwk: Mapping[str, Any]
    not_before: datetime
    not_after: datetime


async def store(
    tx: AsyncConnection,
    *,
    kid: str,
    jwk: Mapping[str, Any],
    not_before: datetime,
    not_after: datetime,
) -> None:
    """Store a public key. Storing it again changes only its validity.

    Raises `ValueError` for anything but an Ed25519 public key, which must not verify tokens.
    """
    if jwk.get("kty") != "OKP" or jwk.get("crv") != "Ed25519" or "x" not in jwk:
        raise ValueError("not an Ed25519 public key")
    public = {name: jwk[name] for name in ("kty", "crv", "x")}
    await tx.exec_driver_sql(_STORE, (kid, json.dumps(public), not_before, not_after))


async def keys(tx: AsyncConnection) -> list[PublicKey]:
    """All public keys that have not expired."""
    result = await tx.exec_driver_sql(
        "select kid, jwk, not_before, not_after from kit.signing_key "
        "where not_after > clock_timestamp() order by not_before"
    )
    return [
        PublicKey(
            r.kid, json.loads(r.jwk) if isinstance(r.jwk, str) else r.jwk, r.not_before, r.not_after
        )
        for r in result
    ]
