"""Groups the skills that the dictionary lacks, for review: those that mean the same together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from hirewire.esco import Skill, key_of
from hirewire.esco.forms import stems_of
from hirewire.esco.meaning import Floats, Near
from hirewire.vacancies.skills.index import typeahead
from hirewire.vacancies.skills.queries import Unknown

CLOSE = 0.85
"""The least cosine of two phrases of a group, whose nearest skill must be the same (decision 0028).
"""
_BATCH = 512


class Encodes(Protocol):
    """The encoder with the dictionary's vectors (`esco.meaning.Meaning`)."""

    def vectors(self, phrases: Sequence[str]) -> Floats:
        """A unit vector for each phrase."""

    def nearest(self, phrase: str, limit: int, vector: Floats | None = None) -> list[Near]:
        """The skills closest to a phrase, closest first."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """The known skill that a group may mean."""

    skill: Skill
    similarity: float | None
    """The cosine of its nearest name; None if only its letters are similar."""


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
    unknown: Sequence[Unknown], limit: int, meaning: Encodes | None, only: str | None = None
) -> list[Group]:
    """The most frequent groups, by stems and, with an encoder, by meaning. Same input, same answer.

    A group is led by its most frequent phrase, and only phrases close to that one join it, so that
    a chain of similar phrases does not become one group. With `only`, the group of that spelling.
    """
    groups = _by_stems(unknown)
    near: dict[str, Proposal | None] = {}
    if meaning is not None:
        groups = _by_meaning(groups, meaning, near)
    groups.sort(key=lambda one: one.order)
    if only is not None:
        groups = [one for one in (group_of(groups, only),) if one is not None]
    for group in groups[:limit]:
        if meaning is not None and group.name not in near:
            near[group.name] = _nearest(meaning, group.name)
        group.proposal = near.get(group.name) or _by_letters(group.name)
    return groups[:limit]


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
    groups: Sequence[Group], meaning: Encodes, near: dict[str, Proposal | None]
) -> list[Group]:
    """Join each group to the closest one before it that is close enough. Fills `near`."""
    vectors = meaning.vectors([one.name for one in groups])
    led = np.zeros(len(groups), np.bool_)
    """Whether a group has not joined another."""

    def nearest(place: int) -> Proposal | None:
        name = groups[place].name
        if name not in near:
            near[name] = _nearest(meaning, name, vectors[place])
        return near[name]

    for start in range(0, len(groups), _BATCH):
        end = min(start + _BATCH, len(groups))
        cosines = vectors[start:end] @ vectors[:end].T
        for place in range(start, end):
            row = cosines[place - start, :place]
            close = np.flatnonzero((row >= CLOSE) & led[:place])
            for other in sorted(close.tolist(), key=lambda n: (-float(row[n]), n)):
                one, leader = nearest(place), nearest(other)
                if one is not None and leader is not None and one.skill.id == leader.skill.id:
                    groups[other].members += groups[place].members
                    break
            else:
                led[place] = True
    return [one for place, one in enumerate(groups) if led[place]]


def _nearest(meaning: Encodes, name: str, vector: Floats | None = None) -> Proposal | None:
    found = meaning.nearest(name, 1, vector)
    return Proposal(found[0].skill, found[0].cosine) if found else None


def _by_letters(name: str) -> Proposal | None:
    found = typeahead().find(name, 1)
    return Proposal(found[0].skill, None) if found else None
