"""How long sessions live, and how often a login may fail."""

from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

REFRESH_LIFE = timedelta(days=30)
SESSION_LIFE = timedelta(days=90)
DOUBLE_SUBMIT = timedelta(seconds=10)
FAILURES_WINDOW = timedelta(minutes=15)
FAILURES_OF_PAIR = 10
"""Failed logins of one account from one network. Counted by the pair, so that nobody can lock
somebody else out from where they live."""
FAILURES_OF_NETWORK = 100


def network(address: str) -> str:
    """What counts as one place: an IPv4 address; of IPv6 the /64 that a single line is given."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ip_network((int(found), 64), strict=False))


def pause(failures: int, oldest: datetime | None, most: int, moment: datetime) -> timedelta:
    """How long no login may be tried after so many failures in the window; zero: it may.

    `oldest` is when the first of them was; when it leaves the window, there is room for one.
    """
    if failures < most or oldest is None:
        return timedelta(0)
    return max(oldest + FAILURES_WINDOW - moment, timedelta(0))
