"""What a vacancy requires: by its requirements, its title, or else its text."""

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, Literal, NamedTuple

from hirewire.esco import dictionary
from hirewire.esco.licences import licences, licences_in
from hirewire.vacancies.recommendations.inputs import (
    EXPERIENCE_PRESUMED,
    LANGUAGES_PRESUMED,
    SKILLS_PRESUMED,
    code,
)
from hirewire.vacancies.recommendations.presumed import Presumed, presumed_of

_CYRILLIC = re.compile(r"[а-яё]", re.IGNORECASE)


@lru_cache(maxsize=2_000)
def skill_ids(name: str) -> tuple[str, ...]:
    """The ids of a skill in any spelling; of a phrase unknown otherwise, of the licences in it."""
    known = dictionary().find(name)
    if known is not None and known not in licences():
        return (known,)
    return licences_in(name) or (known or dictionary().id_of(name),)


def skill_codes(name: str) -> list[int]:
    """The codes of `skill_ids`."""
    return [code(id) for id in skill_ids(name)]


@cache
def licences_by_code() -> Mapping[int, str]:
    """The ids of the licences, by codes."""
    return {code(id): id for id in licences()}


Origin = Literal["list", "title", "text"]
"""Where a requirement stands."""


class Asked(NamedTuple):
    """A skill that a vacancy requires."""

    code: int
    name: str
    """As the vacancy has it; a category of a licence by its own name."""
    must: bool
    level: int
    origin: Origin


def asked_skills(vacancy: Mapping[str, Any]) -> list[Asked]:
    """What a vacancy requires: its requirements, then the licences that its title names.

    Without requirements, what its text names (`presumed_of`) takes their place.

    Of two spellings of one skill the first is kept; it is a must-have if either is.
    """
    found: dict[int, Asked] = {}
    title = vacancy.get("title") or ""
    origin: Origin = "list" if vacancy["requirements"] else "text"
    for one in vacancy["requirements"] or _in_text(vacancy):
        ids = skill_ids(one["skill"])
        must, level = one.get("kind", "must") == "must", one.get("level") or 0
        for id in ids:
            skill = code(id)
            name = one["skill"] if len(ids) == 1 else _called(id, one["skill"])
            before = found.get(skill, Asked(skill, name, must, level, origin))
            must, level = must or before.must, max(level, before.level)
            found[skill] = before._replace(must=must, level=level)
    asked = found.keys() if origin == "list" else set[int]()
    listed = {licences_by_code()[one] for one in asked & licences_by_code().keys()}
    contained = listed.union(*(licences()[id].implies for id in listed))
    for id in licences_in(title):
        if id not in contained:
            found[code(id)] = Asked(code(id), _called(id, title), True, 0, "title")
    return list(found.values())


def _called(licence: str, text: str) -> str:
    """The name of a licence in the language of a text."""
    one = licences()[licence]
    return (one.russian if _CYRILLIC.search(text) else None) or one.label


def _in_text(vacancy: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The skills that the text of a vacancy names, as requirements."""
    return [{"skill": one, "kind": "nice"} for one in presumed_of(vacancy).skills]


def languages_of(vacancy: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The languages that a vacancy requires; those of its text if the employer has listed none."""
    listed: Sequence[Mapping[str, Any]] = vacancy.get("languages") or ()
    return listed or presumed_of(vacancy).languages


def presumed_bits(vacancy: Mapping[str, Any], presumed: Presumed) -> int:
    """Which of its requirements only the text of a vacancy names: `Demand.presumed`."""
    are_languages = bool(presumed.languages) and not vacancy.get("languages")
    is_experience = presumed.experience is not None and not vacancy.get("experience")
    return (
        SKILLS_PRESUMED * bool(presumed.skills)
        | LANGUAGES_PRESUMED * are_languages
        | EXPERIENCE_PRESUMED * is_experience
    )
