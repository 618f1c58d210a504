"""Rules of interviews: what each side can do in which state, and which times can be proposed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from hirewire.vacancies.parties import Party

State = Literal["proposed", "asked", "chosen", "declined", "cancelled", "expired"]
Act = Literal["propose", "choose", "decline", "ask", "cancel"]

MOST_SLOTS = 5
MOST_INTERVIEWS = 20
"""Of one application."""
MOST_CHANGES = 100
"""Of one interview, before it can no longer be moved."""
FARTHEST = timedelta(days=365)
SHORTEST, LONGEST = 5, 8 * 60
"""Minutes."""

AFTER: Mapping[State, Mapping[tuple[Party, Act], State]] = {
    "proposed": {
        ("employer", "propose"): "proposed",
        ("employer", "cancel"): "cancelled",
        ("applicant", "choose"): "chosen",
        ("applicant", "ask"): "asked",
        ("applicant", "decline"): "declined",
    },
    "asked": {
        ("employer", "propose"): "proposed",
        ("employer", "cancel"): "cancelled",
        ("applicant", "decline"): "declined",
    },
    "chosen": {
        ("employer", "propose"): "proposed",
        ("employer", "cancel"): "cancelled",
        ("applicant", "ask"): "asked",
        ("applicant", "cancel"): "cancelled",
    },
    "expired": {("employer", "propose"): "proposed"},
    "declined": {},
    "cancelled": {},
}
"""What each side can do in each state, with the state that follows."""
LIVE: tuple[State, ...] = ("proposed", "asked", "chosen")
"""The states of an interview that is still ahead, or that was."""
DONE: Mapping[tuple[State, Party], Act] = {
    ("asked", "applicant"): "ask",
    ("declined", "applicant"): "decline",
    ("cancelled", "applicant"): "cancel",
    ("cancelled", "employer"): "cancel",
}
"""The act that has led to a state, if one side only can have done it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How an interview stands."""

    state: State
    last_at: datetime
    """The start of the last slot."""
    starts_at: datetime | None = None
    """The start of the chosen slot."""


def state_now(at: Standing, now: datetime) -> State:
    """The state: slots that have all passed expire, even before the row says so."""
    return "expired" if at.state == "proposed" and at.last_at <= now else at.state


def is_over(at: Standing, now: datetime) -> bool:
    """Whether a chosen interview has begun, or has taken place."""
    return at.state == "chosen" and at.starts_at is not None and at.starts_at <= now


def is_ahead(at: Standing, now: datetime) -> bool:
    """Whether it waits for somebody, or will take place."""
    return state_now(at, now) in LIVE and not is_over(at, now)


def moves(at: Standing, party: Party, now: datetime) -> Mapping[Act, State]:
    """What this side can do now, with the state that follows. Nothing once it has begun."""
    if is_over(at, now):
        return {}
    return {act: to for (who, act), to in AFTER[state_now(at, now)].items() if who == party}


def moments(local: datetime, zone: ZoneInfo) -> list[datetime]:
    """The moments at which clocks in a zone show this time (PEP 495), in UTC and in order.

    None if the clocks skip it, and two if they show it twice.
    """
    found = []
    for fold in (0, 1):
        moment = local.replace(tzinfo=zone, fold=fold).astimezone(UTC)
        if moment.astimezone(zone).replace(tzinfo=None, fold=0) == local and moment not in found:
            found.append(moment)
    return found


@dataclass(frozen=True, slots=True)
class Span:
    """A time that is taken."""

    start: datetime
    minutes: int

    @property
    def end(self) -> datetime:
        """When it is over."""
        return self.start + timedelta(minutes=self.minutes)


def clash(one: Iterable[Span], others: Sequence[Span]) -> bool:
    """Whether two of the spans overlap."""
    return any(a.start < b.end and b.start < a.end for a in one for b in others)
