"""Marks of mails, by which a mail that comes back says which one it is and to whom it went.

A mark is in the return address (RFC 5321, 4.4; "VERP") and in a header. It is signed, so nobody can
make up one and stop somebody else's address with a forged bounce.
"""

import hmac
import re
from base64 import b32decode, b32encode
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from hirewire.kit.secrets import marks

HEADER = "X-Hirewire-Mail"
PLACE = "*"
"""Where the mark stands in the setting of the return address."""
_PURPOSE = "returned mail"
_ID, _SIGNATURE = 16, 10
LENGTH = 42
"""Letters and digits of a mark: base32, because mail servers may change upper and lower case."""
_MARK = re.compile(rf"(?<![A-Za-z0-9])[A-Za-z2-7]{{{LENGTH}}}(?![A-Za-z0-9])")


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark as somebody has sent it."""

    mail_id: UUID
    signature: bytes

    def is_of(self, address: str) -> bool:
        """Whether this mail went to this address, by the signature."""
        known = _signatures(self.mail_id, address)
        return any(hmac.compare_digest(self.signature, one) for one in known)


def mark(mail_id: UUID, address: str) -> str:
    """The mark of a mail to an address. Raises `NoSecretKey`."""
    signed = mail_id.bytes + _signatures(mail_id, address)[0]
    return b32encode(signed).decode().rstrip("=").lower()


def marks_in(text: str) -> Iterator[Mark]:
    """What may be marks in a header, whoever wrote it."""
    for found in _MARK.findall(text):
        content = b32decode(found.upper() + "=" * (-LENGTH % 8))
        yield Mark(UUID(bytes=content[:_ID]), content[_ID:])


def _signatures(mail_id: UUID, address: str) -> list[bytes]:
    return [one[:_SIGNATURE] for one in marks(f"{mail_id} {address.lower()}", _PURPOSE)]
