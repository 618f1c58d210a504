"""Exchanges personal access tokens for access tokens, which alone the services know."""

import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any

from hirewire.kit import personal_tokens
from hirewire.web.proxy.guesses import Guesses
from hirewire.web.proxy.headers import Headers

KEPT_SECONDS = 30.0
"""How long an exchanged token is used: less than it lives."""
REFUSED_SECONDS = 5.0
"""How long a refusal is remembered."""
MOST_KEPT = 10_000


class Refused(Exception):
    """The personal access token is unknown, expired or revoked."""


@dataclass(frozen=True, slots=True)
class _Known:
    access: str | None
    """None if it was refused."""
    until: float


class PersonalTokens:
    """The exchange, with the latest results in memory by the digest of the token."""

    def __init__(self, exchange: Callable[[str], Awaitable[str | None]], guesses: Guesses) -> None:
        """`exchange` asks `auth`: it returns an access token, or None for a refusal."""
        self._exchange = exchange
        self._guesses = guesses
        self._known: OrderedDict[bytes, _Known] = OrderedDict()

    async def exchanged(self, scope: Any) -> Any:
        """The request with an access token in place of a personal one; others are unchanged.

        Raises `Refused`, `TooManyGuesses`, and what `exchange` raises.
        """
        token = bearer_of(scope["headers"])
        if token is None or not personal_tokens.is_one(token):
            return scope
        header = b"authorization", f"Bearer {await self._access(token, scope)}".encode()
        others = [pair for pair in scope["headers"] if pair[0] != b"authorization"]
        return {**scope, "headers": [*others, header]}

    async def _access(self, token: str, scope: Any) -> str:
        if not personal_tokens.is_well_formed(token):
            raise Refused
        key, begun = hashlib.sha256(token.encode()).digest(), monotonic()
        known = self._known.get(key)
        if known is None or known.until <= begun:
            if known is None or known.access is None:
                self._guesses.admit(scope, begun)
            access = await self._exchange(token)
            if access is None:
                self._guesses.note(scope, begun)
            kept = REFUSED_SECONDS if access is None else KEPT_SECONDS
            known = self._known[key] = _Known(access, begun + kept)
            self._known.move_to_end(key)
            while len(self._known) > MOST_KEPT:
                self._known.popitem(last=False)
        if known.access is None:
            raise Refused
        return known.access


def bearer_of(headers: Headers) -> str | None:
    """What the only `Authorization` header carries; None if there is none, or another scheme."""
    given = [value for name, value in headers if name == b"authorization"]
    if len(given) != 1:
        return None
    scheme, _, token = given[0].decode("latin-1").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
