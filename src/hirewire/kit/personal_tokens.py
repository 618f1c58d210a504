"""The form of a personal access token: `hw_`, 30 random characters and 6 of a checksum.

Secret scanners recognise it by the pattern `hw_[0-9A-Za-z]{36}`, and a wrong checksum shows that
something only looks like one.
"""

import re
import secrets
import string
from zlib import crc32

PREFIX = "hw_"
RANDOM, CHECKSUM = 30, 6
"""Characters. 30 of 62 have 178 bits."""
_LETTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_FORM = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{RANDOM + CHECKSUM}}}")


def new() -> str:
    """A new token."""
    random = "".join(secrets.choice(_LETTERS) for _ in range(RANDOM))
    return f"{PREFIX}{random}{_checksum(random)}"


def is_one(text: str) -> bool:
    """Whether the text claims to be a personal access token."""
    return text.startswith(PREFIX)


def is_well_formed(text: str) -> bool:
    """Whether the text has the form of a token and the right checksum."""
    if _FORM.fullmatch(text) is None:
        return False
    random = text[len(PREFIX) : -CHECKSUM]
    return text.endswith(_checksum(random))


def _checksum(random: str) -> str:
    """The CRC-32 of the characters, in base 62."""
    rest, digits = crc32(random.encode()), ""
    for _ in range(CHECKSUM):
        rest, digit = divmod(rest, len(_LETTERS))
        digits = _LETTERS[digit] + digits
    return digits
