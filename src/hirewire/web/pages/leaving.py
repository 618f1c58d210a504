"""Pages to delete the account: the form, and the receipt, which is public by its link."""

import re
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from hirewire.kit.errors import Unavailable
from hirewire.web.api.answers import Missing
from hirewire.web.pages.rendering import Asking, Form, Member, away, go, is_part, render, typed

router = APIRouter(include_in_schema=False)
RECEIPT = re.compile(r"[A-Za-z0-9_-]{20,100}")


@router.get("/account/delete")
async def delete_form(who: Member) -> Response:
    """What happens when the account is deleted, and the form."""
    return render(who, "delete_account.html", form=Form())


@router.post("/account/delete")
async def delete_account(who: Member, request: Request) -> Response:
    """Delete the account, end the session here, and show the receipt."""
    given = await typed(request)
    try:
        answer = await who.auth.delete_account(given.get("current", ""))
    except Unavailable:
        return away(who)
    if not answer.is_good:
        form = Form()
        form.refuse(answer)
        if (wrong := form.errors.pop("password", None)) is not None:
            form.errors["current"] = wrong
        return render(who, "delete_account.html", answer.status, form=form)
    receipt = answer.data.receiptId
    who.leave()
    return go(who, f"/erasures/{receipt}")


@router.get("/erasures/{receipt}")
async def show_receipt(who: Asking, request: Request, receipt: Annotated[str, Path()]) -> Response:
    """The receipt. It refreshes itself until all services have answered."""
    if not RECEIPT.fullmatch(receipt):
        raise Missing
    try:
        answer = await who.auth.erasure(receipt)
    except Unavailable:
        return away(who)
    template = "parts/receipt.html" if is_part(request) else "receipt.html"
    is_open = answer.data.state != "complete"
    page = render(
        *(who, template),
        erasure=answer.data,
        at=f"/erasures/{receipt}",
        updates_itself=is_open,
    )
    page.headers["Referrer-Policy"] = "no-referrer"
    page.headers["X-Robots-Tag"] = "noindex, nofollow"
    return page
