"""The current signing key and access tokens (RFC 9068), shared by the features of `auth`."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import structlog
from joserfc import jws, jwt
from joserfc.jwk import OKPKey
from sqlalchemy import and_, bindparam, select

from hirewire.auth.tables import signing_key
from hirewire.kit.clock import now
from hirewire.kit.errors import Unavailable
from hirewire.kit.secrets import CannotOpen, seal, unseal
from hirewire.kit.settings import Settings, SettingsError
from hirewire.kit.tokens import ALGORITHM, AUDIENCE
from hirewire.messaging.ids import new_id
from hirewire.messaging.transaction import Tx

log = structlog.get_logger(__name__)
ACCESS_TOKEN_LIFE = timedelta(minutes=10)
PURPOSE = "signing key"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key that signs access tokens."""

    kid: str
    private: OKPKey = field(repr=False)


class NoSigningKey(Unavailable):
    """No signing key is ready yet; try again shortly."""

    slug = "no-signing-key"
    code = "no_signing_key"


def require_secret_key(settings: Settings) -> None:
    """Raises `SettingsError` without the setting that encrypts signing keys."""
    if settings.secret_key is None:
        raise SettingsError(
            "HIREWIRE_SECRET_KEY is not set: auth encrypts its signing keys with it "
            "(32 characters or more, such as those of `openssl rand -base64 32`)"
        )


def sealed(private: OKPKey) -> bytes:
    """A private key as it is stored."""
    return seal(json.dumps(private.as_dict(private=True)), PURPOSE)


@lru_cache(maxsize=8)
def opened(stored: bytes) -> OKPKey:
    """The private key that was stored, once opened for this process. Raises `CannotOpen`."""
    return OKPKey.import_key(json.loads(unseal(stored, PURPOSE)))


KEY = (signing_key.c.kid, signing_key.c.sealed, signing_key.c.private_jwk)
"""The columns of a key that is to sign."""
SIGNS = and_(
    signing_key.c.sign_from <= bindparam("moment"), signing_key.c.sign_until > bindparam("moment")
)
"""The keys that may sign at this moment."""
_CURRENT = select(*KEY).where(SIGNS).order_by(signing_key.c.sign_from.desc())


async def current_key(tx: Tx) -> SigningKey:
    """The key that signs tokens now: the newest that can be opened. Raises `NoSigningKey`."""
    rows = await tx.execute(_CURRENT, {"moment": now()})
    return newest_of(tuple(row) for row in rows)


def newest_of(keys: Iterable[tuple[Any, ...]]) -> SigningKey:
    """The first key that can be opened, of rows of `KEY`. Raises `NoSigningKey`."""
    for kid, stored, readable in keys:
        if readable is not None:
            return SigningKey(kid, OKPKey.import_key(readable))
        try:
            if stored is not None:
                return SigningKey(kid, opened(stored))
        except CannotOpen:
            log.error("a signing key cannot be opened: see HIREWIRE_SECRET_KEY", kid=kid)
    raise NoSigningKey(retry_after=1)


def access_token(
    key: SigningKey,
    *,
    issuer: str,
    user_id: UUID,
    session_id: UUID | None,
    role: str,
    email_verified: bool,
    is_strong: bool = False,
    consent: str | None = None,
    scope: str | None = None,
    life: timedelta = ACCESS_TOKEN_LIFE,
) -> str:
    """A signed JWT (RFC 9068) that identifies a user; its role is only a hint for display.

    `is_strong` becomes the `amr` of RFC 8176: more than one factor. `consent` is the version of the
    privacy notice that the user agreed to last, for display.

    One without a session has a `scope`, and may do that alone.
    """
    claims = _claims(issuer, user_id, life) | {"role": role, "email_verified": email_verified}
    if consent is not None:
        claims["consent"] = consent
    claims |= {"scope": scope or ""} if session_id is None else {"sid": str(session_id)}
    claims |= {"amr": ["mfa"]} if is_strong else {}
    return _signed(key, claims)


@dataclass(frozen=True, slots=True)
class Bearer:
    """An API key, as a token names it."""

    key_id: UUID
    company_id: UUID
    name: str
    email_verified: bool


def key_token(key: SigningKey, *, issuer: str, bearer: Bearer, scope: str, life: timedelta) -> str:
    """A signed JWT (RFC 9068) that identifies a company's API key: its `sub` is nobody's."""
    claims = _claims(issuer, bearer.key_id, life) | {
        "client_id": str(bearer.key_id),
        "role": "employer",
        "email_verified": bearer.email_verified,
        "company_id": str(bearer.company_id),
        "key_name": bearer.name,
        "scope": scope,
    }
    return _signed(key, claims)


def _claims(issuer: str, subject: UUID, life: timedelta) -> dict[str, object]:
    issued = int(now().timestamp())
    return {
        "iss": issuer,
        "sub": str(subject),
        "aud": AUDIENCE,
        "client_id": "hirewire",
        "iat": issued,
        "exp": issued + int(life.total_seconds()),
        "jti": str(new_id()),
    }


def _signed(key: SigningKey, claims: dict[str, object]) -> str:
    header = {"alg": ALGORITHM, "typ": "at+jwt", "kid": key.kid}
    return jwt.encode(header, claims, key.private, algorithms=[ALGORITHM])


def session_of(token: str) -> UUID | None:
    """The session that a verified access token belongs to; None if it names none."""
    claims = json.loads(jws.extract_compact(token.encode()).payload)
    return UUID(claims["sid"]) if "sid" in claims else None
