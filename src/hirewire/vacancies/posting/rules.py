"""Rules of a vacancy: what publishing requires, and which HTML is allowed."""

from collections.abc import Mapping, Sequence
from datetime import date
from html import unescape
from typing import Any

import nh3
from pydantic_core import PydanticCustomError

NEEDED_TO_PUBLISH = ("title", "description")
TAGS = {"p", "br", "b", "strong", "i", "em", "u", "ul", "ol", "li", "h3", "h4", "a", "blockquote"}
MOST_TAGS = 1000
LONGEST_DESCRIPTION = 300_000
"""Characters of sanitised HTML: the longest accepted text with each character as ``&nbsp;``."""


def missing_to_publish(vacancy: Mapping[str, Any]) -> list[str]:
    """The fields that are missing for publication."""
    return [name for name in NEEDED_TO_PUBLISH if not vacancy.get(name)]


def is_over(valid_through: date | None, today: date) -> bool:
    """Whether the last day of a vacancy has passed."""
    return valid_through is not None and valid_through < today


def repeated(names: Sequence[str]) -> str | None:
    """The first name that repeats an earlier one, ignoring case; None if all are different."""
    seen: set[str] = set()
    for name in names:
        if name.casefold() in seen:
            return name
        seen.add(name.casefold())
    return None


def content_of(title: str | None, html: str | None) -> str:
    """The letters and digits of a vacancy's text: equal for texts that read the same."""
    text = unescape(nh3.clean(html or "", tags=set()))
    return "".join(filter(str.isalnum, f"{title}{text}".casefold()))


MOST_PASSES = 5


def sanitised(html: str) -> str:
    """The description with only harmless tags and safe links; the text of other markup stays.

    Raises `PydanticCustomError` for an empty text, and for markup that a browser would multiply: a
    paragraph repeats the formatting left open before it, so the number of elements grows with the
    square of the number of tags.
    """
    if html.count("<") > MOST_TAGS:
        raise PydanticCustomError(
            "too_many_tags", "must have at most {max} tags", {"max": MOST_TAGS}
        )
    clean = html
    for _ in range(MOST_PASSES):  # nested links need a second pass
        before, clean = clean, _cleaned(clean)
        if clean == before:
            break
    if len(clean) > LONGEST_DESCRIPTION:
        raise PydanticCustomError("html_too_long", "is too long after closing all tags")
    if not unescape(nh3.clean(clean, tags=set())).strip():
        raise PydanticCustomError("no_text", "must contain text")
    return clean


def _cleaned(html: str) -> str:
    return nh3.clean(
        html,
        tags=TAGS,
        attributes={"a": {"href"}},
        url_schemes={"http", "https", "mailto"},
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
    )
