"""Who is at the other end: two cookies that no script can read, and nothing kept here.

The cookies hold the tokens of `auth` themselves, so that any process of `web` can serve anybody,
and a restart ends no session. A form is taken from our own pages alone: see `same_origin`.
"""

import asyncio
import base64
import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from fastapi import Request, Response

from hirewire.kit.errors import Unavailable
from hirewire.web.clients import Answer, Services
from hirewire.web.words import LANGUAGES, Words, preferred, words

ACCESS, REFRESH = "hirewire_access", "hirewire_refresh"
HOST_ONLY = "__Host-"
"""Of a name: the browser lets no other host and no unencrypted page set it (RFC 6265bis, 4.1.3)."""
LANGUAGE, THEME = "hirewire_language", "hirewire_theme"
THEMES = ("", "light", "dark")
"""How pages look: as the system says, or so."""
KEPT_SECONDS = 30 * 86400
EARLY_SECONDS = 20
UNREAD = "/api/vacancies/applications/unread"
UNREAD_SECONDS = 1.0
"""A page that has nothing to do with applications waits no longer for how many are unread."""
_renewals: dict[str, asyncio.Task[Answer]] = {}


class SignInFirst(Exception):
    """This page is for those who are signed in."""


class ForeignForm(Exception):
    """The form was not sent from a page of ours."""


@dataclass
class Visitor:
    """Whoever asks for a page."""

    request: Request
    words: Words
    access: str | None = None
    refresh: str | None = None
    is_changed: bool = False
    """Whether the cookies are not yet what is here."""
    unread: dict[str, int] = field(default_factory=dict)
    """How many applications have something new, `asApplicant` and `asEmployer`, once counted."""

    @property
    def theme(self) -> str:
        """How the pages are to look."""
        chosen = self.request.cookies.get(THEME, "")
        return chosen if chosen in THEMES else ""

    @property
    def is_signed_in(self) -> bool:
        """Whether there is a token: what it opens the services say."""
        return self.access is not None

    @property
    def user_id(self) -> str:
        """The token's subject, as it says."""
        return str(claims(self.access or "").get("sub", ""))

    @property
    def services(self) -> Services:
        """The services behind this origin."""
        found: Services = self.request.app.state.services
        return found

    async def call(
        self,
        service: str,
        method: str,
        path: str,
        body: Any = None,
        *,
        kind: str = "application/json",
    ) -> Answer:
        """Ask a service in this person's name. Raises `SignInFirst`, `Unavailable`."""
        answer = await self.services.call(
            service, method, path, token=self.access, body=body, kind=kind, client=self.address
        )
        if answer.status == 401:
            raise SignInFirst
        return answer

    async def count_unread(self) -> None:
        """Count what is new for this person now. Raises `Unavailable`."""
        if self.access is None:
            return
        answer = await self.services.call(
            *("vacancies", "GET", UNREAD),
            token=self.access,
            client=self.address,
            patience=UNREAD_SECONDS,
        )
        self.unread = answer.data if answer.is_good else {}

    @property
    def address(self) -> str:
        """Where the request came from."""
        return self.request.client.host if self.request.client else ""

    def enter(self, tokens: dict[str, Any]) -> None:
        """Begin, or go on with, a session."""
        self.access, self.refresh = tokens["accessToken"], tokens["refreshToken"]
        self.is_changed = True

    def leave(self) -> None:
        """Forget the session, also what was renewed of it a moment ago."""
        for before, renewal in tuple(_renewals.items()):
            if before == self.refresh or _gave(renewal) == self.refresh:
                del _renewals[before]
        self.access = self.refresh = None
        self.is_changed = True

    def keep(self, response: Response) -> None:
        """Let the cookies be what is here."""
        if not self.is_changed:
            return
        is_https = is_secure(self.request)
        for plain, value in ((ACCESS, self.access), (REFRESH, self.refresh)):
            name = HOST_ONLY + plain if is_https else plain
            if value is None:
                response.delete_cookie(name, path="/", secure=is_https)
            else:
                response.set_cookie(
                    *(name, value, KEPT_SECONDS),
                    path="/",
                    secure=is_https,
                    httponly=True,
                    samesite="lax",
                )


async def visitor(request: Request) -> Visitor:
    """Whoever asks; an access token that is about to end is replaced. Raises `ForeignForm`."""
    if request.method not in ("GET", "HEAD") and not same_origin(request):
        raise ForeignForm
    one = as_known(request)
    if one.refresh and ends(one.access or "") < time.time() + EARLY_SECONDS:
        await _renew(one)
    return one


def as_known(request: Request) -> Visitor:
    """Whoever asks, by the request alone."""
    lang = request.cookies.get(LANGUAGE, "")
    if lang not in LANGUAGES:
        lang = preferred(request.headers.get("accept-language", ""))
    return Visitor(request, words(lang), cookie(request, ACCESS), cookie(request, REFRESH))


def is_secure(request: Request) -> bool:
    """Whether the public origin is https."""
    return str(request.app.state.public_url).startswith("https:")


def cookie(request: Request, name: str) -> str | None:
    """One of the session's cookies."""
    return request.cookies.get(HOST_ONLY + name if is_secure(request) else name)


def same_origin(request: Request) -> bool:
    """Whether a browser says that this request comes from a page of this origin.

    By `Sec-Fetch-Site` (W3C Fetch Metadata) where there is one, else by `Origin`; what has neither
    is no browser that sends cookies by itself.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def claims(token: str) -> dict[str, Any]:
    """What a token says, unproved: for what is shown and when to renew it, never for rights."""
    try:
        part = token.split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def ends(token: str) -> float:
    """When a token ends, as it says, in seconds since 1970; 0 for one that says nothing sane."""
    found = claims(token).get("exp", 0)
    return float(found) if type(found) in (int, float) and 0 <= found < 2**40 else 0.0


def sign_in_path(request: Request) -> str:
    """Where one signs in and comes back to this page."""
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return f"/signin?next={quote(path, safe='')}" if request.method == "GET" else "/signin"


def _gave(renewal: asyncio.Task[Answer]) -> str | None:
    if not renewal.done() or renewal.cancelled() or renewal.exception() is not None:
        return None
    answer = renewal.result()
    return str(answer.data["refreshToken"]) if answer.status == 200 else None


async def _renew(one: Visitor) -> None:
    """Requests of one page that come at once share one renewal: a token can be used once."""
    refresh = one.refresh or ""
    task = _renewals.get(refresh)
    if task is None:
        asking = one.services.call(
            "auth", "POST", "/api/auth/refresh", body={"refreshToken": refresh}, client=one.address
        )
        task = _renewals[refresh] = asyncio.ensure_future(asking)
        asyncio.get_running_loop().call_later(30, _renewals.pop, refresh, None)
    try:
        answer = await asyncio.shield(task)
    except Unavailable:
        _renewals.pop(refresh, None)
        return  # what needs no account still works, and the session is not over
    if answer.status == 200:
        one.enter(answer.data)
    elif answer.status == 401:
        one.leave()
