"""The page of the account: password, sessions, the security log and exports."""

import asyncio
from uuid import UUID

from fastapi import APIRouter, Request, Response

from hirewire.kit.errors import Unavailable
from hirewire.web.pages.providers import providers
from hirewire.web.pages.rendering import (
    Form,
    Member,
    away,
    back_to,
    go,
    local_path,
    render,
    said,
    typed,
)
from hirewire.web.sessions import Visitor, renew

router = APIRouter(prefix="/account", include_in_schema=False)
LATEST, WHOLE_PAGE = 5, 50
"""How many acts the account's page and a page of the log show."""
SCOPES = (
    "profiles:read",
    "profiles:write",
    "vacancies:read",
    "vacancies:write",
    "notifications:read",
    "notifications:write",
    "auth:read",
)


@router.get("")
async def account(who: Member) -> Response:
    """The address, the password, ways to sign in, tokens, sessions and the latest of the log."""
    return await page(who, Form())


@router.post("/password")
async def change_password(who: Member, request: Request) -> Response:
    """Change the password."""
    given = await typed(request)
    with_tokens = given.get("tokens") == "revoke"
    passwords = given.get("current", ""), given.get("password", "")
    answer = await who.auth.change_password(*passwords, revokes_tokens=with_tokens)
    if answer.is_good:
        done = "password_changed_tokens" if with_tokens else "password_changed"
        return back_to(who, "/account", done)
    form = Form({"tokens": given.get("tokens")})
    form.refuse(answer)
    return await page(who, form, answer.status)


@router.post("/consent")
async def agree(who: Member, request: Request) -> Response:
    """Agree to the privacy notice."""
    given = await typed(request)
    answer = await who.auth.agree(given.get("consent", ""))
    if answer.is_good:
        await renew(who)
    return back_to(who, local_path(given.get("next"), "/me"), said(answer))


@router.post("/sessions")
async def end_others(who: Member) -> Response:
    """End all other sessions."""
    answer = await who.auth.end_other_sessions()
    done = "others_ended" if answer.is_good else said(answer)
    return back_to(who, "/account#sessions", done)


@router.post("/sessions/{id}")
async def end_one(id: UUID, who: Member) -> Response:
    """End a session."""
    answer = await who.auth.end_session(str(id))
    done = "session_ended" if answer.is_good else said(answer)
    return back_to(who, "/account#sessions", done)


@router.get("/security-log")
async def security_log(who: Member) -> Response:
    """What happened to the account, the latest first."""
    after = who.request.query_params.get("after") or None
    try:
        answer = await who.auth.security_log(WHOLE_PAGE, after)
    except Unavailable:
        return away(who)
    if not answer.is_good and after:  # probably an outdated position in the list
        return go(who, "/account/security-log")
    return render(who, "security_log.html", log=answer.data)


async def page(
    who: Visitor,
    form: Form,
    status: int = 200,
    *,
    email_form: Form | None = None,
    code_form: Form | None = None,
    token_form: Form | None = None,
) -> Response:
    """The page, with what was typed into one of its forms."""
    try:
        (
            (mine, passkeys, two_step, identities, offered),
            (tokens, sessions, log, exports, consents),
        ) = await asyncio.gather(
            asyncio.gather(
                who.auth.me(),
                who.auth.passkeys(),
                who.auth.two_step(),
                who.auth.identities(),
                providers(who),
            ),
            asyncio.gather(
                who.auth.tokens(),
                who.auth.sessions(),
                who.auth.security_log(LATEST),
                who.auth.exports(),
                who.auth.consents(),
            ),
        )
    except Unavailable:
        return away(who)
    return render(
        who,
        "account.html",
        status,
        form=form,
        email_form=email_form or Form(),
        change_form=code_form or Form(),
        mine=mine.data,
        sessions=sessions.data.items,
        identities=identities.data.items,
        providers=offered,
        exported=next(iter(exports.data.items), None),
        consents=consents.data.items,
        tokens=tokens.data.items,
        passkeys=passkeys.data,
        two_step=two_step.data,
        token_form=token_form or Form({"days": "90"}),
        scopes=SCOPES,
        log=log.data,
    )
