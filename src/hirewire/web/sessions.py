"""Sessions in two HttpOnly cookies, without state in the gateway.

The cookies contain the tokens of `auth`, so any process of `web` can serve any user, and sessions
survive a restart. Forms are accepted only from pages of this origin: see `same_origin`.
"""

import asyncio
import base64
import json
import time
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from fastapi import Request, Response
from pydantic import JsonValue

from hirewire.kit.errors import Unavailable
from hirewire.kit.languages import preferred
from hirewire.web.api.answers import Answer
from hirewire.web.api.applications import Applications
from hirewire.web.api.auth import Auth
from hirewire.web.api.interviews import InterviewsClient
from hirewire.web.api.models.applications import Unread
from hirewire.web.api.models.auth import Tokens
from hirewire.web.api.moderation import Moderation, Reports
from hirewire.web.api.notices import Notices
from hirewire.web.api.operators import Operators
from hirewire.web.api.profiles import Profiles
from hirewire.web.api.services import Services
from hirewire.web.api.vacancies import Vacancies
from hirewire.web.api.webhooks import WebhookActs, WebhooksClient
from hirewire.web.i18n.words import LANGUAGES, Words, words

ACCESS, REFRESH = "hirewire_access", "hirewire_refresh"
HOST_ONLY = "__Host-"
"""The prefix of a cookie's name: browsers refuse such cookies from other hosts and unencrypted
pages (RFC 6265bis, 4.1.3).
"""
LANGUAGE, THEME = "hirewire_language", "hirewire_theme"
THEMES = ("", "light", "dark")
"""Themes of the pages; the empty one follows the system."""
NONE_UNREAD = Unread()
KEPT_SECONDS = 30 * 86400
EARLY_SECONDS = 20
_renewals: dict[str, asyncio.Task[Answer[Tokens]]] = {}


class ForeignForm(Exception):
    """The form was not sent from a page of this origin."""


@dataclass
class Visitor:
    """The visitor of a page, signed in or not."""

    request: Request
    words: Words
    access: str | None = None
    refresh: str | None = None
    is_changed: bool = False
    """Whether the cookies must be updated."""
    unread: Unread = NONE_UNREAD
    """The unread counts, once they are loaded."""
    new_notices: int | None = None
    """The number of unread notices, once it is loaded."""

    @property
    def theme(self) -> str:
        """The theme of the pages."""
        chosen = cookie(self.request, THEME) or ""
        return chosen if chosen in THEMES else ""

    @property
    def is_signed_in(self) -> bool:
        """Whether there is a token. The services check whether it is valid."""
        return self.access is not None

    @property
    def is_unverified(self) -> bool:
        """Whether the visitor has yet to confirm the address, by the token: only for display."""
        return claims(self.access or "").get("email_verified") is False

    @property
    def notice_version(self) -> str:
        """The version of the privacy notice that applies now."""
        version: str = self.request.app.state.notice.version
        return version

    @property
    def consent_due(self) -> str | None:
        """The version of the privacy notice to ask a signed-in visitor for; by the token."""
        is_due = self.access is not None and (
            claims(self.access).get("consent") != self.notice_version
        )
        return self.notice_version if is_due else None

    @property
    def must_verify(self) -> bool:
        """Whether the board requires confirmed addresses."""
        return bool(self.request.app.state.verified_email == "required")

    @property
    def is_operator(self) -> bool:
        """Whether the visitor runs the board, by the token: only for display."""
        return claims(self.access or "").get("role") == "admin"

    @property
    def is_strong(self) -> bool:
        """Whether the session began with a passkey, or a code after the password; by the token."""
        return "amr" in claims(self.access or "")

    @property
    def services(self) -> Services:
        """The services behind this origin."""
        found: Services = self.request.app.state.services
        return found

    @property
    def auth(self) -> Auth:
        """The service `auth`, as this visitor."""
        agent = self.request.headers.get("user-agent", "")
        return Auth(self.services, self.access, self.address, self.words.lang, agent)

    @property
    def operators(self) -> Operators:
        """The operators' part of `auth`, as this visitor."""
        return Operators(self.services, self.access, self.address)

    @property
    def profiles(self) -> Profiles:
        """The service `profiles`, as this visitor."""
        return Profiles(self.services, self.access, self.address)

    @property
    def vacancies(self) -> Vacancies:
        """The service `vacancies`, as this visitor."""
        return Vacancies(self.services, self.access, self.address)

    @property
    def applications(self) -> Applications:
        """The applications of `vacancies`, as this visitor."""
        return Applications(self.services, self.access, self.address)

    @property
    def interviews(self) -> InterviewsClient:
        """The interviews of `vacancies`, as this visitor."""
        return InterviewsClient(self.services, self.access, self.address, self.words.lang)

    @property
    def moderation(self) -> Moderation:
        """Reports and decisions of `vacancies`, as this visitor."""
        return Moderation(self.services, self.access, self.address)

    @property
    def reports(self) -> Reports:
        """The operators' part of `vacancies`, as this visitor."""
        return Reports(self.services, self.access, self.address)

    @property
    def notices(self) -> Notices:
        """The notices of `notifications`, as this visitor."""
        agent = self.request.headers.get("user-agent", "")
        return Notices(self.services, self.access, self.address, agent=agent)

    @property
    def webhooks(self) -> WebhooksClient:
        """The webhooks of `notifications`, as this visitor."""
        return WebhooksClient(self.services, self.access, self.address)

    @property
    def webhook_acts(self) -> WebhookActs:
        """The log of `notifications`, as this visitor."""
        return WebhookActs(self.services, self.access, self.address)

    @property
    def unsigned_notices(self) -> Notices:
        """The notices of `notifications`, without a token: for the links of mails."""
        return Notices(self.services, address=self.address)

    @property
    def public(self) -> Vacancies:
        """The service `vacancies`, without a token."""
        return Vacancies(self.services, address=self.address)

    @property
    def public_profiles(self) -> Profiles:
        """The service `profiles`, without a token."""
        return Profiles(self.services, address=self.address)

    async def count_unread(self) -> None:
        """Load the unread counts. Raises `Unavailable`."""
        if self.access is None:
            return
        answer = await self.applications.unread()
        self.unread = answer.data if answer.is_good else NONE_UNREAD

    async def count_notices(self) -> None:
        """Load the number of unread notices. Raises `Unavailable`."""
        if self.access is None or not self.notices.exist:
            return
        answer = await self.notices.unread()
        self.new_notices = answer.data.count if answer.is_good else 0

    @property
    def address(self) -> str:
        """The client's address."""
        return self.request.client.host if self.request.client else ""

    def enter(self, tokens: Tokens) -> None:
        """Start or continue a session with these tokens."""
        self.access, self.refresh = tokens.accessToken, tokens.refreshToken
        self.is_changed = True

    def leave(self) -> None:
        """End the session, and discard a renewal that has just happened."""
        for before, renewal in tuple(_renewals.items()):
            if before == self.refresh or _gave(renewal) == self.refresh:
                del _renewals[before]
        self.access = self.refresh = None
        self.is_changed = True

    def keep(self, response: Response) -> None:
        """Set the cookies of the response."""
        if not self.is_changed:
            return
        for name, value in ((ACCESS, self.access), (REFRESH, self.refresh)):
            if value is None:
                delete_cookie(self.request, response, name)
            else:
                set_cookie(self.request, response, name, value)


async def visitor(request: Request) -> Visitor:
    """The visitor of a request. An access token that is about to expire is renewed.

    Raises `ForeignForm`.
    """
    if request.method not in ("GET", "HEAD") and not same_origin(request):
        raise ForeignForm
    one = as_known(request)
    if one.refresh and ends(one.access or "") < time.time() + EARLY_SECONDS:
        await _renew(one)
    return one


def as_known(request: Request) -> Visitor:
    """The visitor according to the request alone, without a renewal."""
    lang = cookie(request, LANGUAGE) or ""
    if lang not in LANGUAGES:
        lang = preferred(request.headers.get("accept-language", ""))
    return Visitor(request, words(lang), cookie(request, ACCESS), cookie(request, REFRESH))


def is_secure(request: Request) -> bool:
    """Whether the public origin is https."""
    return str(request.app.state.public_url).startswith("https:")


def cookie(request: Request, name: str) -> str | None:
    """One of our cookies."""
    return request.cookies.get(_full(request, name))


def set_cookie(
    request: Request, response: Response, name: str, value: str, seconds: int = KEPT_SECONDS
) -> None:
    """Set a cookie that is sent to this host only, and that no script can read.

    `Lax`: it comes along when another site, such as a provider of sign-in, leads here.
    """
    response.set_cookie(
        *(_full(request, name), value, seconds),
        path="/",
        secure=is_secure(request),
        httponly=True,
        samesite="lax",
    )


def delete_cookie(request: Request, response: Response, name: str) -> None:
    """Delete one of our cookies."""
    response.delete_cookie(
        _full(request, name), path="/", secure=is_secure(request), httponly=True, samesite="lax"
    )


def _full(request: Request, name: str) -> str:
    return HOST_ONLY + name if is_secure(request) else name


def same_origin(request: Request) -> bool:
    """Whether the browser says that the request comes from a page of this origin.

    Uses `Sec-Fetch-Site` (W3C Fetch Metadata) if present, else `Origin`. A client that sends
    neither is not a browser, so it does not attach cookies by itself.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def claims(token: str) -> dict[str, JsonValue]:
    """The unverified claims of a token: for display and renewal, never for authorisation."""
    try:
        part = token.split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def ends(token: str) -> float:
    """The expiry of a token in seconds since 1970, unverified; 0 if it is missing or invalid."""
    found = claims(token).get("exp", 0)
    if isinstance(found, bool) or not isinstance(found, int | float):
        return 0.0
    return float(found) if 0 <= found < 2**40 else 0.0


def sign_in_path(request: Request) -> str:
    """The address of the sign-in page, with a return to this page."""
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return f"/signin?next={quote(path, safe='')}" if request.method == "GET" else "/signin"


def _gave(renewal: asyncio.Task[Answer[Tokens]]) -> str | None:
    if not renewal.done() or renewal.cancelled() or renewal.exception() is not None:
        return None
    answer = renewal.result()
    return answer.data.refreshToken if answer.is_good else None


async def begin(one: Visitor, tokens: Tokens) -> None:
    """Start a session after signing in. The one that this browser had before ends."""
    before = one.refresh
    one.enter(tokens)
    if before:
        with suppress(Unavailable):
            await one.auth.log_out(before)


async def renew(one: Visitor) -> None:
    """Renew the tokens, whose claims are out of date."""
    if one.refresh:
        await _renew(one)


async def _renew(one: Visitor) -> None:
    """Renew the tokens. Concurrent requests share one renewal, since a refresh token works once."""
    refresh = one.refresh or ""
    task = _renewals.get(refresh)
    if task is None:
        task = _renewals[refresh] = asyncio.ensure_future(one.auth.refresh(refresh))
        asyncio.get_running_loop().call_later(30, _renewals.pop, refresh, None)
    try:
        answer = await asyncio.shield(task)
    except Unavailable:
        _renewals.pop(refresh, None)
        return  # public pages still work, and the session stays
    if answer.is_good:
        one.enter(answer.data)
    elif answer.status == 401:
        one.leave()
