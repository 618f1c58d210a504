"""A client of the public API that signs in and retries; its requests are safe to repeat."""

import asyncio
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx
from pydantic import JsonValue

TRIES = 8
LONGEST_WAIT = 20.0
START_SECONDS = 10.0
"""Seconds to wait for services that are still starting."""
EARLY_SECONDS = 60.0
"""How many seconds before its expiry an access token is replaced."""
PATIENCE = frozenset({429, 502, 503, 504})
OWN = {"auth": "/me", "profiles": "/me", "vacancies": "/employer-profile"}
"""For each service, a path that needs a signed-in caller."""


Item = Mapping[str, Any]
"""The JSON of a response; the API documentation lists its members."""


class Refused(Exception):
    """The platform has refused a request."""

    def __init__(self, method: str, path: str, response: httpx.Response) -> None:
        self.status = response.status_code
        self.slug = _slug(response)
        self.problem = _problem(response)
        super().__init__(f"{method} {path}: {self.status} {self.slug}".strip())


class Unreachable(Exception):
    """The platform does not respond."""


@dataclass
class Account:
    """A signed-in account. Only one task may use it at a time."""

    client: httpx.AsyncClient
    email: str
    password: str
    _tokens: dict[str, str] = field(default_factory=dict, repr=False)
    _until: float = 0.0

    async def enter(self) -> bool:
        """Register and sign in; returns whether the account is new.

        Raises `Refused`, `Unreachable`. The registration has no idempotency key: a repeated
        response would hide that the account existed before.
        """
        new = {"email": self.email, "password": self.password, "signIn": True}
        response = await send(self.client, "POST", "/api/auth/register", new)
        if response.status_code == 201:
            self._keep(response.json()["session"])
            return True
        if response.status_code != 409 or _slug(response) != "email-taken":
            raise Refused("POST", "/api/auth/register", response)
        await self.log_in()
        return False

    async def call(
        self, method: str, path: str, body: Any = None, *, key: str | None = None
    ) -> Any:
        """Send a request and return the JSON of the response. Raises `Refused`, `Unreachable`.

        A service that has just started may not know the signing key yet: 401 is retried.
        """
        for attempt in range(TRIES):
            if time.monotonic() > self._until:
                await self._renew()
            headers = {"Authorization": f"Bearer {self._tokens['accessToken']}"}
            if key is not None:
                headers["Idempotency-Key"] = key
            response = await send(self.client, method, path, body, headers)
            if response.status_code != 401:
                break
            await asyncio.sleep(0.1 * 2**attempt)
            self._until = 0.0
        if not response.is_success:
            raise Refused(method, path, response)
        return response.json() if response.content else None

    async def pages(self, path: str) -> list[Item]:
        """All items of a paginated list. Raises as `call`."""
        items: list[Item] = []
        cursor: str | None = ""
        while cursor is not None:
            separator = "&" if "?" in path else "?"
            query = f"limit=100&after={cursor}" if cursor else "limit=100"
            page = await self.call("GET", f"{path}{separator}{query}")
            items += page["items"]
            cursor = page.get("next")
        return items

    async def _renew(self) -> None:
        token = {"refreshToken": self._tokens["refreshToken"]}
        response = await send(self.client, "POST", "/api/auth/refresh", token)
        if response.is_success:
            self._keep(response.json())
        else:
            await self.log_in()

    async def log_in(self) -> None:
        """Sign in to an existing account. Raises `Refused`, `Unreachable`."""
        credentials = {"email": self.email, "password": self.password}
        response = await send(self.client, "POST", "/api/auth/login", credentials)
        if not response.is_success:
            raise Refused("POST", "/api/auth/login", response)
        self._keep(response.json())

    def _keep(self, given: Item) -> None:
        self._tokens = {name: given[name] for name in ("accessToken", "refreshToken")}
        self._until = time.monotonic() + given["expiresIn"] - EARLY_SECONDS


def connecting(url: str) -> Callable[[], httpx.AsyncClient]:
    """A factory of clients for the platform at `url`, each with one connection.

    Choosing a connection from a pool gets slower with their number.
    """
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
    trusted = httpx.create_ssl_context()  # built once: it takes longer than many requests
    return partial(httpx.AsyncClient, base_url=url, timeout=60, limits=limits, verify=trusted)


async def reach(url: str) -> Callable[[], httpx.AsyncClient]:
    """A factory of clients for the platform at `url`, once all services accept access tokens.

    Raises `Unreachable` if a service does not within `START_SECONDS`.
    """
    ends = time.monotonic() + START_SECONDS
    try:
        connect = connecting(url)
        async with connect() as client:
            while (missing := await _missing(client)) is not None:
                if time.monotonic() > ends:
                    raise Unreachable(
                        f"the platform at {url} runs without {missing}, or is still starting"
                    )
                await asyncio.sleep(0.2)
    except httpx.InvalidURL as error:
        raise Unreachable(f"{url}: {error}") from None
    return connect


def _unknown_token() -> str:
    """A token with an unknown key (RFC 7515): a service that has keys returns 401, else 503."""
    header = {"alg": "EdDSA", "typ": "at+jwt", "kid": "nobody"}
    parts = (json.dumps(header).encode(), b"{}", bytes(64))
    return ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


async def _missing(client: httpx.AsyncClient) -> str | None:
    """A service that does not respond or has no signing key yet; None if all are ready.

    Raises `Unreachable` without a platform.
    """
    headers = {"Authorization": f"Bearer {_unknown_token()}"}
    for service, what in OWN.items():
        try:
            response = await client.get(f"/api/{service}{what}", headers=headers)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            said = f"nothing answers at {client.base_url} ({type(error).__name__})"
            raise Unreachable(said) from None
        if response.status_code == 503:
            return service
        if response.status_code != 401:
            raise Unreachable(f"the server at {client.base_url} is not Hirewire")
    return None


async def send(
    client: httpx.AsyncClient,
    method: str,
    path: str,
    body: Any = None,
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    """Send a request, and retry while the platform is busy or restarting. Raises `Unreachable`.

    It may be sent twice: it has an idempotency key, or repeating it changes nothing.
    """
    said = ""
    for attempt in range(TRIES):
        pause = min(0.1 * 2**attempt, LONGEST_WAIT)
        try:
            response = await client.request(method, path, json=body, headers=headers)
        except httpx.TransportError as error:
            said = f"{type(error).__name__}: {error}".rstrip(": ")
        else:
            if response.status_code not in PATIENCE:
                return response
            said = f"{response.status_code} {_slug(response)}"
            seconds = response.headers.get("Retry-After", "")
            if seconds.isdecimal():
                if int(seconds) > LONGEST_WAIT:
                    return response
                pause = max(pause, float(seconds))
        if attempt < TRIES - 1:
            await asyncio.sleep(pause)
    raise Unreachable(f"{method} {path}: {said}")


def _problem(response: httpx.Response) -> dict[str, JsonValue]:
    """The problem details (RFC 9457) of the response; empty without any."""
    try:
        found = response.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _slug(response: httpx.Response) -> str:
    """The last segment of a problem's type."""
    type_ = str(_problem(response).get("type", ""))
    return type_.rstrip("/").rsplit("/", 1)[-1].rsplit(":", 1)[-1]
