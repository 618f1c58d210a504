"""What somebody looks for, read from the line that they typed."""

import re
from dataclasses import dataclass

LONGEST_QUERY = 200
MOST_TERMS = 16
WORD = r"[\p{L}\p{N}]+[+#]*"
"""A word as it is indexed, in the syntax of Rust's regex: ``C++`` and ``C#`` are words."""

_TERM = re.compile(r'(?P<not>-)?(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))')
_LATIN = "`qwertyuiop[]asdfghjkl;'zxcvbnm,."
_CYRILLIC = "ёйцукенгшщзхъфывапролджэячсмитьбю"
_OTHER_LAYOUT = str.maketrans(_LATIN + _CYRILLIC, _CYRILLIC + _LATIN)


@dataclass(frozen=True, slots=True)
class Term:
    """A word, or a phrase in quotation marks; `excluded` with a minus before it."""

    text: str
    phrase: bool = False
    excluded: bool = False


def terms(query: str) -> list[Term]:
    """The terms of a query, at most `MOST_TERMS`.

    No query is an error: a quotation mark that is not closed lasts to the end, and a lone minus
    is nothing.
    """
    found = []
    for match in _TERM.finditer(plain(query[:LONGEST_QUERY])):
        text = (match["word"] if match["phrase"] is None else match["phrase"]).strip()
        # "full-time" is one word: a minus excludes only at a word's beginning.
        excluded = match["not"] is not None and (match.start() == 0 or _space_before(match))
        if re.search(r"\w", text):
            found.append(Term(text, match["phrase"] is not None, excluded))
    return found[:MOST_TERMS]


def _space_before(match: re.Match[str]) -> bool:
    return match.string[match.start() - 1].isspace()


def plain(text: str) -> str:
    """The text with `е` for `ё`, which people write as they like; as long as before."""
    return text.replace("ё", "е").replace("Ё", "Е")


def other_layout(word: str) -> str:
    """What the same keys write on the other keyboard, Latin or Russian: ``ghfdj`` is ``право``."""
    return word.casefold().translate(_OTHER_LAYOUT)


def tolerance(word: str) -> int:
    """How many letters of a word may be wrong: none below four, two from eight on."""
    if len(word) < 4 or any(letter.isdigit() for letter in word):
        return 0
    return 1 if len(word) < 8 else 2


def spans(words: int, most: int = 4) -> list[tuple[int, int]]:
    """Where neighbours among so many words may be one name: (start, end), the longest first."""
    return [
        (start, start + length)
        for length in range(min(most, words), 0, -1)
        for start in range(words - length + 1)
    ]
