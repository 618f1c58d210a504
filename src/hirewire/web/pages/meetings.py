"""Interviews as pages show them: times by two clocks, and the form that proposes times."""

from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from pydantic import JsonValue

from hirewire.kit.time_zones import names
from hirewire.web.api.models.interviews import Interview
from hirewire.web.i18n.words import Words
from hirewire.web.pages.rendering import Form, is_good, or_none
from hirewire.web.sessions import Visitor

MOST_SLOTS = 5
DURATIONS = (15, 30, 45, 60, 90, 120, 180, 240)
"""Minutes to choose from."""
USUAL = 45


@dataclass(frozen=True, slots=True)
class When:
    """A time as the interview's clocks show it, and as the reader's do."""

    value: str
    """ISO 8601, UTC."""
    there: str
    here: str | None
    """None if both clocks show the same."""


@dataclass(frozen=True, slots=True)
class Shown:
    """An interview with its times in words."""

    one: Interview
    slots: list[When]
    start: When | None

    @property
    def is_over(self) -> bool:
        """Whether an agreed interview has begun."""
        return self.one.state == "chosen" and not self.one.allowedActions

    @property
    def is_ahead(self) -> bool:
        """Whether it waits for somebody, or will take place."""
        return self.one.state in ("proposed", "asked", "chosen") and not self.is_over


@dataclass(frozen=True, slots=True)
class Meetings:
    """The interviews of an application."""

    items: list[Shown]
    can_propose: bool
    """Whether the reader can propose one now."""
    zone: str
    """The reader's time zone."""
    form: Form = field(default_factory=Form)
    is_known: bool = True
    """Whether the service has answered."""


async def zone_of(who: Visitor) -> str:
    """The visitor's time zone; the board's if they have not chosen one."""
    account = await or_none(who.auth.me())
    chosen = account.data.timeZone if is_good(account) else None
    return chosen if chosen in names() else who.request.app.state.time_zone


def shown(words: Words, one: Interview, here: str) -> Shown:
    """The interview for a reader in the time zone `here`."""
    zone = one.timeZone if one.timeZone in names() else "UTC"
    start = _when(words, one.startsAt, one.minutes, zone, here) if one.startsAt else None
    return Shown(one, [_when(words, at, one.minutes, zone, here) for at in one.slots], start)


def _when(words: Words, at: str, minutes: int, there: str, here: str) -> When:
    moment = datetime.fromisoformat(at)
    offsets = [moment.astimezone(ZoneInfo(zone)).utcoffset() for zone in (there, here)]
    own = words.span(at, minutes, here) if offsets[0] != offsets[1] else None
    return When(at, f"{words.span(at, minutes, there)}", own)


def proposal_in(rows: list[dict[str, str]], given: dict[str, str]) -> dict[str, JsonValue]:
    """The request body of a proposal, from its form."""
    slots: list[JsonValue] = []
    for row in rows:
        slot: dict[str, JsonValue] = {"local": f"{row['day']}T{row['time'][:5]}"}
        if row["fold"] in ("0", "1"):
            slot["fold"] = int(row["fold"])
        slots.append(slot)
    minutes = given.get("minutes", "")
    return {
        "slots": slots,
        "timeZone": given.get("timeZone", ""),
        "minutes": int(minutes) if minutes.isascii() and minutes.isdigit() else minutes,
        "place": given.get("place") or None,
        "note": given.get("note") or None,
    }


def version_in(given: dict[str, str]) -> JsonValue:
    """The version that the visitor has seen."""
    text = given.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text


async def ahead_of(who: Visitor, role: str, limit: int) -> list[Shown]:
    """What is ahead of the visitor; nothing while the service is unavailable."""
    answer = await or_none(who.interviews.ahead(role, limit))
    if not is_good(answer) or not answer.data.items:
        return []
    here = await zone_of(who)
    return [shown(who.words, one, here) for one in answer.data.items]
