"""The current signing key and access tokens (RFC 9068), shared by the features of `auth`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from joserfc import jws, jwt
from joserfc.jwk import OKPKey
from sqlalchemy import select

from hirewire.auth.tables import signing_key
from hirewire.kit.clock import now
from hirewire.kit.errors import Unavailable
from hirewire.kit.tokens import ALGORITHM, AUDIENCE
from hirewire.messaging.ids import new_id
from hirewire.messaging.transaction import Tx

ACCESS_TOKEN_LIFE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key that signs access tokens."""

    kid: str
    private_jwk: Mapping[str, str] = field(repr=False)


class NoSigningKey(Unavailable):
    """No signing key is ready yet; try again shortly."""

    slug = "no-signing-key"
    code = "no_signing_key"


async def current_key(tx: Tx) -> SigningKey:
    """The key that signs tokens now. Raises `NoSigningKey`."""
    moment = now()
    result = await tx.execute(
        select(signing_key.c.kid, signing_key.c.private_jwk)
        .where(signing_key.c.sign_from <= moment, signing_key.c.sign_until > moment)
        .order_by(signing_key.c.sign_from.desc())
        .limit(1)
    )
    row = result.first()
    if row is None:
        raise NoSigningKey(retry_after=1)
    return SigningKey(row.kid, row.private_jwk)


def access_token(
    key: SigningKey,
    *,
    issuer: str,
    user_id: UUID,
    session_id: UUID,
    role: str,
    email_verified: bool,
) -> str:
    """A signed JWT (RFC 9068) that identifies a user; its role is only a hint for display."""
    issued = int(now().timestamp())
    claims = {
        "iss": issuer,
        "sub": str(user_id),
        "aud": AUDIENCE,
        "client_id": "hirewire",
        "iat": issued,
        "exp": issued + int(ACCESS_TOKEN_LIFE.total_seconds()),
        "jti": str(new_id()),
        "sid": str(session_id),
        "role": role,
        "email_verified": email_verified,
    }
    header = {"alg": ALGORITHM, "typ": "at+jwt", "kid": key.kid}
    private = OKPKey.import_key(dict(key.private_jwk))
    return jwt.encode(header, claims, private, algorithms=[ALGORITHM])


def session_of(token: str) -> UUID | None:
    """The session that a verified access token belongs to; None if it names none."""
    claims = json.loads(jws.extract_compact(token.encode()).payload)
    return UUID(claims["sid"]) if "sid" in claims else None
