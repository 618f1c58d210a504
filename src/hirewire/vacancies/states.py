"""The statuses of a vacancy, and the actions between them. A held one is not shown in any."""

from typing import Literal

Action = Literal["publish", "pause", "close", "reopen", "archive"]
MOVES: dict[str, dict[Action, str]] = {
    "draft": {"publish": "published"},
    "published": {"pause": "paused", "close": "closed"},
    "paused": {"publish": "published", "close": "closed"},
    "closed": {"reopen": "paused", "archive": "archived"},
    "archived": {},
}
EDITABLE = frozenset({"draft", "published", "paused"})


WHILE_HELD = frozenset[Action]({"close", "archive"})
"""The actions that show nothing."""


def moves(status: str, *, held: bool) -> dict[Action, str]:
    """The allowed actions in this status, each with the status that follows."""
    if not held:
        return MOVES[status]
    return {action: after for action, after in MOVES[status].items() if action in WHILE_HELD}


def allowed_actions(status: str, *, held: bool) -> list[str]:
    """The actions that the employer can take now."""
    edit = ["edit"] if status in EDITABLE else []
    return [*edit, *moves(status, held=held), *([] if held else ["copy"])]
