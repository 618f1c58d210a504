"""Where requests to addresses that users name may go: public servers, and networks of our own."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from yarl import URL

from hirewire.kit.addresses import trust

LONGEST_URL = 2000
FIRST_FREE_PORT = 1024
LOOPBACK = IPv4Address("127.0.0.1")
CLOSED_PORTS = frozenset(
    {1719, 1720, 1723, 2049, 2375, 2376, 2379, 3306, 3389, 3659, 4045, 4190, 5060, 5061, 5432, 5672}
    | {5984, 6000, 6379, *range(6665, 6670), 6679, 6697, 9042, 9092, 9200, 10080, 11211, 15672}
    | {27017}
)
"""Ports above 1023 of what is no web server: those that browsers refuse, databases and brokers."""

_NOT_PUBLIC_4 = [
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local: metadata of clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",  # multicast, reserved, broadcast
    )
]
_PUBLIC_6 = ip_network("2000::/3")
"""All of IPv6 that is assigned: mapped addresses, NAT64, local and multicast are outside of it."""
_NOT_PUBLIC_6 = [
    ip_network(text)
    for text in (
        "2001::/23",  # Teredo, benchmarking, ORCHID
        "2001:db8::/32",
        "2002::/16",  # 6to4: an IPv4 address is inside
        "2620:4f:8000::/48",
        "3fff::/20",
    )
]
_URL_CHARACTERS = re.compile(r"[^\x00-\x20\x7f-\xa0\\]+")
_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?\.?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""A last label by which a host is an IPv4 address to some parsers (WHATWG URL)."""


class Failed(Exception):
    """No answer. `code` is stable; the message is for people and quotes nothing secret."""

    code = "failed"


class Refused(Failed):
    """The request was not sent, because of its URL or of where its host is."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Reach:
    """What may be reached: public addresses by https, and networks of our own, also by http."""

    def __init__(self, networks: str | None = None) -> None:
        """`networks` are those of `HIREWIRE_OUTGOING_NETWORKS`."""
        self._is_ours = trust(networks or "")
        self._has_ours = bool(networks)

    def parsed(self, text: str) -> URL:
        """The URL. Raises `Refused` if nothing may be sent there, whatever its host resolves to.

        A host's addresses are to be checked by `check` when they are known.
        """
        if len(text) > LONGEST_URL or not _URL_CHARACTERS.fullmatch(text):
            raise _invalid()
        try:
            url = URL(text)
            host, port = url.raw_host or "", url.port
        except (ValueError, UnicodeError):
            raise _invalid() from None
        if url.scheme != "https" and not (url.scheme == "http" and self._has_ours):
            raise _not_https()
        if "@" in _authority(text):
            raise Refused("url_with_password", "no user name or password can be in the URL")
        literal = parsed_address(host)
        if literal is None and not _is_name(host):
            raise _invalid()
        if port is None or not _is_open(port, url.scheme):
            raise Refused("port_refused", f"port {port} cannot be used")
        if literal is not None:
            self.check(literal, url.scheme)
        elif host.rstrip(".").rpartition(".")[2] == "localhost":
            self.check(LOOPBACK, url.scheme)
        return url.with_fragment(None)

    def check(self, address: IPv4Address | IPv6Address, scheme: str) -> None:
        """Raise `Refused` for an address that is neither public nor ours, or public and by http.

        The message does not say what a name resolves to inside our network.
        """
        if self._is_ours(str(address)):
            return
        if not is_public(address):
            raise Refused("address_refused", "the host is not on the internet")
        if scheme != "https":
            raise _not_https()


def parsed_address(text: str) -> IPv4Address | IPv6Address | None:
    """The address that a text is; None for a name, and for an address with a zone."""
    if "%" in text:
        return None
    try:
        return ip_address(text)
    except ValueError:
        return None


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is one of the internet's, by the registries of IANA."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    return address in _PUBLIC_6 and not any(address in network for network in _NOT_PUBLIC_6)


def _authority(text: str) -> str:
    """Of the text itself: a parsed URL has no trace of an empty user name."""
    return re.split("[/?#]", text.partition("://")[2], maxsplit=1)[0]


def _is_open(port: int, scheme: str) -> bool:
    if port < FIRST_FREE_PORT:
        return port == {"https": 443, "http": 80}[scheme]
    return port not in CLOSED_PORTS


def _is_name(host: str) -> bool:
    last = host.rstrip(".").rpartition(".")[2]
    return len(host) <= 253 and bool(_NAME.fullmatch(host)) and not _NUMBER.fullmatch(last)


def _invalid() -> Refused:
    return Refused("url_invalid", f"not a URL, or one of more than {LONGEST_URL} characters")


def _not_https() -> Refused:
    return Refused("url_not_https", "only https:// can be used")
