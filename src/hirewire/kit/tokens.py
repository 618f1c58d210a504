"""Access tokens: RFC 9068 JWTs signed with Ed25519, verified with the keys from consumed events."""

import asyncio
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import OKPKey
from sqlalchemy.ext.asyncio import AsyncEngine

from hirewire.kit import api_keys, keyring, personal_tokens
from hirewire.kit.clock import now
from hirewire.kit.errors import AppError, Kind, Unauthenticated, Unavailable
from hirewire.kit.refusals import Refusals

# RFC 9864 prefers the name "Ed25519" for the same algorithm, but current verifiers know "EdDSA".
warnings.filterwarnings("ignore", message="EdDSA is deprecated", category=SecurityWarning)
ALGORITHM = "EdDSA"
AUDIENCE = "hirewire"
LEEWAY = timedelta(seconds=5)
LONGEST = 4096
"""In characters. A longer token is refused without being parsed."""


@dataclass(frozen=True, slots=True)
class Principal:
    """The authenticated caller. The role is a hint for display; local data decides permissions."""

    user_id: UUID
    role: str
    email_verified: bool = True
    """False only if the token says so: an older one does not."""
    is_strong: bool = False
    """Whether the session began with more than one factor, or with a passkey."""
    session_id: UUID | None = None
    """None for a personal access token."""
    company_id: UUID | None = None
    """Of an API key: the company that it belongs to. Its `user_id` is the key's own, no user's."""
    key_name: str | None = None
    """Of an API key: its name."""


class NoKeysYet(Unavailable):
    """This service has not received a signing key yet; try again shortly."""

    slug = "no-signing-key-yet"
    code = "no_signing_key_yet"


class InvalidToken(Unauthenticated):
    """The access token is not valid."""

    slug = "invalid-token"
    code = "invalid_token"


class PersonalTokenHere(Unauthenticated):
    """A personal access token works at the public address of the board only."""

    slug = "invalid-token"
    code = "personal_token_here"


class ApiKeyHere(Unauthenticated):
    """An API key works at the public address of the board only."""

    slug = "invalid-token"
    code = "api_key_here"


class InsufficientScope(AppError):
    """The token does not have the scope that this needs."""

    slug = "insufficient-scope"
    code = "insufficient_scope"
    kind = Kind.FORBIDDEN


class SessionRequired(AppError):
    """Personal access tokens cannot do this: sign in."""

    slug = "insufficient-scope"
    code = "session_required"
    kind = Kind.FORBIDDEN


class NotForApiKeys(AppError):
    """API keys cannot do this."""

    slug = "insufficient-scope"
    code = "not_for_api_keys"
    kind = Kind.FORBIDDEN


@dataclass(frozen=True, slots=True)
class _Decoded:
    principal: Principal
    issued: float
    scopes: frozenset[str] | None


class Verifier:
    """Verifies tokens with the keys in a service's own database, cached in memory."""

    def __init__(self, engine: AsyncEngine, issuer: str) -> None:
        self._engine = engine
        self._issuer = issuer
        self._keys: dict[str, tuple[keyring.PublicKey, OKPKey]] = {}
        self._loaded = float("-inf")
        self._lock = asyncio.Lock()
        self.refusals = Refusals(engine)

    async def verify(
        self, token: str, *, scope: str | None = None, key_scope: str | None = None
    ) -> Principal:
        """The principal that the token identifies.

        A token of a session may do everything. One with a `scope` claim must have `scope`, if it is
        of a personal access token, or `key_scope`, if it is of an API key; without one here, it may
        not call this at all.

        Raises `InvalidToken` for a token that is forged, expired, refused or has another audience,
        `AccountBlocked` for a blocked user's, `InsufficientScope`, `SessionRequired`,
        `NotForApiKeys`, and `NoKeysYet` while this service has no key.
        """
        if personal_tokens.is_one(token):
            raise PersonalTokenHere
        if api_keys.is_one(token):
            raise ApiKeyHere
        decoded = await self._decoded(token)
        if await self.refusals.refused(decoded.principal.user_id, decoded.issued):
            raise InvalidToken
        is_key = decoded.principal.company_id is not None
        needed = key_scope if is_key else scope
        if decoded.scopes is not None:
            if needed is None:
                raise NotForApiKeys if is_key else SessionRequired
            if needed not in decoded.scopes:
                raise InsufficientScope(
                    f"The token does not have the scope {needed}.", params={"scope": needed}
                )
        return decoded.principal

    async def _decoded(self, token: str) -> _Decoded:
        if len(token) > LONGEST:
            raise InvalidToken
        try:
            try:
                decoded = jwt.decode(token, self._find, algorithms=[ALGORITHM])
            except _UnknownKey as unknown:
                await self._reload(unknown.kid)
                decoded = jwt.decode(token, self._find, algorithms=[ALGORITHM])
            key, _ = self._keys[decoded.header["kid"]]
            principal = self._principal(decoded.header, decoded.claims, key)
            claims = decoded.claims
            return _Decoded(principal, float(claims["iat"]), _scopes(claims))
        except _UnknownKey:
            if not self._keys:
                raise NoKeysYet(retry_after=1) from None
            raise InvalidToken from None
        except (JoseError, ValueError, TypeError, KeyError, AttributeError):
            raise InvalidToken from None

    def _find(self, header: Any) -> OKPKey:
        kid = header.headers().get("kid")
        if not isinstance(kid, str) or kid not in self._keys:
            raise _UnknownKey(str(kid))
        return self._keys[kid][1]

    def _principal(
        self, header: Mapping[str, Any], claims: Mapping[str, Any], key: keyring.PublicKey
    ) -> Principal:
        moment = now()
        expires, issued = float(claims["exp"]), float(claims["iat"])
        late = moment.timestamp() - LEEWAY.total_seconds()
        early = moment.timestamp() + LEEWAY.total_seconds()
        audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        if (
            str(header.get("typ", "")).lower() not in ("at+jwt", "application/at+jwt")
            or claims["iss"] != self._issuer
            or AUDIENCE not in audience
            or expires < late
            or issued > early
            or not key.not_before - LEEWAY <= moment <= key.not_after + LEEWAY
        ):
            raise InvalidToken
        company = UUID(claims["company_id"]) if "company_id" in claims else None
        if company is not None and "scope" not in claims:
            raise InvalidToken
        return Principal(
            UUID(claims["sub"]),
            str(claims.get("role", "applicant")),
            claims.get("email_verified") is not False,
            "mfa" in claims.get("amr", ()),
            UUID(claims["sid"]) if "sid" in claims else None,
            company_id=company,
            key_name=str(claims["key_name"]) if company is not None else None,
        )

    async def _reload(self, kid: str) -> None:
        """Reload the keys, since the unknown one may have been consumed meanwhile.

        Reloads at most once a second, so that made-up key ids do not load the database.
        """
        async with self._lock:
            if kid in self._keys or time.monotonic() - self._loaded < (1.0 if self._keys else 0.1):
                return
            async with self._engine.connect() as connection:
                stored = await keyring.keys(connection)
            self._keys = {k.kid: (k, OKPKey.import_key(dict(k.jwk))) for k in stored}
            self._loaded = time.monotonic()


def _scopes(claims: Mapping[str, Any]) -> frozenset[str] | None:
    """The scopes of a token (RFC 9068, 2.2.3); None for one of a session, which has all."""
    if "scope" not in claims:
        return None
    scope = claims["scope"]
    if not isinstance(scope, str):
        raise TypeError("scope")
    return frozenset(scope.split())


class _UnknownKey(Exception):
    def __init__(self, kid: str) -> None:
        super().__init__(kid)
        self.kid = kid
