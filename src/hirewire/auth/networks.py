"""Where a request comes from, as far as limits are counted by it."""

from ipaddress import IPv6Address, ip_address, ip_network


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


def is_this_machine(address: str) -> bool:
    """Whether it is a loopback address."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return (mapped or found).is_loopback
