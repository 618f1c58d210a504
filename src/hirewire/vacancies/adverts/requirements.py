"""The skills and languages that an advert requires."""

import re
from collections.abc import Iterator

from hirewire.esco.forms import without_filler
from hirewire.vacancies.adverts.draft import Draft, Known, LanguageWanted, Requirement
from hirewire.vacancies.adverts.experience import experience_in
from hirewire.vacancies.adverts.lines import EDGES, Line, plain
from hirewire.vacancies.adverts.words import (
    AS_A_PLUS,
    NO_EXPERIENCE,
    NOT_REQUIRED,
    TRAITS,
    VERBS,
    YEARS,
)
from hirewire.written.languages import Spoken, level_of, spoken_in

LONGEST_SKILL, MOST_WORDS, MOST_IN_LIST = 80, 8, 4
"""Characters of a skill; words of a requirement that is taken whole, and of each in a list."""
_LIST = re.compile(r"\s?[;,|•·]\s|\s(?:and|or|и|или|&)\s|;$|/(?=\s)|\s/")


class Requirements:
    """Adds what lines require to a draft."""

    def __init__(self, found: Draft, is_skill: Known) -> None:
        self._found = found
        self._is_skill = is_skill
        self._taken: set[str] = set()
        """The skills that are required already, casefolded."""

    def languages(self, line: Line) -> str:
        """Take the languages of a line; returns the line without them if it is about languages."""
        names = _languages_in(line.text)
        if not names or line.part not in ("must", "top", "other", "end"):
            return line.text
        if line.part != "must" and not _of_speaking(line.text):
            return line.text
        known = {one.language.casefold(): n for n, one in enumerate(self._found.languages)}
        for n, spoken in enumerate(names):
            after = line.text[spoken.end : names[n + 1].start if n + 1 < len(names) else None]
            before = line.text[names[n - 1].end if n else 0 : spoken.start]
            after, before = after.partition(",")[0], before.rpartition(",")[2]
            if NOT_REQUIRED.search(plain(after)):
                continue
            is_own = not n or "," in line.text[names[n - 1].end : spoken.start]
            level = level_of(after) or (_level_before(before) if is_own else None)
            at = known.setdefault(spoken.name.casefold(), len(self._found.languages))
            if at == len(self._found.languages):
                self._found.languages.append(LanguageWanted(spoken.name, level, line))
            elif self._found.languages[at].level is None:
                self._found.languages[at] = LanguageWanted(spoken.name, level, line)
        return ""

    def take(self, line: Line) -> None:
        """Take the skills and languages of a line."""
        for piece in re.split(r"\s?;\s", line.text):
            text = piece.rstrip(EDGES)
            plus = AS_A_PLUS.search(plain(text))
            kind = "nice" if plus or line.part == "nice" else "must"
            text = text[: plus.start()] if plus else text
            part = Line(line.number, text, line.is_item, part=kind)
            years = YEARS.match(part.plain)
            rest = text[years.end() :].strip() if years else text
            verb = VERBS.match(plain(rest))
            if verb:
                text = rest[verb.end() :]
            elif experience_in(part) and not self._list_in(text):
                continue
            spoken = [one.name for one in _languages_in(text)]
            if kind == "must":
                self._skills(self.languages(part), line, kind)
            elif spoken and (_of_speaking(text) or self._is_only(text, spoken)):
                for name in spoken:
                    self._skills(name, line, kind)
            else:
                self._skills(text, line, kind)

    def take_named(self, line: Line) -> None:
        """Take a skill that a sentence names, or the language that it requires."""
        spoken = [one.name for one in _languages_in(line.text)]
        if spoken and line.part == "must":
            self.languages(line)
            return
        for name in spoken or [_named(line.text)]:
            self._add(name, line.part, line)

    def _add(self, name: str, kind: str, line: Line) -> None:
        """Add a requirement, unless it is there in this or another case."""
        if (key := name.casefold()) not in self._taken:
            self._taken.add(key)
            self._found.requirements.append(Requirement(name, kind, line))

    def _is_only(self, text: str, names: list[str]) -> bool:
        """Whether a line lists languages and nothing else."""
        return len(text.split()) <= 2 * len(names)

    def _skills(self, text: str, line: Line, kind: str) -> None:
        text = text.strip(EDGES)
        if not text:
            return
        names = self._list_in(text) or ([text] if len(text.split()) <= MOST_WORDS else [])
        if not names and line.is_item:
            names = list(self._known_in(text))
        for name in names:
            name = _named(name.strip(EDGES))
            if name and len(name) <= LONGEST_SKILL:
                said = plain(name)
                if TRAITS.match(said) or YEARS.search(said) or NO_EXPERIENCE.search(said):
                    continue
                if not any(letter.isalpha() for letter in name):
                    continue
                self._add(name, kind, line)

    def _list_in(self, text: str) -> list[str]:
        """The entries of a list in one line; nothing for a line that is no list."""
        if self._is_skill(text):
            return []
        parts = [part for one in _LIST.split(text) if (part := one.strip(EDGES))]
        if len(parts) < 2 or any(part.count("(") != part.count(")") for part in parts):
            return []
        are_short = all(len(_named(part).split()) <= MOST_IN_LIST for part in parts)
        has_commas = re.search(r"[,;]\s", text) is not None
        likely = sum(
            self._is_skill(part)
            or (part.isascii() and n > 0 and any(letter.isupper() for letter in part))
            for n, part in enumerate(parts)
        )
        return parts if are_short and (has_commas or likely == len(parts)) else []

    def _known_in(self, text: str) -> Iterator[str]:
        """Names of tools in a sentence: words with a capital that the dictionary knows."""
        for match in re.finditer(r"(?<=[\s(,])[A-Z][\w+#.]{0,30}[\w+#]", text):
            if self._is_skill(match[0]):
                yield match[0]


def _languages_in(text: str) -> list[Spoken]:
    """The languages of a line; "polish" is none."""
    return [one for one in spoken_in(text) if one.name[0].isupper() or not one.name.isascii()]


def _level_before(text: str) -> str | None:
    return level_of(re.sub("(?i)fluency", "fluent", text))


def _of_speaking(text: str) -> bool:
    return level_of(text) is not None or bool(
        re.search(r"language|speak|fluen|язык|владе|знани", plain(text))
    )


def _named(phrase: str) -> str:
    """A requirement without "experience with": what remains is a name of its own."""
    said = plain(phrase)
    for bare in sorted(without_filler(phrase), key=len):
        if said.endswith(bare) and len(bare) > 1:
            name = phrase[-len(bare) :]
            if name[0].isascii() or name[:2].isupper():
                return name
    return phrase
