"""Time zones for a select: by region, with the names of cities in the language of the page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from babel.core import get_global

from hirewire.web.i18n.labels import N_

REGIONS = {
    "Europe": N_("Europe"),
    "Asia": N_("Asia"),
    "America": N_("Americas"),
    "Africa": N_("Africa"),
    "Australia": N_("Australia"),
    "Pacific": N_("Pacific Ocean"),
    "Atlantic": N_("Atlantic Ocean"),
    "Indian": N_("Indian Ocean"),
    "Antarctica": N_("Antarctica"),
}
"""The first part of a zone's name, in the order of the select."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone as an option."""

    name: str
    """In the IANA database."""
    label: str
    also: str
    """Its other names, by which browsers may call it, with spaces between them."""


@dataclass(frozen=True, slots=True)
class Region:
    """The zones of a part of the world."""

    name: str
    zones: Sequence[Zone]


def canonical(name: str) -> str:
    """The name under which the select has a zone: many have several."""
    found: str = get_global("zone_aliases").get(name, name)
    return found


@lru_cache(maxsize=8)
def regions(lang: str, day: date) -> Sequence[Region]:
    """All zones by region, each with its distance from UTC at noon of this day."""
    found: dict[str, list[Zone]] = {region: [] for region in REGIONS}
    for name in get_global("zone_territories"):
        region = name.partition("/")[0]
        if region in found and name not in get_global("zone_aliases"):
            label = label_of(name, lang, day)
            if label is not None:
                others = [one for one in _names(name) if one != name and "/" in one]
                found[region].append(Zone(name, label, " ".join(others)))
    return [
        Region(REGIONS[region], sorted(zones, key=lambda one: one.label))
        for region, zones in found.items()
    ]


def label_of(name: str, lang: str, day: date) -> str | None:
    """The city and the distance from UTC; None if this machine does not know the zone."""
    try:
        offset = datetime.combine(day, time(12), UTC).astimezone(ZoneInfo(name)).utcoffset()
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
    if offset is None:
        return None
    city = _city(name, lang) or name.rpartition("/")[2].replace("_", " ")
    minutes = round(offset.total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    distance = f"{'−' if minutes < 0 else '+'}{hours}{f':{rest:02}' if rest else ''}"
    return f"{city} (UTC{distance if minutes else ''})"


def _city(name: str, lang: str) -> str | None:
    """What the language calls the city. CLDR has some zones under an earlier name: Europe/Kiev."""
    known = Locale(lang).time_zones
    return next((known[one]["city"] for one in _names(name) if "city" in known.get(one, ())), None)


def _names(name: str) -> Iterator[str]:
    yield name
    yield from (other for other, same in get_global("zone_aliases").items() if same == name)
