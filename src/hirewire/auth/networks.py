"""The network of a client address, by which limits are counted."""

from ipaddress import IPv6Address, ip_address, ip_network


def network(address: str) -> str:
    """The network that limits count by: an IPv4 address, or the /64 of an IPv6 address.

    Providers assign a /64 to a single subscriber line.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network((int(parsed), 64), strict=False))


def coarse(address: str) -> str | None:
    """The neighbourhood of an address, to recognise it by: an IPv4 /24 or an IPv6 /48."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address):
        parsed = parsed.ipv4_mapped or parsed
    return str(ip_network((str(parsed), 24 if parsed.version == 4 else 48), strict=False))


def is_this_machine(address: str) -> bool:
    """Whether the address is a loopback address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return (mapped or parsed).is_loopback
