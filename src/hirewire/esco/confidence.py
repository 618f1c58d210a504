"""How sure it is that the skill nearest to an unknown phrase is the right one (decision 0035)."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

SURE = 0.8
"""The least confidence of a proposal that is right nine times out of ten."""
TOP = 5


@dataclass(frozen=True, slots=True)
class Signs:
    """What distinguishes right proposals from wrong ones."""

    likeness: float
    """The similarity of the nearest skill."""
    margin: float
    """How much less similar the second one is."""
    first_by_words: bool
    """Whether no other skill has more of the phrase's words."""
    first_by_meaning: bool
    """Whether no other skill has a name with a higher cosine."""
    kin: float
    """The share of the four skills after it that have an ESCO group in common with it."""
    words: int
    """The number of words of the phrase, without prepositions and articles."""


def confidence(signs: Signs) -> float:
    """The probability that the skill is right.

    A logistic regression on the unknown phrases of `tune` and `seen`, and 90 that name no skill.
    """
    points = (
        -3.4516
        + 3.0647 * signs.likeness
        + 4.1818 * signs.margin
        + 0.6463 * signs.first_by_words
        - 0.1193 * signs.first_by_meaning
        + 0.7050 * signs.kin
        - 2.4276 / max(signs.words, 1)
    )
    return 1 / (1 + exp(-points))


def kin_of(groups: Sequence[Sequence[str]]) -> float:
    """The share of the later ones that have a group in common with the first."""
    first, *others = groups[:TOP]
    shared = [not set(first).isdisjoint(one) for one in others]
    return sum(shared) / len(shared) if shared else 0.0
