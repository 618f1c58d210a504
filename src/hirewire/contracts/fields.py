"""Field types that several events share. Invalid values are rejected when an event is parsed."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, BeforeValidator, StringConstraints

_BEGINS_WITH_A_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _no_number(value: Any) -> Any:
    """Reject numbers, which pydantic would read as seconds or milliseconds since 1970: a guess."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _BEGINS_WITH_A_DATE.match(value):
        raise ValueError("must be a date and time as in RFC 3339, and no number")
    return value


def _in_utc(value: datetime) -> datetime:
    """Convert to UTC, since a time without an offset cannot be compared or stored."""
    try:
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    except OverflowError:
        raise ValueError("must be in the years 1 to 9999 in UTC") from None


Moment: TypeAlias = Annotated[datetime, BeforeValidator(_no_number), AfterValidator(_in_utc)]
"""A time as in RFC 3339; UTC if it has no offset."""

Address: TypeAlias = Annotated[
    str, StringConstraints(max_length=254, pattern=r"^[^\s\x00-\x1f\x7f]+@[^\s\x00-\x1f\x7f@]+$")
]
"""An e-mail address with a name, an @ and a host, at most as long as RFC 5321 allows. There are no
stricter checks, because external publishers have their own rules.
"""

ERASED_ADDRESS = "erased@erased.invalid"
"""The e-mail address in a redacted event: nobody can have it (RFC 6761)."""
