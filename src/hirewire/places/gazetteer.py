"""Resolves a typed place name to a place with English and Russian names."""

import re
from bisect import bisect_left
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import as_file, files
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from hirewire.esco import key_of
from hirewire.places.keys import hash_of, name_key

ID = "geo:"
"""Prefix of the keys of known places. Other keys have no colon, since `key_of` removes it."""
_PARTS = re.compile(r"[,;()]+")
_END = "\U0010ffff"
_OTHER_REGIONS = {
    "AE": ("UAE", "ОАЭ"),
    "BY": ("Белоруссия",),
    "CZ": ("Czech Republic", "Чешская Республика"),
    "GB": ("UK", "Great Britain", "England", "Англия"),
    "KG": ("Кыргызстан",),
    "KR": ("Korea", "Корея"),
    "MD": ("Молдавия",),
    "NL": ("Holland", "Голландия"),
    "RU": ("Russian Federation", "Российская Федерация", "РФ"),
    "TM": ("Туркмения",),
    "TR": ("Turkey",),
    "US": ("USA", "United States of America", "США", "America"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """A place of the gazetteer: its key, names and country."""

    key: str
    name: str
    name_ru: str
    country: str
    """The country's ISO 3166 code."""

    def name_in(self, *, russian: bool) -> str:
        """The name in English or Russian."""
        return self.name_ru if russian else self.name


class Gazetteer:
    """Cities with at least 15,000 inhabitants, and countries. Thread-safe."""

    def __init__(self) -> None:
        with (
            as_file(files("hirewire.places") / "data" / "places.npz") as path,
            np.load(path) as data,
        ):
            self._hashes = np.cumsum(data["steps"].astype(np.int64))
            self._place_of: NDArray[np.uint16] = data["place_of"]
            self._ids: NDArray[np.uint32] = data["ids"]
            self._country: NDArray[np.uint8] = data["country"]
            self._in_order: NDArray[np.int32] = data["in_order"]
            self._text: bytes = data["labels"].tobytes()
        text = np.frombuffer(self._text, np.uint8)
        self._ends = np.flatnonzero(text == ord("\n")).astype(np.int32)
        self._by_id = np.argsort(self._ids).astype(np.uint16)
        self._typed_as: dict[tuple[Place, bool], str | None] = {}
        self._read_regions()

    def _read_regions(self) -> None:
        table = (files("hirewire.places") / "data" / "regions.tsv").read_text(encoding="utf-8")
        self._countries: dict[str, Place] = {}
        self._regions: dict[str, list[str]] = {}
        """Region codes by name keys. `_within` tries states first, since only one region fits."""
        self._states: list[str] = []
        for code, name, name_ru in (line.split("\t") for line in table.splitlines()):
            if "." in code:
                self._states.append(name)
            else:
                self._countries[code] = Place(ID + code, name, name_ru or name, code)
            others = _OTHER_REGIONS.get(code, ())
            for form in (name, name_ru, code.rpartition(".")[2], *others):
                if form:
                    self._regions.setdefault(key_of(form), []).append(code)
        self._codes = list(self._countries)
        self._country_names = {
            key_of(form): code
            for code, country in self._countries.items()
            for form in (country.name, country.name_ru, *_OTHER_REGIONS.get(code, ()))
            if not self._is_city(country)
        }

    def _is_city(self, country: Place) -> bool:
        """Whether the country has the same name as its city, as Singapore has."""
        n = self._named(name_key(country.name))
        return n is not None and self._place(n).name == country.name == self._country_name(n)

    def _country_name(self, n: int) -> str:
        return self._countries[self._codes[self._country[n]]].name

    def __len__(self) -> int:
        return len(self._ids)

    def find(self, typed: str) -> Place | None:
        """The place with this name, the largest if there are several; None if it is unknown.

        A country or a US state may follow after a comma or in brackets.
        """
        if typed.startswith(ID):
            return self._with_key(typed)
        parts = [part.strip() for part in _PARTS.split(typed) if part.strip()]
        if not parts or len(parts) > 3:
            return None
        whole = key_of(parts[0])
        if len(parts) == 1 and (code := self._country_names.get(whole)) is not None:
            return self._countries[code]
        found = self._named(name_key(parts[0], whole))
        for region in parts[1:]:
            if found is not None:
                found = self._within(name_key(parts[0]), found, key_of(region))
        return None if found is None else self._place(found)

    def begun(self, typed: str, limit: int) -> list[Place]:
        """Places whose name in either language starts with this text: exact matches first, then
        cities by size, then countries.
        """
        start = name_key(typed)
        if not start:
            return []
        low, high = (
            bisect_left(self._in_order, edge, key=self._key_at) for edge in (start, start + _END)
        )
        # Places are ordered by size, and labels refer to them.
        there = self._in_order[low:high]
        exact = [n // 2 for n in there[:limit].tolist() if self._key_at(n) == start]
        found = np.unique(there // 2)[: 3 * limit].tolist()
        called = self._named(start)
        if called is not None:
            found = sorted({called, *found})
        places = [self._place(n) for n in dict.fromkeys((*sorted(exact), *found))]
        for name, code in self._country_names.items():
            if name.startswith(start):
                places.append(self._countries[code])
        unambiguous = (place for place in dict.fromkeys(places) if self._is_unambiguous(place))
        return list(islice(unambiguous, limit))

    def _is_unambiguous(self, place: Place) -> bool:
        return all(self.typed_as(place, russian=russian) for russian in (False, True))

    def typed_as(self, place: Place, *, russian: bool) -> str | None:
        """The text that `find` resolves to this place: its name, with the country or state if the
        name alone means another place. None if even these do not identify it.
        """
        if (place, russian) not in self._typed_as:
            self._typed_as[place, russian] = self._unambiguous_name(place, russian=russian)
        return self._typed_as[place, russian]

    def _unambiguous_name(self, place: Place, *, russian: bool) -> str | None:
        name = place.name_in(russian=russian)
        regions = [""]
        if (country := self._countries.get(place.country)) is not None:
            regions.append(f", {country.name_in(russian=russian)}")
        if place.country == "US":
            regions += [f", {state}" for state in self._states]
        return next((name + r for r in regions if self.find(name + r) == place), None)

    def called(self, place: Place, *, russian: bool) -> str:
        """The name to display: `typed_as`, or the name alone."""
        return self.typed_as(place, russian=russian) or place.name_in(russian=russian)

    def country_of(self, place: Place, *, russian: bool) -> str:
        """The name of the place's country."""
        return self._countries[place.country].name_in(russian=russian)

    def _key_at(self, number: int) -> str:
        return name_key(self._label(number))

    def _label(self, number: int) -> str:
        begin = int(self._ends[number - 1]) + 1 if number else 0
        return self._text[begin : self._ends[number]].decode()

    def _named(self, key: str) -> int | None:
        hashed = hash_of(key)
        at = int(np.searchsorted(self._hashes, hashed))
        if not key or at == len(self._hashes) or int(self._hashes[at]) != hashed:
            return None
        return int(self._place_of[at])

    def _within(self, key: str, found: int, region: str) -> int | None:
        for code in sorted(self._regions.get(region, ()), key=len, reverse=True):
            if self._codes[self._country[found]] == code:
                return found
            inside = self._named(f"{key}|{code}")
            if inside is not None:
                return inside
        return None

    def _with_key(self, key: str) -> Place | None:
        value = key.removeprefix(ID)
        if not (value.isascii() and value.isdecimal()):
            return self._countries.get(value)
        id = int(value)
        at = int(np.searchsorted(self._ids, id, sorter=self._by_id))
        if at == len(self._ids) or int(self._ids[self._by_id[at]]) != id:
            return None
        return self._place(int(self._by_id[at]))

    def _place(self, n: int) -> Place:
        name, name_ru = self._label(2 * n), self._label(2 * n + 1)
        code = self._codes[self._country[n]]
        return Place(f"{ID}{self._ids[n]}", name, name_ru or name, code)


@cache
def gazetteer() -> Gazetteer:
    """The gazetteer. The first call loads it."""
    return Gazetteer()


@lru_cache(maxsize=20_000)
def place_key(typed: str) -> str:
    """The key of a place, the same for all its spellings; for an unknown place, its text's key."""
    place = gazetteer().find(typed)
    return key_of(typed) if place is None else place.key


def spellings(typed: str) -> list[str]:
    """The typed text and the place's names in both languages."""
    place = gazetteer().find(typed)
    return [typed] if place is None else list(dict.fromkeys((typed, place.name, place.name_ru)))
