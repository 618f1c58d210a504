"""The kinds of notices, to which side they go, and how people are notified unless they choose."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

Kind: TypeAlias = Literal[
    "application_received",
    "application_answered",
    "application_moved",
    "invitation",
    "message",
    "vacancy_closed",
    "recommended_candidate",
    "recommended_vacancy",
    "interview_proposed",
    "interview_chosen",
    "interview_declined",
    "interview_cancelled",
    "saved_search",
]
FOR_CALENDARS: tuple[Kind, ...] = ("interview_chosen", "interview_cancelled")
"""Kinds whose mails are sent even if the notice has been read: a calendar needs the file. So are
others that say that an agreed time holds no more.
"""
MOVED = "moved"
"""The detail of notices that say that an agreed time holds no more, and others are looked for."""
Side: TypeAlias = Literal["applicant", "employer"]
Frequency: TypeAlias = Literal["off", "at_once", "hourly", "daily", "weekly"]
"""How often a person gets mails about a kind."""
FREQUENCIES: tuple[Frequency, ...] = get_args(Frequency)


@dataclass(frozen=True, slots=True)
class Defaults:
    """How a person is notified of a kind unless they choose."""

    side: Side | None
    """Who gets notices of it; None: both sides."""
    mail: Frequency
    push: bool
    code: str
    """Stands for the kind in links that switch mails off. It never changes."""


_AT_ONCE: tuple[Frequency, bool] = ("at_once", True)
_GATHERED: tuple[Frequency, bool] = ("daily", False)
DEFAULTS: dict[Kind, Defaults] = {
    "invitation": Defaults("applicant", *_AT_ONCE, "i"),
    "application_moved": Defaults("applicant", *_AT_ONCE, "a"),
    "interview_proposed": Defaults("applicant", *_AT_ONCE, "p"),
    "interview_chosen": Defaults(None, *_AT_ONCE, "h"),
    "interview_cancelled": Defaults(None, *_AT_ONCE, "x"),
    "vacancy_closed": Defaults("applicant", *_AT_ONCE, "c"),
    "recommended_vacancy": Defaults("applicant", *_GATHERED, "v"),
    "saved_search": Defaults("applicant", *_GATHERED, "s"),
    "message": Defaults(None, *_AT_ONCE, "m"),
    "application_received": Defaults("employer", *_AT_ONCE, "r"),
    "application_answered": Defaults("employer", *_AT_ONCE, "w"),
    "interview_declined": Defaults("employer", *_AT_ONCE, "d"),
    "recommended_candidate": Defaults("employer", *_GATHERED, "f"),
}
"""In the order in which pages show them. What somebody waits for comes at once, the rest daily."""


def is_pushed(kind: str) -> bool:
    """Whether people get pushes of a kind unless they choose; none of one that is not known."""
    return any(default.push for known, default in DEFAULTS.items() if known == kind)
