"""Reads the terms of a search query from the typed text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

LONGEST_QUERY = 200
MOST_TERMS = 16
WORD = r"[\p{L}\p{N}]+[+#]*"
"""A word as it is indexed, in the syntax of Rust's regex crate: ``C++`` and ``C#`` are words."""

_TERM = re.compile(r'(?P<not>-)?(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))')
_LATIN = "`qwertyuiop[]asdfghjkl;'zxcvbnm,."
_CYRILLIC = "ёйцукенгшщзхъфывапролджэячсмитьбю"
_OTHER_LAYOUT = str.maketrans(_LATIN + _CYRILLIC, _CYRILLIC + _LATIN)
_TO_LATIN = str.maketrans("АВЕКМНОРСТХаеорсух", "ABEKMHOPCTXaeopcyx")
_TO_CYRILLIC = str.maketrans("ABEKMHOPCTXaeopcyx", "АВЕКМНОРСТХаеорсух")
_A_LATIN = re.compile("[A-Za-z]")
# Words with a Cyrillic letter and something else in them.
_MIXED = re.compile(
    r"(?<![A-Za-zА-Яа-я0-9])(?:[A-Za-z0-9]++[А-Яа-я][A-Za-zА-Яа-я0-9]*+[+#]*"
    r"|[А-Яа-я]++(?:[A-Za-z0-9][A-Za-zА-Яа-я0-9]*+[+#]*|[+#]+))"
)
_CATEGORY = re.compile(
    r"((?i:категори[а-я]*)\s+)((?:[A-EАВСЕ](?!\w)(?:\s*(?:,|/|и)\s*(?=[A-EАВСЕ](?!\w)))?)+|[авсе]$)"
)
LEAST_PAY, MOST_PAY = 1_000, 10**9
_PAY = re.compile(
    r"(?i)(?:\b(?:зп|зарплата|salary)\s+)?\b(?:от|from)\s+"
    r"(?P<amount>\d{1,3}(?:[ ,.\u00a0\u202f]\d{3})+|\d{1,9})\s*(?P<thousands>тыс\w*\.?|[кk]\b)?"
    r"(?:\s*(?:руб\w*\.?|₽|\$|€))?(?!\s*(?:лет|год|years?)\b)(?![\d+])"
)
_ALIKE_WORDS = (
    ("джуниор", "джун", "junior", "младший"),
    ("мидл", "миддл", "middle"),
    ("сеньор", "сеньер", "синьор", "senior", "старший"),
    ("тимлид", "teamlead", "team lead", "руководитель команды"),
    ("медсестра", "медицинская сестра"),
    ("медбрат", "медицинский брат"),
    ("фронтенд", "frontend", "front-end"),
    ("бэкенд", "бекенд", "backend", "back-end"),
    ("фулстек", "фуллстек", "fullstack", "full-stack"),
    ("девопс", "devops"),
    ("тестировщик", "qa", "tester"),
    ("сисадмин", "системный администратор"),
    ("эйчар", "hr"),
    ("главбух", "главный бухгалтер"),
    ("программист", "разработчик", "developer"),
)
_OTHERWISE = {
    word: tuple(other for other in group if other != word)
    for group in _ALIKE_WORDS
    for word in group
}
_FORMATS = {
    **dict.fromkeys(("удаленно", "удаленка", "удаленная", "удаленный", "remote"), "remote"),
    **dict.fromkeys(("гибрид", "гибридный", "hybrid"), "hybrid"),
}


@dataclass(frozen=True, slots=True)
class Term:
    """A word, or a phrase in quotation marks; `excluded` with a minus before it."""

    text: str
    phrase: bool = False
    excluded: bool = False


def terms(query: str) -> list[Term]:
    """The terms of a query, at most `MOST_TERMS`.

    No query is invalid: an unclosed quotation mark extends to the end, and a lone minus is ignored.
    """
    found = []
    for match in _TERM.finditer(plain(query[:LONGEST_QUERY])):
        text = (match["word"] if match["phrase"] is None else match["phrase"]).strip()
        # "full-time" is one word: a minus excludes only at the beginning of a word.
        excluded = match["not"] is not None and (match.start() == 0 or _space_before(match))
        if re.search(r"\w", text):
            found.append(Term(text, match["phrase"] is not None, excluded))
    return found[:MOST_TERMS]


def _space_before(match: re.Match[str]) -> bool:
    return match.string[match.start() - 1].isspace()


def plain(text: str) -> str:
    """The text with spelling variants unified: `е` for `ё`, one alphabet per word. Same length.

    Cyrillic letters that look like Latin ones become Latin beside digits, `+` and `#` (``1С``,
    ``С++``), among Latin letters, and as categories of driving licences (``категории В``).
    """
    text = text.replace("ё", "е").replace("Ё", "Е")
    if text.isascii():
        return text
    text = _MIXED.sub(lambda match: _in_one_alphabet(match[0]), text)
    return _CATEGORY.sub(lambda match: match[1] + match[2].translate(_TO_LATIN), text)


def _in_one_alphabet(word: str) -> str:
    latin = word.translate(_TO_LATIN)
    if latin.isascii():
        return latin
    cyrillic = word.translate(_TO_CYRILLIC)
    return word if _A_LATIN.search(cyrillic) else cyrillic


def pay_from(query: str) -> tuple[str, int | None]:
    """The query without its "from 200 000" (``от 200 тыс``, ``200k``), and that monthly amount.

    The amount is None if there is none.
    """
    match = _PAY.search(query)
    if match is None:
        return query, None
    digits = re.sub(r"\D", "", match["amount"])
    amount = int(digits) * (1000 if match["thousands"] else 1)
    if not LEAST_PAY <= amount <= MOST_PAY:
        return query, None
    return (query[: match.start()] + " " + query[match.end() :]).strip(), amount


def said_otherwise(words: Sequence[str]) -> tuple[str, ...]:
    """Synonyms of these words; usually none."""
    return _OTHERWISE.get(" ".join(word.casefold() for word in words), ())


def work_format(word: str) -> str | None:
    """The work format that a word names (``удалёнка``, ``remote``); None for other words."""
    return _FORMATS.get(word.casefold())


def other_layout(word: str) -> str:
    """What the same keys type in the other keyboard layout: ``ghfdj`` for ``право``."""
    return word.casefold().translate(_OTHER_LAYOUT)


def tolerance(word: str) -> int:
    """The number of typos allowed in a word: none below four letters, two from eight letters on."""
    if len(word) < 4 or any(letter.isdigit() for letter in word):
        return 0
    return 1 if len(word) < 8 else 2


def spans(words: int, most: int = 4) -> list[tuple[int, int]]:
    """The runs of adjacent words that may be one name: (start, end), longest first."""
    return [
        (start, start + length)
        for length in range(min(most, words), 0, -1)
        for start in range(words - length + 1)
    ]
