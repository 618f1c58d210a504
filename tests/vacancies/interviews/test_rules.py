"""The state machine of interviews for any order of acts, and local times through clock changes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hirewire.kit.errors import Invalid
from hirewire.kit.time_zones import names
from hirewire.vacancies.interviews import rules, times
from hirewire.vacancies.interviews.rules import Act, Span, Standing, State
from hirewire.vacancies.interviews.times import Slot
from hirewire.vacancies.parties import Party

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
STATES: tuple[State, ...] = get_args(State)
ACTS: tuple[Act, ...] = get_args(Act)
PARTIES: tuple[Party, ...] = get_args(Party)
BERLIN = ZoneInfo("Europe/Berlin")


def stepped(at: Standing, party: Party, act: Act, now: datetime) -> Standing:
    """How it stands afterwards; as before if the act is not allowed."""
    to = rules.moves(at, party, now).get(act)
    if to is None:
        return at
    starts_at = at.last_at if to == "chosen" else at.starts_at if to == "cancelled" else None
    last_at = now + HOUR if act == "propose" else at.last_at
    return replace(at, state=to, starts_at=starts_at, last_at=last_at)


@given(
    st.lists(
        st.tuples(st.sampled_from(PARTIES), st.sampled_from(ACTS), st.integers(0, 90)), max_size=40
    )
)
def test_in_any_order_of_acts_only_the_candidate_agrees_and_nothing_changes_what_has_begun(
    steps: list[tuple[Party, Act, int]],
) -> None:
    at, now = Standing("proposed", NOW + HOUR), NOW
    for party, act, minutes in steps:
        now += timedelta(minutes=minutes)
        after = stepped(at, party, act, now)
        if after != at:
            assert not rules.is_over(at, now)
            assert at.state not in ("declined", "cancelled"), "a final state"
            if after.state == "chosen":
                assert (party, act) == ("applicant", "choose")
                assert at.state == "proposed"
                assert at.last_at > now
            if after.state in ("declined", "asked"):
                assert party == "applicant"
            if after.state == "proposed":
                assert party == "employer"
        at = after


def test_each_state_and_act_is_in_the_table_and_expired_slots_can_only_be_replaced() -> None:
    assert rules.AFTER.keys() == set(STATES)
    assert {act for acts in rules.AFTER.values() for _, act in acts} == set(ACTS)
    late = Standing("proposed", NOW)
    assert rules.state_now(late, NOW) == "expired"
    assert dict(rules.moves(late, "applicant", NOW)) == {}
    assert dict(rules.moves(late, "employer", NOW)) == {"propose": "proposed"}


def read(local: str, zone: str = "Europe/Berlin", fold: int | None = None) -> datetime | str:
    """The moment of one time, or the code of why it is none."""
    try:
        [found] = times.moments_of([Slot(local, fold)], zone, NOW)
    except Invalid as error:
        [why] = error.errors
        return why.code
    return found


@pytest.mark.parametrize(
    ("local", "zone", "fold", "expected"),
    [
        ("2026-03-28T10:00", "Europe/Berlin", None, datetime(2026, 3, 28, 9, tzinfo=UTC)),
        ("2026-03-30T10:00", "Europe/Berlin", None, datetime(2026, 3, 30, 8, tzinfo=UTC)),
        ("2026-03-29T02:30", "Europe/Berlin", None, "time_skipped"),
        ("2026-03-29T02:30", "Europe/Berlin", 1, "time_skipped"),
        ("2026-10-25T02:30", "Europe/Berlin", None, "time_twice"),
        ("2026-10-25T02:30", "Europe/Berlin", 0, datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2026-10-25T02:30", "Europe/Berlin", 1, datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
        ("2026-10-25T04:00", "Europe/Berlin", 1, datetime(2026, 10, 25, 3, tzinfo=UTC)),
        ("2026-10-04T02:15", "Australia/Lord_Howe", None, "time_skipped"),
        ("2026-02-30T10:00", "UTC", None, "no_such_time"),
        ("2026-13-01T99:00", "UTC", None, "no_such_time"),
        ("2026-03-01T12:00", "UTC", None, "in_the_past"),
        ("2026-03-01T12:30", "Europe/Berlin", None, "in_the_past"),
        ("0001-01-01T00:00", "Pacific/Kiritimati", None, "in_the_past"),
        ("9999-12-31T23:59", "Pacific/Niue", None, "too_far_ahead"),
        ("2027-03-01T12:01", "UTC", None, "too_far_ahead"),
    ],
)
def test_a_local_time_is_one_moment_or_says_why_it_is_none(
    local: str, zone: str, fold: int | None, expected: datetime | str
) -> None:
    assert read(local, zone, fold) == expected


@given(
    st.datetimes(datetime(2026, 3, 3), datetime(2027, 2, 27)),
    st.sampled_from(sorted(names())),
)
def test_a_moment_shows_the_time_it_was_read_from_in_every_zone(local: datetime, zone: str) -> None:
    local = local.replace(second=0, microsecond=0)
    found = rules.moments(local, ZoneInfo(zone))
    assert found == sorted(found)
    assert len(found) <= 2
    for moment in found:
        assert moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0) == local


def test_the_same_time_twice_is_one_too_many_and_slots_come_in_order() -> None:
    slots = [Slot("2026-03-05T10:00", None), Slot("2026-03-04T10:00", None)]
    assert times.moments_of(slots, "UTC", NOW) == [
        datetime(2026, 3, 4, 10, tzinfo=UTC),
        datetime(2026, 3, 5, 10, tzinfo=UTC),
    ]
    with pytest.raises(Invalid) as caught:
        times.moments_of([slots[0], slots[0]], "UTC", NOW)
    assert [one.code for one in caught.value.errors] == ["listed_twice"]


def test_spans_clash_only_if_they_overlap() -> None:
    one = Span(NOW, 60)
    assert rules.clash([one], [Span(NOW + timedelta(minutes=59), 5)])
    assert not rules.clash([one], [Span(NOW + HOUR, 30), Span(NOW - HOUR, 60)])
