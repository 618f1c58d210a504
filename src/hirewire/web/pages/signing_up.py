"""Signing up: the first page after it, and the ticket of somebody new who comes from a provider."""

import base64
import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass

from fastapi import Response

from hirewire.web.api.answers import Answer
from hirewire.web.api.models.auth import Tokens
from hirewire.web.pages.rendering import local_path
from hirewire.web.sessions import Visitor, cookie, delete_cookie, set_cookie

HIRING = "/employer"
HOMES = {"candidate": "/me", "employer": HIRING}
"""The first page after signing up, by the chosen role."""
NEWCOMER = "hirewire_newcomer"
"""The cookie with the ticket of somebody who has signed in at a provider and has no account yet."""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody who has signed in at a provider and has no account yet."""

    ticket: str
    email: str
    to: str
    """The page to return to."""


def first_page(given: Mapping[str, str]) -> str:
    """The page after signing up: the chosen role decides, unless another target is kept."""
    start, to = HOMES.get(given.get("role", ""), ""), given.get("next", "")
    if start and to in ("", *HOMES.values()):
        to = start
    return local_path(to, "/me")


def newcomer_in(answer: Answer[Tokens], to: str) -> Newcomer | None:
    """The newcomer whose consent a sign-in waits for; None for any other answer."""
    if answer.is_good or answer.problem.code != "consent_needed":
        return None
    ticket, email = answer.refusal.get("ticket"), answer.refusal.get("email")
    return Newcomer(str(ticket), str(email), to)


def keep(who: Visitor, response: Response, newcomer: Newcomer, seconds: int) -> None:
    """Store the newcomer."""
    value = base64.urlsafe_b64encode(json.dumps(astuple(newcomer)).encode()).decode()
    set_cookie(who.request, response, NEWCOMER, value, seconds)


def kept(who: Visitor) -> Newcomer | None:
    """The newcomer who was stored."""
    value = cookie(who.request, NEWCOMER) or ""
    try:
        ticket, email, to = map(str, json.loads(base64.urlsafe_b64decode(value)))
    except (ValueError, TypeError):
        return None
    return Newcomer(ticket, email, to)


def forget(who: Visitor, response: Response) -> Response:
    """Delete the newcomer."""
    delete_cookie(who.request, response, NEWCOMER)
    return response
