"""Addresses of databases that name several servers, as libpq's may."""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from sqlalchemy.engine.url import URL


def split_hosts(url: str) -> str:
    """The address in the form that SQLAlchemy and asyncpg both read.

    ``user:password@a:5432,b:5433/name`` becomes ``user:password@/name?host=a,b&port=5432,5433``.
    Other addresses stay as they are. Raises `ValueError` for a malformed port.
    """
    parts = urlsplit(url)
    login, at, places = parts.netloc.rpartition("@")
    if "," not in places:
        return url
    hosts, ports = [], []
    for place in places.split(","):
        host, colon, port = place.rpartition(":")
        if not colon or place.endswith("]"):
            host, port = place, "5432"
        if not host:
            raise ValueError("a host is missing")
        hosts.append(host)
        ports.append(str(int(port)))
    query = "&".join(
        filter(None, (parts.query, f"host={','.join(hosts)}", f"port={','.join(ports)}"))
    )
    return parts._replace(netloc=login + at, query=query).geturl()


def servers_of(url: str) -> "list[URL]":
    """The address of each server that `url` names."""
    # Loaded at the first address: `hirewire run` has none of its own, and it takes 11 MiB.
    from sqlalchemy.engine import make_url

    whole = make_url(url).set(drivername="postgresql")
    hosts = str(whole.query.get("host", ""))
    if "," not in hosts:
        return [whole]
    ports = str(whole.query["port"]).split(",")
    one = whole.difference_update_query(("host", "port"))
    return [
        one.set(host=host.strip("[]"), port=int(port))
        for host, port in zip(hosts.split(","), ports, strict=True)
    ]
