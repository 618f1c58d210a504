"""The events of the model, and what handlers do instead of their work."""

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from hirewire.messaging.event import Event

Fault = Literal["fails", "rejects", "later", "database", "hangs", "waits", "catches"]


class Written(Event, name="model.written", owner="writer", key="page"):
    """Something was written on a page."""

    page: UUID
    number: int


class Wiped(Event, name="model.wiped", owner="writer", key="page"):
    """A page was wiped."""

    page: UUID
    number: int


TYPES = (Written.name, Wiped.name)


@dataclass(frozen=True)
class Recorded:
    """A committed event, as the model stores it."""

    number: int
    type: str
    page: UUID
    id: UUID


@dataclass
class Log:
    """All committed events by key, in commit order."""

    pages: dict[UUID, list[Recorded]] = field(default_factory=dict)

    def add(self, event: Recorded) -> None:
        """Append an event to its key."""
        self.pages.setdefault(event.page, []).append(event)

    def of(self, page: UUID, type: str) -> list[int]:
        """The numbers of one type of one key, in order."""
        return [event.number for event in self.pages.get(page, ()) if event.type == type]

    @property
    def ids(self) -> set[UUID]:
        """The ids of all events."""
        return {event.id for events in self.pages.values() for event in events}
