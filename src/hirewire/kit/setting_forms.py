"""The forms of settings that are more than a text or a number. What is malformed is a `ValueError`.

No message quotes the value: it may be secret.
"""

from collections.abc import Callable, Collection
from typing import Annotated
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator

from hirewire.kit.addresses import trust
from hirewire.kit.search_clusters import parse_cluster
from hirewire.messaging.addresses import servers_of, split_hosts

LEAST_KEY = 32


def _http_address(value: str) -> str:
    if urlsplit(value).scheme not in ("http", "https"):
        raise ValueError("not an http(s):// address")
    return value.rstrip("/")


def _address(value: str) -> str:
    if "://" not in value:
        raise ValueError("not an address (scheme://…)")
    return value


def _broker(value: str) -> str:
    return split_hosts(value) if urlsplit(value).scheme == "postgresql" else value


def _postgresql(value: str) -> str:
    # See `messaging.addresses`.
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(split_hosts(value))
        servers_of(url.render_as_string(hide_password=False))
    except (ArgumentError, ValueError, KeyError):
        raise ValueError("not an address (postgresql://user:password@host:port)") from None
    if url.drivername not in ("postgresql", "postgres"):
        raise ValueError("only postgresql:// is supported")
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def _with_scheme(
    schemes: Collection[str], is_whole: Callable[[SplitResult], object], form: str
) -> AfterValidator:
    def check(value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in schemes or not is_whole(parts):
            raise ValueError(f"not an address ({form})")
        _ = parts.port  # raises ValueError
        return value

    return AfterValidator(check)


def _keys(value: str) -> str:
    if any(len(one) < LEAST_KEY for one in value.split(",")):
        raise ValueError(f"each key must have {LEAST_KEY} characters or more")
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("not a time zone of the IANA database (Europe/Moscow)") from None
    return value


def _search(value: str) -> str:
    parse_cluster(value)
    return value


def _networks(value: str) -> str:
    trust(value)
    return value


HttpAddress = Annotated[str, AfterValidator(_http_address)]
"""Without a slash at its end."""
Address = Annotated[str, AfterValidator(_address)]
DatabaseAddress = Annotated[Address, AfterValidator(_postgresql)]
"""postgresql://, of one server or several, as `split_hosts` writes them."""
BrokerAddress = Annotated[Address, AfterValidator(_broker)]
MailServer = Annotated[
    str,
    _with_scheme(
        ("smtp", "smtp+starttls", "smtps", "file"),
        lambda parts: parts.hostname or parts.path.strip("/"),
        "smtp://host:port, smtps://… or file:///folder",
    ),
]
Mailbox = Annotated[
    str,
    _with_scheme(
        ("imaps", "imap+starttls", "imap"),
        lambda parts: parts.hostname and parts.username,
        "imaps://user:password@host/INBOX",
    ),
]
SearchAddress = Annotated[str, AfterValidator(_search)]
SecretKeys = Annotated[str, AfterValidator(_keys)]
"""One or several, comma-separated."""
TimeZone = Annotated[str, AfterValidator(_zone)]
Networks = Annotated[str, AfterValidator(_networks)]
"""Addresses and networks, comma-separated."""
