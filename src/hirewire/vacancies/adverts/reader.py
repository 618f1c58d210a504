"""Reads an advert: its text becomes the fields of a vacancy, each with the line it came from."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from hirewire.esco.forms import without_filler
from hirewire.vacancies.adverts.description import html_of
from hirewire.vacancies.adverts.experience import experience_in
from hirewire.vacancies.adverts.lines import Line, lines_of, plain
from hirewire.vacancies.adverts.pay import Pay, pay_of
from hirewire.vacancies.adverts.places import forms_of
from hirewire.vacancies.adverts.titles import cased, sought
from hirewire.vacancies.adverts.words import (
    AS_A_PLUS,
    CAPITALISED,
    EMPLOYMENT,
    HYBRID,
    IS_NEEDED,
    NO_EXPERIENCE,
    NOT_REMOTE,
    ON_SITE,
    REMOTE,
    STATES,
    TRAITS,
    VERBS,
    YEARS,
)
from hirewire.written.languages import Spoken, level_of, spoken_in
from hirewire.written.titles import likes

Known = Callable[[str], bool]
MOST_SKILLS, MOST_LANGUAGES, LONGEST_NAME, LONGEST_SNIPPET = 50, 20, 200, 160
LONGEST_CODE = 3
"""Letters of `UK` and `USA`, which are no cities."""
LONGEST_SKILL, MOST_WORDS, MOST_IN_LIST, MOST_AT_TOP, MOST_FOR_PLACE = 80, 8, 4, 6, 30
"""Words of a requirement that is taken whole; words of each in a list of several; lines in which
the title may stand, and the place."""

_PARTS = re.compile(r"\s(?:or|или|and|и)\s|(?<=\w\w\w)\.\s|\s[–—|·/-]\s|\s?[|·•]\s?|,\s|[()]|\s-\s")
_LIST = re.compile(r"\s?[;,|•·]\s|\s(?:and|or|и|или|&)\s|;$|/(?=\s)|\s/")
_EDGES = " \t.,;:!?–—-…«»\"“”'*#"
_TAGS = re.compile(r"#\w+")
_CITY = re.compile(r"(?<!\w)(?:г\.|гор\.|город[еа]?)\s?(?=[А-ЯЁ])")
_IN = re.compile(r"(?<!\w)(?:in|at|from|near|around|в|во|из|под|около)\s(?=[A-ZА-ЯЁÀ-Þ])")
_ANNOUNCES = re.compile(r"(?:должность|позицию|вакансию|vacancy|position|role of|role)\s?:$")
_POSTCODE = re.compile(r"\s[A-Z]{1,2}[0-9][0-9A-Z]?(?:\s[0-9][A-Z]{2})?$")
_TITLE_EDGES = " \t.,;:!?–—-…*#"


@dataclass(frozen=True, slots=True)
class Dictionaries:
    """What is known of places, skills and job titles."""

    is_city: Known
    is_skill: Known
    is_title: Known


@dataclass(frozen=True, slots=True)
class Requirement:
    """A skill, and the line that names it."""

    skill: str
    kind: str
    line: Line


@dataclass(frozen=True, slots=True)
class LanguageWanted:
    """A language, and the line that names it."""

    language: str
    level: str | None
    line: Line


@dataclass(slots=True)
class Draft:
    """What was read of an advert."""

    title: str | None = None
    description: str | None = None
    area: str | None = None
    work_format: str | None = None
    employment_type: str | None = None
    experience: str | None = None
    salary: Pay | None = None
    languages: list[LanguageWanted] = field(default_factory=list)
    requirements: list[Requirement] = field(default_factory=list)
    lines: dict[str, Line] = field(default_factory=dict)
    """The line that each single fact came from."""


def read(text: str, known: Dictionaries) -> Draft:
    """Read an advert. Any text can be read; what it does not say is left empty."""
    return _Reader(lines_of(text), known).draft()


class _Reader:
    def __init__(self, lines: list[Line], known: Dictionaries) -> None:
        self.all = lines
        self.lines = [line for line in lines if not line.is_heading]
        self.known = known
        self.found = Draft()
        self.facts = [line for line in self.lines if line.part not in ("tasks", "about")]

    def draft(self) -> Draft:
        """All that can be read."""
        found = self.found
        pay = pay_of(self.lines)
        if pay is not None:
            found.salary, found.lines["salary"] = pay
        self._title()
        self._area()
        self._work_format()
        self._employment()
        self._experience()
        for line in self.lines:
            is_plus = line.part == "other" and AS_A_PLUS.search(line.plain.rstrip("."))
            if line.part in ("must", "nice", "experience") or is_plus:
                self._requirements(line)
            elif line.label[0] not in ("title", "company"):
                self._languages(line)
        del found.requirements[MOST_SKILLS:], found.languages[MOST_LANGUAGES:]
        found.description = self._description()
        return found

    def _take(self, name: str, value: str, line: Line) -> None:
        setattr(self.found, name, value[:LONGEST_NAME])
        self.found.lines[name] = line

    # The title.

    def _title(self) -> None:
        for line, title in self._titles():
            name = self._bare_title(title)
            if any(letter.isalpha() for letter in name):
                self._take("title", name, line)
                return

    def _titles(self) -> Iterator[tuple[Line, str]]:
        """Where the title may stand, the best place first."""
        top = [line for line in self.lines if line.part in ("top", "other")]
        for line in top:
            if line.label[0] == "title":
                yield line, line.label[1]
        for line, after in zip(self.all, self.all[1:], strict=False):
            if _ANNOUNCES.search(line.plain):
                yield after, after.text
        near = [one for one in top[:MOST_AT_TOP] if _TAGS.sub("", one.text).strip()]
        for line in near:
            title = sought(line.text)
            if title is not None and line is near[0]:
                yield line, title
        able = [
            line
            for line in near
            if not line.label[0]
            and not line.text.endswith((".", ";", ",", "?", ":"))
            and len(line.text.split()) <= 12
            and line is not self.found.lines.get("salary")
        ]
        named = [line for line in able if likes(self._bare_title(line.text)) > 0]
        known = [line for line in able if line not in named and self._is_known(line)]
        first = [line for line in known[:1] if line is near[0]]
        yield from ((line, line.text) for line in (*named, *first))
        for line in near:
            title = sought(line.text)
            if title is not None:
                yield line, title
        yield from ((line, line.text) for line in known)
        yield from ((line, line.text) for line in able)

    def _is_known(self, line: Line) -> bool:
        head = re.split(r"\sв\s|\sна\s", self._bare_title(line.text))[0]
        if likes(head) < 0 or len(head.split()) > MOST_WORDS or any(self._among_parts(head)):
            return False
        return likes(head) > 0 or self.known.is_title(head)

    def _bare_title(self, text: str) -> str:
        """A title without its place, its format and its pay."""
        text = IS_NEEDED.sub("", _TAGS.sub("", text).strip(_TITLE_EDGES))
        text = re.sub(
            r"\(([^()]*)\)", lambda found: "" if self._is_aside(found[1]) else found[0], text
        )
        while match := _last(re.compile(r"\s[–—|·-]\s|\s?[|·•]\s?|,\s|\s/\s"), text):
            if not self._is_aside(text[match.end() :]):
                break
            text = text[: match.start()]
        return cased(text.strip(_TITLE_EDGES))

    def _is_aside(self, text: str) -> bool:
        """Whether a part of the title's line says where or how one works."""
        parts = [
            part for part in re.split(r"[,/|]\s?|\s[–—-]\s|\s(?:or|или)\s", text) if part.strip()
        ]
        return bool(parts) and all(self._is_fact(part.strip()) for part in parts)

    def _is_fact(self, text: str) -> bool:
        said = plain(text)
        patterns = (REMOTE, HYBRID, ON_SITE, *EMPLOYMENT.values())
        return (
            STATES.fullmatch(text) is not None
            or self._city_in(text) is not None
            or any(pattern.match(said) for pattern in patterns)
            or bool(re.search(r"[€£$₽]|[0-9]{3}", text))
        )

    # The place and the format.

    def _area(self) -> None:
        for line, city in self._cities():
            self._take("area", city, line)
            return

    def _cities(self) -> Iterator[tuple[Line, str]]:
        for line in self.lines:
            label, value = line.label
            if label in ("city", "format"):
                cities = list(self._among_parts(value))
                cities.sort(key=lambda city: len(city) <= LONGEST_CODE)
                yield from ((line, city) for city in cities)
        for line in self.facts:
            for match in _CITY.finditer(line.text):
                name = CAPITALISED.match(line.text, match.end())
                if name and (city := self._nominative(name[0].rstrip("."))):
                    yield line, city
        top = [line for line in self.facts if line.part in ("top", "other", "end")]
        for line in top[:MOST_FOR_PLACE]:
            yield from ((line, city) for city in self._among_parts(line.text))
        for line in (*self.facts, *(one for one in self.lines if one.part == "about")):
            if line.part in ("must", "nice"):
                continue
            for match in _IN.finditer(line.text):
                name = CAPITALISED.match(line.text, match.end())
                if name and (city := self._nominative(name[0].rstrip("."))):
                    yield line, city

    def _among_parts(self, text: str) -> Iterator[str]:
        for part in _PARTS.split(text):
            if part and (city := self._city_in(part)):
                yield city

    def _city_in(self, part: str) -> str | None:
        """The city that a part of a line is, perhaps with a district or a number behind it."""
        bare = _CITY.sub("", part).strip(_EDGES)
        bare = _POSTCODE.sub("", bare)
        bare = re.sub(r"(?:\s[0-9]{1,6}|\s(?:city )?cent(?:re|er))$", "", bare)
        if not bare[:1].isupper() or len(bare) > 40:
            return None
        return bare if self.known.is_city(bare) else None

    def _nominative(self, name: str) -> str | None:
        """The city behind a preposition: "в Казани", "in Porto"; perhaps of fewer words."""
        words = name.split(" ")
        for count in range(len(words), 0, -1):
            text = re.sub("['’]s$", "", " ".join(words[:count]).strip(_EDGES))
            if len(text) < 3:
                continue
            for form in forms_of(text):
                if self.known.is_city(form):
                    return form
        return None

    def _work_format(self) -> None:
        labelled = [
            line for line in self.facts if line.label[0] in ("format", "city", "employment")
        ]
        others = [line for line in self.facts if line.part not in ("must", "nice")]
        for lines in (labelled, others):
            for name, pattern in (("hybrid", HYBRID), ("remote", REMOTE), ("on_site", ON_SITE)):
                for line in lines:
                    if NOT_REMOTE.search(line.plain):
                        self._take("work_format", "on_site", line)
                        return
                    if pattern.search(line.plain):
                        self._take("work_format", name, line)
                        return

    def _employment(self) -> None:
        labelled = [line for line in self.facts if line.label[0] == "employment"]
        others = [line for line in self.facts if line.part not in ("must", "nice")]
        for lines in (labelled, others):
            for name, pattern in EMPLOYMENT.items():
                for line in lines:
                    is_title = line is self.found.lines.get("title")
                    if name == "INTERN" and lines is others and not is_title:
                        continue  # "стажировка 3 дня" is no internship
                    if pattern.search(line.plain):
                        self._take("employment_type", name, line)
                        return

    # Experience.

    def _experience(self) -> None:
        labelled = [line for line in self.lines if line.label[0] == "experience"]
        must = [line for line in self.facts if line.part != "nice"]
        nice = [line for line in self.facts if line.part == "nice"]
        for lines in (labelled, must, nice):
            for line in lines:
                level = experience_in(line, is_labelled=lines is labelled)
                if level is not None:
                    self._take("experience", level, line)
                    return

    # Languages and skills.

    def _languages(self, line: Line) -> str:
        """Take the languages of a line; returns the line without them if it is about languages."""
        names = _languages_in(line.text)
        if not names or line.part not in ("must", "top", "other", "end"):
            return line.text
        if line.part != "must" and not _of_speaking(line.text):
            return line.text
        known = {one.language.casefold(): n for n, one in enumerate(self.found.languages)}
        for n, spoken in enumerate(names):
            after = line.text[spoken.end : names[n + 1].start if n + 1 < len(names) else None]
            before = line.text[names[n - 1].end if n else 0 : spoken.start]
            after, before = after.partition(",")[0], before.rpartition(",")[2]
            is_own = not n or "," in line.text[names[n - 1].end : spoken.start]
            level = level_of(after) or (_level_before(before) if is_own else None)
            at = known.setdefault(spoken.name.casefold(), len(self.found.languages))
            if at == len(self.found.languages):
                self.found.languages.append(LanguageWanted(spoken.name, level, line))
            elif self.found.languages[at].level is None:
                self.found.languages[at] = LanguageWanted(spoken.name, level, line)
        return ""

    def _requirements(self, line: Line) -> None:
        for piece in re.split(r"\s?;\s", line.text):
            text = piece.rstrip(_EDGES)
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
                self._skills(self._languages(part), line, kind)
            elif spoken and (_of_speaking(text) or self._is_only(text, spoken)):
                for name in spoken:
                    self._skills(name, line, kind)
            else:
                self._skills(text, line, kind)

    def _is_only(self, text: str, names: list[str]) -> bool:
        """Whether a line lists languages and nothing else."""
        return len(text.split()) <= 2 * len(names)

    def _skills(self, text: str, line: Line, kind: str) -> None:
        text = text.strip(_EDGES)
        if not text:
            return
        names = self._list_in(text) or ([text] if len(text.split()) <= MOST_WORDS else [])
        if not names and line.is_item:
            names = list(self._known_in(text))
        taken = {one.skill.casefold() for one in self.found.requirements}
        for name in names:
            name = _named(name.strip(_EDGES))
            if name and len(name) <= LONGEST_SKILL and name.casefold() not in taken:
                said = plain(name)
                if TRAITS.match(said) or YEARS.search(said) or NO_EXPERIENCE.search(said):
                    continue
                if not any(letter.isalpha() for letter in name):
                    continue
                taken.add(name.casefold())
                self.found.requirements.append(Requirement(name, kind, line))

    def _list_in(self, text: str) -> list[str]:
        """The entries of a list in one line; nothing for a line that is no list."""
        if self.known.is_skill(text):
            return []
        parts = [part for one in _LIST.split(text) if (part := one.strip(_EDGES))]
        if len(parts) < 2 or any(part.count("(") != part.count(")") for part in parts):
            return []
        are_short = all(len(_named(part).split()) <= MOST_IN_LIST for part in parts)
        has_commas = re.search(r"[,;]\s", text) is not None
        likely = sum(
            self.known.is_skill(part)
            or (part.isascii() and n > 0 and any(letter.isupper() for letter in part))
            for n, part in enumerate(parts)
        )
        return parts if are_short and (has_commas or likely == len(parts)) else []

    def _known_in(self, text: str) -> Iterator[str]:
        """Names of tools in a sentence: words with a capital that the dictionary knows."""
        for match in re.finditer(r"(?<=[\s(,])[A-Z][\w+#.]{0,30}[\w+#]", text):
            if self.known.is_skill(match[0]):
                yield match[0]

    # The description.

    def _description(self) -> str | None:
        """The advert as HTML, without the lines that are fields and nothing else."""
        taken = {
            line.number
            for name, line in self.found.lines.items()
            if line.label[0] or (name == "title" and line.text.strip(_EDGES) == self.found.title)
        }
        made = "".join(html_of([line for line in self.all if line.number not in taken]))
        return made or None


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    found = None
    for match in pattern.finditer(text):
        found = match
    return found if found is not None and found.start() > 2 else None


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
