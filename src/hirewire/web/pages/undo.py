"""What can be undone after it was done: known kinds, each with its known values.

A confirmation in a page's address names what to undo as `kind.id.value`. Anything else is ignored,
and nothing of it is used as a path or as a field's name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

KINDS: dict[str, tuple[str, ...]] = {
    "stage": ("response", "consider", "phone_interview", "assessment", "interview", "offer"),
    "match": ("seen", "shortlisted"),
}
"""The kinds: an application's stage, and the state of a matching candidate. Each has the values to
which it can go back.
"""


@dataclass(frozen=True, slots=True)
class Undo:
    """A change that takes back the last one: `kind` of `id` becomes `value` again."""

    kind: str
    id: UUID
    value: str

    path: ClassVar[str] = "/undo"

    def __str__(self) -> str:
        return f"{self.kind}.{self.id}.{self.value}"

    @property
    def fields(self) -> Mapping[str, str]:
        """What is sent there."""
        return {"undo": str(self)}


@dataclass(frozen=True, slots=True)
class Removed:
    """An item, or rows of lists, that were just removed from a resume, to put them back.

    It is part of the answer itself: an address must not have it, and the service forgets it.
    """

    path: str
    """Where it is put back."""
    removed: str
    """The item, or the rows with their places, in JSON."""
    place: int | None = None
    """The place of the item."""

    @property
    def fields(self) -> Mapping[str, str]:
        """What is sent there."""
        place = {} if self.place is None else {"place": str(self.place)}
        return {"removed": self.removed} | place


def undo_of(text: str) -> Undo | None:
    """What this text names; None if it is none of the known kinds and values."""
    kind, _, rest = text.partition(".")
    id, _, value = rest.partition(".")
    if value not in KINDS.get(kind, ()):
        return None
    try:
        return Undo(kind, UUID(id), value)
    except ValueError:
        return None


def undo(kind: str, id: str, value: str) -> Undo | None:
    """The change of these parts; None if they are not known ones."""
    return undo_of(f"{kind}.{id}.{value}")
