"""Quiet hours of a person: while they last, nothing is sent. And moments of clocks."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo


def quiet_until(
    moment: datetime, zone: tzinfo, begins: int | None, ends: int | None
) -> datetime | None:
    """When the quiet hours end in which this moment lies; None outside of them.

    `begins` and `ends` are minutes of the day in this zone; `ends` may be on the next day.
    """
    if begins is None or ends is None or begins == ends:
        return None
    there = moment.astimezone(zone)
    minute = there.hour * 60 + there.minute
    is_over_night = begins > ends
    is_quiet = minute >= begins or minute < ends if is_over_night else begins <= minute < ends
    if not is_quiet:
        return None
    tomorrow = is_over_night and minute >= begins
    day = there.date() + timedelta(days=int(tomorrow))
    at = time(ends // 60, ends % 60)
    # An hour that clocks repeat has each time twice: the first one may be over.
    for fold in (0, 1):
        end = instant(day, at.replace(fold=fold), zone)
        if end > moment:
            return end
    return None


def instant(day: date, at: time, zone: tzinfo) -> datetime:
    """This time by the clock there; one that clocks skip is as much later as they go forward."""
    return datetime.combine(day, at, zone).astimezone(UTC)
