"""Exchanges API keys for access tokens, and counts their requests.

Each gateway takes a few requests of a key's minute from `auth`, which gives none twice, and lets
them through on its own. So most requests cost no call, and all gateways together keep the limit.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from math import ceil
from time import monotonic
from typing import Any

from hirewire.kit import api_keys
from hirewire.web.api.models.auth import Admitted
from hirewire.web.proxy.guesses import Guesses
from hirewire.web.proxy.headers import Headers
from hirewire.web.proxy.personal_tokens import (
    KEPT_SECONDS,
    MOST_KEPT,
    REFUSED_SECONDS,
    Refused,
    bearer_of,
)

ASKED = 20
"""How many requests are taken at once, while enough are left."""
WINDOW_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a key's minute."""

    limit: int
    left: int
    seconds: int

    def headers(self) -> Headers:
        """`RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10), and the
        older headers that many programs read.
        """
        values = {
            "ratelimit-policy": f'"requests";q={self.limit};w={WINDOW_SECONDS}',
            "ratelimit": f'"requests";r={self.left};t={self.seconds}',
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(self.left),
            "x-ratelimit-reset": str(self.seconds),
        }
        return [(name.encode(), value.encode()) for name, value in values.items()]


class LimitReached(Exception):
    """The key has used the requests of its minute."""

    def __init__(self, allowance: Allowance) -> None:
        super().__init__()
        self.allowance = allowance


@dataclass(slots=True)
class _Known:
    """What this process knows of a key."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    refused_until: float = 0.0
    access: str = ""
    access_until: float = 0.0
    limit: int = 0
    used: int = 0
    """Of the window, by all gateways, when it was asked last."""
    granted: int = 0
    """What this process may still let through."""
    window_until: float = 0.0

    def allowance(self, moment: float) -> Allowance:
        """What is left, as far as this process knows."""
        left = max(self.limit - self.used, 0) + self.granted
        return Allowance(self.limit, left, max(ceil(self.window_until - moment), 1))


class ApiKeys:
    """The exchange, with what is known of the latest keys in memory, by their digest."""

    def __init__(
        self, exchange: Callable[[str, int], Awaitable[Admitted | None]], guesses: Guesses
    ) -> None:
        """`exchange` asks `auth` for an access token and some requests: None is a refusal."""
        self._exchange = exchange
        self._guesses = guesses
        self._known: OrderedDict[bytes, _Known] = OrderedDict()

    async def admitted(self, scope: Any) -> tuple[Any, Allowance | None]:
        """The request with an access token in place of a key, and what is left of the key's minute.

        Requests without a key are unchanged. Raises `Refused`, `LimitReached`, `TooManyGuesses`,
        and what `exchange` raises.
        """
        found = bearer_of(scope["headers"])
        if found is None or not api_keys.is_one(found):
            return scope, None
        if not api_keys.is_well_formed(found):
            raise Refused
        known = self._remembered(hashlib.sha256(found.encode()).digest())
        async with known.lock:
            allowance = await self._spend(found, known, scope)
        header = b"authorization", f"Bearer {known.access}".encode()
        others = [pair for pair in scope["headers"] if pair[0] != b"authorization"]
        return {**scope, "headers": [*others, header]}, allowance

    async def _spend(self, key: str, known: _Known, scope: Any) -> Allowance:
        moment = monotonic()
        if moment < known.refused_until:
            raise Refused
        if known.window_until <= moment:
            known.granted = 0
        is_fresh = moment < known.access_until
        is_spent = moment < known.window_until and known.granted == 0 and known.used >= known.limit
        if is_fresh and is_spent:
            raise LimitReached(known.allowance(moment))
        if not is_fresh or known.granted == 0:
            await self._ask(key, known, scope)
        if known.granted == 0:
            raise LimitReached(known.allowance(moment))
        known.granted -= 1
        return known.allowance(moment)

    async def _ask(self, key: str, known: _Known, scope: Any) -> None:
        begun = monotonic()
        if not known.access:
            self._guesses.admit(scope, begun)
        admitted = await self._exchange(key, ASKED)
        if admitted is None:
            self._guesses.note(scope, begun)
            known.access, known.access_until, known.refused_until = "", 0.0, begun + REFUSED_SECONDS
            raise Refused
        window_until = begun + admitted.seconds
        if window_until - known.window_until > WINDOW_SECONDS / 2:  # another one has begun
            known.granted = 0
        known.access, known.access_until = admitted.accessToken, begun + KEPT_SECONDS
        known.limit, known.used = admitted.limit, admitted.used
        known.granted += admitted.granted
        known.window_until = window_until

    def _remembered(self, digest: bytes) -> _Known:
        known = self._known.get(digest)
        if known is None:
            known = self._known[digest] = _Known()
            while len(self._known) > MOST_KEPT:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(digest)
        return known
