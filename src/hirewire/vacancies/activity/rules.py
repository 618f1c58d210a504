"""Rules of candidates' activity: who sees it, and which of two messages takes precedence."""

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
"""The only visibility at which employers without an application see a resume."""
HIGHEST_VERSION = 2**31 - 1
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)

State = Literal["visible", "unseen", "deleted"]


@dataclass(frozen=True, slots=True)
class ResumeMessage:
    """The content of a resume message."""

    action: str
    version: int | None
    """None in messages of external publishers, which have no versions."""
    snapshot: Mapping[str, Any] | None
    """The snapshot of the event, as JSON; None if external publishers send none, or after deletion.
    """
    late: bool
    """Whether a later message of this resume has already been handled."""


@dataclass(frozen=True, slots=True)
class Known:
    """The stored state of a resume; a resume without messages counts as visible."""

    version: int | None = None
    state: State = "visible"
    snapshot: Mapping[str, Any] | None = None
    """The snapshot after the last change; None if nothing has changed since the row was read."""


def known_action(action: str) -> str:
    """The action; an unknown one counts as `updated`, as the contract of the event says."""
    return action if action in ACTIONS else "updated"


def state_of(snapshot: Mapping[str, Any]) -> State:
    """The state of a resume: visible to employers if it is published and its owner allows it."""
    seen = snapshot.get("visibility") == SEEN_VISIBILITY and snapshot.get("status") == "published"
    return "visible" if seen else "unseen"


def after(known: Known, message: ResumeMessage) -> Known:
    """The state after a message; the same object if the message changes nothing.

    The highest version takes precedence, regardless of the order of delivery. A message without a
    version cannot be ordered among those with one, and a message without a snapshot does not say
    who may see the resume. Deletion is final, and the deletion of a hidden resume is not shown.
    """
    if known.state == "deleted":
        return known
    if message.action == "deleted":
        version = max((v for v in (known.version, message.version) if v is not None), default=None)
        state: State = "unseen" if known.state == "unseen" else "deleted"
        return replace(known, version=version, state=state, snapshot=_kept_of(known.snapshot))
    if message.snapshot is None or message.late or not _newer(message.version, known.version):
        return known
    return Known(message.version, state_of(message.snapshot), message.snapshot)


def _kept_of(snapshot: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The data kept of a deleted resume: the companies that it stays hidden from."""
    hidden = (snapshot or {}).get("hiddenFrom")
    return {"hiddenFrom": hidden} if hidden else None


def _newer(version: int | None, known: int | None) -> bool:
    return known is None or (version is not None and version > known)


def shown(message: ResumeMessage, known: Known) -> bool:
    """Whether an action is shown while the resume is visible; `known` is the state after the
    action.

    An action on a hidden resume or a draft stays hidden after the resume is published.
    """
    state = known.state if message.snapshot is None else state_of(message.snapshot)
    return state != "unseen"


def occurred_at(claimed: datetime | None, consumed: datetime) -> datetime:
    """The time of the action: from the message if plausible, else when it was consumed."""
    return claimed if claimed is not None and EARLIEST <= claimed <= consumed else consumed
