"""Names of languages, and how well somebody speaks them."""

import re
from collections.abc import Iterator
from typing import NamedTuple

_ENGLISH = (
    "english|german|french|spanish|italian|portuguese|swedish|norwegian|danish|finnish|dutch|polish"
    "|czech|russian|ukrainian|belarusian|arabic|hebrew|turkish|chinese|mandarin|japanese|korean"
    "|hindi|greek|romanian|hungarian|serbian|kazakh|georgian|armenian|tatar|irish"
)
_RUSSIAN = (
    "английск|немецк|французск|испанск|итальянск|португальск|шведск|норвежск|датск|финск"
    "|нидерландск|польск|чешск|русск|украинск|белорусск|арабск|турецк|китайск|японск|корейск"
    "|греческ|румынск|венгерск|сербск|казахск|грузинск|армянск|татарск|узбекск|башкирск"
)
_NAME = re.compile(
    rf"(?<!\w)(?:{_ENGLISH}|(?P<stem>{_RUSSIAN})(?:ий|ого|ому|им|ом)"
    rf"|по-(?P<adverb>{_RUSSIAN})и|иврит|хинди)(?!\w)",
    re.IGNORECASE,
)
CEFR = re.compile(r"(?<![^\W_])([ABCАВС])([12])(?![^\W_])", re.IGNORECASE)
LATIN = str.maketrans("АВС", "ABC")
FLUENCIES = {
    "native": r"(?<!non-)native|mother tongue|bilingual|родной|родная|носитель",
    "C2": r"proficient|mastery|near[- ]native|в совершенстве|совершенное",
    "C1": r"fluent|full professional|advanced|свободн\w+|продвинут\w+",
    "B2": r"upper[- ]intermediate|professional working|working proficiency|средне-продвинут\w+"
    r"|выше среднего",
    "B1": r"intermediate|limited working(?: proficiency)?|conversational|средний|средняя"
    r"|разговорн\w+",
    "A2": r"pre[- ]intermediate|elementary|элементарн\w+|ниже среднего",
    "A1": r"beginner|basic|novice|начальн\w+|базов\w+",
}
"""Patterns for each level. The longest match wins."""


class Spoken(NamedTuple):
    """A language in a text: its name in the nominative, and where it stands."""

    name: str
    start: int
    end: int


def spoken_in(text: str) -> Iterator[Spoken]:
    """The languages that a text names, in its order."""
    for match in _NAME.finditer(text):
        stem = match["stem"] or match["adverb"]
        yield Spoken(f"{stem}ий" if stem else match[0], match.start(), match.end())


def level_of(text: str) -> str | None:
    """The level that a text names, `A1` to `C2` or `native`."""
    if match := CEFR.search(text):
        return match[1].upper().translate(LATIN) + match[2]
    words = [
        (len(word[0]), level)
        for level, pattern in FLUENCIES.items()
        if (word := re.search(rf"(?<!\w)(?:{pattern})(?!\w)", text, re.IGNORECASE))
    ]
    return max(words)[1] if words else None
