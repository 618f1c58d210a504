"""Time zones of people, by their names in the IANA database."""

from datetime import tzinfo
from functools import cache
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from hirewire.kit import clock

LONGEST = 64
"""Names in the database have 32 characters at most."""
_OF_THIS_MACHINE = frozenset({"localtime", "Factory"})


@cache
def names() -> frozenset[str]:
    """All names that a person can choose."""
    return frozenset(available_timezones()) - _OF_THIS_MACHINE


def zone_of(name: str | None) -> tzinfo:
    """The zone of this name; without one, or if it is not in the database any more, the board's."""
    if name is None:
        return clock.zone()
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return clock.zone()


def _known(name: str) -> str:
    if name not in names():
        raise PydanticCustomError("unknown_time_zone", "must be a time zone such as Europe/Moscow")
    return name


TimeZone = Annotated[
    str,
    Field(max_length=LONGEST, pattern=r"^[A-Za-z0-9_+/-]+$", examples=["Europe/Moscow"]),
    AfterValidator(_known),
]
"""A name in the IANA time zone database."""
