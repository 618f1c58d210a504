"""Notifications of this browser (Web Push), the service worker, and the app's manifest."""

import json
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import JsonValue

from hirewire.web.api.answers import Missing
from hirewire.web.api.models.notices import Push
from hirewire.web.pages.assets import STATIC, asset
from hirewire.web.pages.rendering import Member, go, is_good, or_none, render, typed
from hirewire.web.sessions import Visitor, as_known

router = APIRouter(include_in_schema=False)
PATH = "/account/push"
WORKER_POLICY = "default-src 'none'; connect-src 'self'; frame-ancestors 'none'"
BLUE, WHITE = "#3f5be0", "#ffffff"


@router.get("/sw.js")
async def worker() -> Response:
    """The service worker. Browsers look for a new one by themselves, so it is never cached."""
    headers = {"Content-Security-Policy": WORKER_POLICY, "Cache-Control": "no-cache"}
    return Response((STATIC / "sw.js").read_bytes(), media_type="text/javascript", headers=headers)


@router.get("/manifest.webmanifest")
async def manifest(request: Request) -> Response:
    """What browsers install the board by, in the visitor's language."""
    words = as_known(request).words
    icons = [
        {"src": asset(f"icons/{name}-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png"}
        | ({"purpose": "maskable"} if name == "maskable" else {})
        for name, size in (("icon", 192), ("icon", 512), ("maskable", 512))
    ]
    shortcuts = [
        {"name": words.text(name), "url": url}
        for name, url in (("Jobs", "/vacancies"), ("Notifications", "/notices"))
    ]
    about = words.text("Jobs and candidates matched to each other, with the reasons why.")
    made = {
        "id": "/",
        "name": "Hirewire",
        "short_name": "Hirewire",
        "description": about,
        "lang": words.lang,
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": WHITE,
        "theme_color": BLUE,
        "icons": icons,
        "shortcuts": shortcuts,
    }
    headers = {"Cache-Control": "no-cache", "Vary": "Accept-Language, Cookie"}
    return JSONResponse(made, headers=headers, media_type="application/manifest+json")


async def devices_of(who: Visitor) -> Push | None:
    """The browsers of a visitor that are notified; None if the service is unavailable."""
    answer = await or_none(who.notices.push())
    return answer.data if is_good(answer) else None


@router.get(PATH)
async def page(who: Member) -> Response:
    """The switch for this browser, and the list of the others."""
    if not who.notices.exist:
        raise Missing
    return render(who, "push.html", push=await devices_of(who))


@router.post(PATH)
async def add(who: Member, request: Request) -> Response:
    """Notify this browser, which has subscribed: a script fills the form."""
    if not who.notices.exist:
        raise Missing
    answer = await who.notices.add_device(_subscription(await typed(request)))
    return go(who, PATH, done="push_on" if answer.is_good else "push_failed")


@router.post(PATH + "/{id}/remove")
async def remove(id: UUID, who: Member) -> Response:
    """Notify a browser no more."""
    if not who.notices.exist:
        raise Missing
    answer = await who.notices.remove_device(id)
    return go(who, PATH, done="push_off" if answer.is_good else "changed")


def _subscription(given: dict[str, str]) -> JsonValue:
    """What the script has put into the form; the service checks it."""
    try:
        found: JsonValue = json.loads(given.get("subscription", ""))
    except (ValueError, RecursionError):
        return None
    names = ("endpoint", "keys", "publicKey")  # browsers add others
    return {name: found.get(name) for name in names} if isinstance(found, dict) else None
