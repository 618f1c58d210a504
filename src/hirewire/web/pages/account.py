"""Pages for signing up, in and out, and for language and theme."""

from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from hirewire.kit import time_zones
from hirewire.kit.errors import Unavailable
from hirewire.web.api.answers import Answer
from hirewire.web.api.models.auth import Account, Tokens
from hirewire.web.i18n.words import LANGUAGES
from hirewire.web.pages.passkeys import credential_in
from hirewire.web.pages.providers import providers
from hirewire.web.pages.rendering import Asking, Form, go, local_path, render, typed
from hirewire.web.pages.second_step import second_step_page, ticket_in
from hirewire.web.pages.signing_up import first_page
from hirewire.web.problems import Problem
from hirewire.web.sessions import LANGUAGE, THEME, THEMES, Visitor, begin, set_cookie, visitor

router = APIRouter(include_in_schema=False)
AHEAD = '"prefetchCache", "prerenderCache"'
"""What a browser forgets when its user signs out: pages that it fetched ahead of time, for them."""


@router.get("/signup")
async def sign_up_form(who: Asking) -> Response:
    """The sign-up form."""
    return await _page(who, "signup.html", Form(), who.request.query_params.get("next", ""))


@router.post("/signup")
async def sign_up(who: Asking, request: Request) -> Response:
    """Register and sign in."""
    given = await typed(request)
    form = Form({name: given.get(name) for name in ("email", "role", "consent")})
    credentials = given.get("email", ""), given.get("password", "")
    consent = given.get("consent")
    if not consent:
        form.errors["consent"] = Problem("consent_required")
        return await _page(who, "signup.html", form, given.get("next", ""), 422)
    try:
        zone = given.get("timeZone", "")
        answer: Answer[Account] | Answer[Tokens] = await who.auth.register(
            *credentials, consent, zone if zone in time_zones.names() else None
        )
        if answer.is_good:
            answer = await _log_in(who, *credentials)
    except Unavailable:
        return await _away(who, "signup.html", form, given)
    if not answer.is_good:
        form.refuse(answer)
        return await _page(who, "signup.html", form, given.get("next", ""), answer.status)
    return go(who, first_page(given), done="welcome")


@router.get("/signin")
async def sign_in_form(who: Asking) -> Response:
    """The sign-in form."""
    return await _page(who, "signin.html", Form(), who.request.query_params.get("next", ""))


@router.post("/signin")
async def sign_in(who: Asking, request: Request) -> Response:
    """Sign in."""
    given = await typed(request)
    form = Form({"email": given.get("email")})
    try:
        answer = await _log_in(who, given.get("email", ""), given.get("password", ""))
    except Unavailable:
        return await _away(who, "signin.html", form, given)
    if ticket := ticket_in(answer):
        return second_step_page(who, Form(), ticket, given.get("next", ""))
    return await _entered(who, answer, form, given)


@router.post("/signin/code")
async def second_step(who: Asking, request: Request) -> Response:
    """Complete a sign-in with a code."""
    given = await typed(request)
    form, ticket, to = Form(), given.get("ticket", ""), given.get("next", "")
    try:
        answer = await who.auth.complete_login(ticket, given.get("code", ""))
    except Unavailable:
        form.problem = Problem("sign_in_away", is_whole=True)
        return second_step_page(who, form, ticket, to, 503)
    if answer.status in (422, 429):
        form.refuse(answer)
        return second_step_page(who, form, ticket, to, answer.status)
    if answer.is_good:
        await begin(who, answer.data)
    return await _entered(who, answer, form, given)


@router.post("/signin/passkey/options")
async def passkey_options(who: Asking) -> Response:
    """What the script of the sign-in page asks passkeys to sign."""
    answer = await who.auth.passkey_sign_in_options()
    headers = {"Cache-Control": "no-store"}
    if not answer.is_good:
        return JSONResponse({}, answer.status, headers)
    return JSONResponse(answer.data.publicKey, headers=headers)


@router.post("/signin/passkey")
async def passkey_sign_in(who: Asking, request: Request) -> Response:
    """Sign in with what a passkey has signed."""
    given = await typed(request)
    form = Form()
    try:
        answer = await who.auth.sign_in_with_passkey(credential_in(given))
    except Unavailable:
        return await _away(who, "signin.html", form, given)
    if answer.is_good:
        await begin(who, answer.data)
    elif answer.status == 422:  # no page of ours sends what the service calls invalid
        form.problem = Problem("passkey_refused", is_whole=True)
        return await _page(who, "signin.html", form, given.get("next", ""), 422)
    return await _entered(who, answer, form, given)


@router.post("/signout")
async def sign_out(who: Asking) -> Response:
    """End the session, even if `auth` is unavailable."""
    if who.refresh:
        with suppress(Unavailable):
            await who.auth.log_out(who.refresh)
    who.leave()
    response = go(who, "/", done="out")
    response.headers["Clear-Site-Data"] = AHEAD
    return response


@router.post("/language")
async def language(who: Asking, request: Request) -> Response:
    """Change the language."""
    given = await typed(request)
    response = go(who, local_path(given.get("next"), "/"))
    if given.get("language") in LANGUAGES:
        set_cookie(request, response, LANGUAGE, given["language"])
    return response


@router.post("/theme")
async def theme(who: Asking, request: Request) -> Response:
    """Change the theme: light, dark or that of the system."""
    given = await typed(request)
    response = go(who, local_path(given.get("next"), "/"))
    if given.get("theme") in THEMES:
        set_cookie(request, response, THEME, given["theme"])
    return response


async def _log_in(who: Visitor, email: str, password: str) -> Answer[Tokens]:
    answer = await who.auth.log_in(email, password)
    if answer.is_good:
        await begin(who, answer.data)
    return answer


async def _entered(
    who: Visitor, answer: Answer[Tokens], form: Form, given: dict[str, str]
) -> Response:
    """The page after a sign-in, or the form again."""
    if answer.is_good:
        return go(who, local_path(given.get("next"), "/me"))
    form.refuse(answer)
    return await _page(who, "signin.html", form, given.get("next", ""), answer.status)


async def _away(who: Visitor, template: str, form: Form, given: dict[str, str]) -> Response:
    form.problem = Problem("sign_in_away", is_whole=True)
    return await _page(who, template, form, given.get("next", ""), 503)


async def _page(who: Visitor, template: str, form: Form, to: str, status: int = 200) -> Response:
    """The form to sign in or up, with the providers that people can do it with."""
    return render(who, template, status, form=form, to=to, providers=await providers(who))


@router.get("/session")
async def session(who: Annotated[Visitor, Depends(visitor)]) -> Response:
    """Renew a session that is about to expire; an open page calls this before it reconnects."""
    response = Response(status_code=204, headers={"Cache-Control": "no-store"})
    who.keep(response)
    return response
