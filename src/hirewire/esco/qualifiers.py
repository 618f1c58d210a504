"""What a title says beside its occupation: how high the position is, and in which field.

The words are in `data/title_levels.csv` and `data/title_fields.csv`. A field has a family: titles
with different fields of one family contradict each other (decision 0034).
"""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache, lru_cache
from hashlib import blake2b

from hirewire.esco.job_codes import FAMILY_BITS
from hirewire.esco.licences import licences, licences_in
from hirewire.esco.stems import stemmed
from hirewire.esco.tables import rows_of, split

FILES = ("title_levels.csv", "title_fields.csv")
ORDINARY = 3
"""The rank of a title that names none."""
HEAD = 5
_LONGEST = 200
_RUN = 4
_WORD = re.compile(r"[^\W_]+")
_DESCRIBES = re.compile(r" (?!(?:and|at|for|in|of|on|to|with)\b)[a-z]")
"""What follows a word that is not the head of an English title."""
_SIGNS = (("c++", "cplusplus"), ("c#", "csharp"), (".net", "dotnet"), ("1c", "1с"), ("'s", "s"))


def field_code(family: str, name: str) -> int:
    """The number of a field: that of its family, and its own in it."""
    digest = blake2b(family.encode(), digest_size=2).digest()
    own = blake2b(name.encode(), digest_size=2).digest()
    return (int.from_bytes(digest) & 0x7FFF or 1) << FAMILY_BITS | int.from_bytes(own)


@cache
def _levels() -> Mapping[str, tuple[int, bool]]:
    """By word: the rank, and whether it also counts as the last word of an English title."""
    found: dict[str, tuple[int, bool]] = {}
    for row in rows_of("title_levels.csv"):
        for form in (*split(row["ru"]), *split(row["other"])):
            word = form.rstrip("*").casefold().replace("ё", "е")
            found[word] = int(row["rank"]), not form.endswith("*")
    return found


@lru_cache(maxsize=20_000)
def level_words(title: str) -> tuple[tuple[str, int], ...]:
    """The words of a title that name a level, and their ranks."""
    plain = _plain(title)
    found = []
    for word in _WORD.finditer(plain):
        rank, anywhere = _levels().get(word[0], (0, True))
        if rank and (anywhere or _DESCRIBES.match(plain, word.end())):
            found.append((word[0], rank))
    return tuple(found)


def rank_of(title: str) -> int:
    """The rank of a title, 1 to 5: the lowest that it names, or the ordinary one."""
    ranks = {rank for _, rank in level_words(title)}
    if {2, HEAD} <= ranks:
        return HEAD - 1  # a deputy head
    return min(ranks, default=ORDINARY)


@lru_cache(maxsize=50_000)
def fields_in(text: str) -> tuple[int, ...]:
    """The fields that a title or phrase names, and the categories of a licence, as numbers."""
    words = _WORD.findall(_plain(text))
    stems = stemmed(words)
    whole, beginnings = _forms()
    found: list[int] = []
    for nth, word in enumerate(words):
        for run in range(min(_RUN, len(words) - nth), 0, -1):
            found += whole.get(tuple(stems[nth : nth + run]), ())
        found += _beginning(word, beginnings)
    found += [licence_field(id) for id in licences_in(text) if licences()[id].family]
    return tuple(dict.fromkeys(found))


def licence_field(id: str) -> int:
    """The field of a licence that has a family."""
    return field_code(f"licence {licences()[id].family}", id)


def _beginning(word: str, beginnings: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    for length in range(len(word), 1, -1):
        if found := beginnings.get(word[:length]):
            return found
    return ()


@cache
def _forms() -> tuple[Mapping[tuple[str, ...], tuple[int, ...]], Mapping[str, tuple[int, ...]]]:
    """Fields by the stems of each form, and by the beginnings of words."""
    whole: dict[tuple[str, ...], tuple[int, ...]] = {}
    beginnings: dict[str, tuple[int, ...]] = {}
    for row in rows_of("title_fields.csv"):
        code = field_code(row["family"], row["label"])
        for form in (*split(row["ru"]), *split(row["other"])):
            words = _WORD.findall(_plain(form))
            if form.endswith("*"):
                beginnings[words[0]] = (*beginnings.get(words[0], ()), code)
            else:
                stems = tuple(stemmed(words))
                whole[stems] = (*whole.get(stems, ()), code)
    return whole, beginnings


def _plain(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text[:_LONGEST]).casefold()
    plain = plain.replace("ё", "е").replace("’", "'")
    for sign, word in _SIGNS:
        plain = plain.replace(sign, word)
    return plain
