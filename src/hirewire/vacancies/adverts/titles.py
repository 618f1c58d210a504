"""The title of an advert: on a line of its own, or in a sentence: "ищем старшего повара"."""

import re
from collections.abc import Iterator, Sequence

from hirewire.vacancies.adverts.draft import Known
from hirewire.vacancies.adverts.lines import EDGES, Line, plain
from hirewire.vacancies.adverts.places import Cities
from hirewire.vacancies.adverts.words import (
    AFTER_TITLE,
    EMPLOYMENT,
    HYBRID,
    IS_NEEDED,
    IS_SOUGHT,
    ON_SITE,
    REMOTE,
    SEEKS,
    STATES,
)
from hirewire.written.titles import likes

MOST_AT_TOP = 6
"""Lines in which the title may stand."""
MOST_SENTENCES = 10
"""Sentences that may say who is looked for."""
MOST_WORDS = 8
_NO_TITLE = re.compile(
    r"(?:(?:someone|somebody|people|you|to|help|кого|тех|того|человек|команду|сотрудников)(?!\w)"
    r"|experience|knowledge|опыт|навык|знани|умени|владени|наличи)",
    re.IGNORECASE,
)
"""What is looked for and is no title, in a sentence that seems to look for somebody."""

_TITLE_EDGES = " \t.,;:!?–—-…*#"
_TAGS = re.compile(r"#\w+")
_ANNOUNCES = re.compile(r"(?:должность|позицию|вакансию|vacancy|position|role of|role)\s?:$")
_ASIDE = re.compile(r"\s[–—|·-]\s|\s?[|·•]\s?|,\s|\s/\s")
_ADJECTIVE = re.compile(r"(?:ого|его|ую|юю)$")
_SMALL = {"de", "of", "and", "the", "in", "for", "a", "an", "to", "at"}
_CASES = (
    ("ца", "ец"), ("еля", "ель"), ("аря", "арь"), ("ря", "рь"), ("ста", "ст"), ("ера", "ер"),
    ("ора", "ор"), ("ика", "ик"), ("ога", "ог"), ("ача", "ач"), ("ара", "ар"), ("ира", "ир"),
    ("ента", "ент"), ("анта", "ант"), ("ата", "ат"), ("ана", "ан"), ("ёра", "ёр"), ("юра", "юр"),
    ("вода", "вод"), ("ома", "ом"), ("вта", "вт"), ("рта", "рт"), ("рга", "рг"), ("чего", "чий"),
    ("ею", "ея"), ("стру", "стра"), ("лого", "лый"), ("дого", "дой"), ("рого", "рой"),
    ("сту", "ста"), ("цу", "ца"), ("ню", "ня"), ("шего", "ший"), ("щего", "щий"), ("ного", "ный"),
    ("вого", "вый"), ("кого", "кий"), ("ую", "ая"), ("юю", "яя"),
)  # fmt: skip
"""Endings of the accusative, for "ищем старшего рекрутера"."""


def sought(text: str) -> str | None:
    """The title in "We are looking for a chef!", in the nominative."""
    said = plain(text)
    if len(text) > 400:
        return None
    passive = IS_SOUGHT.match(said)
    if passive:
        return text[passive.start("title") : passive.end("title")].strip(EDGES)
    match = _seeking(said)
    if match is None:
        return None
    rest = text[match.end() :]
    end = AFTER_TITLE.search(rest)
    title = (rest[: end.start()] if end else rest).strip(EDGES)
    if not title or len(title.split()) > 8:
        return None
    is_sought = re.match(r"(?:мы )?(?:ищ|приглаша|набира|подбира)", match[0]) is not None
    return _subjects(title) if is_sought else title


def after_sought(text: str) -> str:
    """A sentence without its beginning up to the title, if it says who is looked for."""
    title = sought(text)
    if title is None:
        return text
    said = plain(text)
    found = IS_SOUGHT.match(said)
    if found is None:
        found = _seeking(said)
        end = AFTER_TITLE.search(text, found.end()) if found else None
        return text[end.start() :] if end else ""
    return text[found.end() :]


def _seeking(said: str) -> re.Match[str] | None:
    """Where a sentence says that somebody is looked for: not in "you'll need a licence"."""
    for found in SEEKS.finditer(said):
        is_of_reader = said[: found.start()].endswith(("you ", "you'll ", "you will ", "вам "))
        if not is_of_reader and not _NO_TITLE.match(said, found.end()):
            return found
    return None


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


class Titles:
    """Finds the title of an advert."""

    def __init__(self, is_title: Known, cities: Cities) -> None:
        self._known = is_title
        self._cities = cities

    def read(
        self, advert: Sequence[Line], sentences: Sequence[Line], paid: Line | None
    ) -> tuple[Line, str] | None:
        """The title and its line; `paid`: the line of the pay, which is no title."""
        for line, title in self._titles(advert, sentences, paid):
            name = self._bare(title)
            if any(letter.isalpha() for letter in name):
                return line, name
        return None

    def _titles(
        self, advert: Sequence[Line], sentences: Sequence[Line], paid: Line | None
    ) -> Iterator[tuple[Line, str]]:
        """Where the title may stand, the best place first."""
        top = [one for one in advert if not one.is_heading and one.part in ("top", "other")]
        for line in top:
            if line.label[0] == "title":
                yield line, line.label[1]
        for line, after in zip(advert, advert[1:], strict=False):
            if _ANNOUNCES.search(line.plain):
                yield after, after.text
        whole = {one.text for one in sentences}
        near = [one for one in top[:MOST_AT_TOP] if _TAGS.sub("", one.text).strip()]
        for line in near:
            title = sought(line.text)
            if title is not None and line is near[0] and line.text in whole:
                yield line, title
        able = [
            line
            for line in near
            if not line.label[0]
            and not line.text.endswith((".", ";", ",", "?", ":"))
            and len(line.text.split()) <= 12
            and line is not paid
            and line.text in whole
        ]
        named = [line for line in able if likes(self._bare(line.text)) > 0]
        known = [line for line in able if line not in named and self._is_known(line)]
        first = [line for line in known[:1] if line is near[0]]
        yield from ((line, line.text) for line in (*named, *first))
        said = [one for one in sentences if one.part in ("top", "other") and not one.label[0]]
        for line in said[:MOST_SENTENCES]:
            title = sought(line.text)
            if title is not None and not _NO_TITLE.match(title):
                yield line, self._nominative(title)
        yield from ((line, line.text) for line in known)
        yield from ((line, line.text) for line in able)

    def _nominative(self, title: str) -> str:
        """Of the endings that an adjective may have, those of a known title."""
        variants = [title, re.sub(r"ый(?=\s|$)", "ой", title), re.sub(r"ый(?=\s|$)", "ий", title)]
        return next((one for one in variants if self._known(one)), title)

    def _is_known(self, line: Line) -> bool:
        head = re.split(r"\sв\s|\sна\s", self._bare(line.text))[0]
        if likes(head) < 0 or len(head.split()) > MOST_WORDS or any(self._cities.among_parts(head)):
            return False
        return likes(head) > 0 or self._known(head)

    def _bare(self, text: str) -> str:
        """A title without its place, its format and its pay."""
        text = IS_NEEDED.sub("", _TAGS.sub("", text).strip(_TITLE_EDGES))
        text = re.sub(
            r"\(([^()]*)\)", lambda found: "" if self._is_aside(found[1]) else found[0], text
        )
        while match := _last(_ASIDE, text):
            if not self._is_aside(text[match.end() :]):
                break
            text = text[: match.start()]
        return cased(text.strip(_TITLE_EDGES))

    def _is_aside(self, text: str) -> bool:
        """Whether a part of the title's line says where or how one works."""
        parts = [
            part for part in re.split(r"[,/|]\s?|\s[–—-]\s|\s(?:or|или)\s", text) if part.strip()
        ]
        return bool(parts) and all(self._is_fact(part.strip()) for part in parts)

    def _is_fact(self, text: str) -> bool:
        said = plain(text)
        patterns = (REMOTE, HYBRID, ON_SITE, *EMPLOYMENT.values())
        return (
            STATES.fullmatch(text) is not None
            or self._cities.city_in(text) is not None
            or any(pattern.match(said) for pattern in patterns)
            or bool(re.search(r"[€£$₽]|[0-9]{3}", text))
        )


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    found = None
    for match in pattern.finditer(text):
        found = match
    return found if found is not None and found.start() > 2 else None
