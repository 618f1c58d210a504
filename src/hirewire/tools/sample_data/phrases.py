"""Stock phrases, and the Russian and English grammar for them."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any

OTHER_STEMS = (
    ("перевёл{b}", "перевела"),
    ("перенёс{b}", "перенесла"),
    ("навёл{n}", "навела"),
    ("провёл{n}", "провела"),
    ("прошёл{n}", "прошла"),
    ("привлёк{la}", "привлекла"),
    ("ввёл{n}", "ввела"),
    ("нашёл{n}", "нашла"),
    ("вёл{n}", "вела"),
)
"""Masculine and feminine past tenses that differ in more than the ending; the shortest last."""


@cache
def _stock() -> Mapping[str, Mapping[str, Any]]:
    """By language: lists of phrases, and achievements by kind of work."""
    text = (files("hirewire.tools.sample_data") / "phrases.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def stock(key: str, *, russian: bool, city: bool = False) -> list[str]:
    """All phrases for one place in a text; `city`: for trades outside IT, where these differ."""
    language = "ru" if russian else "en"
    own: Mapping[str, list[str]] = _stock()[f"{language}_city"] if city else {}
    found: list[str] = own[key] if key in own else _stock()[language][key]
    return found


def pick(rng: Random, key: str, *, russian: bool, female: bool = False, city: bool = False) -> str:
    """One of these phrases."""
    return inflected(rng.choice(stock(key, russian=russian, city=city)), female=female)


def done(rng: Random, kind: str, count: int, *, russian: bool, female: bool) -> list[str]:
    """Achievements in this kind of work."""
    found: list[str] = _stock()["ru" if russian else "en"]["done"][kind]
    return achieved(rng, found, count, female=female)


def achieved(rng: Random, phrases: list[str], count: int, *, female: bool) -> list[str]:
    """Some of these achievements, with figures and endings filled in."""
    return [
        inflected(phrase, female=female)
        .replace("{k}", str(rng.randint(2, 4)))
        .replace("{m}", str(rng.randint(5, 12)))
        .replace("{p}", str(rng.choice((20, 25, 30, 35, 40, 50, 60))))
        .replace("{q}", str(rng.choice((5, 8, 10, 12, 15))))
        for phrase in rng.sample(phrases, min(count, len(phrases)))
    ]


def inflected(phrase: str, *, female: bool) -> str:
    """The phrase with masculine or feminine endings of the past tense.

    ``сделал{a}``, ``перевёл{b}`` and ``помог{la}``: a feminine form with another stem is written
    out.
    """
    if female:
        for male, other in OTHER_STEMS:
            phrase = phrase.replace(male, other).replace(male.capitalize(), other.capitalize())
    for mark, ending in (("{a}", "а"), ("{la}", "ла"), ("{b}", ""), ("{n}", "")):
        phrase = phrase.replace(mark, ending if female else "")
    return phrase


def years_ru(count: int) -> str:
    """``1 год``, ``3 года``, ``11 лет``."""
    last, tens = count % 10, count % 100
    if last == 1 and tens != 11:
        return f"{count} год"
    return f"{count} года" if 2 <= last <= 4 and not 12 <= tens <= 14 else f"{count} лет"


def words(text: str) -> list[str]:
    """The words of a text."""
    return text.split()


def capital(text: str) -> str:
    """The text with an initial capital, otherwise unchanged."""
    return text[:1].upper() + text[1:]


def lowered(text: str) -> str:
    """The text with a lower-case initial, unless it begins with an abbreviation."""
    return text if text[1:2].isupper() or not text[1:2].isalpha() else text[:1].lower() + text[1:]
