"""The occupations and skills by which a query with few results is widened."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from hirewire.esco import dictionary
from hirewire.esco.job_codes import unit_group
from hirewire.esco.job_titles import occupations_of, titles, words_for
from hirewire.vacancies.search.index.documents import group_value, occupation_value, skill_id

FEW = 5
"""A search with fewer results than this is widened."""
SAME, RELATED = 1, 2
"""The steps of widening: other titles of the occupation; then related occupations and skills."""
STEPS = (SAME, RELATED)
LONGEST_NAME = 190


class Widened(NamedTuple):
    """What a result of a widened search was found by."""

    by: Literal["title", "skill"]
    name: str


@dataclass(frozen=True, slots=True)
class Related:
    """The occupations and skills that are related to the words of a query."""

    occupations: frozenset[int] = frozenset()
    skills: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.occupations or self.skills)

    def __or__(self, other: "Related") -> "Related":
        return Related(self.occupations | other.occupations, self.skills | other.skills)

    @property
    def groups(self) -> frozenset[int]:
        """The ISCO unit groups of the occupations."""
        return frozenset(unit_group(code) for code in self.occupations)

    def occupation_values(self, step: int) -> list[str]:
        """The values of the index's field `occupation` that a step of widening accepts."""
        groups = self.groups if step == RELATED else ()
        return [*map(occupation_value, self.occupations), *map(group_value, groups)]

    def values(self, step: int) -> dict[str, list[str]]:
        """Values of fields of the index that a step of widening accepts, by the field's name."""
        found = {"occupation": self.occupation_values(step)}
        if step == RELATED:
            found["skill"] = sorted(self.skills)
        return {name: values for name, values in found.items() if values}

    def reason(self, title: str, skills: Sequence[str]) -> Widened:
        """What a result with this title and these skills was found by."""
        codes = occupations_of(title)
        same = [code for code in codes if code in self.occupations]
        kin = [code for code in codes if code not in same and unit_group(code) in self.groups]
        if kin and not same:
            return Widened("title", _name(kin[0], title))
        near = next((name for name in skills if skill_id(name) in self.skills), None)
        if near is not None:
            return Widened("skill", near)
        return Widened("title", _name(same[0] if same else None, title))


NOTHING = Related()


def related_to(words: str) -> Related:
    """The relations of a known title or skill. Other words have none."""
    skill = dictionary().find(words)
    return Related(
        frozenset(job.code for job in titles().known(words)),
        frozenset(dictionary().near(skill)) if skill is not None else frozenset(),
    )


def _name(code: int | None, title: str) -> str:
    """The words by which a search finds this title: a name of the occupation, or all of it."""
    found = None if code is None else words_for(code, title)
    return (found or title).replace('"', " ")[:LONGEST_NAME].strip()
