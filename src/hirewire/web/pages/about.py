"""Pages about the site: what it is, what it stores, and how to reach its operator."""

from fastapi import APIRouter, Response

from hirewire.web.pages.rendering import Asking, render

router = APIRouter(include_in_schema=False)


@router.get("/about")
async def about(who: Asking) -> Response:
    """The purpose of this site."""
    return render(who, "about.html")


@router.get("/privacy")
async def privacy(who: Asking) -> Response:
    """Which data is stored, and who can see it."""
    state = who.request.app.state
    blocks = state.notice.blocks(who.words.lang)
    return render(who, "privacy.html", days=state.retention_days, blocks=blocks)


@router.get("/contact")
async def contact(who: Asking) -> Response:
    """How to reach the operator of this server."""
    return render(who, "contact.html", contact=who.request.app.state.contact_email)
