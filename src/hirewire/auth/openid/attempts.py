"""An attempt to sign in at a provider: sealed, kept by the browser, opened when it comes back.

It binds the answer to the browser that began: state, nonce and PKCE verifier are in it, readable
for `auth` alone. Nothing of it is stored here.
"""

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import asdict, dataclass
from datetime import timedelta
from urllib.parse import urlencode

from hirewire.auth.openid.answers import Metadata
from hirewire.kit.clock import now
from hirewire.kit.secrets import CannotOpen, seal, unseal

LIFE = timedelta(minutes=10)
PURPOSE = "sign-in attempt"


class NotThisAttempt(Exception):
    """The attempt has expired, was changed, or is that of another browser, provider or person."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that was begun."""

    provider: str
    state: str
    nonce: str
    verifier: str
    expires: float
    user_id: str | None = None
    """Who connects the provider to their account; None to sign in."""

    def sealed(self) -> str:
        """The attempt as the browser keeps it."""
        return base64.urlsafe_b64encode(seal(json.dumps(asdict(self)), PURPOSE)).decode()


def begun(provider: str, user_id: str | None = None) -> Attempt:
    """A new attempt."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    return Attempt(provider, state, nonce, verifier, (now() + LIFE).timestamp(), user_id)


def opened(sealed: str, provider: str, state: str, user_id: str | None = None) -> Attempt:
    """The attempt that this answer belongs to. Raises `NotThisAttempt`."""
    try:
        attempt = Attempt(**json.loads(unseal(base64.urlsafe_b64decode(sealed), PURPOSE)))
    except (CannotOpen, ValueError, TypeError):
        raise NotThisAttempt from None
    if (
        attempt.provider != provider
        or attempt.user_id != user_id
        or attempt.expires <= now().timestamp()
        or not hmac.compare_digest(attempt.state.encode(), state.encode())
    ):
        raise NotThisAttempt
    return attempt


def address(metadata: Metadata, attempt: Attempt, client_id: str, redirect: str) -> str:
    """Where the browser is sent: the authorization request (with PKCE, RFC 7636)."""
    challenge = hashlib.sha256(attempt.verifier.encode()).digest()
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect,
        "scope": "openid email",
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": base64.urlsafe_b64encode(challenge).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    joint = "&" if "?" in metadata.authorization_endpoint else "?"
    return f"{metadata.authorization_endpoint}{joint}{urlencode(query)}"
