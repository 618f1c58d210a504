"""The statuses of a vacancy, and the actions between them."""

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


def moves(status: str) -> dict[Action, str]:
    """The allowed actions in this status, each with the status that follows."""
    return MOVES[status]


def allowed_actions(status: str) -> list[str]:
    """The actions that the employer can take now."""
    return [*(["edit"] if status in EDITABLE else []), *MOVES[status], "copy"]
