"""The entries of a section of a CV: positions or courses of study, each with its period."""

import re
from dataclasses import dataclass, field, replace

from hirewire.profiles.cv.lines import Text
from hirewire.profiles.cv.words import LABEL_OF
from hirewire.written.dates import DURATION, PERIOD, YEAR, is_open_end, partial_date


@dataclass
class Entry:
    """A position or a course of study: its dates, its heading, and the rest."""

    dates: Text
    start: str | None
    end: str | None
    heads: list[Text] = field(default_factory=list)
    rest: list[Text] = field(default_factory=list)
    labels: dict[str, Text] = field(default_factory=dict)


def entries_of(lines: list[Text], *, years: bool = False) -> list[Entry]:
    """The entries of a section.

    Each has one period; the number of lines before it is the same for all of them.
    """
    dated: list[tuple[int, re.Match[str]]] = []
    for nth, text in enumerate(lines):
        match = PERIOD.search(text.text) or (YEAR.search(text.text) if years else None)
        if match and not text.item:
            dated.append((nth, match))
    if not dated:
        return []
    before = min(dated[0][0], 3)
    for (place, _), (following, _) in zip(dated, dated[1:], strict=False):
        before = min(before, following - place - 1)
    made: list[Entry] = []
    for n, (place, match) in enumerate(dated):
        end = dated[n + 1][0] - before if n + 1 < len(dated) else len(lines)
        text = lines[place]
        groups = match.groupdict()
        entry = Entry(text, None, _date(match[0]))
        if groups:
            entry.start, entry.end = _date(groups["start"]), _date(groups["end"])
        left = (text.text[: match.start()] + "\t" + text.text[match.end() :]).strip(" \t,|()·•—–-:")
        left = DURATION.sub("", left).strip(" \t,|()·•")
        heads = lines[place - before : place]
        if left and LABEL_OF.get(left.casefold()) != "period":
            heads = [*heads, replace(text, text=left)]
        rest = lines[place + 1 : end]
        for one in [*heads, *rest]:
            label, value = labelled(one.text)
            if label in ("company", "position"):
                entry.labels[label] = replace(one, text=value)
        islabelled = {one.text for one in [*heads, *rest] if labelled(one.text)[0] in entry.labels}
        entry.heads = [one for one in heads if one.text not in islabelled]
        entry.rest = [one for one in rest if one.text not in islabelled]
        if not entry.heads and not entry.labels:
            while entry.rest and (
                DURATION.fullmatch(entry.rest[0].text) or not entry.rest[0].text.strip()
            ):
                entry.rest.pop(0)
            count = 0
            for one in entry.rest[:3]:
                if one.item or one.text.endswith((".", ";")) or len(one.text.split()) > 9:
                    break
                count += 1
            is_one = count > 1 and entry.rest[0].bold and ", " in entry.rest[0].text
            count = 1 if is_one and not entry.rest[1].bold else count
            entry.heads, entry.rest = entry.rest[:count], entry.rest[count:]
        made.append(entry)
    return made


def labelled(text: str) -> tuple[str, str]:
    """A known label and the text after it; two empty texts without one."""
    before, colon, after = text.partition(":")
    label = LABEL_OF.get(before.strip().casefold()) if colon else None
    return (label, after.strip()) if label and after.strip() else ("", "")


def _date(text: str | None) -> str | None:
    if not text or is_open_end(text):
        return None
    made = partial_date(text.strip(" ,."))
    if re.fullmatch(r"[0-9]{4}(-[0-9]{2}){0,2}", made):
        return made
    year = YEAR.search(text)
    return year[0] if year else None
