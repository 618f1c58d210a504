"""Which addresses count as one network."""

from ipaddress import IPv6Address, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hirewire.auth.networks import is_this_machine, network


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
    """`line` is never 0, which has the mapped IPv4 addresses."""
    addresses = [IPv6Address(line << 64 | host) for host in (one, other)]
    assert network(str(addresses[0])) == network(str(addresses[1]))
    assert addresses[0] in IPv6Network(network(str(addresses[0])))
    assert network(str(IPv6Address((line ^ 1) << 64 | 1 << 63))) != network(str(addresses[0]))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("::ffff:192.0.2.7", False),
        ("192.0.2.7", False),
        ("", False),
        ("testclient", False),
    ],
)
def test_this_machine(address: str, expected: bool) -> None:
    assert is_this_machine(address) is expected
