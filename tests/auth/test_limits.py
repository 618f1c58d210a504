"""Pauses after failed logins."""

from datetime import UTC, datetime, timedelta

import pytest

from hirewire.auth.limits import FAILURES_WINDOW, Failures, pause, wait

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_below_the_limit_no_pause() -> None:
    assert pause(9, NOON, 10, NOON) == timedelta(0)
    assert pause(0, None, 10, NOON) == timedelta(0)


def test_at_the_limit_the_pause_lasts_until_the_oldest_failure_expires() -> None:
    assert pause(10, NOON, 10, NOON) == FAILURES_WINDOW
    assert pause(12, NOON, 10, NOON + timedelta(minutes=5)) == timedelta(minutes=10)
    assert pause(10, NOON, 10, NOON + timedelta(hours=1)) == timedelta(0)


@pytest.mark.parametrize(
    ("of_pair", "of_account", "of_network", "is_known", "waits"),
    [
        (9, 9, 9, False, False),
        (10, 10, 10, False, True),
        (10, 10, 10, True, True),
        (2, 2, 100, False, False),
        (3, 3, 99, False, False),
        (3, 3, 100, False, True),
        (3, 3, 100, True, False),
        (9, 9, 100_000, True, False),
        (0, 49, 0, False, False),
        (0, 50, 0, False, True),
        (0, 100_000, 0, True, False),
    ],
)
def test_which_failures_lead_to_a_pause(
    of_pair: int, of_account: int, of_network: int, is_known: bool, waits: bool
) -> None:
    failures = Failures(of_pair, NOON, of_account, NOON, of_network)
    assert bool(wait(failures, is_known, NOON)) is waits
