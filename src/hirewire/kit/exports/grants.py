"""Permissions to read the parts of one export: made by `auth`, checked by every service.

A grant is a keyed digest of the export and its end, so it needs no table, and only who has
`HIREWIRE_SECRET_KEY` can make one.
"""

import hmac
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hirewire.kit.clock import now
from hirewire.kit.secrets import NoSecretKey, marks

LIFE = timedelta(hours=1)
"""Long enough for a slow download."""
LONGEST = 100


def grant(export_id: UUID) -> str:
    """A permission to read the export for an hour. Raises `NoSecretKey`."""
    until = int((now() + LIFE).timestamp())
    return f"{until}.{_marks(export_id, until)[0]}"


def is_granted(export_id: UUID, given: str) -> bool:
    """Whether this is a valid permission for the export."""
    until, _, mark = given.partition(".")
    if not until.isdecimal() or len(given) > LONGEST or not mark.isascii():
        return False
    try:
        ends = datetime.fromtimestamp(int(until), UTC)
        known = _marks(export_id, int(until))
    except (NoSecretKey, OverflowError, ValueError, OSError):
        return False
    return any(hmac.compare_digest(mark, one) for one in known) and ends > now()


def _marks(export_id: UUID, until: int) -> list[str]:
    return [mark.hex() for mark in marks(f"{export_id} {until}", "export grant")]
