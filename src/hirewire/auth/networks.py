"""The network of a client address, by which limits are counted."""

from ipaddress import IPv6Address, ip_address, ip_network

from hirewire.kit.networks import network

__all__ = ["coarse", "is_this_machine", "network"]


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
