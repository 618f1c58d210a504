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
