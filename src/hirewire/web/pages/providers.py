"""Sign-in at OpenID Connect providers: the way there, the way back, and the account's section."""

import asyncio
import base64
import time
from collections.abc import Sequence
from uuid import UUID

from fastapi import APIRouter, Request, Response

from hirewire.kit.errors import Unavailable
from hirewire.web.api.answers import Answer, Missing
from hirewire.web.api.models.auth import Begun, Provider
from hirewire.web.pages import signing_up
from hirewire.web.pages.rendering import (
    Asking,
    Form,
    Member,
    back_to,
    go,
    local_path,
    or_none,
    render,
    said,
    typed,
)
from hirewire.web.pages.second_step import second_step_page, ticket_in
from hirewire.web.problems import Problem
from hirewire.web.sessions import Visitor, cookie, delete_cookie, same_origin, set_cookie
from hirewire.web.sessions import begin as begin_session

router = APIRouter(include_in_schema=False)
ATTEMPT = "hirewire_attempt"
"""The cookie with the attempt: what `auth` sealed, and the page to return to."""
ATTEMPT_SECONDS = 600
LONGEST_NEXT = 500
CONNECTING = "connect"
KEPT_SECONDS = 60.0
WAYS = "/account#identities"


class Providers:
    """The providers that people can sign in with, asked for at most once a minute."""

    def __init__(self) -> None:
        self._items: Sequence[Provider] = ()
        self._until = 0.0
        self._turn = asyncio.Lock()

    async def get(self, who: Visitor) -> Sequence[Provider]:
        """The providers; those known before while `auth` is unavailable."""
        async with self._turn:
            if time.monotonic() > self._until:
                answer = await or_none(who.auth.providers())
                if answer is not None and answer.is_good:
                    self._items = answer.data.items
                    self._until = time.monotonic() + KEPT_SECONDS
            return self._items


async def providers(who: Visitor) -> Sequence[Provider]:
    """The providers that people can sign in with."""
    known: Providers = who.request.app.state.providers
    return await known.get(who)


@router.get("/signin/with/{id}")
async def begin(id: str, who: Asking) -> Response:
    """Send the browser to a provider, to sign in. A link of another site shows the form first."""
    await _known(who, id)
    to = who.request.query_params.get("next", "")
    if not same_origin(who.request):
        return go(who, "/signin", next=to)
    try:
        answer = await who.auth.begin_sign_in(id)
    except Unavailable:
        return await _failed(who, id, Problem("provider_away", is_whole=True), 503)
    if not answer.is_good:
        return await _failed(who, id, answer.problem, answer.status)
    response = go(who, answer.data.url)
    _keep(who, response, answer.data.attempt, to if len(to) <= LONGEST_NEXT else "")
    return response


@router.get("/account/identities/{id}/connect")
async def connecting_form(id: str, who: Member) -> Response:
    """The form for the password, with which connecting begins."""
    return render(who, "connect.html", form=Form(), provider=await _known(who, id))


@router.post("/account/identities/{id}/connect")
async def begin_connecting(id: str, who: Member, request: Request) -> Response:
    """Send the browser to a provider, to connect it to the account."""
    provider = await _known(who, id)
    given = await typed(request)
    try:
        answer = await who.auth.begin_connecting(id, given.get("password"))
    except Unavailable:
        return await _failed(who, id, Problem("provider_away", is_whole=True), 503, CONNECTING)
    if answer.status in (422, 429):
        form = Form()
        form.refuse(answer)
        return render(who, "connect.html", answer.status, form=form, provider=provider)
    if not answer.is_good:
        return await _failed(who, id, answer.problem, answer.status, CONNECTING)
    return _leaving(who, provider, answer.data)


def _leaving(who: Visitor, provider: Provider, begun: Begun) -> Response:
    """The page that leads on by itself: the answer to a form must not redirect to another site."""
    response = render(who, "leaving.html", provider=provider, url=begun.url)
    response.headers["Refresh"] = f"0; url={begun.url}"
    response.headers["Referrer-Policy"] = "no-referrer"
    _keep(who, response, begun.attempt, CONNECTING)
    return response


@router.get("/signin/from/{id}")
async def come_back(id: str, who: Asking) -> Response:
    """Sign in, or connect the provider, with what the browser brings back from it."""
    await _known(who, id)
    query = who.request.query_params
    attempt, to = _kept(who)
    if not attempt:
        if who.is_signed_in:  # the page was opened again
            return go(who, "/me")
        return await _failed(who, id, Problem("sign_in_expired", is_whole=True), 410)
    if "error" in query or not query.get("code"):
        return await _failed(who, id, Problem("sign_in_cancelled", is_whole=True), 403, to)
    brought = {
        "attempt": attempt,
        "state": query.get("state", ""),
        "code": query["code"],
        "iss": query.get("iss"),
    }
    answer: Answer[object]
    try:
        if to == CONNECTING:
            answer = await who.auth.connect(id, brought)
        else:
            tokens = await who.auth.finish_sign_in(id, brought)
            if tokens.is_good:
                await begin_session(who, tokens.data)
            if ticket := ticket_in(tokens):
                return _forget(who, second_step_page(who, Form(), ticket, to))
            if newcomer := signing_up.newcomer_in(tokens, to):
                response = go(who, f"/signup/with/{id}")
                signing_up.keep(who, response, newcomer, ATTEMPT_SECONDS)
                return _forget(who, response)
            answer = tokens
    except Unavailable:
        return await _failed(who, id, Problem("provider_away", is_whole=True), 503, to)
    if not answer.is_good:
        return await _failed(who, id, answer.problem, answer.status, to)
    if to == CONNECTING:
        return _forget(who, back_to(who, WAYS, "identity_connected"))
    return _forget(who, go(who, local_path(to, "/me")))


@router.get("/signup/with/{id}")
async def sign_up_form(id: str, who: Asking) -> Response:
    """The form that asks somebody new, whom a provider has signed in, for consent."""
    provider, newcomer = await _known(who, id), signing_up.kept(who)
    if newcomer is None:
        if who.is_signed_in:  # the page was opened again
            return go(who, "/me")
        return await _failed(who, id, Problem("sign_in_expired", is_whole=True), 410)
    return _sign_up_page(who, provider, newcomer, Form(), 200)


@router.post("/signup/with/{id}")
async def sign_up(id: str, who: Asking, request: Request) -> Response:
    """Create the account, and sign in."""
    provider, newcomer = await _known(who, id), signing_up.kept(who)
    if newcomer is None:
        return await _failed(who, id, Problem("sign_in_expired", is_whole=True), 410)
    given = await typed(request)
    form = Form({name: given.get(name) for name in ("role", "consent")})
    consent = given.get("consent")
    if not consent:
        form.errors["consent"] = Problem("consent_required")
        return _sign_up_page(who, provider, newcomer, form, 422)
    try:
        answer = await who.auth.sign_up_with(id, newcomer.ticket, consent)
    except Unavailable:
        form.problem = Problem("sign_in_away", is_whole=True)
        return _sign_up_page(who, provider, newcomer, form, 503)
    if answer.is_good:
        await begin_session(who, answer.data)
        to = signing_up.first_page({"role": given.get("role", ""), "next": newcomer.to})
        return signing_up.forget(who, go(who, to, done="welcome"))
    if answer.problem.code in ("consent_outdated", "too_many_registrations"):
        form.refuse(answer)
        return _sign_up_page(who, provider, newcomer, form, answer.status)
    page = await _failed(who, id, answer.problem, answer.status, newcomer.to)
    return signing_up.forget(who, page)


def _sign_up_page(
    who: Visitor, provider: Provider, newcomer: signing_up.Newcomer, form: Form, status: int
) -> Response:
    return render(
        *(who, "signup_with.html", status),
        form=form,
        provider=provider,
        email=newcomer.email,
        to=newcomer.to,
    )


@router.post("/account/identities/{id}")
async def disconnect(id: UUID, who: Member) -> Response:
    """Disconnect a provider."""
    answer = await who.auth.disconnect(str(id))
    if answer.is_good:
        return back_to(who, WAYS, "identity_disconnected")
    is_last = answer.problem.code == "last_way_in"
    return back_to(who, WAYS, "last_way_in" if is_last else said(answer))


async def _known(who: Visitor, id: str) -> Provider:
    """The provider with this id. Raises `Missing`."""
    found = next((one for one in await providers(who) if one.id == id), None)
    if found is None:
        raise Missing
    return found


async def _failed(who: Visitor, id: str, problem: Problem, status: int, to: str = "") -> Response:
    """The page that says why it did not work, and what to do."""
    form = Form()
    form.problem = problem
    provider = await _known(who, id)
    page = render(
        *(who, "provider_failed.html", status),
        form=form,
        provider=provider,
        is_connecting=to == CONNECTING,
        to="" if to == CONNECTING else to,
    )
    page.headers["Referrer-Policy"] = "no-referrer"
    return _forget(who, page)


def _keep(who: Visitor, response: Response, attempt: str, to: str) -> None:
    """Store the attempt."""
    value = f"{attempt}.{base64.urlsafe_b64encode(to.encode()).decode()}"
    set_cookie(who.request, response, ATTEMPT, value, ATTEMPT_SECONDS)


def _kept(who: Visitor) -> tuple[str, str]:
    """The attempt and the page to return to; empty without one."""
    attempt, _, to = (cookie(who.request, ATTEMPT) or "").partition(".")
    try:
        return attempt, base64.urlsafe_b64decode(to).decode()
    except ValueError:
        return attempt, ""


def _forget(who: Visitor, response: Response) -> Response:
    """Delete the attempt: it works once."""
    delete_cookie(who.request, response, ATTEMPT)
    return response
