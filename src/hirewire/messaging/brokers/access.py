"""A broker's users, and what each may do on RabbitMQ: publish and consume which events."""

import asyncio
import base64
import json
import re
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from hirewire.messaging.broker import DEAD, EXCHANGE, BrokerUnavailable, queue_of
from hirewire.messaging.control import BARRIER, WATERMARK

NOTHING = "^$"
GENERATION = "@[a-z0-9_]+-[0-9]+"
"""The part of a projection generation's name after the service's."""


@dataclass(frozen=True, slots=True)
class ServiceUser:
    """A broker user for one service."""

    name: str
    password: str
    publishes: tuple[str, ...]
    consumes: tuple[str, ...]
    plain: tuple[str, ...] = ()
    """Plain queues of external services from which it consumes."""
    has_queue: bool = True
    """Whether it consumes through a queue of its own, or broadcasts only."""


def permissions(user: ServiceUser) -> dict[str, str]:
    """Regular expressions of the resources it may configure, write to and read from.

    They cover its own queue, the shared exchanges, and the server-named queues of broadcasts.
    """
    own = [EXCHANGE, DEAD, *user.plain]
    names = "|".join(re.escape(name) for name in own)
    queues = rf"{re.escape(queue_of(user.name))}(\.p[0-9]+|{GENERATION})?"
    mine = rf"^({names}|{queues}|amq\.gen.*)$"
    return {"configure": mine, "write": mine, "read": mine}


def topic_permissions(user: ServiceUser) -> dict[str, str]:
    """The events it may publish, to all or to one service, and those it may bind to a queue."""
    published = [re.escape(name) for name in sorted(user.publishes)]
    control = [re.escape(name) for name in (BARRIER, WATERMARK)]
    own = rf"to\.{re.escape(user.name)}({GENERATION})?\.\#"
    consumed = [*(re.escape(name) for name in sorted(user.consumes)), own]
    parts = rf"part\.{re.escape(user.name)}\..*"
    directed = [rf"to\.[^.]+\.({'|'.join([*published, *control])})"] if published else []
    return {
        "exchange": EXCHANGE,
        "write": _any_of([*published, *directed, *([parts] if user.consumes else [])]),
        "read": _any_of([*consumed, parts] if user.consumes else []),
    }


async def grant(management_url: str, vhost: str, users: Sequence[ServiceUser]) -> None:
    """Create these users with exactly these permissions, through the management HTTP API.

    Raises `BrokerUnavailable` if the API cannot be reached or refuses.
    """
    await asyncio.to_thread(_grant, management_url, vhost, users)


def _grant(management_url: str, vhost: str, users: Sequence[ServiceUser]) -> None:
    place = quote(vhost, safe="")
    for user in users:
        name = quote(user.name, safe="")
        _put(management_url, f"users/{name}", {"password": user.password, "tags": ""})
        _put(management_url, f"permissions/{place}/{name}", permissions(user))
        _put(management_url, f"topic-permissions/{place}/{name}", topic_permissions(user))


def _put(management_url: str, path: str, body: Mapping[str, str]) -> None:
    parts = urlsplit(management_url)
    host = f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
    url = urlunsplit((parts.scheme, host, f"{parts.path.rstrip('/')}/api/{path}", "", ""))
    login = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    request = urllib.request.Request(  # noqa: S310  (http(s), checked by the settings)
        url,
        data=json.dumps(body).encode(),
        method="PUT",
        headers={
            "Content-Type": "application/json",
            "Authorization": f"Basic {base64.b64encode(login.encode()).decode()}",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=15):  # noqa: S310
            pass
    except urllib.error.HTTPError as error:
        raise BrokerUnavailable(f"management API: {error.code} for {path}") from None
    except OSError as error:
        raise BrokerUnavailable(f"management API: {error}") from None


def _any_of(patterns: Sequence[str]) -> str:
    return f"^({'|'.join(patterns)})$" if patterns else NOTHING
