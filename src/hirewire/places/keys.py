"""Normal forms of place names and their hashes."""

import re
import unicodedata
from hashlib import blake2b

from hirewire.esco import key_of

HASH_BYTES = 5
"""40 bits: an unknown name collides with a known one once in ten million."""
_SETTLEMENT = re.compile(r"^(?:г\.|гор\.|г\s|город\s|city of\s)\s*", re.IGNORECASE)
_WITHOUT_ACCENTS = re.compile(r"[\x00-\x7f\u0400-\u045f]*")
"""ASCII and letters of Cyrillic, of which none has an ASCII letter in it."""
_SAINT = re.compile(r"\bst\b\.?[\s-]*(?=\w)", re.IGNORECASE)

_REMOTE = frozenset(
    key_of(word)
    for word in (
        *("remote", "remotely", "fully remote", "100% remote", "remote work", "work from home"),
        *("удалённо", "удалёнка", "удалённая", "удалённый", "удалённая работа", "дистанционно"),
        *("удалённый формат", "удалённая работа из дома", "дистанционная работа", "на удалёнке"),
    )
)


def name_key(name: str, key: str | None = None) -> str:
    """The name without case, spaces, punctuation, Latin accents and "г."; "St." becomes Saint.

    `key` is the name's `key_of`, if that is known.
    """
    plain = _unaccented(_SAINT.sub("saint ", _SETTLEMENT.sub("", name.strip())))
    return key if key is not None and plain == name else key_of(plain)


def _unaccented(name: str) -> str:
    if _WITHOUT_ACCENTS.fullmatch(name):
        return name
    letters = []
    for letter in unicodedata.normalize("NFC", name):
        parts = unicodedata.normalize("NFD", letter)
        letters.append(parts[0] if parts[0].isascii() else letter)
    return "".join(letters)


def hash_of(key: str) -> int:
    """The key's 40-bit BLAKE2b hash."""
    return int.from_bytes(blake2b(key.encode(), digest_size=HASH_BYTES).digest())


def means_remote(typed: str | None) -> bool:
    """Whether the text in a place field means remote work."""
    return key_of(typed or "") in _REMOTE


def where(area: str | None, work_format: str | None = None) -> tuple[str | None, str | None]:
    """Separate a place from a work format: "remote" in the place field becomes the format, unless
    one is given.
    """
    if not means_remote(area):
        return area or None, work_format or None
    return None, work_format or "remote"
