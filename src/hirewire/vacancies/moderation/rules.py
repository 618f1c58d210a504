"""Rules of moderation: reasons, limits, and which decisions are possible."""

from datetime import timedelta
from typing import Literal

Target = Literal["vacancy", "company"]
Reason = Literal[
    "fraud",
    "fees",
    "misleading",
    "discrimination",
    "offensive",
    "spam",
    "illegal",
    "other",
]
"""What is wrong: readers report it, and a takedown names it."""
Decision = Literal["dismiss", "take_down", "uphold", "restore"]
DecisionKind = Literal["dismissed", "taken_down", "upheld", "restored"]
KIND_OF: dict[Decision, DecisionKind] = {
    "dismiss": "dismissed",
    "take_down": "taken_down",
    "uphold": "upheld",
    "restore": "restored",
}
"""How a decision is called once it is made."""
ANSWERABLE: frozenset[str] = frozenset({"taken_down", "upheld"})
"""The decisions that the owner can answer."""
NETWORK_WINDOW, FROM_NETWORK = timedelta(hours=1), 20
"""Reports from one network, of people who are signed in or not."""
PERSON_WINDOW, FROM_PERSON = timedelta(days=1), 20
"""Reports of one person."""


def possible(*, taken_down: bool, waits: bool) -> list[Decision]:
    """The decisions that an operator can make now.

    `waits`: there are reports, or the owner has answered.
    """
    change: Decision = "restore" if taken_down else "take_down"
    keep: Decision = "uphold" if taken_down else "dismiss"
    return [change, keep] if waits else [change]
