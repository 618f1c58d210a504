"""From what people write to a skill's id."""

import csv
import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from hirewire.esco.tables import Skill, occupations, skills, split, technologies

OWN = "own:"
"""How the id of a skill begins that is not in the dictionary."""
_DROPPED = re.compile(r"[^\w+#]|_")
_QUOTED = re.compile(r"'(?='*[=+\-@\t])")
"""How spreadsheets, and `hirewire skills review`, mark text that would be a formula."""
_IN_BRACKETS = re.compile(r"\s*\([^)]*\)")
_NOTE = re.compile(r"\s*\(computer programming\)\s*$")


def key_of(phrase: str) -> str:
    """The phrase without what people write differently: case, spaces, punctuation, accents, ё.

    ``Node.js``, ``node js`` and ``NodeJS`` have one key; ``C``, ``C++`` and ``C#`` have three.
    A phrase of punctuation alone has itself as its key.
    """
    plain = unicodedata.normalize("NFKC", phrase).casefold().replace("ё", "е")
    return _DROPPED.sub("", plain) or plain.strip()


class BadAdditions(Exception):
    """The operators' file cannot be used; says where and why."""


@dataclass(frozen=True, slots=True)
class Added:
    """A line of the operators' file."""

    line: int
    label: str
    russian: tuple[str, ...]
    other: tuple[str, ...]
    skill: str
    """An id, or a name the dictionary has: whose further forms these are. Empty: a new skill."""


class Dictionary:
    """Skills by the many ways in which they are written.

    Where two skills have the same form, a label goes before an alias of ours and that before
    ESCO's alternative labels; then the skill that more ICT occupations have, then the lower id.
    What the operators added goes before all of these.
    """

    def __init__(self, skills: Iterable[Skill], added: Iterable[Added] = ()) -> None:
        """Raises `ValueError` for an addition to a skill that is not there."""
        self.skills = {skill.id: skill for skill in skills}
        self._ids: dict[str, str] = {}
        self._rank()
        for one in added:
            self._add(one)

    def _rank(self) -> None:
        used = Counter(id for occupation in occupations() for id in set(occupation.skills))
        ranked = sorted(self.skills.values(), key=lambda skill: (-used[skill.id], skill.id))
        for forms_of in (_labels, lambda skill: skill.aliases, lambda skill: skill.other_labels):
            for skill in ranked:
                for form in forms_of(skill):
                    self._ids.setdefault(key_of(form), skill.id)

    def _add(self, added: Added) -> None:
        id = added.skill if added.skill in self.skills else self.find(added.skill or added.label)
        if id is None and added.skill:
            raise ValueError(f"line {added.line}: no skill {added.skill!r}")
        forms = (*added.russian, *added.other)
        if id is None:
            id = OWN + key_of(added.label)
            self.skills[id] = Skill(id, added.label, (), (), None, ())
        before = self.skills[id]
        self.skills[id] = replace(
            before,
            label_ru=next(iter(added.russian), before.label_ru),
            aliases=tuple(dict.fromkeys((*forms, added.label, *before.aliases))),
        )
        for form in (added.label, *forms):
            self._ids[key_of(form)] = id

    def find(self, phrase: str) -> str | None:
        """The id of the skill that is written so; None when there is none."""
        return self._ids.get(key_of(phrase))

    def id_of(self, phrase: str) -> str:
        """The id of the skill that is written so: ESCO's, or ``own:`` and the phrase's key."""
        key = key_of(phrase)
        return self._ids.get(key) or OWN + key

    def label_of(self, id: str, *, russian: bool = False) -> str | None:
        """Its label; None for a skill that is not in the dictionary."""
        skill = self.skills.get(id)
        if skill is None:
            return None
        return (skill.label_ru if russian else None) or skill.label

    def name_of(self, id: str, *, russian: bool = False) -> str | None:
        """Its label as people say it: without ESCO's note, unless that tells it from another.

        What describes a skill is said in Russian where that is known; a tool keeps its own name
        (Python), since the Russian form of that is slang.
        """
        skill = self.skills.get(id)
        if skill is None:
            return None
        bare = _NOTE.sub("", skill.label)
        if russian and skill.label_ru and not _is_proper(skill):
            return skill.label_ru
        return bare if self.find(bare) == id else skill.label


def _is_proper(skill: Skill) -> bool:
    """Whether it is called by a proper name: a technology, or all words with capitals."""
    words = _IN_BRACKETS.sub("", skill.label).split()
    return skill.id in _technologies() or all(word.lower() != word for word in words)


@cache
def _technologies() -> frozenset[str]:
    return frozenset(OWN + key_of(label) for label, _, _ in technologies())


def _labels(skill: Skill) -> tuple[str, ...]:
    bare = _NOTE.sub("", skill.label)
    return (skill.label,) if bare == skill.label else (skill.label, bare)


@cache
def dictionary() -> Dictionary:
    """The dictionary; reading it takes a part of a second, once a process."""
    return Dictionary((*skills(), *_ours()), _additions)


_additions: tuple[Added, ...] = ()


def extend(path: Path | None) -> None:
    """Add what operators keep in a CSV file: ``label,ru,other,skill``, forms parted by ``|``.

    For the start of a process, before anything is looked up. Raises `BadAdditions`.
    """
    global _additions
    try:
        _additions = () if path is None else tuple(_read(path))
        dictionary.cache_clear()
        if path is not None:
            dictionary()
    except (OSError, ValueError, csv.Error) as error:
        _additions = ()
        dictionary.cache_clear()
        raise BadAdditions(f"{path}: {error}") from None


def edition() -> str:
    """What tells this dictionary from the built-in one: empty, or a few letters of a hash."""
    if not _additions:
        return ""
    return hashlib.sha256(repr(_additions).encode()).hexdigest()[:8]


def _read(path: Path) -> Iterable[Added]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        if reader.fieldnames is None or "label" not in reader.fieldnames:
            raise ValueError("there is no column label")
        if unknown := set(reader.fieldnames) - {"label", "ru", "other", "skill"}:
            raise ValueError(f"no column {sorted(unknown)[0]!r}: label, ru, other, skill")
        for cells in reader:
            line = reader.line_num
            if None in cells:
                raise ValueError(f"line {line}: more cells than the head has")
            row = {
                name: cell[1:] if _QUOTED.match(cell) else cell
                for name, cell in cells.items()
                if cell
            }
            if not key_of(label := row.get("label", "").strip()):
                raise ValueError(f"line {line}: label is empty")
            russian, other = (split(row.get(name) or "") for name in ("ru", "other"))
            yield Added(line, label, russian, other, (row.get("skill") or "").strip())


def _ours() -> Iterable[Skill]:
    """Technologies that ESCO does not have, under the ids they had without being known."""
    for label, russian, forms in technologies():
        yield Skill(OWN + key_of(label), label, (), (), russian, forms)
