"""Passwords as they are compared, and those that everybody tries first."""

import unicodedata
from functools import cache
from importlib.resources import files


def prepared(password: str) -> str:
    """The password as it is hashed (RFC 8265, OpaqueString): any space is U+0020, the rest NFC.

    Two keyboards may type one letter, or one space, differently.
    """
    spaced = "".join(" " if unicodedata.category(c) == "Zs" else c for c in password)
    return unicodedata.normalize("NFC", spaced)


def is_common(password: str) -> bool:
    """Whether it is one of the most common passwords, in whatever case."""
    return password.lower() in _common()


@cache
def _common() -> frozenset[str]:
    """The 10,000 most used passwords of at least 8 characters; see NOTICE for their source."""
    text = files("hirewire.auth").joinpath("data/passwords.txt").read_text(encoding="utf-8")
    return frozenset(text.split("\n")) - {""}
