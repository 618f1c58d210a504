"""Tokens of links that switch mails off without a sign-in (RFC 8058).

A token names a person and kinds, and is signed with a key of that person's own, which is stored
with them: it does not expire, a change of `HIREWIRE_SECRET_KEY` leaves it valid, and an erasure
makes it worthless.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from hirewire.notifications.kinds import DEFAULTS, Kind

_ID, _MARK = 16, 16
LONGEST = 200
"""Characters of a token, at most."""


@dataclass(frozen=True, slots=True)
class Link:
    """What a token says, before it is known to be genuine."""

    user_id: UUID
    codes: str
    mark: bytes

    def is_genuine(self, key: UUID) -> bool:
        """Whether it was signed with this person's key."""
        return hmac.compare_digest(self.mark, _marked(self.user_id, self.codes, key))

    @property
    def kinds(self) -> Sequence[Kind]:
        """The kinds that it names. One that a later version has dropped is left out."""
        return [kind for kind, default in DEFAULTS.items() if default.code in self.codes]


def token(user_id: UUID, key: UUID, kinds: Sequence[Kind]) -> str:
    """A token that switches mails about these kinds off."""
    codes = "".join(sorted({DEFAULTS[kind].code for kind in kinds}))
    content = user_id.bytes + _marked(user_id, codes, key) + codes.encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def read(text: str) -> Link | None:
    """What a token says; None if it is none."""
    try:
        content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        codes = content[_ID + _MARK :].decode("ascii")
        return Link(UUID(bytes=content[:_ID]), codes, content[_ID : _ID + _MARK])
    except (ValueError, binascii.Error):
        return None


def _marked(user_id: UUID, codes: str, key: UUID) -> bytes:
    text = f"unsubscribe {user_id} {codes}".encode()
    return hmac.digest(key.bytes, text, hashlib.sha256)[:_MARK]
