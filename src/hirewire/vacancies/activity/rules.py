"""What of a candidate's activity may be seen, and which of two messages is believed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

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
SEEN_VISIBILITY = "recommended"
"""The one visibility with which a resume is for employers to whom nobody has applied."""
HIGHEST_VERSION = 2**31 - 1
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)

State = Literal["visible", "unseen", "deleted"]


@dataclass(frozen=True, slots=True)
class Heard:
    """What a message says of a resume."""

    action: str
    version: int | None
    """None from a stranger, who counts none."""
    snapshot: Mapping[str, Any] | None
    """As on the wire; None from a stranger, and of a deleted resume."""
    late: bool
    """A later message of this resume was handled before."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a resume; at first, nothing that speaks against its being seen."""

    version: int | None = None
    state: State = "visible"
    snapshot: Mapping[str, Any] | None = None
    """As of the last change, when it was changed since it was read."""


def known_action(action: str) -> str:
    """The action; an unknown one is read as `updated`, as the contract has it."""
    return action if action in ACTIONS else "updated"


def state_of(snapshot: Mapping[str, Any]) -> State:
    """Whether employers may see a resume: published, by a candidate who wants to be found."""
    seen = snapshot.get("visibility") == SEEN_VISIBILITY and snapshot.get("status") == "published"
    return "visible" if seen else "unseen"


def after(known: Known, heard: Heard) -> Known:
    """What is known once this was heard: `known` itself when it teaches nothing.

    The newest version is believed, in whatever order they come. A message without a version has
    no place among those that have one, and one without a snapshot does not say who may see the
    resume. Deleted is for good; and what was not to be seen is not to be seen deleted either.
    """
    if known.state == "deleted":
        return known
    if heard.action == "deleted":
        version = max((v for v in (known.version, heard.version) if v is not None), default=None)
        state: State = "unseen" if known.state == "unseen" else "deleted"
        return replace(known, version=version, state=state, snapshot=_left_of(known.snapshot))
    if heard.snapshot is None or heard.late or not _newer(heard.version, known.version):
        return known
    return Known(heard.version, state_of(heard.snapshot), heard.snapshot)


def _left_of(snapshot: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """What is kept of a deleted resume: from whom it was hidden, and its lines still are."""
    hidden = (snapshot or {}).get("hiddenFrom")
    return {"hiddenFrom": hidden} if hidden else None


def _newer(version: int | None, known: int | None) -> bool:
    return known is None or (version is not None and version > known)


def shown(heard: Heard, known: Known) -> bool:
    """Whether what was done is shown while the resume can be seen; `known` is as it is after it.

    What was done while a resume was hidden, or a draft, stays unseen once it is published.
    """
    state = known.state if heard.snapshot is None else state_of(heard.snapshot)
    return state != "unseen"


def occurred_at(said: datetime | None, heard: datetime) -> datetime:
    """When it was done: as the message says, unless that cannot be; else when it was heard."""
    return said if said is not None and EARLIEST <= said <= heard else heard
