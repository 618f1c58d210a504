"""What the text of a vacancy requires, for vacancies whose employer has listed no skills.

Read when the vacancy is compared, and never stored: a new text or ruleset reads it again.
"""

import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from html import unescape
from typing import Any

import nh3

from hirewire.esco import dictionary
from hirewire.esco.dictionary import edition, is_proper
from hirewire.vacancies.adverts.known import DICTIONARIES
from hirewire.vacancies.adverts.lines import lines_of
from hirewire.vacancies.adverts.reader import read
from hirewire.written.languages import spoken_in

LONGEST_READ, MOST_SKILLS, KEPT = 6_000, 15, 500
"""Characters of a text that are read; skills of one; texts whose requirements are remembered."""
_ITEM = re.compile(r"<li[^>]*>")
_BLOCK = re.compile(r"<(?:/?(?:p|ul|ol|h3|h4|blockquote)|/li|br)[^>]*>")
_TOOL = re.compile(r"(?<=[^.!?:\s]\s)[A-Z][\w+#.]{0,30}[\w+#]")
_ABOUT_WORK = ("top", "must", "nice", "tasks", "other")


@dataclass(frozen=True, slots=True)
class Presumed:
    """The requirements that a text names."""

    skills: Sequence[str] = ()
    languages: Sequence[Mapping[str, Any]] = ()
    experience: str | None = None


NOTHING = Presumed()
_remembered: OrderedDict[bytes, Presumed] = OrderedDict()


def presumed_of(vacancy: Mapping[str, Any]) -> Presumed:
    """What the text of a vacancy (its row) requires; nothing if the employer has listed skills."""
    html = vacancy.get("description")
    if vacancy["requirements"] or not html:
        return NOTHING
    return _remember(html)


def _remember(html: str) -> Presumed:
    """Lists show many pairs of one vacancy, and each would read it again."""
    key = blake2b(f"{edition()} {html}".encode(), digest_size=16).digest()
    found = _remembered.pop(key, None)
    _remembered[key] = found = found or in_text(_text_of(html))
    while len(_remembered) > KEPT:
        _remembered.popitem(last=False)
    return found


def in_text(text: str) -> Presumed:
    """The skills (if the dictionary knows them), languages and experience that a text requires."""
    text = text[:LONGEST_READ]
    draft = read(text, DICTIONARIES)
    known = dictionary()
    skills: dict[str, str] = {}
    for name in (*(one.skill for one in draft.requirements), *_tools(text)):
        if (id := known.find(name)) is not None:
            skills.setdefault(id, name)
    spoken = {one.language.casefold(): one.level for one in draft.languages}
    for id, name in [*skills.items()]:
        for language in spoken_in(name):
            skills.pop(id, None)
            spoken.setdefault(language.name.casefold(), None)
    return Presumed(
        list(skills.values())[:MOST_SKILLS],
        [{"language": name.capitalize(), "level": level} for name, level in spoken.items()],
        draft.experience,
    )


def _tools(text: str) -> Iterator[str]:
    """Names of technologies within sentences on the work."""
    known = dictionary()
    for line in lines_of(text):
        if line.part in _ABOUT_WORK and not line.is_heading:
            for match in _TOOL.finditer(line.text):
                id = known.find(match[0])
                if id and is_proper(known.skills[id]):
                    yield match[0]


def _text_of(html: str) -> str:
    """The text of sanitised HTML, each paragraph and item on a line of its own."""
    lines = _BLOCK.sub("\n", _ITEM.sub("\n- ", html))
    return unescape(nh3.clean(lines, tags=set())).strip()
