"""What a failed delivery says about an address, and when mails to it are stopped."""

import re
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Literal, TypeAlias

Bounce: TypeAlias = Literal["hard", "soft", "complaint"]
Reason: TypeAlias = Literal["bounced", "complained"]
SOFT_DAYS = 3
"""So many days with soft bounces stop an address. Several on one day may be one outage."""
WITHIN = timedelta(days=14)
TRIES_EVERY = timedelta(days=1)
"""How often a person can have a stopped address tried again."""
KEPT = timedelta(days=30)
"""How long a bounce is kept: as long as the mail that it belongs to."""

_STATUS = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})")
_ABOUT_THE_MAIL = {("2", "2"), ("2", "3")}
"""The mailbox is full, or the mail too large."""
_NOT_THE_ADDRESS = {"3", "6", "7"}
"""The receiving system, the content, and policies, such as a blocked sender (RFC 3463)."""
_NO_SUCH_READER = {550, 551, 553}
COMPLAINTS = {"abuse", "opt-out", "opt-out-list"}
"""Types of feedback (RFC 5965) that say that a person does not want these mails."""


def of_status(status: str) -> Bounce | None:
    """A delivery that failed with this status (RFC 3463). None: it has not failed.

    5.x.x is for good, unless it is about the mail or its sender: a sender that is blocked for a day
    must not stop everybody's address at once.
    """
    found = _STATUS.fullmatch(status.strip())
    if found is None or found[1] == "2":
        return None
    if found[1] == "4" or found[2] in _NOT_THE_ADDRESS or (found[2], found[3]) in _ABOUT_THE_MAIL:
        return "soft"
    return "hard"


def of_refusal(code: int, status: str | None, *, of_reader: bool) -> Bounce | None:
    """A mail that the SMTP server refused for good. None: that says nothing about the address."""
    if status is not None:
        found = of_status(status)
        return found if of_reader or status.startswith("5.1.") else None
    if not of_reader:
        return None
    return "hard" if code in _NO_SUCH_READER else "soft"


def stops(kind: Bounce, soft_days: Iterable[date]) -> Reason | None:
    """Why mails to the address are stopped now; None if they are not.

    `soft_days` are those of the soft bounces in `WITHIN`, with this one.
    """
    if kind == "complaint":
        return "complained"
    if kind == "hard" or len(set(soft_days)) >= SOFT_DAYS:
        return "bounced"
    return None
