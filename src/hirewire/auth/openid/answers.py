"""The answers of a provider, each checked before anything uses it. No I/O."""

import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key
from pydantic import BaseModel, ConfigDict, Field

from hirewire.kit.sign_in_providers import is_safe

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
"""Signatures with public keys only: neither `none` nor a shared secret."""
LEEWAY = 60.0
"""Seconds that the clocks may be apart."""
OLDEST = 600.0
"""Seconds since an ID token was issued, at most."""
PRINTABLE = re.compile(r"[!-~]+")
PublicKey = RSAKey | ECKey | OKPKey


class NotValid(Exception):
    """An answer of a provider must not be trusted; the text says why, for the log."""


class UnknownKey(Exception):
    """An ID token names a key that is not among the known ones."""


class Metadata(BaseModel):
    """What a provider says about itself (OpenID Connect Discovery 1.0)."""

    model_config = ConfigDict(frozen=True)

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: Sequence[str] = ("client_secret_basic",)
    names_issuer: bool = Field(False, alias="authorization_response_iss_parameter_supported")
    """Whether each of its answers has the parameter `iss` (RFC 9207)."""

    def check(self, issuer: str) -> None:
        """Raise `NotValid` unless this is the issuer, with endpoints that may be called."""
        if self.issuer != issuer:
            raise NotValid("the metadata is that of another issuer")
        own = _origin(issuer)
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"):
            address = getattr(self, name)
            if address is not None and not _may_call(address, own):
                raise NotValid(f"{name} is not an https address")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is at a provider."""

    issuer: str
    subject: str
    email: str | None = None
    is_verified: bool = False
    """Whether the provider says that the address is theirs."""
    is_complete: bool = False
    """Whether the ID token said all that it could: otherwise ask for the user's claims."""


def keys_of(document: Any) -> tuple[tuple[str | None, PublicKey], ...]:
    """The usable public keys of a JWK set with their ids. Raises `NotValid` if it is none."""
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise NotValid("not a key set")
    found = []
    for one in listed[:100]:
        if isinstance(one, dict) and one.get("use", "sig") == "sig":
            try:
                key = import_key(one)
            except (JoseError, ValueError, TypeError, KeyError):
                continue  # of a kind that this version does not know
            if isinstance(key, PublicKey):
                kid = one.get("kid")
                found.append((kid if isinstance(kid, str) else None, key))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Expected:
    """What an ID token must say."""

    issuer: str
    client_id: str
    nonce: str
    moment: datetime


def identity_of(
    token: str, keys: Sequence[tuple[str | None, PublicKey]], expected: Expected
) -> Identity:
    """Who an ID token is about (OpenID Connect Core 1.0, 3.1.3.7).

    Raises `UnknownKey`, and `NotValid` for whatever else is wrong.
    """
    try:
        header = jws.extract_compact(token.encode()).headers()
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in ALGORITHMS:
            raise NotValid("the ID token is signed in a way that is not allowed")
        claims = _verified(token, _candidates(keys, kid), str(algorithm))
    except (JoseError, ValueError, TypeError, RecursionError):
        raise NotValid("the ID token is not a signed token") from None
    _check(claims, expected)
    email, is_verified = _email(claims)
    is_complete = email is not None and "email_verified" in claims
    return Identity(expected.issuer, claims["sub"], email, is_verified, is_complete)


def with_claims(identity: Identity, claims: Any) -> Identity:
    """The identity with the address from the claims of the userinfo endpoint.

    Raises `NotValid` for those of somebody else.
    """
    if not isinstance(claims, dict) or claims.get("sub") != identity.subject:
        raise NotValid("the claims are those of another user")
    email, is_verified = _email(claims)
    return Identity(identity.issuer, identity.subject, email, is_verified, True)


def is_expected(iss: str | None, metadata: Metadata) -> bool:
    """Whether the parameter `iss` of an answer is right (RFC 9207): against mix-up."""
    return not metadata.names_issuer if iss is None else iss == metadata.issuer


def _candidates(keys: Sequence[tuple[str | None, PublicKey]], kid: object) -> Sequence[PublicKey]:
    found = [key for id, key in keys if id == kid] if kid is not None else [k for _, k in keys]
    if not found:
        raise UnknownKey
    return found


def _verified(token: str, keys: Sequence[PublicKey], algorithm: str) -> Mapping[str, Any]:
    """The claims of a token that one of the keys has signed."""
    for key in keys:
        if key.get("alg", algorithm) != algorithm:
            continue
        try:
            return jwt.decode(token, key, algorithms=[algorithm]).claims
        except (JoseError, ValueError, TypeError):
            continue
    raise NotValid("no known key has signed the ID token")


def _check(claims: Mapping[str, Any], expected: Expected) -> None:
    now = expected.moment.timestamp()
    audience = claims.get("aud")
    audience = audience if isinstance(audience, list) else [audience]
    subject, party = claims.get("sub"), claims.get("azp")
    expires, issued = _time(claims, "exp"), _time(claims, "iat")
    given = claims.get("nonce")
    wrong = {
        "issuer": claims.get("iss") != expected.issuer,
        "audience": expected.client_id not in audience,
        "authorized party": party != expected.client_id if party is not None else len(audience) > 1,
        "subject": not isinstance(subject, str) or not 0 < len(subject) <= 255,
        "expiry": expires is None or expires <= now - LEEWAY,
        "time": issued is None or not now - OLDEST - LEEWAY <= issued <= now + LEEWAY,
        "start": "nbf" in claims and (_time(claims, "nbf") or now + 2 * LEEWAY) > now + LEEWAY,
        "nonce": not isinstance(given, str)
        or not hmac.compare_digest(given.encode(), expected.nonce.encode()),
    }
    for what, is_wrong in wrong.items():
        if is_wrong:
            raise NotValid(f"the ID token has the wrong {what}")


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 < value < 2**40 else None  # type: ignore[arg-type,operator]


def _email(claims: Mapping[str, Any]) -> tuple[str | None, bool]:
    """The address, and whether it is verified. Some providers write the boolean as a text."""
    email = claims.get("email")
    if not isinstance(email, str) or not 0 < len(email) <= 254:
        return None, False
    is_verified = claims.get("email_verified")
    return email, is_verified is True or is_verified == "true"


def _origin(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    return parts.scheme, parts.netloc


def _may_call(address: str, own: tuple[str, str]) -> bool:
    """Whether an endpoint may be called: at the issuer's own origin, or by https elsewhere.

    Elsewhere means a host with a certificate for its name: an address inside the operator's network
    has none. So metadata cannot make this server call what the operator did not name.
    """
    try:
        parts = urlsplit(address)
        if not PRINTABLE.fullmatch(address):
            return False
        if (parts.scheme, parts.netloc) == own:
            return True
        host = parts.hostname or ""
        is_name = "." in host and not host.replace(".", "").isdigit() and ":" not in host
        return (
            parts.scheme == "https" and is_name and is_safe(address) and parts.port in (None, 443)
        )
    except ValueError:
        return False
