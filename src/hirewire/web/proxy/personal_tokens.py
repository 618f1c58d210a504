"""Exchanges personal access tokens for access tokens, which alone the services know."""

import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any

from hirewire.kit import personal_tokens
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

    def __init__(self, exchange: Callable[[str], Awaitable[str | None]]) -> None:
        """`exchange` asks `auth`: it returns an access token, or None for a refusal."""
        self._exchange = exchange
        self._known: OrderedDict[bytes, _Known] = OrderedDict()

    async def exchanged(self, scope: Any) -> Any:
        """The request with an access token in place of a personal one; others are unchanged.

        Raises `Refused`, and what `exchange` raises.
        """
        given: Headers = [pair for pair in scope["headers"] if pair[0] == b"authorization"]
        token = _token_of(given[0][1]) if len(given) == 1 else None
        if token is None:
            return scope
        header = b"authorization", f"Bearer {await self._access(token)}".encode()
        others = [pair for pair in scope["headers"] if pair[0] != b"authorization"]
        return {**scope, "headers": [*others, header]}

    async def _access(self, token: str) -> str:
        if not personal_tokens.is_well_formed(token):
            raise Refused
        key, begun = hashlib.sha256(token.encode()).digest(), monotonic()
        known = self._known.get(key)
        if known is None or known.until <= begun:
            access = await self._exchange(token)
            kept = REFUSED_SECONDS if access is None else KEPT_SECONDS
            known = self._known[key] = _Known(access, begun + kept)
            self._known.move_to_end(key)
            while len(self._known) > MOST_KEPT:
                self._known.popitem(last=False)
        if known.access is None:
            raise Refused
        return known.access


def _token_of(value: bytes) -> str | None:
    """The personal access token in the value of `Authorization`; None if there is none."""
    scheme, _, token = value.decode("latin-1").partition(" ")
    token = token.strip()
    return token if scheme.lower() == "bearer" and personal_tokens.is_one(token) else None
