"""Puts the lines of a CV into reading order, under the headings of its sections."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from hirewire.profiles.cv.extract import BULLET, Line
from hirewire.profiles.cv.words import SECTION_OF
from hirewire.written.dates import PERIOD, is_of_dates
from hirewire.written.lists import without_bullet

_TAIL = re.compile(r"\s*[—–-]\s*[0-9].*$")
INLINE = ("skills", "languages", "summary", "certificates")
"""Sections that may share a line with their heading; "Employment: full time" is no heading."""
_WIDE = 60
"""The minimum distance in points between the left edges of two columns."""


@dataclass(frozen=True, slots=True)
class Text:
    """A line in reading order; its columns are separated by tabs."""

    text: str
    page: int
    x: float = 0
    right: float = 0
    y: float = 0
    size: float = 0
    bold: bool = False
    item: bool = False
    """Whether it has a bullet."""


Sections = dict[str, list[Text]]
"""Lines by section; `top` holds those before the first heading of a column."""


def heading_of(text: str) -> str | None:
    """The section that a line with this text begins; None if it is no heading."""
    bare = _TAIL.sub("", text).strip(" :.\t—–-").casefold()
    return SECTION_OF.get(bare)


def sections_of(lines: Sequence[Line]) -> Sections:
    """The lines of each section, in reading order."""
    texts = [_text(line) for line in lines]
    found: Sections = {}
    for column in _columns(texts):
        section, block = "top", []
        for text in column:
            first, _, rest = text.text.partition("\t") if text.right == 0 else (text.text, "", "")
            if not rest and ":" in first:
                before, _, after = first.partition(":")
                if after.strip() and heading_of(before) in INLINE:
                    first, rest = before, after.strip()
            named = None if text.item else heading_of(first)
            if named is None:
                block.append(text)
                continue
            found.setdefault(section, []).extend(_rows(block))
            section, block = named, [replace(text, text=rest)] if rest else []
        found.setdefault(section, []).extend(_rows(block))
    return found


def _text(line: Line) -> Text:
    bare = without_bullet(line["text"])
    is_item = bare != line["text"] or line["text"].startswith(BULLET)
    return Text(
        bare, line["page"], line["x"], line["right"], line["y"], line["size"], line["bold"], is_item
    )


def _columns(texts: list[Text]) -> Iterable[list[Text]]:
    """The columns of a CV, which have headings at their left edge."""
    if texts and not texts[0].right:
        return [list(column) for _, column in groupby(texts, key=lambda one: one.x)]
    ordered = sorted(texts, key=lambda one: (one.page, one.y))
    edges = sorted(one.x for one in texts if one.right and heading_of(one.text))
    wide = [right for left, right in zip(edges, edges[1:], strict=False) if right - left > _WIDE]
    if not wide:
        return [ordered]
    split = wide[0] - 5
    return [
        [one for one in ordered if one.x < split],
        [one for one in ordered if one.x >= split],
    ]


def _rows(block: list[Text]) -> list[Text]:
    """Joins lines that are side by side; a column of dates comes before the lines beside it."""
    if not block or not block[0].right:
        return block
    dated = _dates_first(block)
    if dated is not None:
        return dated
    rows: list[list[Text]] = []
    for text in sorted(block, key=lambda one: (one.page, one.y)):
        if rows and rows[-1][0].page == text.page and abs(rows[-1][0].y - text.y) < 5:
            rows[-1].append(text)
        else:
            rows.append([text])
    return [_joined(sorted(row, key=lambda one: one.x), "\t") for row in rows]


def _dates_first(block: list[Text]) -> list[Text] | None:
    left = min(one.x for one in block)
    dates = [one for one in block if one.x - left < 20]
    others = [one for one in block if one.x - left >= 20]
    if not others or not all(is_of_dates(one.text) for one in dates):
        return None
    if min(one.x for one in others) - left < _WIDE:
        return None
    entries: list[list[Text]] = []
    for text in dates:
        beside = any(o.page == text.page and abs(o.y - text.y) < 5 for o in others)
        before = " ".join(one.text for one in entries[-1]) if entries else ""
        is_open = bool(re.search("[-–—]", before)) and not PERIOD.search(before)
        starts = beside and re.search("[0-9]{4}", text.text) and not is_open
        if starts or not entries:
            entries.append([text])
        else:
            entries[-1].append(text)
    places = [(entry[0].page, entry[0].y - 5) for entry in entries]
    made: list[Text] = []
    for nth, entry in enumerate(entries):
        after = places[nth + 1] if nth + 1 < len(places) else (10**6, 0.0)
        begin = places[nth] if nth else (0, 0.0)
        made.append(_joined(entry, " "))
        mine = [one for one in others if begin <= (one.page, one.y) < after]
        mine.sort(key=lambda one: (one.page, one.y, one.x))
        for _, row in groupby(mine, key=lambda one: (one.page, round(one.y / 5))):
            made.append(_joined(list(row), "\t"))
    return made


def _joined(row: list[Text], by: str) -> Text:
    return replace(row[0], text=by.join(one.text for one in row), bold=any(o.bold for o in row))
