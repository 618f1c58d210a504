"""Password normalisation, and the list of common passwords."""

import unicodedata
from functools import cache
from importlib.resources import files


def prepared(password: str) -> str:
    """Normalise a password before it is hashed (RFC 8265, OpaqueString): spaces become U+0020, the
    rest NFC.

    Different keyboards may produce different code points for the same letter or space.
    """
    spaced = "".join(" " if unicodedata.category(c) == "Zs" else c for c in password)
    return unicodedata.normalize("NFC", spaced)


def is_common(password: str) -> bool:
    """Whether the password is one of the most common ones, ignoring case."""
    return password.lower() in _common()


@cache
def _common() -> frozenset[str]:
    """The 10,000 most used passwords of at least 8 characters; see NOTICE for their source."""
    text = files("hirewire.auth").joinpath("data/passwords.txt").read_text(encoding="utf-8")
    return frozenset(text.split("\n")) - {""}
