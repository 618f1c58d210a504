"""Normalizes phrases: removes filler, inflectional endings and the order of words."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

VERSION = 2
"""Changes with the rules below: results of another version are computed again."""
_WORD = re.compile(r"[^\W_]+[+#]*")
_LETTERS = re.compile(r"(?<!\d)[^\W\d_]+[+#]*")
_LATIN, _CYRILLIC = re.compile("[a-z]", re.IGNORECASE), re.compile("[а-яё]", re.IGNORECASE)
_MIXED = re.compile("[a-z][а-яё]|[а-яё][a-z+#]", re.IGNORECASE)
_LOOKS_LATIN, _LOOKS_CYRILLIC = "ABEKMHOPCTYXaeopcyxk", "АВЕКМНОРСТУХаеорсухк"
_TO_LATIN = str.maketrans(_LOOKS_CYRILLIC, _LOOKS_LATIN)
_TO_CYRILLIC = str.maketrans(_LOOKS_LATIN, _LOOKS_CYRILLIC)
_POSSESSIVE = re.compile(r"['\u2019]s\b")
_SHORTEST = 3
"""The least number of letters of a stem."""

_PRAISE = "good|great|excellent|outstanding|exceptional|proven|superb|confident|effective"
_DEGREE = (
    f"{_PRAISE}|strong|solid|basic|advanced|sound|deep|broad|extensive|working|practical|general"
)
_NAMES = "skills?|knowledge|experience|ability|abilities|proficiency|expertise|competenc[ey]"
_PRAISE_RU = (
    r"(?:хорош|отличн|уверенн|базов|глубок|продвинут|свободн|грамотн|развит|высок|практическ"
    r"|больш|успешн|профессиональн|общ)\w+"
)
_NAMES_RU = r"(?:опыт|знани|навык|умени|владени|понимани|способност|стаж)\w{0,3}|основы?"
_LEADING = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?:(?:an?|the|{_DEGREE}|prior|previous|\d+|years?|of) )*"
        rf"(?:{_NAMES}|understanding|use|user|familiarity)"
        r"(?: (?:of|in|with|using|at|on|to|working))+ ",
        rf"(?:(?:{_DEGREE}) )*(?:able to|experienced (?:in|with|at)|proficient (?:in|with|at)"
        r"|familiar with|skilled (?:in|at)|knowledgeable (?:in|about)|competent (?:in|with)) ",
        rf"(?:{_PRAISE}) ",
        rf"(?:{_PRAISE_RU} )*(?:(?:{_NAMES_RU}) (?:и )?)+(?:работы )?"
        r"(?:(?:в|с|со|на|по|за) )?(?:(?:области|сфере) )?",
        r"(?:уверенный |опытный )?пользователь ",
        r"(?:умею|уметь|знаю|знать|владею|владеть) ",
        r"(?:работа|работать|работаю) (?:с|со|на|в) ",
        rf"{_PRAISE_RU} ",
    )
)
_TRAILING = tuple(
    re.compile(pattern)
    for pattern in (
        rf" (?:{_NAMES})$",
        rf" (?:на )?{_PRAISE_RU} уровне$",
        r" (?:опыт|навыки|знания)$",
    )
)
_DEGREES = re.compile(rf"(?:(?:{_DEGREE}) )+")
_ONLY_FILLER = re.compile(
    rf"(?:(?:{_DEGREE}|{_NAMES}|{_PRAISE_RU}|{_NAMES_RU}|работы?|и|in|of|with|с|в)(?: |$))+"
)
_SMALL_WORDS = "a an the of in with and for to at on by и в во с со на по для за из к ко от о об"
_SMALL = frozenset(_SMALL_WORDS.split())
_SPELLINGS = (
    (re.compile(r"iz(?=(?:e[drs]?|es|ing|ations?)$)"), "is"),
    (re.compile(r"^(col|lab|behavi|flav|harb)our"), r"\1or"),
    (re.compile(r"^licence"), "license"),
    (re.compile(r"^programme$"), "program"),
    (re.compile(r"^centre"), "center"),
)
_ENDINGS_OF_CASES = (
    "иями иях иям ием ией ами ями ыми ими ого его ому ему ия ии ию ие ий ах ях ам ям ов ев ей "
    "ой ом ем ым им ых их ую юю ая яя ое ее ые а я о е и ы у ю ь й"
)
_ENDINGS = tuple(_ENDINGS_OF_CASES.split())


def one_script(text: str) -> str:
    """The text with words of both Latin and Cyrillic letters in one of them, if they look alike.

    People with both on their keyboard write ``С++`` and ``СSS`` with a Cyrillic С.
    """
    if text.isascii() or not _MIXED.search(text):
        return text
    return _LETTERS.sub(lambda word: _in_one_script(word[0]), text)


def _in_one_script(word: str) -> str:
    if _MIXED.search(word):
        if not _CYRILLIC.search(latin := word.translate(_TO_LATIN)):
            return latin
        if not _LATIN.search(cyrillic := word.translate(_TO_CYRILLIC)):
            return cyrillic
    return word


def words_of(text: str) -> list[str]:
    """The words of a text, with spelling variants unified."""
    return _WORD.findall(one_script(text).casefold().replace("ё", "е"))


@lru_cache(16_384)
def stem_of(word: str) -> str:
    """A word (of `words_of`) without the ending of its number and case, in British spelling."""
    if word.isascii():
        return _english(word)
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST:
            return word.removesuffix(ending)
    return word


def _english(word: str) -> str:
    if len(word) > _SHORTEST and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        if word.endswith("ies") and len(word) > 4:
            word = word[:-3] + "y"
        else:
            word = word[:-2] if word.endswith(("xes", "ches", "shes", "sses")) else word[:-1]
    for pattern, spelling in _SPELLINGS:
        word = pattern.sub(spelling, word)
    return word


def stems_of(text: str) -> str:
    """The stems of a text's words in alphabetical order, without prepositions and articles.

    Empty for a text without words.
    """
    words = words_of(_POSSESSIVE.sub("", text))
    named = [word for word in words if word not in _SMALL] or words
    return " ".join(sorted({stem_of(word) for word in named}))


def is_small(word: str) -> bool:
    """Whether a word (of `words_of`) is an article or a preposition."""
    return word in _SMALL


def beginnings_of(text: str) -> list[str]:
    """The stems of a text's words, in order, without prepositions and articles."""
    words = words_of(text)
    return list(dict.fromkeys(stem_of(word) for word in words if word not in _SMALL))


def without_filler(phrase: str) -> Iterator[str]:
    """A phrase without filler such as "good … skills" or "опыт работы с …", longest variant first.

    Empty for a phrase without filler, and for one that is nothing but filler.
    """
    plain = one_script(unicodedata.normalize("NFKC", phrase)).casefold().replace("ё", "е")
    plain = " ".join(plain.replace(",", " ").split())
    seen = {plain}
    waiting = [plain]
    while waiting:
        one = waiting.pop(0)
        for shorter in _shorter(one):
            if shorter in seen or not _WORD.search(shorter):
                continue
            if not _ONLY_FILLER.fullmatch(shorter):
                seen.add(shorter)
                waiting.append(shorter)
                yield shorter


def _shorter(plain: str) -> Iterator[str]:
    for pattern in _TRAILING:
        if found := pattern.search(plain):
            bare = plain[: found.start()]
            yield bare
            if (degree := _DEGREES.match(bare)) and degree.end() < len(bare):
                yield bare[degree.end() :]
    for pattern in _LEADING:
        if (found := pattern.match(plain)) and found.end() < len(plain):
            yield plain[found.end() :]
