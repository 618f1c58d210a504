"""The lines of an advert, under the headings of its parts."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hirewire.vacancies.adverts.words import HEADINGS, HINTS, LABELS
from hirewire.written.lists import without_bullet

MOST_LINES, LONGEST_LINE, LONGEST_HEADING = 2000, 1000, 60
EDGES = " \t.,;:!?–—-…«»\"“”'*#"
"""Characters that are around a value and not of it."""
_NUMBER = re.compile(r"^[0-9]{1,2}[.)]\s+(?=\S)")
_SPACES = re.compile(r"\s+")
_PLAIN = str.maketrans({"ё": "е", "’": "'", "‘": "'"})
_INLINE = ("must", "nice")
"""Parts that may stand in one line with their heading."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is not empty."""

    number: int
    """From one, in the text as it was given."""
    text: str
    is_item: bool = False
    is_after_space: bool = False
    part: str = "top"
    """The heading that it stands under."""
    is_heading: bool = False

    @property
    def plain(self) -> str:
        """The text for comparisons."""
        return plain(self.text)

    @property
    def label(self) -> tuple[str, str]:
        """The fact that the line states after a colon, and that; empty without one."""
        before, colon, after = self.text.partition(":")
        found = _label(before) if colon and after.strip() else ""
        if not found and self.part in LABELS:
            return self.part, self.text
        return (found, after.strip()) if found else ("", "")


def _label(text: str) -> str:
    name = plain(text).strip(" :")
    if not name or len(name) > LONGEST_HEADING:
        return ""
    return next((key for key, pattern in LABELS.items() if pattern.fullmatch(name)), "")


def plain(text: str) -> str:
    """A text for comparisons: lower case, `е` for `ё`, a straight apostrophe; as long as it was."""
    return text.lower().translate(_PLAIN)


def lines_of(text: str) -> list[Line]:
    """The lines of an advert that are not empty, each with the part that it stands in."""
    found: list[Line] = []
    is_after_space = False
    for number, raw in enumerate(text.splitlines()[:MOST_LINES], 1):
        line, is_item = _bare(_SPACES.sub(" ", raw[:LONGEST_LINE]).strip())
        if line:
            found.append(Line(number, line, is_item, is_after_space))
        is_after_space = not line
    return _in_parts(found)


def _bare(line: str) -> tuple[str, bool]:
    """A line without its bullet, number or picture, and whether it had one."""
    start = 0
    while start < len(line) and (unicodedata.category(line[start]) in ("So", "Sk", "Mn", "Cf")):
        start += 1
    end = len(line)
    while end > start and unicodedata.category(line[end - 1]) in ("So", "Sk", "Mn", "Cf", "Zs"):
        end -= 1
    text = line[start:end].lstrip()
    bare = _NUMBER.sub("", without_bullet(text))
    return bare.strip(), bool(start and bare) or bare != text


def heading_of(text: str) -> str | None:
    """The part that begins with a line of this text; None for any other line."""
    bare = plain(text).strip(" :!.?*#…—–-")
    if not bare or len(bare) > LONGEST_HEADING:
        return None
    return next((part for part, pattern in HEADINGS.items() if pattern.fullmatch(bare)), None)


def _guess(line: Line, after: Line | None) -> str | None:
    """The part that a line seems to begin: a short one right over a list, or with a colon."""
    if line.is_item or after is None or len(line.text) > LONGEST_HEADING:
        return None
    is_over = after.is_item and line.text[-1] not in ".;,"
    is_over = is_over or line.text.endswith(":") or (line.is_after_space and line.text.isupper())
    is_alone = line.is_after_space and not after.is_after_space and line.text[-1].isalnum()
    if not is_over and not (is_alone and len(line.text.split()) < 8 and line.text[0].isupper()):
        return None
    return next((part for part, hint in HINTS.items() if hint.search(line.plain)), None)


def _in_parts(lines: Sequence[Line]) -> list[Line]:
    made: list[Line] = []
    part, had_items, count = "top", False, 0
    for nth, line in enumerate(lines):
        after = lines[nth + 1] if nth + 1 < len(lines) else None
        heading = None if line.is_item else heading_of(line.text)
        if heading is None and nth and not _label(line.text):
            heading = _guess(line, after)
        if heading is not None:
            part, had_items, count = heading, False, 0
            made.append(replace(line, part=part, is_heading=True))
            continue
        before, colon, rest = line.text.partition(":")
        inline = heading_of(before) if colon and rest.strip() else None
        if inline in _INLINE and not (line.is_item and part in _INLINE):
            made.append(replace(line, text=rest.strip(), part=inline, is_item=True))
            part = "other"
            continue
        label = "" if line.is_item else _label(line.text)
        is_title = bool(label) or (
            line.text.endswith(":") and not line.is_item and len(line.text) < LONGEST_HEADING
        )
        if is_title:
            part, had_items, count = label or "other", False, -1
        elif part != "top" and _ends(line, had_items, count):
            part = "other"
        made.append(replace(line, part=part, is_heading=is_title))
        had_items, count = had_items or line.is_item, count + 1
    return made


def _ends(line: Line, had_items: bool, count: int) -> bool:
    """Whether a line is no longer of the part before it."""
    if line.is_item:
        return False
    return had_items or (count > 0 and line.is_after_space)
