"""Mails that were kept because no SMTP server is set: for the people who try the board.

Only in the embedded mode, and only to the machine itself (`OperatorsOnly`).
"""

from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse, JSONResponse

from hirewire.kit.mail.kept import KeptMail, kept
from hirewire.web.api.answers import Missing
from hirewire.web.pages.rendering import Asking, render

router = APIRouter(prefix="/dev", include_in_schema=False)
POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


def _mails(who: Asking) -> list[KeptMail]:
    """The kept mails. Raises `Missing` where mails are sent."""
    parts = urlsplit(who.request.app.state.smtp_url or "")
    if parts.scheme != "file":
        raise Missing
    return kept(Path(unquote(parts.path)))


@router.get("/mail")
async def listed(who: Asking) -> Response:
    """The kept mails, the newest first."""
    return render(who, "kept_mail.html", mails=_mails(who))


@router.get("/mail.json")
async def for_programs(who: Asking) -> Response:
    """The same for programs: tests and demonstrations read codes and links here."""
    shown = ("to", "subject", "text", "html", "at")
    items = [{name: value for name, value in mail.items() if name in shown} for mail in _mails(who)]
    return JSONResponse({"items": items}, headers={"Cache-Control": "no-store"})


@router.get("/mail/{id}.html")
async def whole(who: Asking, id: UUID) -> Response:
    """The HTML part of a mail, as a page without scripts."""
    found = next((mail for mail in _mails(who) if mail["id"] == str(id)), None)
    if found is None:
        raise Missing
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}
    return HTMLResponse(found["html"], headers=headers)
