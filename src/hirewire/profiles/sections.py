"""Sections of an imported JSON Resume that Hirewire shows but cannot edit."""

from hirewire.profiles.content import Entry, Imported
from hirewire.profiles.reading import LONGEST_HIGHLIGHT, MOST_FEW, MOST_ITEMS, Part, period

MORE = {
    "volunteer": ("position", "organization", "summary", ""),
    "publications": ("name", "publisher", "summary", "releaseDate"),
    "awards": ("title", "awarder", "summary", "date"),
    "interests": ("name", "", "", ""),
    "references": ("name", "", "reference", ""),
}
"""By section: the members with the title, the author or organisation, the text and the date."""


def more(document: Imported | None) -> dict[str, list[Entry]]:
    """The read-only sections of a resume, for display. Empty sections are left out."""
    sections: dict[str, list[Entry]] = {}
    for section, (title, by, text, date) in MORE.items():
        entries: list[Entry] = []
        for part in Part(document).at(section).each(MOST_ITEMS, named=title):
            start, end = (part.at(date).date(), None) if date else period(part)
            shown: Entry = {
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
            sections[section] = entries
    return sections
