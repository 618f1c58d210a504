"""When mails are due, right through changes of clocks."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from hirewire.kit.mail.letters import LANGUAGES
from hirewire.notifications.kinds import DEFAULTS
from hirewire.notifications.mailing import rules
from hirewire.notifications.mailing.presenters import texts
from hirewire.notifications.mailing.rules import EVER, Reader
from hirewire.notifications.quiet import quiet_until

BERLIN, MOSCOW = ZoneInfo("Europe/Berlin"), ZoneInfo("Europe/Moscow")
KOLKATA, LORD_HOWE = ZoneInfo("Asia/Kolkata"), ZoneInfo("Australia/Lord_Howe")

FORMS = {"one", "few", "many", "other"}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("every", "zone", "moment", "last", "following"),
    [
        ("daily", MOSCOW, "2026-11-25 04:59:59", "2026-11-24 05:00", "2026-11-25 05:00"),
        ("daily", MOSCOW, "2026-11-25 05:00:00", "2026-11-25 05:00", "2026-11-26 05:00"),
        # Clocks go forward on 29 March 2026 at 1:00 UTC, and back on 25 October.
        ("daily", BERLIN, "2026-03-28 12:00", "2026-03-28 07:00", "2026-03-29 06:00"),
        ("daily", BERLIN, "2026-03-29 12:00", "2026-03-29 06:00", "2026-03-30 06:00"),
        ("daily", BERLIN, "2026-10-24 12:00", "2026-10-24 06:00", "2026-10-25 07:00"),
        ("weekly", BERLIN, "2026-10-25 12:00", "2026-10-19 06:00", "2026-10-26 07:00"),
        ("weekly", BERLIN, "2026-10-26 07:00", "2026-10-26 07:00", "2026-11-02 07:00"),
        ("weekly", MOSCOW, "2026-11-30 04:00", "2026-11-23 05:00", "2026-11-30 05:00"),
        ("hourly", KOLKATA, "2026-11-25 10:10", "2026-11-25 09:30", "2026-11-25 10:30"),
        ("hourly", BERLIN, "2026-10-25 00:30", "2026-10-25 00:00", "2026-10-25 01:00"),
        ("hourly", BERLIN, "2026-10-25 01:30", "2026-10-25 01:00", "2026-10-25 02:00"),
    ],
)
def test_regular_moments(
    every: str, zone: ZoneInfo, moment: str, last: str, following: str
) -> None:
    reader = Reader(zone)
    assert rules.due(reader, every, at(moment)) == at(last)
    assert rules.next_time(reader, every, at(moment)) == at(following)


def test_each_day_has_one_daily_mail_in_all_zones_and_years() -> None:
    """No day is left out, and none has two: from noon to noon over every change of clocks."""
    for zone in (BERLIN, LORD_HOWE, ZoneInfo("America/Havana"), ZoneInfo("Africa/Cairo")):
        reader, moment, found = Reader(zone), at("2025-12-31 00:00"), []
        while moment < at("2027-01-05 00:00"):
            moment = rules.next_time(reader, "daily", moment)
            found.append(moment.astimezone(zone))
        days = [one.date() for one in found]
        assert {after - before for before, after in pairwise(days)} == {timedelta(days=1)}
        assert {one.hour for one in found} == {8}


def test_hours_are_one_hour_apart_through_changes_of_clocks() -> None:
    for zone in (BERLIN, LORD_HOWE, KOLKATA):
        reader, moment = Reader(zone), at("2026-03-28 00:10")
        for _ in range(24 * 10):
            following = rules.next_time(reader, "hourly", moment)
            assert timedelta(0) < following - moment <= timedelta(hours=1)
            last = rules.due(reader, "hourly", following)
            assert last is not None
            assert following - last < timedelta(hours=1)
            moment = following


@pytest.mark.parametrize(
    ("zone", "quiet", "moment", "until"),
    [
        (MOSCOW, ("22:00", "08:00"), "2026-11-25 18:59", None),
        (MOSCOW, ("22:00", "08:00"), "2026-11-25 19:00", "2026-11-26 05:00"),
        (MOSCOW, ("22:00", "08:00"), "2026-11-26 04:59", "2026-11-26 05:00"),
        (MOSCOW, ("22:00", "08:00"), "2026-11-26 05:00", None),
        (MOSCOW, ("13:00", "14:30"), "2026-11-26 11:00", "2026-11-26 11:30"),
        (BERLIN, ("22:00", "08:00"), "2026-03-28 23:00", "2026-03-29 06:00"),
        (BERLIN, ("22:00", "08:00"), "2026-10-24 23:00", "2026-10-25 07:00"),
        # 2:30 does not exist on 29 March: the quiet hours end at 3:30.
        (BERLIN, ("22:00", "02:30"), "2026-03-29 00:30", "2026-03-29 01:30"),
        # 2:30 comes twice on 25 October.
        (BERLIN, ("22:00", "02:30"), "2026-10-25 00:10", "2026-10-25 00:30"),
        (BERLIN, ("22:00", "02:30"), "2026-10-25 01:10", "2026-10-25 01:30"),
    ],
)
def test_quiet_hours(
    zone: ZoneInfo, quiet: tuple[str, str], moment: str, until: str | None
) -> None:
    begins, ends = (int(one[:2]) * 60 + int(one[3:]) for one in quiet)
    reader = Reader(zone, (begins, ends))
    expected = at(until) if until else None
    assert quiet_until(at(moment), zone, begins, ends) == expected
    assert rules.due(reader, "at_once", at(moment)) == (None if expected else EVER)
    assert rules.next_time(reader, "at_once", at(moment)) == (expected or at(moment))


def test_a_burst_is_gathered() -> None:
    moment = at("2026-11-25 12:00")
    reader = Reader(MOSCOW, mailed_at=moment - timedelta(seconds=10))
    assert rules.due(reader, "at_once", moment) is None
    assert rules.next_time(reader, "at_once", moment) == moment + timedelta(seconds=50)
    assert rules.due(reader, "at_once", moment + timedelta(seconds=50)) == EVER
    later = Reader(MOSCOW, mailed_at=moment + timedelta(days=1))
    assert rules.due(later, "at_once", moment) == EVER, "a clock that was put back stops no mail"


def test_every_kind_has_its_texts_and_a_code_of_its_own() -> None:
    codes = [one.code for one in DEFAULTS.values()]
    assert len(set(codes)) == len(codes)
    for kind in DEFAULTS:
        for language in LANGUAGES:
            words, forms = texts()[kind][language], {"en": {"one", "other"}}.get(language, FORMS)
            assert {"title", "several"} <= set(words), (kind, language)
            for text in words.values():
                assert isinstance(text, str) or {*text} - {"=1"} == forms, (kind, language)
