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
]
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


_AT_ONCE: tuple[Frequency, bool] = ("at_once", True)
_GATHERED: tuple[Frequency, bool] = ("daily", False)
DEFAULTS: dict[Kind, Defaults] = {
    "invitation": Defaults("applicant", *_AT_ONCE),
    "application_moved": Defaults("applicant", *_AT_ONCE),
    "interview_proposed": Defaults("applicant", *_AT_ONCE),
    "interview_chosen": Defaults(None, *_AT_ONCE),
    "interview_cancelled": Defaults(None, *_AT_ONCE),
    "vacancy_closed": Defaults("applicant", *_AT_ONCE),
    "recommended_vacancy": Defaults("applicant", *_GATHERED),
    "message": Defaults(None, *_AT_ONCE),
    "application_received": Defaults("employer", *_AT_ONCE),
    "application_answered": Defaults("employer", *_AT_ONCE),
    "interview_declined": Defaults("employer", *_AT_ONCE),
    "recommended_candidate": Defaults("employer", *_GATHERED),
}
"""In the order in which pages show them. What somebody waits for comes at once, the rest daily."""
