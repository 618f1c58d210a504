"""Initials in place of a picture."""

import re
import zlib

HUES = 6
"""The number of colours for initials in the style sheet (`hue-0` is the default)."""
_LEGAL_FORMS = {
    *("ооо", "ао", "пао", "зао", "оао", "ип", "тоо", "llc", "inc", "ltd", "gmbh", "ag", "sa"),
    *("srl", "oy", "ab", "plc", "corp", "co", "the", "d.o.o", "доо"),
}
_WORD = re.compile(r"\w[\w.]*")


def initials(name: str | None) -> str:
    """The first letters of two words, without a company's legal form; "" without a name."""
    words = _WORD.findall(name or "")
    said = [word for word in words if word.strip(".").casefold() not in _LEGAL_FORMS] or words
    return "".join(word[0] for word in said[:2]).upper()


def hue(name: str | None) -> str:
    """The class of the colour for a name; the same name always has the same colour."""
    return f"hue-{zlib.crc32((name or '').strip().casefold().encode()) % HUES}"
