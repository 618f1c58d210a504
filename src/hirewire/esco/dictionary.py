"""Maps the spellings of skills to ids."""

import csv
import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache
from pathlib import Path

import numpy as np

from hirewire.esco import forms, prepared
from hirewire.esco.hashed import SEVERAL, Hashed, hash_of
from hirewire.esco.tables import (
    Skill,
    additions,
    everyday,
    licences,
    occupations,
    skills,
    split,
    technologies,
)

MOST_NEAR = 60
"""The largest group of ESCO whose skills count as near to each other."""
OWN = "own:"
"""Prefix of the ids of skills that ESCO does not have."""
FILE = "names.npz"
"""The prepared file of names."""
_KEPT = 16_384
"""The number of phrases whose result is cached."""
_DROPPED = re.compile(r"[^\w+#]|_")
_QUOTED = re.compile(r"'(?='*[=+\-@\t])")
"""The apostrophe by which spreadsheets and `hirewire skills review` mark formulas as text."""
_IN_BRACKETS = re.compile(r"\s*\([^)]*\)")
_NOTE = re.compile(r"\s*\(computer programming\)\s*$")


def key_of(phrase: str) -> str:
    """The normal form of a phrase, without case, spaces, punctuation and ё.

    ``Node.js``, ``node js`` and ``NodeJS`` have one key; ``C``, ``C++`` and ``C#`` have three.
    Letters of another script that look alike make no other key: see `forms.one_script`.
    The key of a phrase of punctuation alone is the phrase itself.
    """
    plain = forms.one_script(unicodedata.normalize("NFKC", phrase)).casefold().replace("ё", "е")
    return _DROPPED.sub("", plain) or plain.strip()


class BadAdditions(Exception):
    """The operators' file cannot be used; the message names the line and the reason."""


@dataclass(frozen=True, slots=True)
class Added:
    """A line of the operators' file."""

    line: int
    label: str
    russian: tuple[str, ...]
    other: tuple[str, ...]
    skill: str
    """The id or a known name of the skill that gets these forms. Empty for a new skill."""


class Dictionary:
    """Looks up skills by their spellings.

    If two skills share a form, labels take precedence over our aliases, and these over ESCO's
    alternative labels; then the skill of more ICT occupations wins, then the lower id. The
    operators' additions take precedence over all of these.

    A phrase that is no form is read without filler ("good … skills", «опыт работы с …»), and then
    without regard to endings and order of words. Then it must lead to one skill alone.
    """

    def __init__(self, added: Iterable[Added] = ()) -> None:
        """Raises `ValueError` for an addition to an unknown skill."""
        whole = built_in()
        self.skills = {skill.id: skill for skill in whole}
        self._added: dict[str, str] = {}
        """Ids by the keys of the operators' forms."""
        self._names = tuple(self.skills)
        found = prepared.read(prepared.DATA, FILE)
        arrays = built(whole) if found is None else found
        self._keys, stems = (_unpacked(arrays, name) for name in ("keys", "stems"))
        changed = [self.skills[id] for id in dict.fromkeys([self._add(one) for one in added])]
        self.is_extended = bool(changed)
        """Whether operators added to it."""
        self._stems = _Stems(stems, self._names, changed)
        self._found = lru_cache(_KEPT)(self._find)

    def _named(self, phrase: str) -> str | None:
        """The id of the skill that has this form."""
        key = key_of(phrase)
        if self._added and (id := self._added.get(key)) is not None:
            return id
        found = self._keys.find(hash_of(key))
        return None if found is None else self._names[found.number]

    def _add(self, added: Added) -> str:
        """Returns the id of the skill that gets the forms."""
        id: str | None = added.skill
        if id not in self.skills:
            id = self._named(added.skill or added.label)
        if id is None and added.skill:
            raise ValueError(f"line {added.line}: no skill {added.skill!r}")
        others = (*added.russian, *added.other)
        if id is None:
            id = OWN + key_of(added.label)
            self.skills[id] = Skill(id, added.label, "", (), None, ())
        before = self.skills[id]
        self.skills[id] = replace(
            before,
            label_ru=next(iter(added.russian), before.label_ru),
            aliases=tuple(dict.fromkeys((*others, added.label, *before.aliases))),
        )
        for form in (added.label, *others):
            self._added[key_of(form)] = id
        return id

    def find(self, phrase: str) -> str | None:
        """The id of the skill that the phrase names; None if there is none."""
        return self._found(phrase)

    def _find(self, phrase: str) -> str | None:
        if (id := self._named(phrase)) is not None:
            return id
        bare = tuple(forms.without_filler(phrase))
        for one in bare:
            if (id := self._named(one)) is not None:
                return id
        for one in (phrase, *bare):
            if (id := self._stems.find(one)) is not None:
                return id
        return None

    def id_of(self, phrase: str) -> str:
        """The id of the named skill: ESCO's, or ``own:`` and the phrase's key."""
        return self.find(phrase) or OWN + key_of(phrase)

    def near(self, id: str) -> tuple[str, ...]:
        """The other skills of the skill's small groups; none for a skill without a group."""
        groups = self.skills[id].groups if id in self.skills else ()
        found = (self._groups[group] for group in groups)
        near = (one for ones in found if len(ones) <= MOST_NEAR for one in ones)
        return tuple(one for one in dict.fromkeys(near) if one != id)

    @cached_property
    def _groups(self) -> dict[str, list[str]]:
        groups: dict[str, list[str]] = {}
        for skill in self.skills.values():
            for group in skill.groups:
                groups.setdefault(group, []).append(skill.id)
        return groups

    def label_of(self, id: str, *, russian: bool = False) -> str | None:
        """The label of a skill; None if it is not in the dictionary."""
        skill = self.skills.get(id)
        if skill is None:
            return None
        return (skill.label_ru if russian else None) or skill.label

    def name_of(self, id: str, *, russian: bool = False) -> str | None:
        """The display name of a skill: its label without ESCO's note, unless that is ambiguous.

        A descriptive name is shown in Russian if a translation is known. A tool keeps its proper
        name (Python), since its Russian form is slang.
        """
        skill = self.skills.get(id)
        if skill is None:
            return None
        bare = without_note(skill.label)
        if russian and skill.label_ru and not is_proper(skill):
            return skill.label_ru
        return bare if self.find(bare) == id else skill.label


class _Stems:
    """Skills by the stems of their forms, if these lead to one skill alone.

    Labels take precedence over our aliases, these over ESCO's alternative labels, and these over
    forms without their filler.
    """

    def __init__(self, built_in: Hashed, names: Sequence[str], changed: Iterable[Skill]) -> None:
        """`names`: the ids of the skills built in. `changed`: those that operators added to."""
        self._built_in, self._names = built_in, names
        self._changed: dict[int, set[tuple[int, str]]] = {}
        """Ranks and ids by the hashes of their forms."""
        for skill in changed:
            for hashed, rank in ranked_stems_of(skill):
                self._changed.setdefault(hashed, set()).add((rank, skill.id))

    def find(self, phrase: str) -> str | None:
        """The id of the only skill with these stems."""
        if not (stems := forms.stems_of(phrase)):
            return None
        found = self._built_in.find(hashed := hash_of(stems))
        ranked = set(self._changed.get(hashed, ()))
        if found is not None:
            several = found.number == SEVERAL
            ranked.add((found.rank, "" if several else self._names[found.number]))
        if not ranked:
            return None
        lowest = min(rank for rank, _ in ranked)
        ids = [id for rank, id in ranked if rank == lowest]
        return ids[0] if ids[0] and len(ids) == 1 else None


def ranked_stems_of(skill: Skill) -> Iterator[tuple[int, int]]:
    """The hash of the stems of each form, with the form's rank."""
    for rank, named in enumerate((_labels(skill), skill.aliases, skill.other_labels, _bare(skill))):
        for form in named:
            yield hash_of(forms.stems_of(form)), rank


def _bare(skill: Skill) -> tuple[str, ...]:
    return tuple(
        bare for form in (skill.label, *skill.aliases) for bare in forms.without_filler(form)
    )


def is_proper(skill: Skill) -> bool:
    """Whether the skill has a proper name: it is a technology, or all its words have capitals."""
    words = _IN_BRACKETS.sub("", skill.label).split()
    return skill.id in _technologies() or all(word.lower() != word for word in words)


@cache
def _technologies() -> frozenset[str]:
    return frozenset(OWN + key_of(label) for label, _, _ in technologies())


def without_note(label: str) -> str:
    """A label without the note by which ESCO marks programming languages."""
    return _NOTE.sub("", label)


def _labels(skill: Skill) -> tuple[str, ...]:
    bare = without_note(skill.label)
    return (skill.label,) if bare == skill.label else (skill.label, bare)


def built_in() -> tuple[Skill, ...]:
    """The skills without the operators' additions, in the order of the prepared file."""
    return (*skills(), *_ours())


def built(whole: Sequence[Skill]) -> prepared.Arrays:
    """What the prepared file contains: takes two seconds of processor time."""
    used = Counter(id for occupation in occupations() for id in set(occupation.skills))
    ranked = sorted(enumerate(whole), key=lambda one: (-used[one[1].id], one[1].id))
    keys = Hashed.of_first(
        (hash_of(key_of(form)), place)
        for forms_of in (_labels, lambda skill: skill.aliases, lambda skill: skill.other_labels)
        for place, skill in ranked
        for form in forms_of(skill)
    )
    stems = Hashed.of(
        (hashed, rank, place)
        for place, skill in enumerate(whole)
        for hashed, rank in ranked_stems_of(skill)
    )
    forms.stem_of.cache_clear()  # all words of the dictionary take 10 MiB there
    return _packed("keys", keys) | _packed("stems", stems)


def _packed(name: str, hashed: Hashed) -> prepared.Arrays:
    hashes, numbers, ranks = hashed.columns()
    return {
        f"{name}_steps": np.diff(hashes, prepend=0),
        f"{name}_of": numbers.astype(np.int16),
        f"{name}_rank": ranks.astype(np.int8),
    }


def _unpacked(arrays: prepared.Arrays, name: str) -> Hashed:
    columns = (arrays[f"{name}_{one}"] for one in ("of", "rank"))
    return Hashed(np.cumsum(arrays[f"{name}_steps"]), *columns)


@cache
def dictionary() -> Dictionary:
    """The dictionary. The first call in a process loads it, in a fraction of a second."""
    return Dictionary(_additions)


_additions: tuple[Added, ...] = ()


def extend(path: Path | None) -> None:
    """Add the operators' CSV file: ``label,ru,other,skill``, with forms separated by ``|``.

    Call it when a process starts, before the first look-up. Raises `BadAdditions`.
    """
    global _additions
    try:
        added = () if path is None else tuple(_read(path))
        if added == _additions:
            return
        _additions = added
        dictionary.cache_clear()
        dictionary()
    except (OSError, ValueError, csv.Error) as error:
        _additions = ()
        dictionary.cache_clear()
        raise BadAdditions(f"{path}: {error}") from None


def edition() -> str:
    """The version of the dictionary, including the operators' additions: a short hash."""
    return hashlib.sha256(f"{_built_in()} {_additions!r}".encode()).hexdigest()[:8]


@cache
def _built_in() -> str:
    return hashlib.sha256(f"{forms.VERSION} {additions()}".encode()).hexdigest()


def _read(path: Path) -> Iterable[Added]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        if reader.fieldnames is None or "label" not in reader.fieldnames:
            raise ValueError("the column label is missing")
        if unknown := set(reader.fieldnames) - {"label", "ru", "other", "skill"}:
            raise ValueError(f"no column {sorted(unknown)[0]!r}: label, ru, other, skill")
        for cells in reader:
            line = reader.line_num
            if None in cells:
                raise ValueError(f"line {line}: more cells than the header")
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
    """Skills that ESCO lacks, with the ids that these names had while they were unknown."""
    for label, russian, other in (*technologies(), *licences(), *everyday()):
        yield Skill(OWN + key_of(label), label, "", (), russian, other)
