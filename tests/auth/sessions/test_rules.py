"""Networks and pauses."""

from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Address, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hirewire.auth.sessions.rules import FAILURES_WINDOW, network, pause

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::ffff", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_networks(address: str, expected: str) -> None:
    assert network(address) == expected


@given(st.integers(1, 2**64 - 1), st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_one_line_of_ipv6_is_one_network(line: int, one: int, other: int) -> None:
    """`line` is never 0: there the mapped IPv4 addresses are."""
    addresses = [IPv6Address(line << 64 | host) for host in (one, other)]
    assert network(str(addresses[0])) == network(str(addresses[1]))
    assert addresses[0] in IPv6Network(network(str(addresses[0])))
    assert network(str(IPv6Address((line ^ 1) << 64 | 1 << 63))) != network(str(addresses[0]))


def test_below_the_limit_no_pause() -> None:
    assert pause(9, NOON, 10, NOON) == timedelta(0)
    assert pause(0, None, 10, NOON) == timedelta(0)


def test_at_the_limit_until_the_oldest_leaves_the_window() -> None:
    assert pause(10, NOON, 10, NOON) == FAILURES_WINDOW
    assert pause(12, NOON, 10, NOON + timedelta(minutes=5)) == timedelta(minutes=10)
    assert pause(10, NOON, 10, NOON + timedelta(hours=1)) == timedelta(0)
