"""Actions that can be undone: known kinds, each with its known values.

The address of a page names the action to undo as `kind.id.value`. Anything else is ignored, and no
part of it is used as a path or a field name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

KINDS: dict[str, tuple[str, ...]] = {
    "stage": ("response", "consider", "phone_interview", "assessment", "interview", "offer"),
    "match": ("seen", "shortlisted"),
}
"""The kinds: an application's stage, and the state of a matching candidate.

Each has the values that it can return to.
"""


@dataclass(frozen=True, slots=True)
class Undo:
    """A change that reverses the last one: `kind` of `id` becomes `value` again."""

    kind: str
    id: UUID
    value: str

    path: ClassVar[str] = "/undo"

    def __str__(self) -> str:
        return f"{self.kind}.{self.id}.{self.value}"

    @property
    def fields(self) -> Mapping[str, str]:
        """The form fields to send to `path`."""
        return {"undo": str(self)}


@dataclass(frozen=True, slots=True)
class Removed:
    """An item, or rows of lists, just removed from a resume, that can be put back.

    The data is in the answer itself: it must not be in an address, and the service does not keep
    it.
    """

    path: str
    """The address to send the form to."""
    removed: str
    """The item, or the rows with their places, as JSON."""
    place: int | None = None
    """The item's place; None for rows, which have their own."""

    @property
    def fields(self) -> Mapping[str, str]:
        """The form fields to send to `path`."""
        place = {} if self.place is None else {"place": str(self.place)}
        return {"removed": self.removed} | place


def undo_of(text: str) -> Undo | None:
    """The undo that this text names; None unless kind and value are known."""
    kind, _, rest = text.partition(".")
    id, _, value = rest.partition(".")
    if value not in KINDS.get(kind, ()):
        return None
    try:
        return Undo(kind, UUID(id), value)
    except ValueError:
        return None


def undo(kind: str, id: str, value: str) -> Undo | None:
    """The undo with these parts; None unless kind and value are known."""
    return undo_of(f"{kind}.{id}.{value}")
