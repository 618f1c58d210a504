"""Titles in the sentences that offer them: "ищем старшего повара"."""

import re

from hirewire.vacancies.adverts.lines import plain
from hirewire.vacancies.adverts.words import AFTER_TITLE, SEEKS

_EDGES = " \t.,;:!?–—-…«»\"“”'*#"
_ADJECTIVE = re.compile(r"(?:ого|его|ую|юю)$")
_SMALL = {"de", "of", "and", "the", "in", "for", "a", "an", "to", "at"}
_CASES = (
    ("ца", "ец"), ("еля", "ель"), ("аря", "арь"), ("ря", "рь"), ("ста", "ст"), ("ера", "ер"),
    ("ора", "ор"), ("ика", "ик"), ("ога", "ог"), ("ача", "ач"), ("ара", "ар"), ("ира", "ир"),
    ("ента", "ент"), ("анта", "ант"), ("ата", "ат"), ("ана", "ан"), ("ёра", "ёр"), ("юра", "юр"),
    ("сту", "ста"), ("цу", "ца"), ("ню", "ня"), ("шего", "ший"), ("щего", "щий"), ("ного", "ный"),
    ("вого", "вой"), ("кого", "кий"), ("ую", "ая"), ("юю", "яя"),
)  # fmt: skip
"""Endings of the accusative, for "ищем старшего рекрутера"."""


def sought(text: str) -> str | None:
    """The title in "We are looking for a chef!", in the nominative."""
    match = SEEKS.search(plain(text))
    if match is None or len(text) > 300:
        return None
    rest = text[match.end() :]
    end = AFTER_TITLE.search(rest)
    title = (rest[: end.start()] if end else rest).strip(_EDGES)
    if not title or len(title.split()) > 8:
        return None
    is_sought = re.match(r"(?:мы )?(?:ищ|приглаша|набира)", match[0]) is not None
    return _subjects(title) if is_sought else title


def _subjects(title: str) -> str:
    """The title with its noun, and what is before that, in the nominative."""
    words = title.split()
    noun = next((n for n, word in enumerate(words) if not _ADJECTIVE.search(word)), len(words))
    return " ".join([*map(_subject, words[: noun + 1]), *words[noun + 1 :]])


def _subject(word: str) -> str:
    """A word of the accusative in the nominative."""
    if "-" in word:
        return "-".join(map(_subject, word.split("-")))
    for ending, instead in _CASES:
        if word.endswith(ending) and len(word) > len(ending) + 1:
            return word[: -len(ending)] + instead
    return word


def cased(title: str) -> str:
    """Capitals only where they belong, and at the beginning."""
    if title.partition(" (")[0].isupper() and len(title) > 4:
        words = title.lower().split()
        is_latin = title.isascii()
        title = " ".join(
            word.capitalize() if not n or (is_latin and word not in _SMALL) else word
            for n, word in enumerate(words)
        )
    return title[:1].upper() + title[1:]
