"""What addresses of brokers have in common."""

from urllib.parse import urlsplit


def host_and_port(place: str, default: int) -> tuple[str, int]:
    """The two parts of ``host[:port]``. Raises `ValueError`, without the text: it may be secret."""
    try:
        parts = urlsplit(f"//{place}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host:
        raise ValueError("broker address: not host[:port] between @ and /")
    return host, port or default
