"""Pages with which visitors export their data."""

import asyncio

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse

from hirewire.kit.errors import Unavailable
from hirewire.web.api.answers import Answer
from hirewire.web.api.models.auth import OpenExport
from hirewire.web.pages.mail_links import token_of
from hirewire.web.pages.rendering import Member, away, back_to, go, render, said
from hirewire.web.pages.zips import contents, zipped
from hirewire.web.sessions import Visitor

router = APIRouter(prefix="/account/export", include_in_schema=False)


@router.post("")
async def ask(who: Member) -> Response:
    """Ask for a copy of all data."""
    answer = await who.auth.ask_export()
    done = "export_asked" if answer.is_good else said(answer)
    return back_to(who, "/account#data", done)


@router.get("/state")
async def state(who: Member) -> Response:
    """The section of the account page, until the copy is ready."""
    exports, consents = await asyncio.gather(who.auth.exports(), who.auth.consents())
    return render(
        who,
        "parts/account_data.html",
        exported=next(iter(exports.data.items), None),
        consents=consents.data.items,
    )


@router.post("/link")
async def link(who: Member) -> Response:
    """Go to the download, by a link like that of the mail."""
    answer = await who.auth.export_link()
    if not answer.is_good:
        return back_to(who, "/account#data", "changed")
    return go(who, "/account/export", token=answer.data.token)


@router.get("")
async def shown(who: Member) -> Response:
    """The page behind the link: what the copy contains, and a button. It changes nothing."""
    try:
        answer = await who.auth.open_export(token_of(who))
    except Unavailable:
        return away(who)
    return _page(who, answer)


@router.post("/download")
async def download(who: Member) -> Response:
    """The ZIP, collected from the services while it is sent."""
    try:
        answer = await who.auth.open_export(token_of(who), download=True)
        if not answer.is_good:
            return _page(who, answer)
        export = answer.data
        asked = [who.services.part(name, export) for name in export.services]
        parts = dict(zip(export.services, await asyncio.gather(*asked), strict=True))
    except Unavailable:
        return away(who)
    response = StreamingResponse(
        zipped(who.services, export, parts, who.words),
        media_type="application/zip",
        headers={
            "Content-Disposition": f'attachment; filename="hirewire-{export.readyAt[:10]}.zip"',
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
        },
    )
    who.keep(response)
    return response


def _page(who: Visitor, answer: Answer[OpenExport]) -> Response:
    page = render(
        who,
        "export.html",
        200 if answer.is_good else answer.status,
        export=answer.found,
        token=token_of(who),
        contents=contents(who.words),
    )
    page.headers["Referrer-Policy"] = "no-referrer"
    page.headers["X-Robots-Tag"] = "noindex, nofollow"
    return page
