"""Quiet hours of a person: while they last, nothing is sent."""

from datetime import UTC, datetime, time, timedelta, tzinfo

DAY = 24 * 60
"""In minutes."""


def quiet_until(
    moment: datetime, zone: tzinfo, begins: int | None, ends: int | None
) -> datetime | None:
    """When the quiet hours end that last at this moment; None outside of them.

    `begins` and `ends` are minutes of the day in this zone; `ends` may be on the next day.
    """
    if begins is None or ends is None or begins == ends:
        return None
    local = moment.astimezone(zone)
    minute = local.hour * 60 + local.minute
    if (minute - begins) % DAY >= (ends - begins) % DAY:
        return None
    day = local.date() + timedelta(days=int(minute >= ends))
    until = datetime.combine(day, time(ends // 60, ends % 60), zone).astimezone(UTC)
    return max(until, moment)
