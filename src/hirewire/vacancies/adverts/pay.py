"""Reads pay: "от 90 000 до 130 000 руб. на руки", "€75k–€95k a year"."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from hirewire.vacancies.adverts.lines import Line, plain
from hirewire.vacancies.adverts.words import LABELS
from hirewire.written.amounts import CURRENCIES, whole_amount

Unit = Literal["HOUR", "DAY", "WEEK", "MONTH", "YEAR"]

_CURRENCY = "|".join(f"(?P<{code}>{pattern})" for code, pattern in CURRENCIES.items())
_SIGN = re.compile(rf"(?<![^\W\d_])(?:{_CURRENCY})(?![^\W\d_])", re.IGNORECASE)
_ANY_SIGN = "|".join(CURRENCIES.values())
_AMOUNT = re.compile(
    r"(?<![\w.,])(?P<digits>[0-9]{1,3}(?:[  \u2009\u202f.,'’][0-9]{3}){1,3}(?:[.,][0-9]{1,2})?"
    r"(?![0-9])|[0-9]{1,9}(?![0-9])(?:[.,][0-9]{1,2})?)"
    r"\s?(?P<more>тыс(?:яч\w{0,2})?\.?|[kк](?!\w)|т\.\s?р\.?|млн|m(?!\w))?",
    re.IGNORECASE,
)
_JOINT = re.compile(
    rf"[\s.]*(?:(?:{_ANY_SIGN})[\s.]*)?(?:-|–|—|−|to|and|до|…|\.\.)[\s]*(?:(?:{_ANY_SIGN})\s*)?",
    re.I,
)
_NET = re.compile(
    r"(?<!\w)(?:net|take[- ]home|after tax(?:es)?|на руки|чистыми|после (?:вычета|налог)\w*)(?!\w)"
)
_UNITS: dict[Unit, re.Pattern[str]] = {
    "HOUR": re.compile(
        r"(?:per|an|every|/)\s?(?:hour|hr|h)(?!\w)|hourly|(?:в|за|/)\s?час(?!\w)|/ч(?!\w)"
    ),
    "DAY": re.compile(r"(?:per|a|/)\s?day(?!\w)|daily|(?:в|за|/)\s?(?:день|смену|сутки)(?!\w)"),
    "WEEK": re.compile(r"(?:per|a|/)\s?week(?!\w)|weekly|(?:в|за|/)\s?неделю(?!\w)"),
    "YEAR": re.compile(
        r"(?:per|a|/)\s?(?:year|yr|annum)(?!\w)|annual(?:ly)?|yearly|p\.\s?a\.|pa(?!\w)|в год(?!\w)"
    ),
    "MONTH": re.compile(
        r"(?:per|a|/)\s?(?:month|mo)(?!\w)|monthly|(?:в|за|/)\s?мес(?:яц|\.)?(?!\w)"
    ),
}
_TO = re.compile(r"(?:^|\W)(?:up to|until|max(?:imum)?|до)\s*$")
YEARLY_FROM, HOURLY_BELOW = 15_000, 250
"""Amounts without a period: what nobody earns in a month, or in a day. Not of roubles."""
LENGTH_OF_BARE = 4
PARTS = ("top", "offer", "other", "end", "about", *LABELS)


@dataclass(frozen=True, slots=True)
class Pay:
    """What an advert offers."""

    min: int | None
    max: int | None
    currency: str
    unit: Unit
    gross: bool


def pay_of(lines: Iterable[Line]) -> tuple[Pay, Line] | None:
    """The pay of an advert and its line: first where a label says that it is the pay."""
    able = [line for line in lines if line.part in PARTS]
    for is_labelled in (True, False):
        for n, line in enumerate(able):
            label, value = line.label
            starts = _LABELLED.match(line.plain) is not None
            if (label == "pay" or starts) is not is_labelled:
                continue
            more = able[n + 1].text if n + 1 < len(able) and _goes_on(line, able[n + 1]) else ""
            said = value if label == "pay" else line.text
            pay = pay_in(said, more, is_labelled=is_labelled)
            if pay is not None:
                return pay, line
    return None


_LABELLED = re.compile(
    r"(?:salary|pay|wages?|compensation|rate|зарплата|заработная плата|з/?п|оклад|доход|оплата"
    r"|вилка|ставка)(?!\w)"
)


def _goes_on(line: Line, after: Line) -> bool:
    """Whether the second line is of the sentence of the first."""
    return not (after.is_item or after.is_heading or after.is_after_space or line.is_heading)


def pay_in(text: str, more: str = "", *, is_labelled: bool = False) -> Pay | None:
    """The pay that a line names; None without an amount of money. `more` is the line behind it."""
    said = plain(text)
    is_net = _NET.search(said) is not None
    currency, found = _money(text)
    if not found and (is_net or is_labelled) and re.search("[а-я]", said):
        currency, found = "RUB", _amounts(text, "RUB", is_bare=True)
    if not found:
        return None
    (start, first), *others = found
    second = next((amount for _, amount in others if amount > first), None)
    low: int | None = first
    if second is None and _TO.search(said[:start].rstrip("€£$₽ ")):
        low, second = None, first
    unit = _unit(plain(f"{text} {more}"), (others or found)[-1][0])
    largest = second or first
    if unit is None and currency not in ("RUB", "KZT"):
        unit = "YEAR" if largest >= YEARLY_FROM else "HOUR" if largest < HOURLY_BELOW else None
    return Pay(low, second, currency, unit or "MONTH", not is_net)


def _unit(said: str, place: int) -> Unit | None:
    """The unit that stands next behind an amount, else before it."""
    behind = [(m.start(), name) for name, p in _UNITS.items() if (m := p.search(said, place))]
    if behind:
        return min(behind)[1]
    return next((name for name, pattern in _UNITS.items() if pattern.search(said)), None)


def _money(text: str) -> tuple[str, list[tuple[int, int]]]:
    """The currency of a line and its amounts: the first whose sign stands at an amount."""
    apart = re.sub(r"(?<=[0-9])(?=[^\W\d_])|(?<=[^\W\d_])(?=[0-9])", " ", text)
    signs = [match for match in _SIGN.finditer(apart) if not _is_word(match[0])]
    for currency in dict.fromkeys(str(match.lastgroup) for match in signs):
        if found := _amounts(text, currency):
            return currency, found
    return "", []


def _is_word(sign: str) -> bool:
    """Whether it is "try" or "inr" in lower case, and no code of a currency."""
    return len(sign) == 3 and sign.islower() and sign not in ("rub", "usd", "eur", "gbp")


def _amounts(text: str, currency: str, *, is_bare: bool = False) -> list[tuple[int, int]]:
    """Amounts of money with their places. Numbers that no sign and no dash joins are left out; if
    `is_bare`, large ones need no sign.
    """
    sign = re.compile(rf"\s?(?:{CURRENCIES[currency]})(?![^\W\d_])", re.IGNORECASE)
    before = re.compile(rf"(?:{CURRENCIES[currency]})\s?$", re.IGNORECASE)
    matches = list(_AMOUNT.finditer(text))
    has_sign = [
        bool(sign.match(text, m.end()) or before.search(text[max(0, m.start() - 5) : m.start()]))
        for m in matches
    ]
    joined = [
        bool(_JOINT.fullmatch(text[a.end() : b.start()]))
        for a, b in zip(matches, matches[1:], strict=False)
    ]
    found: list[tuple[int, int]] = []
    for n, match in enumerate(matches):
        mates = [m for m in (n - 1, n + 1) if 0 <= m < len(matches) and joined[min(m, n)]]
        if not (has_sign[n] or any(has_sign[m] for m in mates)):
            more = [matches[m]["more"] for m in (n, *mates)]
            is_large = is_bare and len(match["digits"]) > LENGTH_OF_BARE
            if not (is_large or (any(more) and not any(has_sign))):
                continue
        more_of = match["more"] or next((matches[m]["more"] for m in mates if m > n), None)
        factor = _factor(more_of)
        try:
            amount = whole_amount(match["digits"], rounded=factor == 1) * factor
        except ValueError:
            continue
        if factor and amount:
            found.append((match.start(), amount))
    return found


def _factor(more: str | None) -> int:
    """A thousand; 0 for millions, which are no pay."""
    if not more:
        return 1
    return 0 if more.lower() in ("m", "млн") else 1000
