"""What a candidate sees and does: profile, resumes, matches, applications."""

import asyncio
import json
from typing import Any, TypeGuard
from urllib.parse import parse_qsl, quote, urlencode
from uuid import UUID

from fastapi import APIRouter, Request, Response

from hirewire.kit.errors import Unavailable
from hirewire.web.clients import Answer
from hirewire.web.pages.rendering import Asking, Form, Member, go, is_part, render, rows, typed
from hirewire.web.sessions import Visitor
from hirewire.web.words import N_

router = APIRouter(include_in_schema=False)
ME, RESUMES = "/api/profiles/me", "/api/profiles/resumes"
COMPANIES, SEARCHES = "/api/vacancies/companies", "/api/vacancies/searches"
SEVERAL = ("area", "skill", "workFormat", "employmentType", "experience", "company")
WHOLE = ("salaryFrom", "days")
"""What of a search comes several times, and what is a number."""
HOME = {
    "profile": ("profiles", ME),
    "resumes": ("profiles", RESUMES),
    "matches": ("vacancies", "/api/vacancies/recommended?limit=10"),
    "applications": ("vacancies", "/api/vacancies/applications?limit=20"),
    "searches": ("vacancies", "/api/vacancies/searches?limit=20"),
}
"""Which service has what of a candidate's home."""
LIVE = frozenset(HOME) - {"resumes", "searches"}
"""What of it an open page reads again by itself."""
EMPTY_ROWS = 3
ITEMS = {
    "experience": ("position", "company", "start", "end", "description"),
    "education": ("organization", "field", "level", "startYear", "endYear"),
}
"""What of an item is in its form; the first must be there."""
HIDE_AWAY = N_("Companies cannot be looked up right now; nothing is saved yet.")
HIDE_NOBODY = N_("No company of this name hires here. Choose one of those that are offered.")
TEXTS = ("title", "summary", "area", "visibility")
LARGEST_IMPORT = 8 * 1024 * 1024


@router.get("/me")
async def home(who: Member) -> Response:
    """A candidate's home; each part stands for itself when a service is away."""
    parts = await _parts(who, **HOME)
    return render(who, "home.html", **parts, form=Form())


@router.get("/me/{part}")
async def part_of_home(part: str, who: Member) -> Response:
    """One part, for the open page that was told of a change."""
    if part not in LIVE:
        return render(who, "missing.html", 404)
    if not is_part(who.request):
        return go(who, "/me")
    found = await _parts(who, **{part: HOME[part]})
    return render(who, f"parts/{part}.html", **found, form=Form())


@router.post("/me/profile")
async def change_profile(who: Asking, request: Request) -> Response:
    """Name, headline, area."""
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
    parts = await _parts(who, **HOME)
    return render(who, "home.html", answer.status, **parts, form=form)


@router.post("/me/searches")
async def keep_search(who: Asking, request: Request) -> Response:
    """Keep a search of the list of vacancies."""
    given = await typed(request)
    query: dict[str, Any] = {}
    for name, value in parse_qsl(given.get("query", "")):
        if name in SEVERAL:
            query.setdefault(name, []).append(value)
        else:
            query[name] = int(value) if name in WHOLE and value.isdecimal() else value
    name = given.get("name") or str(query.get("q") or who.words.text("Vacancies"))
    answer = await who.call("vacancies", "POST", SEARCHES, {"name": name[:200], "query": query})
    return go(who, "/me", done="saved" if answer.is_good else "changed")


@router.post("/me/searches/{id}")
async def open_search(id: UUID, who: Asking, request: Request) -> Response:
    """Look at what a kept search finds, the newest first; or forget the search."""
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


@router.post("/resumes")
async def make_resume(who: Asking, request: Request) -> Response:
    """A new resume, from a title."""
    given = await typed(request)
    answer = await who.call("profiles", "POST", RESUMES, {"title": given.get("title", "")})
    if answer.is_good:
        return go(who, f"/resumes/{answer.data['id']}")
    form = Form(given)
    form.refuse(answer)
    return render(who, "new_resume.html", answer.status, form=form)


@router.post("/resumes/import")
async def import_resume(who: Asking, request: Request) -> Response:
    """A resume from a file of JSON Resume."""
    upload = (await request.form()).get("file")
    content = await upload.read() if upload is not None and not isinstance(upload, str) else b""
    form = Form()
    try:
        document = json.loads(content[: LARGEST_IMPORT + 1])
        answer = await who.call("profiles", "POST", f"{RESUMES}/import", document)
    except (ValueError, RecursionError):
        form.errors["file"] = who.words.text("This is not a JSON file.")
        return render(who, "new_resume.html", 422, form=form)
    if answer.is_good:
        return go(who, f"/resumes/{answer.data['id']}", done="saved")
    form.refuse(answer)
    form.errors["file"] = "; ".join(f"{at}: {why}" for at, why in answer.errors.items())
    return render(who, "new_resume.html", answer.status, form=form)


@router.get("/resumes/{id}")
async def resume(id: UUID, who: Member) -> Response:
    """The editor."""
    answer = await who.call("profiles", "GET", f"{RESUMES}/{id}")
    if not answer.is_good:
        return render(who, "missing.html", 404)
    return await _editor(who, answer.data, Form(answer.data))


@router.post("/resumes/{id}")
async def change_resume(id: UUID, who: Asking, request: Request) -> Response:
    """Save, publish, hide, delete, or look how far a change would reach."""
    given = await typed(request)
    action = given.get("action", "save")
    path = f"{RESUMES}/{id}"
    if action == "delete":
        await who.call("profiles", "DELETE", path)
        return go(who, "/me", done="deleted")
    body = await _resume_body(request, given)
    if action == "reach":
        return await _reach(who, id, body)
    if action in ("publish", "hide"):
        body["status"] = "published" if action == "publish" else "hidden"
    status, unknown = 422, await _hide(who, body, given.get("hideCompany", ""))
    if not unknown:
        answer = await who.call("profiles", "PATCH", path, body)
        if answer.is_good:
            return go(who, f"/resumes/{id}", done="saved")
        status = answer.status
    saved = await who.call("profiles", "GET", path)
    if not saved.is_good:
        return render(who, "missing.html", 404)
    typed_in = {name: given.get(name) for name in ("salaryAmount", "hideCompany")}
    form = Form(saved.data | body | typed_in)
    if unknown:
        form.errors["hideCompany"] = unknown
    else:
        form.refuse(answer)
    return await _editor(who, saved.data, form, status)


async def _hide(who: Visitor, body: dict[str, Any], name: str) -> str:
    """Add the companies of this name to those the resume is hidden from; what is wrong, or ""."""
    if not name:
        return ""
    try:
        answer = await who.call("vacancies", "GET", f"{COMPANIES}?limit=100&q={quote(name)}")
    except Unavailable:
        return HIDE_AWAY
    found = answer.data["items"] if answer.is_good else []
    same = [one["id"] for one in found if one["name"].casefold() == name.casefold()]
    if not same and len(found) == 1:
        same = [found[0]["id"]]
    body["hiddenFrom"] = list(dict.fromkeys([*body["hiddenFrom"], *same]))
    return "" if same else HIDE_NOBODY


@router.post("/resumes/{id}/{kind}")
async def add_item(id: UUID, kind: str, who: Asking, request: Request) -> Response:
    """Add a position or a course of study."""
    if kind not in ITEMS:
        return render(who, "missing.html", 404)
    given = await typed(request)
    body = {name: value for name, value in _item_body(kind, given).items() if value is not None}
    answer = await who.call("profiles", "POST", f"{RESUMES}/{id}/{kind}", body)
    form = Form()
    if not answer.is_good:
        form = Form(given)
        form.refuse(answer)
    made = answer.data["id"] if answer.is_good else None
    return await _after_item(who, id, kind, answer.status, form, made, is_adding=True)


@router.post("/resumes/{id}/{kind}/{item}")
async def change_item(id: UUID, kind: str, item: UUID, who: Asking, request: Request) -> Response:
    """Change one, or take it out."""
    if kind not in ITEMS:
        return render(who, "missing.html", 404)
    given = await typed(request)
    path = f"{RESUMES}/{id}/{kind}/{item}"
    if given.get("action") == "delete":
        answer = await who.call("profiles", "DELETE", path)
        return await _after_item(who, id, kind, 200, Form(), str(item))
    answer = await who.call("profiles", "PATCH", path, _item_body(kind, given))
    form = Form(given)
    if not answer.is_good:
        form.refuse(answer)
    return await _after_item(who, id, kind, answer.status, form, str(item))


async def _after_item(
    who: Visitor,
    id: UUID,
    kind: str,
    status: int,
    form: Form,
    item: str | None,
    *,
    is_adding: bool = False,
) -> Response:
    """The page again; or the item alone, for a page that has the rest."""
    is_wrong = bool(form.errors or form.problem)
    if not is_part(who.request) and not is_wrong:
        return go(who, f"/resumes/{id}", done="saved")
    saved = await who.call("profiles", "GET", f"{RESUMES}/{id}")
    if not saved.is_good:
        return render(who, "missing.html", 404)
    if is_part(who.request):
        found = [one for one in saved.data[kind] if one["id"] == item]
        shown: dict[str, Any] = {"item": found[0] if found else None, "gone": item, "form": form}
        if not is_wrong and found and not is_adding:
            shown["form"] = Form(found[0])
        return render(
            who,
            "parts/item.html",
            status,
            **shown,
            resume=saved.data,
            kind=kind,
            is_adding=is_adding,
            form_of=Form,
        )
    items = {} if is_adding else {str(item): form}
    adding = {kind: form} if is_adding else {}
    return await _editor(who, saved.data, Form(saved.data), status, items=items, adding=adding)


@router.get("/resumes/{id}/file.{kind}")
async def export(id: UUID, kind: str, who: Member) -> Response:
    """The resume as a file."""
    kind = "pdf" if kind == "pdf" else "json"
    answer = await who.call("profiles", "GET", f"{RESUMES}/{id}/export?format={kind}")
    if not answer.is_good:
        return render(who, "missing.html", 404)
    content = answer.data
    if kind == "json":
        content = json.dumps(content, ensure_ascii=False, indent=2).encode()
    return _file(content, kind)


@router.post("/vacancies/{id}/apply")
async def apply(id: UUID, who: Asking, request: Request) -> Response:
    """Apply for a vacancy."""
    given = await typed(request)
    body = {"resumeId": given.get("resumeId", ""), "letter": given.get("letter") or None}
    path = f"/api/vacancies/vacancies/{id}/applications"
    answer = await who.call("vacancies", "POST", path, body)
    if answer.is_good:
        return go(who, f"/applications/{answer.data['id']}", done="sent")
    form = Form(given)
    form.refuse(answer)
    found = await who.call("vacancies", "GET", f"/api/vacancies/vacancies/{id}")
    if not found.is_good:
        return render(who, "missing.html", 404)
    mine = await _parts(who, resumes=("profiles", RESUMES))
    return render(who, "apply.html", answer.status, form=form, vacancy=found.data, **mine)


@router.get("/applications/{id}")
async def application(id: UUID, who: Member) -> Response:
    """One application, for either side."""
    path = f"/api/vacancies/applications/{id}"
    found = await who.call("vacancies", "GET", path)
    if not found.is_good:
        return render(who, "missing.html", 404)
    messages = await who.call("vacancies", "GET", f"{path}/messages?limit=100")
    person = None
    if found.data["side"] == "employer" and found.data["contactsOpen"]:
        try:
            card = await who.call(
                "profiles", "GET", f"/api/profiles/candidates/{found.data['resumeId']}"
            )
            person = card.data if card.is_good else None
        except Unavailable:
            person = None
    template = "parts/application.html" if is_part(who.request) else "application.html"
    return render(
        who, template, one=found.data, messages=messages.data["items"], person=person, form=Form()
    )


@router.get("/applications/{id}/resume.pdf")
async def applied_with(id: UUID, who: Member) -> Response:
    """The resume somebody has applied with, to print."""
    found = await who.call("vacancies", "GET", f"/api/vacancies/applications/{id}")
    if not found.is_good or found.data["side"] != "employer":
        return render(who, "missing.html", 404)
    path = f"/api/profiles/candidates/{found.data['resumeId']}/pdf"
    answer = await who.call("profiles", "GET", path)
    return _file(answer.data, "pdf") if answer.is_good else render(who, "missing.html", 404)


@router.post("/applications/{id}/{action}")
async def answer_application(id: UUID, action: str, who: Asking, request: Request) -> Response:
    """Write, accept, withdraw; or, as the employer, move it on."""
    given = await typed(request)
    path = f"/api/vacancies/applications/{id}"
    bodies: dict[str, dict[str, Any]] = {
        "messages": {"text": given.get("text", "")},
        "accept": {},
        "withdraw": {},
        "stage": {"stage": given.get("stage", "")}
        | ({"reason": given["reason"]} if given.get("reason") else {})
        | ({"comment": given["comment"], "commentShared": True} if given.get("comment") else {}),
    }
    if action not in bodies:
        return render(who, "missing.html", 404)
    answer = await who.call("vacancies", "POST", f"{path}/{action}", bodies[action])
    if answer.is_good:
        back = given.get("back", "")
        path = back if back.startswith("/employer/") else f"/applications/{id}"
        return go(who, path, done="saved")
    form = Form(given)
    form.refuse(answer)
    found = await who.call("vacancies", "GET", path)
    if not found.is_good:
        return render(who, "missing.html", 404)
    messages = await who.call("vacancies", "GET", f"{path}/messages?limit=100")
    return render(
        who,
        "application.html",
        answer.status,
        one=found.data,
        messages=messages.data["items"],
        person=None,
        form=form,
    )


@router.get("/companies")
async def companies(who: Asking) -> Response:
    """Companies with what is typed in their name, as options."""
    named = who.request.query_params.get("hideCompany", "")[:100]
    found = await who.call("vacancies", "GET", f"{COMPANIES}?limit=8&q={quote(named)}")
    items = found.data["items"] if found.is_good else []
    return render(who, "parts/companies.html", items=items)


@router.get("/skills")
async def skills(who: Asking) -> Response:
    """Skills that begin as typed, as options."""
    typed_name = who.request.query_params.get("skill", "")[:100]
    path = f"/api/vacancies/skills?limit=8&q={quote(typed_name, safe='')}"
    found = await who.call("vacancies", "GET", path) if typed_name.strip() else None
    items = found.data["items"] if found is not None and found.is_good else []
    return render(who, "parts/skills.html", items=items)


def _contacts(saved: list[dict[str, Any]], typed_in: str) -> list[dict[str, Any]]:
    """The contacts, the first of which is what was typed; the others stay."""
    if saved and saved[0]["value"] == typed_in:
        return saved
    if not typed_in:
        return saved[1:]
    kind = "email" if "@" in typed_in.strip("@") else "phone"
    return [{"kind": kind, "value": typed_in, "preferred": True}, *saved[1:]]


async def _resume_body(request: Request, given: dict[str, str]) -> dict[str, Any]:
    body: dict[str, Any] = {name: given.get(name) or None for name in TEXTS}
    body["relocation"] = "relocation" in given
    form = await request.form()
    for name in ("employmentTypes", "workFormats"):
        body[name] = form.getlist(name)
    body["visibility"] = body["visibility"] or "recommended"
    body["hiddenFrom"] = form.getlist("hiddenFrom")
    body["skills"] = [
        {"name": row["skill"], "level": int(row["level"]) if row["level"].isdecimal() else None}
        for row in await rows(request, "skill", "level")
    ]
    body["languages"] = [
        {"language": row["language"], "level": row["languageLevel"] or None}
        for row in await rows(request, "language", "languageLevel")
    ]
    amount = "".join(given.get("salaryAmount", "").split())
    body["salary"] = None
    if amount:
        body["salary"] = {
            "amount": int(amount) if amount.isdecimal() else amount,
            "currency": given.get("salaryCurrency", "").upper(),
            "unit": given.get("salaryUnit") or "MONTH",
        }
    return body


def _item_body(kind: str, given: dict[str, str]) -> dict[str, Any]:
    required, *others = ITEMS[kind]
    body: dict[str, Any] = {required: given.get(required, "")}
    body |= {name: given.get(name) or None for name in others}
    for year in ("startYear", "endYear"):
        if (body.get(year) or "").isdecimal():
            body[year] = int(body[year])
    return body


def _file(content: bytes, kind: str) -> Response:
    headers = {
        "Content-Disposition": f'attachment; filename="resume.{kind}"',
        "Cache-Control": "no-store",
    }
    return Response(content, media_type=f"application/{kind}", headers=headers)


async def _reach(who: Visitor, id: UUID, body: dict[str, Any]) -> Response:
    names = ("title", "area", "relocation", "skills", "workFormats")
    asked = {"resumeId": str(id), "changes": {name: body[name] for name in names}}
    answer = await who.call("vacancies", "POST", "/api/vacancies/reach", asked)
    reach = answer.data if answer.is_good else None
    if is_part(who.request):
        return render(who, "parts/reach.html", reach=reach)
    saved = await who.call("profiles", "GET", f"{RESUMES}/{id}")
    if not saved.is_good:
        return render(who, "missing.html", 404)
    return await _editor(who, saved.data, Form(saved.data | body), reach=reach)


async def _editor(
    who: Visitor,
    saved: dict[str, Any],
    form: Form,
    status: int = 200,
    *,
    reach: Any = None,
    items: dict[str, Form] | None = None,
    adding: dict[str, Form] | None = None,
) -> Response:
    hidden = [f"id={id}" for id in form.value("hiddenFrom") or saved["hiddenFrom"]]
    asked = {"readers": ("profiles", f"{RESUMES}/{saved['id']}/readers?limit=50")}
    if hidden:
        asked["hidden"] = ("vacancies", f"{COMPANIES}?{'&'.join(hidden)}")
    found = await _parts(who, **asked)
    return render(
        who,
        "resume.html",
        status,
        resume=saved,
        form=form,
        reach=reach,
        readers=found["readers"],
        hidden=_hidden(form, found.get("hidden")),
        items=items or {},
        adding=adding or {},
        form_of=Form,
        empty_rows=EMPTY_ROWS,
    )


def _hidden(form: Form, names: Answer | None) -> list[tuple[str, str]]:
    """Id and name of the companies a resume is hidden from; the id where the name is not known."""
    known = {one["id"]: one["name"] for one in names.data["items"]} if _is_good(names) else {}
    return [(id, known.get(id, id)) for id in form.value("hiddenFrom") or ()]


def _is_good(answer: Answer | None) -> TypeGuard[Answer]:
    return answer is not None and answer.is_good


async def _parts(who: Visitor, **asked: tuple[str, str]) -> dict[str, Any]:
    """What each service says, all asked at once; None of one that is away."""

    async def one(service: str, path: str) -> Answer | None:
        try:
            return await who.call(service, "GET", path)
        except Unavailable:
            return None

    answers = await asyncio.gather(*(one(*where) for where in asked.values()))
    return dict(zip(asked, answers, strict=True))
