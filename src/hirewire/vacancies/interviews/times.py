"""Reads the times that an employer proposes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hirewire.kit.errors import FieldError, Invalid
from hirewire.vacancies.interviews import rules


@dataclass(frozen=True, slots=True)
class Slot:
    """A time as a person says it."""

    local: str
    """`2026-11-30T10:00`, by the clocks of the zone."""
    fold: int | None
    """Which of two, if the clocks show this time twice: 0 or 1."""


def moments_of(slots: Sequence[Slot], time_zone: str, moment: datetime) -> list[datetime]:
    """The proposed times in order. Raises `Invalid`."""
    zone, errors, found = ZoneInfo(time_zone), list[FieldError](), list[datetime]()
    for nth, slot in enumerate(slots):
        read = _moment_of(slot, zone, moment, f"#/slots/{nth}")
        if isinstance(read, FieldError):
            errors.append(read)
        elif read in found:
            errors.append(
                FieldError(
                    f"#/slots/{nth}", "is listed twice", "listed_twice", {"name": slot.local}
                )
            )
        else:
            found.append(read)
    if errors:
        raise Invalid(errors=errors)
    return sorted(found)


def _moment_of(slot: Slot, zone: ZoneInfo, moment: datetime, at: str) -> datetime | FieldError:
    """The moment of a time, or why it cannot be one."""
    try:
        local = datetime.fromisoformat(slot.local)
    except ValueError:
        return FieldError(f"{at}/local", "no such time", "no_such_time")
    here = moment.replace(tzinfo=None)
    day = timedelta(days=1)
    if local < here - day:  # far off: no zone is more than a day away from UTC
        return in_the_past(f"{at}/local")
    if local > here + rules.FARTHEST + day:
        return _too_far(f"{at}/local")
    found = rules.moments(local, zone)
    if not found:
        return FieldError(
            f"{at}/local",
            f"clocks in {zone.key} skip {slot.local}",
            "time_skipped",
            {"zone": zone.key},
        )
    if len(found) == 2 and slot.fold is None:
        return FieldError(
            f"{at}/fold",
            f"clocks in {zone.key} show {slot.local} twice: say which with fold",
            "time_twice",
            {"zone": zone.key},
        )
    start = found[slot.fold or 0] if len(found) == 2 else found[0]
    if start <= moment:
        return in_the_past(f"{at}/local")
    return _too_far(f"{at}/local") if start > moment + rules.FARTHEST else start


def in_the_past(at: str) -> FieldError:
    """The error for a time that has passed."""
    return FieldError(at, "must not be in the past", "in_the_past")


def _too_far(at: str) -> FieldError:
    return FieldError(at, "must be within a year", "too_far_ahead")
