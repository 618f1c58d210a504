"""The life of a vacancy, and what of HTML it may hold."""

from collections.abc import Mapping
from typing import Any, Literal

import nh3

Action = Literal["publish", "pause", "close", "archive"]
MOVES: dict[str, dict[Action, str]] = {
    "draft": {"publish": "published"},
    "published": {"pause": "paused", "close": "closed"},
    "paused": {"publish": "published", "close": "closed"},
    "closed": {"archive": "archived"},
    "archived": {},
}
EDITABLE = frozenset({"draft", "published", "paused"})
NEEDED_TO_PUBLISH = ("title", "description")
TAGS = {"p", "br", "b", "strong", "i", "em", "u", "ul", "ol", "li", "h3", "h4", "a", "blockquote"}


def moves(status: str) -> dict[Action, str]:
    """What can be done with a vacancy in this status, and the status that follows."""
    return MOVES[status]


def allowed_actions(status: str) -> list[str]:
    """What its employer can do with it now."""
    return [*(["edit"] if status in EDITABLE else []), *MOVES[status]]


def missing_to_publish(vacancy: Mapping[str, Any]) -> list[str]:
    """The fields without which it cannot be published."""
    return [name for name in NEEDED_TO_PUBLISH if not vacancy.get(name)]


def sanitised(html: str) -> str:
    """The description with a few harmless tags; links open safely, everything else is text gone."""
    return nh3.clean(
        html,
        tags=TAGS,
        attributes={"a": {"href"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
