"""What of a candidate's activity may be seen."""

from typing import Literal

ACTIONS = frozenset(
    {
        "created",
        "updated",
        "deleted",
        "experience_added",
        "experience_updated",
        "experience_removed",
        "education_added",
        "education_updated",
        "education_removed",
    }
)
HIDDEN_VISIBILITIES = frozenset({"no_one", "applied", "link"})

State = Literal["visible", "unseen", "deleted"]


def known_action(action: str) -> str:
    """The action; an unknown one is read as `updated`, as the contract has it."""
    return action if action in ACTIONS else "updated"


def state_of(action: str, visibility: str | None, status: str | None) -> State:
    """Whether employers may see a resume's activity.

    A candidate who lets employers be recommended to them (the default) is seen, unless the resume
    is hidden. A stranger's message without a snapshot says nothing to the contrary.
    """
    if action == "deleted":
        return "deleted"
    if visibility in HIDDEN_VISIBILITIES or status == "hidden":
        return "unseen"
    return "visible"
