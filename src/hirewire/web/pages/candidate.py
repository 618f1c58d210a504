"""A candidate's dashboard: profile, resumes, matches, applications, saved jobs and searches."""

import asyncio
from dataclasses import dataclass, replace
from typing import TypedDict
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import JsonValue

from hirewire.web.api.answers import Answer, Missing
from hirewire.web.api.models.applications import Application
from hirewire.web.api.models.base import Items
from hirewire.web.api.models.profiles import Contact, Profile, ResumeInList
from hirewire.web.api.models.vacancies import MatchingVacancy
from hirewire.web.pages.meetings import ahead_of
from hirewire.web.pages.naming import named_in
from hirewire.web.pages.rendering import (
    Asking,
    Form,
    Member,
    away,
    count_unread,
    go,
    is_good,
    is_part,
    or_none,
    render,
    saw,
    typed,
)
from hirewire.web.pages.searching import NARROWED
from hirewire.web.sessions import Visitor

router = APIRouter(include_in_schema=False)
WHOLE = ("salaryFrom", "days")
"""The search fields that are numbers."""
LISTS = ("matches", "applications")
"""The parts of the dashboard that also have their own page."""
SHOWN_RESUMES = 4
"""Resumes on the dashboard before the others are unfolded; views are counted for these."""
SHOWN_INTERVIEWS = 5
"""The number of interviews on the dashboard."""
SHOWN_SAVED = 3
"""The number of saved jobs on the dashboard."""
FEW, WHOLE_PAGE = 10, 20
"""The number of rows of a part on the dashboard, and on its own page."""
LIVE = frozenset({"profile", *LISTS})
"""The parts that an open page reloads on an update."""


class Part(TypedDict, total=False):
    """One part of the dashboard; None if its service is unavailable."""

    profile: Answer[Profile] | None
    matches: Answer[Items[MatchingVacancy]] | None
    applications: Answer[Items[Application]] | None


@dataclass(frozen=True, slots=True)
class Step:
    """A first step of a new job seeker."""

    name: str
    is_done: bool
    href: str
    """The address where the step is done."""


@router.get("/me")
async def home(who: Member) -> Response:
    """The dashboard. If a service is unavailable, only its parts are missing."""
    return await _home(who, Form())


@router.get("/me/{part}")
async def part_of_home(part: str, who: Member) -> Response:
    """One part of the dashboard, for a page that received an update."""
    if part not in LIVE:
        raise Missing
    if not is_part(who.request):
        return go(who, f"/me/{part}/all" if part in LISTS else "/me")
    found = await _part(who, part, FEW)
    if part == "applications":
        await count_unread(who)
    return render(who, f"parts/{part}.html", **found, form=Form(), whole=False)


@router.get("/me/{part}/all")
async def whole_list(part: str, who: Member) -> Response:
    """All matches or all applications, in pages; with `unread`, only the unread applications."""
    if part not in LISTS:
        raise Missing
    after = who.request.query_params.get("after") or None
    only_unread = "unread" in who.request.query_params
    if part == "applications" and is_part(who.request):
        await count_unread(who)
    found = await _part(who, part, WHOLE_PAGE, after, only_unread=only_unread)
    answer = found.get("matches") or found.get("applications")
    if answer is not None and not answer.is_good:  # probably an outdated position in the list
        if after is None:
            raise Missing
        return go(who, f"/me/{part}/all")
    if part == "matches":
        await saw(who, kind="recommended_vacancy")
    template = f"parts/{part}.html" if is_part(who.request) else "list.html"
    return render(who, template, **found, part=part, back="/me", whole=True)


async def _part(
    who: Visitor, part: str, limit: int, after: str | None = None, *, only_unread: bool = False
) -> Part:
    if part == "profile":
        return {"profile": await _profile(who)}
    if part == "matches":
        return {"matches": await _matches(who, limit, after)}
    sent = who.applications.sent(limit, after, only_unread=only_unread)
    return {"applications": await or_none(sent)}


async def _profile(who: Visitor) -> Answer[Profile] | None:
    """The profile, with the account's address suggested if there are no contacts.

    Old profiles do not have that address; they get it from `auth`, and store it when they are
    saved.
    """
    answer = await or_none(who.profiles.me())
    if not is_good(answer) or answer.data.contacts or answer.data.accountEmail:
        return answer
    account = await or_none(who.auth.me())
    offered = account.data.email if is_good(account) else ""
    return replace(answer, found=answer.data.model_copy(update={"offered": offered}))


async def _matches(
    who: Visitor, limit: int, after: str | None = None
) -> Answer[Items[MatchingVacancy]] | None:
    answer = await or_none(who.vacancies.recommended(limit, after))
    return await named_in(who, answer) if answer is not None else None


async def _home(who: Visitor, form: Form, status: int = 200) -> Response:
    parts, ahead = await asyncio.gather(
        asyncio.gather(
            _profile(who),
            or_none(who.profiles.resumes()),
            _matches(who, FEW),
            or_none(who.applications.sent(FEW)),
            or_none(who.vacancies.saved(SHOWN_SAVED)),
            or_none(who.vacancies.searches()),
        ),
        ahead_of(who, "applicant", SHOWN_INTERVIEWS),
    )
    profile, resumes, matches, applications, saved, searches = parts
    return render(
        who,
        "home.html",
        status,
        profile=profile,
        resumes=resumes,
        matches=matches,
        applications=applications,
        saved=saved,
        searches=searches,
        ahead=ahead,
        role="applicant",
        people={},
        views=await _views(who, resumes),
        steps=_first_steps(profile, resumes, applications),
        form=form,
        whole=False,
    )


async def _views(who: Visitor, resumes: Answer[Items[ResumeInList]] | None) -> dict[str, int]:
    """The numbers of companies that have viewed the first published resumes, by resume."""
    first = resumes.data.items[:SHOWN_RESUMES] if is_good(resumes) else ()
    ids = [one.id for one in first if one.status == "published"]
    answers = await asyncio.gather(*(or_none(who.vacancies.viewers(id)) for id in ids))
    return {
        id: len(answer.data.items)
        for id, answer in zip(ids, answers, strict=True)
        if is_good(answer)
    }


def _first_steps(
    profile: Answer[Profile] | None,
    resumes: Answer[Items[ResumeInList]] | None,
    applications: Answer[Items[Application]] | None,
) -> list[Step]:
    """The first steps; empty once all are done, or while a service is unavailable."""
    if profile is None or not is_good(resumes) or not is_good(applications):
        return []
    mine = resumes.data.items
    steps = [
        Step(
            "profile", profile.found is not None and "@" not in profile.found.fullName, "#profile"
        ),
        Step(
            "resume",
            any(one.status == "published" for one in mine),
            f"/resumes/{mine[0].id}" if mine else "#new-resume",
        ),
        Step("apply", bool(applications.data.items), "/vacancies"),
    ]
    return [] if all(one.is_done for one in steps) else steps


@router.post("/me/profile")
async def change_profile(who: Asking, request: Request) -> Response:
    """Change name, headline and area."""
    given = await typed(request)
    changes: dict[str, JsonValue] = {"locale": who.words.lang}
    changes |= {name: given.get(name) or None for name in ("headline", "area")}
    if given.get("fullName"):
        changes["fullName"] = given["fullName"]
    if (contact := given.get("contact")) is not None:
        saved = await who.profiles.me()
        if saved.is_good:
            contacts = _contacts(saved.data.contacts, contact)
            changes["contacts"] = [one.model_dump() for one in contacts]
    answer = await who.profiles.change_me(changes)
    if answer.is_good:
        return go(who, "/me", done="saved")
    form = Form(given)
    form.refuse(answer)
    return await _home(who, form, answer.status)


@router.post("/me/searches")
async def keep_search(who: Asking, request: Request) -> Response:
    """Save a search for jobs."""
    given = await typed(request)
    several: dict[str, list[JsonValue]] = {}
    query: dict[str, JsonValue] = {}
    for name, value in parse_qsl(given.get("query", "")):
        if name in NARROWED:
            several.setdefault(name, []).append(value)
        else:
            query[name] = int(value) if name in WHOLE and value.isdecimal() else value
    name = given.get("name") or str(query.get("q") or who.words.text("Jobs"))
    alerts = given.get("alerts") == "yes"
    answer = await who.vacancies.save_search(name[:100], query | several, alerts=alerts)
    done = "alerts_on" if alerts else "saved"
    return go(who, "/me", done=done if answer.is_good else "changed")


@router.post("/me/searches/{id}")
async def change_search(id: UUID, who: Asking, request: Request) -> Response:
    """Show the results of a saved search; or delete it, or switch its alerts on or off."""
    given = await typed(request)
    change = {
        "delete": (who.vacancies.delete_search, "deleted"),
        "alert": (who.vacancies.alert_of_search, "alerts_on"),
        "mute": (who.vacancies.mute_search, "alerts_off"),
    }.get(given.get("action", ""))
    if change is None:
        return await _results(who, id)
    call, done = change
    answer = await call(id)
    return go(who, "/me", done=done if answer.is_good else "changed")


@router.get("/me/searches/{id}")
async def open_search(id: UUID, who: Member) -> Response:
    """Show what a saved search has found: a notice leads here."""
    return await _results(who, id)


async def _results(who: Visitor, id: UUID) -> Response:
    """The results of a saved search, newest first, which the visitor has seen then."""
    listed = await who.vacancies.searches()
    if not listed.is_good:
        return away(who)
    found = next((one for one in listed.data.items if one.id == str(id)), None)
    if found is None:
        raise Missing
    if not who.request.headers.get("sec-purpose", "").startswith("prefetch"):
        await asyncio.gather(who.vacancies.see_search(id), saw(who, searchId=str(id)))
    return go(who, f"/vacancies?{urlencode({'sort': 'date'} | found.query, doseq=True)}")


def _contacts(saved: tuple[Contact, ...], typed_in: str) -> tuple[Contact, ...]:
    """The contacts, with the typed one in place of the first."""
    if saved and saved[0].value == typed_in:
        return saved
    if not typed_in:
        return saved[1:]
    kind = "email" if "@" in typed_in.strip("@") else "phone"
    return Contact(kind=kind, value=typed_in, preferred=True), *saved[1:]
