"""Search clusters: their addresses, and clients of them."""

import logging
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from hirewire.messaging.brokers.addresses import host_and_port

if TYPE_CHECKING:
    from opensearchpy import AsyncOpenSearch

_FORM = "https://user:password@host:9200[,host:9200]/prefix"
_OPTIONS = ("ca", "replicas", "shards")
ANSWER_SECONDS = 5.0
"""How long a cluster may take to answer a search."""
CONNECTIONS = 50
"""Requests at once, of one process."""
MOST_SHARDS, MOST_REPLICAS = 256, 9


@dataclass(frozen=True, slots=True)
class SearchCluster:
    """Where a cluster is, who signs in, and how indexes are made."""

    hosts: tuple[tuple[str, int], ...]
    is_encrypted: bool
    login: tuple[str, str] | None = field(repr=False)
    """User and password."""
    ca: str | None
    """File with the certificates of the authority; None for those that the machine trusts."""
    prefix: str
    """The beginning of the names of indexes."""
    shards: int
    """Of each index. With another number, an index is built again."""
    replicas: int | None
    """Copies of each shard; None: one if there are several nodes."""


def parse_cluster(url: str) -> SearchCluster:
    """The cluster at ``http[s]://[user:password@]host[:port][,…][/prefix][?option=…]``.

    Options: `ca`, `shards`, `replicas`. Raises `ValueError`, which quotes nothing: it may be
    secret.
    """
    parts = urlsplit(url)
    login, _, places = parts.netloc.rpartition("@")
    if parts.scheme not in ("http", "https") or not places:
        raise ValueError(f"not an address ({_FORM})")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := sorted(options.keys() - set(_OPTIONS)):
        raise ValueError(f"unknown option {unknown[0]!r}: there are {', '.join(_OPTIONS)}")
    if parts.scheme == "http" and "ca" in options:
        raise ValueError("ca: only https:// has certificates")
    prefix = unquote(parts.path.strip("/")) or "hirewire"
    if not prefix.replace("-", "").replace("_", "").isalnum() or not _is_name(prefix):
        raise ValueError("the prefix has small letters, digits, _ and - only, a letter first")
    user, _, password = login.partition(":")
    return SearchCluster(
        hosts=tuple(_host_and_port(place) for place in places.split(",")),
        is_encrypted=parts.scheme == "https",
        login=(unquote(user), unquote(password)) if login else None,
        ca=options.get("ca"),
        prefix=prefix,
        shards=_whole(options, "shards", 1, MOST_SHARDS) or 1,
        replicas=_whole(options, "replicas", 0, MOST_REPLICAS),
    )


@asynccontextmanager
async def connected(cluster: SearchCluster) -> AsyncIterator["AsyncOpenSearch"]:
    """A client of the cluster. It connects with the first request."""
    # Loaded only by who has a cluster: it takes 16 MiB.
    from opensearchpy import AsyncOpenSearch

    # It logs each failure too, with the text of the request.
    logging.getLogger("opensearch").setLevel(logging.CRITICAL)
    secured = ssl.create_default_context(cafile=cluster.ca) if cluster.is_encrypted else None
    client = AsyncOpenSearch(
        hosts=[{"host": host, "port": port} for host, port in cluster.hosts],
        use_ssl=cluster.is_encrypted,
        ssl_context=secured,
        http_auth=cluster.login,
        timeout=ANSWER_SECONDS,
        pool_maxsize=CONNECTIONS,
        max_retries=len(cluster.hosts) - 1,  # a host that does not answer, at another one
    )
    try:
        yield client
    finally:
        await client.close()


def _is_name(prefix: str) -> bool:
    return prefix.isascii() and prefix == prefix.lower() and prefix[0].isalpha()


def _host_and_port(place: str) -> tuple[str, int]:
    try:
        return host_and_port(place, 9200)
    except ValueError:
        raise ValueError(f"not an address ({_FORM})") from None


def _whole(options: Mapping[str, str], name: str, least: int, most: int) -> int | None:
    text = options.get(name)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise ValueError(f"{name}: a whole number from {least} to {most}")
    return int(text)
