"""The form of secrets that people copy: a prefix, 30 random characters and 6 of a checksum.

Secret scanners recognise them by the prefix and the length, and a wrong checksum shows that
something only looks like one.
"""

import re
import secrets
import string
from dataclasses import dataclass
from zlib import crc32

RANDOM, CHECKSUM = 30, 6
"""Characters. 30 of 62 have 178 bits."""
_LETTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase
ANYWHERE = re.compile(rf"\bhwk?_[0-9A-Za-z]{{{RANDOM + CHECKSUM}}}")
"""A secret of any kind in a text."""


@dataclass(frozen=True, slots=True)
class Form:
    """The secrets with one prefix."""

    prefix: str

    def new(self) -> str:
        """A new secret."""
        random = "".join(secrets.choice(_LETTERS) for _ in range(RANDOM))
        return f"{self.prefix}{random}{_checksum(random)}"

    def is_one(self, text: str) -> bool:
        """Whether the text claims to be one."""
        return text.startswith(self.prefix)

    def is_well_formed(self, text: str) -> bool:
        """Whether the text has the form of one and the right checksum."""
        rest = text.removeprefix(self.prefix)
        if rest == text or len(rest) != RANDOM + CHECKSUM or not set(rest) <= set(_LETTERS):
            return False
        return rest[RANDOM:] == _checksum(rest[:RANDOM])


def _checksum(random: str) -> str:
    """The CRC-32 of the characters, in base 62."""
    rest, digits = crc32(random.encode()), ""
    for _ in range(CHECKSUM):
        rest, digit = divmod(rest, len(_LETTERS))
        digits = _LETTERS[digit] + digits
    return digits
