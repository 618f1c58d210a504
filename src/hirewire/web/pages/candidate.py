"""A candidate's dashboard: profile, resumes, matches, applications, saved searches."""

from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from fastapi import APIRouter, Request, Response

from hirewire.web.pages.naming import named
from hirewire.web.pages.rendering import (
    Asking,
    Form,
    Member,
    count_unread,
    go,
    is_good,
    is_part,
    parts,
    render,
    typed,
)
from hirewire.web.sessions import Visitor

router = APIRouter(include_in_schema=False)
ME, RESUMES = "/api/profiles/me", "/api/profiles/resumes"
SEARCHES = "/api/vacancies/searches"
SEVERAL = ("area", "skill", "workFormat", "employmentType", "experience", "company")
WHOLE = ("salaryFrom", "days")
"""The search fields with several values, and the numeric ones."""
LISTS = {
    "matches": "/api/vacancies/recommended",
    "applications": "/api/vacancies/applications",
}
"""The parts of the dashboard that also have a page of their own."""
HOME = {
    "profile": ("profiles", ME),
    "resumes": ("profiles", f"{RESUMES}?limit=50"),
    "matches": ("vacancies", f"{LISTS['matches']}?limit=10"),
    "applications": ("vacancies", f"{LISTS['applications']}?limit=10"),
    "searches": ("vacancies", f"{SEARCHES}?limit=100"),
}
"""The service and path of each part of the dashboard."""
LIVE = frozenset({"profile", *LISTS})
"""The parts that an open page reloads by itself."""


@router.get("/me")
async def home(who: Member) -> Response:
    """The dashboard; if a service is unavailable, only its parts are missing."""
    return await _home(who, Form())


@router.get("/me/{part}")
async def part_of_home(part: str, who: Member) -> Response:
    """One part of the dashboard, for a page that received an update."""
    if part not in LIVE:
        return render(who, "missing.html", 404)
    if not is_part(who.request):
        return go(who, f"/me/{part}/all" if part in LISTS else "/me")
    found = await _parts(who, **{part: HOME[part]})
    if part == "applications":
        await count_unread(who)
    return render(who, f"parts/{part}.html", **found, form=Form(), whole=False)


@router.get("/me/{part}/all")
async def whole_list(part: str, who: Member) -> Response:
    """All matches, or all applications (or the unread ones), in pages."""
    if part not in LISTS:
        return render(who, "missing.html", 404)
    asked, only_unread = {"limit": "20"}, "unread" in who.request.query_params
    if after := who.request.query_params.get("after"):
        asked["after"] = after
    if part == "applications" and only_unread:
        asked["unread"] = "true"
    if part == "applications" and is_part(who.request):
        await count_unread(who)
    found = await _parts(who, **{part: ("vacancies", f"{LISTS[part]}?{urlencode(asked)}")})
    answer = found[part]
    if answer is not None and not answer.is_good:  # most likely an outdated position in the list
        return go(who, f"/me/{part}/all") if after else render(who, "missing.html", 404)
    template = f"parts/{part}.html" if is_part(who.request) else "list.html"
    return render(who, template, **found, part=part, back="/me", whole=True)


async def _parts(who: Visitor, **asked: tuple[str, str]) -> dict[str, Any]:
    """The parts of the dashboard; the reasons of matches use the skills' names."""
    found = await parts(who, **asked)
    profile = found.get("profile")
    if is_good(profile) and not profile.data["contacts"] and not profile.data["accountEmail"]:
        # Users from before profiles stored it: the address is suggested, and stored when they save.
        account = (await parts(who, account=("auth", "/api/auth/me")))["account"]
        profile.data["offered"] = account.data["email"] if is_good(account) else ""
    if is_good(found.get("matches")):
        await named(who, found["matches"].data)
    return found


async def _home(who: Visitor, form: Form, status: int = 200) -> Response:
    return render(who, "home.html", status, **await _parts(who, **HOME), form=form, whole=False)


@router.post("/me/profile")
async def change_profile(who: Asking, request: Request) -> Response:
    """Change name, headline and area."""
    given = await typed(request)
    body = {name: given.get(name) or None for name in ("fullName", "headline", "area")}
    if not body["fullName"]:
        del body["fullName"]
    changes: dict[str, Any] = dict(body) | {"locale": who.words.lang}
    if (contact := given.get("contact")) is not None:
        saved = await who.call("profiles", "GET", ME)
        if saved.is_good:
            changes["contacts"] = _contacts(saved.data["contacts"], contact)
    answer = await who.call("profiles", "PATCH", ME, changes)
    if answer.is_good:
        return go(who, "/me", done="saved")
    form = Form(given)
    form.refuse(answer)
    return await _home(who, form, answer.status)


@router.post("/me/searches")
async def keep_search(who: Asking, request: Request) -> Response:
    """Save a search of the list of vacancies."""
    given = await typed(request)
    query: dict[str, Any] = {}
    for name, value in parse_qsl(given.get("query", "")):
        if name in SEVERAL:
            query.setdefault(name, []).append(value)
        else:
            query[name] = int(value) if name in WHOLE and value.isdecimal() else value
    name = given.get("name") or str(query.get("q") or who.words.text("Jobs"))
    answer = await who.call("vacancies", "POST", SEARCHES, {"name": name[:100], "query": query})
    return go(who, "/me", done="saved" if answer.is_good else "changed")


@router.post("/me/searches/{id}")
async def open_search(id: UUID, who: Asking, request: Request) -> Response:
    """Show the results of a saved search, newest first; or delete the search."""
    given = await typed(request)
    if given.get("action") == "delete":
        await who.call("vacancies", "DELETE", f"{SEARCHES}/{id}")
        return go(who, "/me", done="deleted")
    listed = await who.call("vacancies", "GET", f"{SEARCHES}?limit=100")
    found = next((one for one in listed.data["items"] if one["id"] == str(id)), None)
    if found is None:
        return render(who, "missing.html", 404)
    await who.call("vacancies", "POST", f"{SEARCHES}/{id}/seen")
    return go(who, f"/vacancies?{urlencode({'sort': 'date'} | found['query'], doseq=True)}")


def _contacts(saved: list[dict[str, Any]], typed_in: str) -> list[dict[str, Any]]:
    """The contacts with the typed one first; the others stay."""
    if saved and saved[0]["value"] == typed_in:
        return saved
    if not typed_in:
        return saved[1:]
    kind = "email" if "@" in typed_in.strip("@") else "phone"
    return [{"kind": kind, "value": typed_in, "preferred": True}, *saved[1:]]
