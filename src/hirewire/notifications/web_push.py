"""What a push service demands: a browser's keys, encryption (RFC 8291) and VAPID (RFC 8292)."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from functools import lru_cache
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey
from yarl import URL

from hirewire.kit.clock import now
from hirewire.kit.mail.mailer import sender_of
from hirewire.kit.secrets import seal, unseal
from hirewire.kit.settings import Settings

KEY_PURPOSE, TARGET_PURPOSE = "push key", "push device"
TOKEN_LIFE = timedelta(hours=12)
"""Half of the longest that push services accept: our clock may be wrong by as much."""
POINT_BYTES, AUTH_BYTES = 65, 16


class BadKeys(Exception):
    """Not the keys of a browser's subscription."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a browser is reached, and the keys of the messages to it."""

    endpoint: str = field(repr=False)
    p256dh: str = field(repr=False)
    auth: str = field(repr=False)

    def check(self) -> None:
        """Raise `BadKeys` for keys that nothing can be encrypted with."""
        try:
            point, secret = _bytes(self.p256dh), _bytes(self.auth)
            EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point)
        except ValueError:
            raise BadKeys from None
        if (len(point), len(secret)) != (POINT_BYTES, AUTH_BYTES):
            raise BadKeys

    @property
    def origin(self) -> str:
        """The push service: scheme, host and port."""
        return str(URL(self.endpoint).origin())

    def sealed(self) -> bytes:
        """The form that is stored."""
        return seal(json.dumps(asdict(self)), TARGET_PURPOSE)

    @classmethod
    def opened(cls, sealed: bytes) -> "Target":
        """The inverse of `sealed`. Raises `CannotOpen`."""
        return cls(**json.loads(unseal(sealed, TARGET_PURPOSE)))


@dataclass(frozen=True, slots=True)
class ServerKey:
    """The key by which push services know this board: a browser's subscription is bound to it."""

    id: UUID
    public: str
    """The `applicationServerKey`, in base64url."""
    private: ECKey = field(repr=False)

    def sealed(self) -> bytes:
        """The private key as it is stored."""
        return seal(json.dumps(self.private.as_dict(private=True)), KEY_PURPOSE)


def make_key(id: UUID) -> ServerKey:
    """A new key."""
    private = ECKey.generate_key("P-256", private=True)
    point = private.public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return ServerKey(id, urlsafe_b64encode(point).decode().rstrip("="), private)


@lru_cache(maxsize=8)
def opened_key(id: UUID, public: str, sealed: bytes) -> ServerKey:
    """The key that was stored, once opened for this process. Raises `CannotOpen`."""
    return ServerKey(id, public, ECKey.import_key(json.loads(unseal(sealed, KEY_PURPOSE))))


def contact(settings: Settings) -> str:
    """Whom a push service may write to about our messages."""
    return f"mailto:{settings.contact_email or sender_of(settings).address}"


def authorization(key: ServerKey, target: Target, subject: str) -> Mapping[str, str]:
    """The header that says who sends a message."""
    expires = int((now() + TOKEN_LIFE).timestamp())
    claims = {"aud": target.origin, "exp": expires, "sub": subject}
    token = jwt.encode({"typ": "JWT", "alg": "ES256"}, claims, key.private, algorithms=["ES256"])
    return {"Authorization": f"vapid t={token}, k={key.public}"}


def encrypted(target: Target, content: bytes) -> bytes:
    """The content as only this browser can read it (`aes128gcm`)."""
    # Imported late: it brings a second HTTP client, which a board without any device never needs.
    from pywebpush import WebPusher

    keys = {"p256dh": target.p256dh, "auth": target.auth}
    made = WebPusher({"endpoint": target.endpoint, "keys": keys}).encode(content, "aes128gcm")
    body: bytes = made["body"]
    return body


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
