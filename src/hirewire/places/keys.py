"""A place's name without what people write differently, and the hash by which it is found."""

import re
import unicodedata
from hashlib import blake2b

from hirewire.esco import key_of

HASH_BYTES = 5
"""Of 40 bits: that an unknown name has the hash of a known one happens once in ten million."""
_SETTLEMENT = re.compile(r"^(?:г\.|гор\.|г\s|город\s|city of\s)\s*", re.IGNORECASE)
_SAINT = re.compile(r"\bst\b\.?[\s-]*(?=\w)", re.IGNORECASE)

_REMOTE = frozenset(
    key_of(word)
    for word in (
        *("remote", "remotely", "fully remote", "100% remote", "remote work", "work from home"),
        *("удалённо", "удалёнка", "удалённая", "удалённый", "удалённая работа", "дистанционно"),
        *("удалённый формат", "удалённая работа из дома", "дистанционная работа", "на удалёнке"),
    )
)


def name_key(name: str) -> str:
    """The name without case, spaces, punctuation, Latin accents and "г."; for "St." Saint."""
    plain = _SAINT.sub("saint ", _SETTLEMENT.sub("", name.strip()))
    return key_of(_unaccented(plain))


def _unaccented(name: str) -> str:
    if name.isascii():
        return name
    letters = []
    for letter in unicodedata.normalize("NFC", name):
        parts = unicodedata.normalize("NFD", letter)
        letters.append(parts[0] if parts[0].isascii() else letter)
    return "".join(letters)


def hash_of(key: str) -> int:
    """40 bits of the key's BLAKE2."""
    return int.from_bytes(blake2b(key.encode(), digest_size=HASH_BYTES).digest())


def means_remote(typed: str | None) -> bool:
    """Whether what stands as a place says that the work is remote, which is no place."""
    return key_of(typed or "") in _REMOTE


def where(area: str | None, work_format: str | None = None) -> tuple[str | None, str | None]:
    """A place, if what was typed is one, and the format of work: the one that is named, or remote
    where that stands as the place.
    """
    if not means_remote(area):
        return area or None, work_format or None
    return None, work_format or "remote"
