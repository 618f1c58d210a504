"""Texts of the pages by language: gettext catalogues, dates, numbers, money."""

import gettext
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from functools import cache, lru_cache
from io import BytesIO
from math import ceil
from pathlib import Path
from typing import Protocol

from babel import Locale, dates, numbers
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from hirewire.kit.clock import day_of, zone
from hirewire.kit.languages import moment_in_words, span_in_words
from hirewire.web.i18n.labels import LABELS, UNACCEPTED
from hirewire.web.i18n.problem_texts import NARROWER, NOT_ACCEPTED, NOT_DONE, TEXTS
from hirewire.web.problems import Params, Problem

LOCALE = Path(__file__).parent.parent / "locale"
NARROW = {"RUB": "₽", "KZT": "₸", "UAH": "₴", "BYN": "Br", "GEL": "₾", "AMD": "֏", "TRY": "₺"}
"""CLDR's narrow currency signs, which babel lacks for some languages."""
LANGUAGES = {"en": "English", "ru": "Русский"}


class Pay(Protocol):
    """A salary, offered or expected."""

    @property
    def currency(self) -> str:
        """The ISO 4217 code of the currency."""

    @property
    def unit(self) -> str:
        """The period, such as `MONTH`."""

    @property
    def bounds(self) -> tuple[int | None, int | None]:
        """The lowest and the highest amount."""


class Standing(Protocol):
    """The fields of an application that its state depends on."""

    @property
    def origin(self) -> str:
        """How it began: `response` or `invitation`."""

    @property
    def acceptedAt(self) -> str | None:  # noqa: N802  (its name on the wire)
        """When the invitation was accepted."""


@dataclass(frozen=True)
class Words:
    """The texts and formats of one language."""

    lang: str
    text: Callable[[str], str]
    plural: Callable[[str, str, int], str]
    in_context: Callable[[str, str], str]

    def label(self, value: object) -> str:
        """The label of a JSON value."""
        return self.text(LABELS[str(value)]) if str(value) in LABELS else str(value)

    def reason(self, value: object) -> str:
        """The label of a closing reason. Reasons of employers have their own labels."""
        return self.label(f"reason_{value}" if f"reason_{value}" in LABELS else value)

    def standing(self, application: Standing, value: str) -> str:
        """The label of `value`: a stage, or the state that the applicant sees.

        An unaccepted invitation has other outcomes than an application.
        """
        if application.origin == "invitation" and application.acceptedAt is None:
            value = UNACCEPTED.get(value, value)
        return self.label(value)

    def place(self, area: str | None, work_format: str | None) -> str:
        """The location and work format; a location that only names a work format is left out."""
        where = [self.label(work_format)] if work_format else []
        if area and area.casefold() not in _labels_of(work_format):
            where.insert(0, area)
        return " · ".join(where)

    def problem(self, problem: Problem) -> str:
        """The text of a problem; a neutral text for an unknown code."""
        try:
            said = self._said(problem)
        except (KeyError, TypeError, ValueError):  # another version of the service: unknown here
            said = self._unknown(problem)
        wait = problem.params.get("seconds")
        if not problem.is_whole or not isinstance(wait, int):
            return said
        return f"{said} {self._wait(wait)}"

    def _said(self, problem: Problem) -> str:
        found = TEXTS[problem.code]
        for (code, name, value), narrower in NARROWER.items():
            if problem.code == code and problem.params.get(name) == value:
                found = narrower
        if isinstance(found, str):
            return self.text(found) % self._values(problem.params)
        count = int(problem.params[found.count])
        values = self._values(problem.params) | {found.count: self.number(count)}
        return self.plural(found.one, found.many, count) % values

    def _values(self, params: Params) -> dict[str, str]:
        """The params as texts, with the label of a `field`."""
        return {
            name: self.label(value) if name == "field" else str(value)
            for name, value in params.items()
        }

    def _unknown(self, problem: Problem) -> str:
        if self.lang == "en" and problem.detail:  # the services' own texts are in English
            return problem.detail
        return self.text(NOT_DONE if problem.is_whole else NOT_ACCEPTED)

    def _wait(self, seconds: int) -> str:
        minutes = max(1, ceil(seconds / 60))
        if minutes < 120:
            said = self.plural(
                "Try again in %(num)s minute.", "Try again in %(num)s minutes.", minutes
            )
            return said % {"num": minutes}
        hours = ceil(minutes / 60)
        said = self.plural("Try again in %(num)s hour.", "Try again in %(num)s hours.", hours)
        return said % {"num": self.number(hours)}

    def number(self, value: float) -> str:
        """A number with this language's separators."""
        return _number(self.lang, value)

    def percent(self, share: float) -> str:
        """A share as a percentage; 100 % only for exactly 1."""
        return _percent(self.lang, share if share >= 1 else min(share, 0.99))

    def money(self, salary: Pay | None) -> str:
        """A salary: an amount or a range, with the period."""
        if salary is None:
            return ""
        low, high = salary.bounds
        if low is not None and high is not None and low != high:
            amount = self._amount(low, salary.currency, until=high)
        elif high is not None and low is None:
            amount = self.text("up to %s") % self._amount(high, salary.currency)
        elif low == high:
            amount = self._amount(low or 0, salary.currency)
        else:
            amount = self.text("from %s") % self._amount(low or 0, salary.currency)
        return f"{amount} {self.label(salary.unit)}"

    def _amount(self, low: float, currency: str, *, until: float | None = None) -> str:
        """An amount with CLDR's currency sign, if this language has one; a range has one sign."""
        number = self.number(low)
        if until is not None:
            number = f"{number}–{self.number(until)}"
        sign = _sign(self.lang, currency)
        if not _sign_goes_first(self.lang):
            return f"{number}\u00a0{sign}"
        return f"{sign}\u00a0{number}" if sign[-1:].isalpha() else f"{sign}{number}"

    def day(self, value: str | None) -> str:
        """The day of an ISO 8601 time or date."""
        if not value:
            return ""
        is_day = len(value) == 10
        found = date.fromisoformat(value) if is_day else day_of(datetime.fromisoformat(value))
        return _date(self.lang, "d MMMM y", found)

    def moment(self, value: str, where: tzinfo | None = None) -> str:
        """The day and the time of an ISO 8601 time, in this time zone or the board's."""
        return moment_in_words(datetime.fromisoformat(value), self.lang, where)

    def clock(self, value: str, where: tzinfo | None = None) -> str:
        """The time of day of an ISO 8601 time, in this time zone or the board's."""
        return f"{datetime.fromisoformat(value).astimezone(where or zone()):%H:%M}"

    def span(self, start: str, minutes: int, zone: str) -> str:
        """The day and from when to when, by the clocks of a time zone, whose offset follows."""
        return span_in_words(datetime.fromisoformat(start), minutes, zone, self.lang)

    def kind(self, kind: str) -> str:
        """The label of a kind of notices; of one of a later version, its own name."""
        return self.label(f"kind_{kind}") if f"kind_{kind}" in LABELS else kind.replace("_", " ")

    def act(self, what: str) -> str:
        """The label of an act of the security log; a neutral one for an act of a later version."""
        return self.label(f"act_{what}" if f"act_{what}" in LABELS else "act_other")

    def did(self, act: str) -> str:
        """The label of an operator's act; its own name for an act of a later version."""
        return self.label(f"did_{act}") if f"did_{act}" in LABELS else act.replace("_", " ")

    def month(self, value: str | None) -> str:
        """The month and year of a partial ISO 8601 date (`2020`, `2020-03`, `2020-03-01`)."""
        if not value or not re.match(r"[0-9]{4}-[0-9]{2}", value):
            return value or ""
        found = date(int(value[:4]), int(value[5:7]), 1)
        return _date(self.lang, "LLLL y", found)

    def period(self, start: str | None, end: str | None) -> str:
        """The period between two months, or from one until now."""
        until = self.month(end) or self.text("present")
        return f"{self.month(start)} – {until}"

    def months(self, count: int) -> str:
        """A duration of experience, from its number of months."""
        years, rest = divmod(count, 12)
        if years:
            said = self.plural("%(num)s year of experience", "%(num)s years of experience", years)
            count = years
        elif rest:
            said = self.plural("%(num)s month of experience", "%(num)s months of experience", rest)
        else:
            return ""
        return said.replace("%(num)s", self.number(count))

    def has_passed(self, value: str) -> bool:
        """Whether a moment has passed."""
        moment = datetime.fromisoformat(value)
        return moment <= datetime.now(moment.tzinfo)

    def ago(self, value: str) -> str:
        """The time since a moment."""
        moment = datetime.fromisoformat(value)
        passed = (datetime.now(moment.tzinfo) - moment).total_seconds()
        if passed < 5:  # a slightly slow clock must not show a time in the future
            return self.text("just now")
        # Rounded as it is displayed, so that repeated requests get the same text.
        unit = next((unit for unit in (86400, 3600, 60) if passed >= 10 * unit), 1)
        return _ago(self.lang, int(passed) // unit * unit)

    def age(self, value: str) -> str:
        """The time since a moment, in a short form."""
        moment = datetime.fromisoformat(value)
        passed = max((datetime.now(moment.tzinfo) - moment).total_seconds(), 60)
        unit = next((unit for unit in (86400, 3600, 60) if passed >= unit), 60)
        return _age(self.lang, int(passed) // unit * unit)


@lru_cache(maxsize=1_000)
def _labels_of(value: object) -> frozenset[str]:
    """The labels of a JSON value in all languages, in lower case."""
    return frozenset(words(lang).label(value).casefold() for lang in LANGUAGES)


@lru_cache(maxsize=10_000)
def _number(lang: str, value: float) -> str:
    return numbers.format_decimal(value, locale=lang)


@lru_cache(maxsize=10_000)
def _percent(lang: str, share: float) -> str:
    return numbers.format_percent(share, locale=lang)


@lru_cache(maxsize=10_000)
def _date(lang: str, pattern: str, day: date) -> str:
    return dates.format_date(day, pattern, locale=lang)


@lru_cache(maxsize=1_000)
def _sign(lang: str, currency: str) -> str:
    known = numbers.get_currency_symbol(currency, locale=lang)
    return known if known != currency else NARROW.get(currency, currency)


@cache
def _sign_goes_first(lang: str) -> bool:
    return str(Locale(lang).currency_formats["standard"].pattern).startswith("¤")


@lru_cache(maxsize=10_000)
def _ago(lang: str, seconds: int) -> str:
    return dates.format_timedelta(-seconds, add_direction=True, locale=lang)


@lru_cache(maxsize=10_000)
def _age(lang: str, seconds: int) -> str:
    return dates.format_timedelta(seconds, format="short", threshold=1, locale=lang)


@cache
def words(lang: str) -> Words:
    """The texts of a language in `LANGUAGES`."""
    if lang == "en":
        found: gettext.NullTranslations = gettext.NullTranslations()
    else:
        with (LOCALE / lang / "hirewire.po").open("rb") as file:
            catalogue = read_po(file, locale=lang)
        compiled = BytesIO()
        write_mo(compiled, catalogue)
        compiled.seek(0)
        found = gettext.GNUTranslations(compiled)
    return Words(lang, found.gettext, found.ngettext, found.pgettext)
