"""Groups the skills that the dictionary lacks, for review: those that mean the same together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from hirewire.esco import Skill, key_of, meaning
from hirewire.esco.confidence import SURE
from hirewire.esco.forms import stems_of
from hirewire.esco.meaning import Floats
from hirewire.vacancies.skills.index import typeahead
from hirewire.vacancies.skills.queries import Unknown

CLOSE = 0.85
"""The least cosine of two phrases of a group, whose nearest skill must be the same (decision 0035).
"""
MOST_CLOSE = 50
_BATCH = 512


class Encoded(Protocol):
    """The encoder with the dictionary's vectors (`esco.meaning.Meaning`)."""

    def vectors(self, phrases: Sequence[str]) -> Floats:
        """A unit vector for each phrase."""

    def proposed(self, phrases: Sequence[str], vectors: Floats) -> list[meaning.Proposal | None]:
        """The skill closest to each phrase."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """The known skill that a group may mean."""

    skill: Skill
    similarity: float | None = None
    """The cosine of its nearest name; None if only its letters are similar."""
    confidence: float | None = None
    """The probability that it is right."""

    @property
    def is_sure(self) -> bool:
        """Whether nine of ten such proposals are right."""
        return self.confidence is not None and self.confidence >= SURE


@dataclass(slots=True)
class Group:
    """Unknown skills that mean the same."""

    members: list[Unknown]
    """The most frequent spelling first."""
    proposal: Proposal | None = None

    @property
    def asked(self) -> int:
        """The number of uses in open vacancies."""
        return sum(one.asked for one in self.members)

    @property
    def offered(self) -> int:
        """The number of uses in visible resumes."""
        return sum(one.offered for one in self.members)

    @property
    def name(self) -> str:
        """The most frequent spelling."""
        return self.members[0].name

    @property
    def order(self) -> tuple[int, str]:
        """The most frequent groups come first."""
        return -self.asked - self.offered, self.name


def grouped(
    unknown: Sequence[Unknown], limit: int, encoded: Encoded | None, only: str | None = None
) -> list[Group]:
    """The most frequent groups, by stems and, with an encoder, by meaning. Same input, same answer.

    A group is led by its most frequent phrase, and only phrases close to that one join it, so that
    a chain of similar phrases does not become one group. With `only`, the group of that spelling.
    """
    groups = _by_stems(unknown)
    known: dict[str, Proposal | None] = {}
    if encoded is not None:
        groups = _by_meaning(groups, encoded, known)
    groups.sort(key=lambda one: one.order)
    if only is not None:
        groups = [one for one in (group_of(groups, only),) if one is not None]
    shown = groups[:limit]
    if encoded is not None:
        names = [one.name for one in shown if one.name not in known]
        known |= _proposed(encoded, names, encoded.vectors(names))
    for group in shown:
        group.proposal = known.get(group.name) or _by_letters(group.name)
    return shown


def group_of(groups: Sequence[Group], name: str) -> Group | None:
    """The group that has this spelling."""
    key = key_of(name)
    return next((one for one in groups if key in {key_of(m.name) for m in one.members}), None)


def _by_stems(unknown: Sequence[Unknown]) -> list[Group]:
    groups: dict[str, Group] = {}
    for one in sorted(unknown, key=lambda one: (-one.asked - one.offered, one.name)):
        groups.setdefault(stems_of(one.name) or key_of(one.name), Group([])).members.append(one)
    return sorted(groups.values(), key=lambda one: one.order)


def _by_meaning(
    groups: Sequence[Group], encoded: Encoded, known: dict[str, Proposal | None]
) -> list[Group]:
    """Join each group to the closest one before it that means the same. Fills `known`."""
    names = [one.name for one in groups]
    vectors = encoded.vectors(names)
    near = _close(vectors)
    places = sorted(set(near).union(*near.values()))
    known |= _proposed(encoded, [names[place] for place in places], vectors[places])
    leaders: list[Group] = []
    joined: set[int] = set()
    for place, group in enumerate(groups):
        mine = known.get(names[place])
        for other in near.get(place, ()) if mine else ():
            its = known.get(names[other])
            if other not in joined and its and mine and its.skill.id == mine.skill.id:
                groups[other].members += group.members
                joined.add(place)
                break
        else:
            leaders.append(group)
    return leaders


def _close(vectors: Floats) -> dict[int, list[int]]:
    """The places before each place whose vectors are close to its own, closest first."""
    found: dict[int, list[int]] = {}
    for start in range(0, len(vectors), _BATCH):
        end = min(start + _BATCH, len(vectors))
        cosines = vectors[start:end] @ vectors[:end].T
        for place in range(start, end):
            row = cosines[place - start, :place]
            if close := np.flatnonzero(row >= CLOSE).tolist():
                found[place] = sorted(close, key=lambda n: (-float(row[n]), n))[:MOST_CLOSE]
    return found


def _proposed(
    encoded: Encoded, names: Sequence[str], vectors: Floats
) -> dict[str, Proposal | None]:
    return {
        name: Proposal(one.skill, one.similarity, one.confidence) if one else None
        for name, one in zip(names, encoded.proposed(names, vectors), strict=True)
    }


def _by_letters(name: str) -> Proposal | None:
    found = typeahead().find(name, 1)
    return Proposal(found[0].skill) if found else None
