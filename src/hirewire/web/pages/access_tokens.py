"""Pages for personal access tokens: a section of the account, and the new token, shown once."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from hirewire.web.pages import security
from hirewire.web.pages.rendering import Form, Member, back_to, form_of, render, said, typed

router = APIRouter(prefix="/account/tokens", include_in_schema=False)


@router.post("")
async def make(who: Member, request: Request) -> Response:
    """Make a token, and show it: it is in this answer alone."""
    given = await typed(request)
    scopes = [one for one in (await form_of(request)).getlist("scopes") if isinstance(one, str)]
    days = given.get("days", "")
    answer = await who.auth.make_token(
        {
            "name": given.get("name", ""),
            "scopes": list(scopes),
            "days": int(days) if days.isdecimal() and len(days) < 6 else days,
            "password": given.get("password"),
        }
    )
    if not answer.is_good:
        form = Form({"name": given.get("name"), "days": days, "scopes": list(scopes)})
        form.refuse(answer)
        return await security.page(who, Form(), answer.status, token_form=form)
    return render(who, "token_made.html", 201, made=answer.data)


@router.post("/{id}")
async def revoke(id: UUID, who: Member) -> Response:
    """Revoke a token."""
    answer = await who.auth.revoke_token(str(id))
    return back_to(who, "/account#tokens", "token_revoked" if answer.is_good else said(answer))
