"""Sections of an imported JSON Resume that are shown, and not edited here."""

from collections.abc import Mapping
from typing import Any

from hirewire.profiles.reading import LONGEST_HIGHLIGHT, MOST_FEW, MOST_ITEMS, Part, period

MORE = {
    "volunteer": ("position", "organization", "summary", ""),
    "publications": ("name", "publisher", "summary", "releaseDate"),
    "awards": ("title", "awarder", "summary", "date"),
    "interests": ("name", "", "", ""),
    "references": ("name", "", "reference", ""),
}
"""Which members are title, by whom, text and date."""


def more(document: Mapping[str, Any] | None) -> dict[str, list[dict[str, Any]]]:
    """What a resume has beside what is edited here, to be shown; sections without any are not in.

    Each entry has `title`, `by`, `text`, `start`, `end`, `url` and `lines`.
    """
    found = {}
    for section, (title, by, text, date) in MORE.items():
        entries = []
        for part in Part(document).at(section).each(MOST_ITEMS, named=title):
            start, end = (part.at(date).date(), None) if date else period(part)
            shown = {
                "title": part.at(title).line(),
                "by": part.at(by).line(),
                "text": part.at(text).text(),
                "start": start,
                "end": end,
                "url": part.at("url").link(),
                "lines": part.at("highlights").lines(MOST_FEW, LONGEST_HIGHLIGHT)
                or part.at("keywords").lines(MOST_FEW, LONGEST_HIGHLIGHT),
            }
            if any(shown.values()):
                entries.append(shown)
        if entries:
            found[section] = entries
    return found
