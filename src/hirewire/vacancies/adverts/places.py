"""Where an advert names its city, in the nominative."""

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile

from hirewire.vacancies.adverts.draft import Known
from hirewire.vacancies.adverts.lines import EDGES, Line
from hirewire.vacancies.adverts.words import CAPITALISED

LONGEST_CODE = 3
"""Letters of `UK` and `USA`, which are no cities."""
MOST_LINES = 30
"""Lines in which a city may stand with nothing before it."""

_PARTS = re.compile(r"\s(?:or|или|and|и)\s|(?<=\w\w\w)\.\s|\s[–—|·/-]\s|\s?[|·•]\s?|,\s|[()]|\s-\s")
_CITY = re.compile(r"(?<!\w)(?:г\.|гор\.|город[еа]?)\s?(?=[А-ЯЁ])")
_IN = re.compile(r"(?<!\w)(?:in|at|from|near|around|в|во|из|под|около)\s(?=[A-ZА-ЯЁÀ-Þ])")
_POSTCODE = re.compile(r"\s[A-Z]{1,2}[0-9][0-9A-Z]?(?:\s[0-9][A-Z]{2})?$")
_ENDINGS = (
    ("е", ("", "а", "о")), ("и", ("ь", "я", "а")), ("ах", ("ы",)), ("у", ("",)), ("а", ("",)),
    ("ы", ("а",)), ("я", ("ь",)), ("ой", ("а",)), ("ом", ("", "о")), ("ью", ("ь",)),
)  # fmt: skip
"""Endings of the locative, genitive and instrumental: "в Казани", "из Минска", "под Уфой"."""
_OF_MEN = re.compile(r"(?:ск|град|бург|ов|ев|ин|дар|мск)е$")
"""Names that are not of the feminine: "в Томске", "в Ростове"."""
_BASED = re.compile(r"(?<!\w)([A-Z][\w'’.]{0,30}(?: [A-Z][\w'’.]{0,30})?)-based(?!\w)")
_SIGNS = re.compile(
    r"(?:(?:best|kind|warm) ?(?:regards|wishes)?|regards|cheers|thanks|с уважением),?$"
)


def forms_of(name: str) -> Iterator[str]:
    """A name of the locative in the nominative: "Казани", "Нижнем Новгороде"."""
    yield name
    words = name.split(" ")
    last = words[-1]
    head = [re.sub(r"(?:ем|ом)$", "ий", word) for word in words[:-1]]
    head_hard = [re.sub(r"(?:ем|ом)$", "ый", word) for word in words[:-1]]
    for ending, usual in _ENDINGS:
        instead = ("а", "", "о") if ending == "е" and not _OF_MEN.search(name) else usual
        if last.endswith(ending) and len(last) > 3:
            for one in instead:
                word = last[: -len(ending)] + one
                yield " ".join([*words[:-1], word])
                if head:
                    yield " ".join([*head, word])
                    yield " ".join([*head_hard, word])


class Cities:
    """Finds the cities of an advert."""

    def __init__(self, is_city: Known) -> None:
        self._is_city = is_city

    def of(self, lines: Sequence[Line], facts: Sequence[Line]) -> Iterator[tuple[Line, str]]:
        """Cities and their lines, the likeliest place first.

        `facts`: the lines that are not about tasks and the company.
        """
        for line in lines:
            label, value = line.label
            if label in ("city", "format"):
                cities = list(self.among_parts(value))
                cities.sort(key=lambda city: len(city) <= LONGEST_CODE)
                yield from ((line, city) for city in cities)
        for line in facts:
            for match in _CITY.finditer(line.text):
                name = CAPITALISED.match(line.text, match.end())
                if name and (city := self._nominative(name[0].rstrip("."))):
                    yield line, city
        for line in facts:
            for match in _BASED.finditer(line.text):
                if city := self._nominative(match[1]):
                    yield line, city
        top = [line for line in facts if line.part in ("top", "other", "end")]
        top = list(takewhile(lambda line: not _SIGNS.match(line.plain), top))
        for line in top[:MOST_LINES]:
            yield from ((line, city) for city in self.among_parts(line.text))
        for line in (*facts, *(one for one in lines if one.part == "about")):
            if line.part in ("must", "nice"):
                continue
            for match in _IN.finditer(line.text):
                name = CAPITALISED.match(line.text, match.end())
                is_inflected = not match[0].isascii()
                if name and (
                    city := self._nominative(name[0].rstrip("."), is_inflected=is_inflected)
                ):
                    yield line, city

    def among_parts(self, text: str) -> Iterator[str]:
        """The cities that are parts of a line."""
        for part in _PARTS.split(text):
            if part and (city := self.city_in(part)):
                yield city

    def city_in(self, part: str) -> str | None:
        """The city that a part of a line is, perhaps with a district or a number behind it."""
        bare = _CITY.sub("", part).strip(EDGES)
        bare = _POSTCODE.sub("", bare)
        bare = re.sub(r"(?:\s[0-9]{1,6}|\s(?:city )?cent(?:re|er))$", "", bare)
        if not bare[:1].isupper() or len(bare) > 40:
            return None
        return bare if self._is_city(bare) else None

    def _nominative(self, name: str, *, is_inflected: bool = False) -> str | None:
        """The city behind a preposition: "в Казани", "in Porto"; perhaps of fewer words."""
        words = name.split(" ")
        for count in range(len(words), 0, -1):
            text = re.sub("['’]s$", "", " ".join(words[:count]).strip(EDGES))
            if len(text) < 3:
                continue
            forms = list(forms_of(text))
            for form in (*forms[1:], text) if is_inflected else forms:
                if self._is_city(form):
                    return form
        return None
