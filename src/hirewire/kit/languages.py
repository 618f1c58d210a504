"""The language that a request prefers, and times in a language."""

from datetime import UTC, datetime, timedelta, tzinfo

from babel.dates import format_date, format_datetime

from hirewire.kit.clock import local
from hirewire.kit.mail.letters import Language
from hirewire.kit.time_zones import zone_of


def preferred(accept_language: str) -> Language:
    """The language that `Accept-Language` (RFC 9110) prefers: `ru` or `en`. Without one, `en`."""
    weights = {"ru": 0.0, "en": 0.001}
    for part in accept_language.split(","):
        tag, _, parameter = part.strip().partition(";")
        language = tag.split("-")[0].lower()
        try:
            weight = float(parameter.strip().removeprefix("q=") or 1)
        except ValueError:
            weight = 0.0
        if language in weights:
            weights[language] = max(weights[language], weight)
    return "ru" if weights["ru"] > weights["en"] else "en"


def span_in_words(start: datetime, minutes: int, zone: str, language: str) -> str:
    """The day and from when to when, by the clocks of a time zone, whose offset follows."""
    begins = start.astimezone(zone_of(zone))
    ends = (begins.astimezone(UTC) + timedelta(minutes=minutes)).astimezone(begins.tzinfo)
    day = format_date(begins, "EEEE, d MMMM y", locale=language)
    return f"{day[0].upper()}{day[1:]}, {begins:%H:%M}–{ends:%H:%M} ({_offset(begins)})"


def _offset(moment: datetime) -> str:
    """How far clocks are from UTC, such as `UTC+5:30`."""
    minutes = int((moment.utcoffset() or timedelta()).total_seconds()) // 60
    hours, rest = divmod(abs(minutes), 60)
    sign = "+" if minutes > 0 else "−"
    return f"UTC{sign}{hours}{f':{rest:02}' if rest else ''}" if minutes else "UTC"


def moment_in_words(moment: datetime, language: str, where: tzinfo | None = None) -> str:
    """The day and the time in this time zone or the board's, whose name follows."""
    there = local(moment) if where is None else moment.astimezone(where)
    name = f"{there:%Z}"  # of many zones, there is none but digits
    name = name if name.isalpha() else _offset(there)
    return f"{format_datetime(there, 'd MMMM y, HH:mm', locale=language)} {name}"
