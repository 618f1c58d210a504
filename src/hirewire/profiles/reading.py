"""Lenient reading of hand-written JSON documents into values that our model accepts.

An unreadable value is left out and reported with its location and the reason; the rest is still
read. Every returned value has the form that the editor sends, so that it can be saved unchanged.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from pydantic import HttpUrl, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from hirewire.profiles.dates import check_date, check_period
from hirewire.written.dates import is_open_end

LONGEST_LINK, LONGEST_HIGHLIGHT = 2000, 1000
MOST_ITEMS, MOST_FEW = 100, 50
ISO = re.compile(r"([0-9]{4})(?:[-/.]([0-9]{1,2})(?:[-/.]([0-9]{1,2}))?)?(?:[T ].*)?")
MONTH_FIRST = re.compile(r"([0-9]{1,2})[-/.]([0-9]{4})")
YEAR = re.compile(r"(?<![0-9])(?:19|20)[0-9]{2}(?![0-9])")
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:(?![0-9])", re.IGNORECASE)
HOST = re.compile(r"[^\s/@?#.]+\.[^\s/@?#]+(?:[/?#]|$)")
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
NEWLINES = re.compile(r"\r\n?|[\u2028\u2029\x85]")
_URL: TypeAdapter[HttpUrl] = TypeAdapter(HttpUrl)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A part of a document that could not be read, or was changed."""

    pointer: str
    detail: str
    code: str
    params: Mapping[str, int | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Part:
    """A value of a document and its JSON pointer; all parts of a document share `left_out`."""

    value: Any
    pointer: str = "#"
    left_out: list[LeftOut] = field(default_factory=list)

    def report(self, detail: str, code: str, **params: int | str) -> None:
        """Report that this part is left out or changed; `params` are the values in `detail`."""
        self.left_out.append(LeftOut(self.pointer, detail, code, params))

    def report_rest(self, most: int) -> None:
        """Report that only the first `most` entries of this list are read."""
        self.report(f"only the first {most} are read", "only_first", max=most)

    def at(self, key: str) -> "Part":
        """The member with this name, or an empty part."""
        inner = self.value.get(key) if isinstance(self.value, Mapping) else None
        return Part(inner, f"{self.pointer}/{key}", self.left_out)

    def object(self) -> "Part":
        """This part if it is an object, else an empty part."""
        if self.value is None or isinstance(self.value, Mapping):
            return self
        self.report("is not an object", "wrong_type")
        return Part(None, self.pointer, self.left_out)

    def each(self, most: int, *, named: str = "") -> Iterator["Part"]:
        """The objects in this list. With `named`, a scalar is read as an object of that member."""
        for nth, value in enumerate(self._entries()):
            entry = Part(value, f"{self.pointer}/{nth}", self.left_out)
            if nth >= most:
                entry.report_rest(most)
                break
            if named and _is_scalar(value):
                entry = Part({named: value}, entry.pointer, self.left_out)
            if isinstance(entry.value, Mapping):
                yield entry
            elif value is not None:
                entry.report("is not an object", "wrong_type")

    def line(self, longest: int = 200) -> str | None:
        """The value as one line of text; None if it is empty, or a list or an object."""
        return self._cut(" ".join(self._text().splitlines()).strip(), longest)

    def text(self, longest: int = 10_000) -> str | None:
        """The value as text of one or more lines."""
        return self._cut(self._text().strip(), longest)

    def lines(self, most: int, longest: int) -> list[str]:
        """The value as a list of one-line texts. A single text is split at its line breaks."""
        entries = self._text().splitlines() if _is_scalar(self.value) else self._entries()
        parts = [Part(x, f"{self.pointer}/{n}", self.left_out) for n, x in enumerate(entries)]
        lines = (line for part in parts if (line := part.line(longest)))
        taken = list(islice(lines, most + 1))
        if len(taken) > most:
            self.report_rest(most)
        return taken[:most]

    def date(self) -> str | None:
        """The value as a date: `YYYY`, `YYYY-MM` or `YYYY-MM-DD`."""
        text = self.line(100)
        if text is None:
            return None
        if match := ISO.fullmatch(text):
            parts = [part for part in match.groups() if part]
        elif match := MONTH_FIRST.fullmatch(text):
            parts = [match[2], match[1]]
        else:
            parts = []
        try:
            return check_date("-".join(part.zfill(2) for part in parts))
        except PydanticCustomError as error:
            years = set(YEAR.findall(text))
            if len(years) != 1 or parts:
                self.report(error.message(), error.type, **(error.context or {}))
                return None
            [year] = years
            self.report(f"is read as {year}", "read_as", value=year)
            return str(year)

    def end(self) -> str | None:
        """The value as an end date; None if it says that the period is still open."""
        text = self.line(100)
        return None if text is None or is_open_end(text) else self.date()

    def link(self) -> str | None:
        """The value as an http or https URL in its normal form."""
        text = self.line(LONGEST_LINK + 1)
        if text is None:
            return None
        if not SCHEME.match(text) and HOST.match(text):
            text = f"https://{text}"
        try:
            url = str(_URL.validate_python(text))
        except ValidationError:
            url = ""
        if not url or len(url) > LONGEST_LINK:
            self.report("must be an address that begins with https://", "link_invalid")
            return None
        return url

    def _entries(self) -> list[Any]:
        if isinstance(self.value, list):
            return self.value
        if self.value is not None:
            self.report("is not a list", "wrong_type")
        return []

    def _text(self) -> str:
        if not _is_scalar(self.value):
            if self.value is not None:
                self.report("is not a text", "wrong_type")
            return ""
        return CONTROLS.sub(" ", NEWLINES.sub("\n", str(self.value)))

    def _cut(self, text: str, longest: int) -> str | None:
        if len(text) > longest:
            self.report(f"is shortened to {longest} characters", "cut", max_length=longest)
            text = text[:longest].strip()
        return text or None


def period(entry: Part) -> tuple[str | None, str | None]:
    """`startDate` and `endDate` of an entry; both None if the end is before the start."""
    start, end = entry.at("startDate").date(), entry.at("endDate").end()
    try:
        check_period(start, end)
    except ValueError:
        entry.at("endDate").report("is before startDate: both are left out", "dates_left_out")
        return None, None
    return start, end


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)
