"""A candidate's resumes: the editor, its items, import and export."""

import json
from typing import Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Request, Response

from hirewire.kit.errors import Unavailable
from hirewire.web.api.services import Answer
from hirewire.web.pages import reading
from hirewire.web.pages.naming import named
from hirewire.web.pages.rendering import (
    Asking,
    Form,
    Member,
    as_file,
    file_of,
    go,
    is_good,
    is_part,
    parts,
    render,
    rows,
    typed,
)
from hirewire.web.problems import Problem, left_out
from hirewire.web.sessions import Visitor

router = APIRouter(include_in_schema=False)
RESUMES, COMPANIES = "/api/profiles/resumes", "/api/vacancies/companies"
CARDS = "/api/vacancies/resumes"
EMPTY_ROWS = 3
ITEMS = {
    "experience": ("position", "company", "start", "end", "description", "highlights"),
    "education": ("organization", "field", "level", "startYear", "endYear"),
}
"""The form fields of each item; the first one is required in a new item."""
PROJECT = ("name", "url", "start", "end", "description", "highlights")
CERTIFICATE = ("name", "issuer", "date", "url")
MATCHED = (
    *("title", "area", "relocation", "skills", "workFormats", "employmentTypes"),
    *("salary", "languages"),
)
"""The fields of a resume that affect matching."""
TEXTS = ("title", "summary", "area", "visibility")
LARGEST_IMPORT = 8 * 1024 * 1024


@router.post("/resumes")
async def make_resume(who: Asking, request: Request) -> Response:
    """Create a resume from a title."""
    given = await typed(request)
    answer = await who.call("profiles", "POST", RESUMES, {"title": given.get("title", "")})
    if answer.is_good:
        return go(who, f"/resumes/{answer.data['id']}")
    form = Form(given)
    form.refuse(answer)
    return render(who, "new_resume.html", answer.status, form=form)


@router.post("/resumes/import")
async def import_resume(who: Member, request: Request) -> Response:
    """Import a resume from a JSON Resume file. Signed-out users cannot upload."""
    await who.call("auth", "GET", "/api/auth/me")
    _, upload = await file_of(request, "file")
    form = Form()
    try:
        document = json.loads(upload[0][: LARGEST_IMPORT + 1] if upload is not None else b"")
        answer = await who.call("profiles", "POST", f"{RESUMES}/import", document)
    except (ValueError, RecursionError):
        form.errors["file"] = Problem("not_json_file")
        return render(who, "new_resume.html", 422, form=form)
    if answer.is_good and (skipped := left_out(answer.data)):
        return render(who, "imported.html", 201, resume=answer.data, skipped=skipped)
    if answer.is_good:
        return go(who, f"/resumes/{answer.data['id']}", done="saved")
    form.errors = {f"file/{at}": why for at, why in answer.errors.items()}
    if not form.errors:
        form.errors["file"] = answer.problem
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
    """Save, publish, hide or delete a resume, or preview the matches after a change."""
    given = await typed(request)
    action = given.get("action", "save")
    path = f"{RESUMES}/{id}"
    if action == "delete":
        await who.call("profiles", "DELETE", path)
        return go(who, "/me", done="deleted")
    body = await _resume_body(request, given)
    typed_in = {name: given.get(name) for name in ("salaryAmount", "hideCompany")}
    if action == "reach":
        return await _reach(who, id, body, typed_in)
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
    form = Form(saved.data | body | typed_in)
    if unknown:
        form.errors["hideCompany"] = unknown
    else:
        form.refuse(answer)
    return await _editor(who, saved.data, form, status)


async def _hide(who: Visitor, body: dict[str, Any], name: str) -> Problem | None:
    """Hide the resume from the companies with this name; return what is wrong."""
    if not name:
        return None
    try:
        answer = await who.call("vacancies", "GET", f"{COMPANIES}?limit=100&q={quote(name)}")
    except Unavailable:
        return Problem("company_search_away")
    found = answer.data["items"] if answer.is_good else []
    same = [one["id"] for one in found if one["name"].casefold() == name.casefold()]
    if not same and len(found) == 1:
        same = [found[0]["id"]]
    body["hiddenFrom"] = list(dict.fromkeys([*body["hiddenFrom"], *same]))
    return None if same else Problem("no_such_company")


@router.post("/resumes/{id}/{kind}")
async def add_item(id: UUID, kind: str, who: Asking, request: Request) -> Response:
    """Add a position or an education entry."""
    if kind not in ITEMS:
        return render(who, "missing.html", 404)
    given = await typed(request)
    required = ITEMS[kind][0]
    body = {name: value for name, value in _item_body(kind, given).items() if value is not None}
    body.setdefault(required, "")
    answer = await who.call("profiles", "POST", f"{RESUMES}/{id}/{kind}", body)
    form = Form()
    if not answer.is_good:
        form = Form(given | body)
        form.refuse(answer)
    made = answer.data["id"] if answer.is_good else None
    return await _after_item(who, id, kind, answer.status, form, made, is_adding=True)


@router.post("/resumes/{id}/{kind}/{item}")
async def change_item(id: UUID, kind: str, item: UUID, who: Asking, request: Request) -> Response:
    """Change or delete an item."""
    if kind not in ITEMS:
        return render(who, "missing.html", 404)
    given = await typed(request)
    path = f"{RESUMES}/{id}/{kind}/{item}"
    if given.get("action") == "delete":
        answer = await who.call("profiles", "DELETE", path)
        return await _after_item(who, id, kind, 200, Form(), str(item))
    body, required = _item_body(kind, given), ITEMS[kind][0]
    if body[required] is None and await _has(who, id, kind, item, required):
        body[required] = ""  # refused: only imported items may lack it
    answer = await who.call("profiles", "PATCH", path, body)
    form = Form(given | body)
    if not answer.is_good:
        form.refuse(answer)
    return await _after_item(who, id, kind, answer.status, form, str(item))


async def _has(who: Visitor, id: UUID, kind: str, item: UUID, name: str) -> bool:
    saved = await who.call("profiles", "GET", f"{RESUMES}/{id}")
    items = saved.data[kind] if saved.is_good else []
    return any(one["id"] == str(item) and one[name] is not None for one in items)


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
    """The whole page, or only the item for a page that already shows the rest."""
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
    """Download the resume."""
    kind = "pdf" if kind == "pdf" else "json"
    answer = await who.call("profiles", "GET", f"{RESUMES}/{id}/export?format={kind}")
    if not answer.is_good:
        return render(who, "missing.html", 404)
    content = answer.data
    if kind == "json":
        content = json.dumps(content, ensure_ascii=False, indent=2).encode()
    return as_file(content, kind)


@router.get("/companies")
async def companies(who: Asking) -> Response:
    """Options: companies with the typed text in their name."""
    return await _suggested(who, "companies", "hideCompany")


@router.get("/skills")
async def skills(who: Asking) -> Response:
    """Options: skills that begin with the typed text."""
    return await _suggested(who, "skills", "skill")


@router.get("/places")
async def places(who: Asking) -> Response:
    """Options: places that begin with the typed text."""
    return await _suggested(who, "places", "area")


async def _suggested(who: Visitor, kind: str, field: str) -> Response:
    typed_name = who.request.query_params.get(field, "")[:100]
    path = f"/api/vacancies/{kind}?limit=8&q={quote(typed_name, safe='')}"
    found = await who.call("vacancies", "GET", path) if typed_name.strip() else None
    items = found.data["items"] if found is not None and found.is_good else []
    return render(who, f"parts/{kind}.html", items=items)


async def _resume_body(request: Request, given: dict[str, str]) -> dict[str, Any]:
    body: dict[str, Any] = {name: given.get(name) or None for name in TEXTS}
    body["relocation"] = "relocation" in given
    form = await request.form()
    for name in ("employmentTypes", "workFormats"):
        body[name] = form.getlist(name)
    body["visibility"] = body["visibility"] or "recommended"
    body["hiddenFrom"] = form.getlist("hiddenFrom")
    body["linkShows"] = form.getlist("linkShows")
    body["skills"] = [
        {"name": row["skill"], "level": int(row["level"]) if row["level"].isdecimal() else None}
        for row in await rows(request, "skill", "level")
    ]
    body["languages"] = [
        {"language": row["language"], "level": row["languageLevel"] or None}
        for row in await rows(request, "language", "languageLevel")
    ]
    if "certificateName" in form:
        names = [f"certificate{name.title()}" for name in CERTIFICATE]
        body["certificates"] = [
            {name: row[field] or None for name, field in zip(CERTIFICATE, names, strict=True)}
            for row in await rows(request, *names, written=len(names))
        ]
    if "linkUrl" in form:
        body["links"] = [
            {"url": row["linkUrl"], "label": row["linkLabel"] or None}
            for row in await rows(request, "linkUrl", "linkLabel", written=2)
        ]
    if "projectName" in form:
        names = [f"project{name.title()}" for name in PROJECT]
        body["projects"] = [
            {name: row[field] or None for name, field in zip(PROJECT, names, strict=True)}
            | {
                "start": reading.date(row["projectStart"]),
                "end": reading.end(row["projectEnd"]),
                "highlights": _lines(row["projectHighlights"]),
            }
            for row in await rows(request, *names, written=len(names))
        ]
    typed_in = given.get("salaryAmount", "")
    body["salary"] = None
    if typed_in:
        body["salary"] = {
            "amount": reading.amount(typed_in),
            "currency": reading.currency(given.get("salaryCurrency", ""), typed_in),
            "unit": given.get("salaryUnit") or "MONTH",
        }
    return body


def _lines(typed_in: str) -> list[str]:
    """The non-empty lines of a text."""
    return [line.strip() for line in typed_in.splitlines() if line.strip()]


def _item_body(kind: str, given: dict[str, str]) -> dict[str, Any]:
    body: dict[str, Any] = {name: given.get(name) or None for name in ITEMS[kind]}
    if kind == "experience":
        body["highlights"] = _lines(given.get("highlights", ""))
        body["start"] = reading.date(given.get("start"))
        body["end"] = reading.end(given.get("end"))
    else:
        for name in ("startYear", "endYear"):
            body[name] = reading.year(given.get(name))
    return body


async def _reach(who: Visitor, id: UUID, body: dict[str, Any], kept: dict[str, Any]) -> Response:
    changes = {name: body[name] for name in MATCHED}
    asked = {"resumeId": str(id), "changes": changes}
    answer = await who.call("vacancies", "POST", "/api/vacancies/reach", asked)
    reach, form = answer.data if answer.is_good else None, Form()
    await named(who, reach)
    if is_part(who.request):
        if not answer.is_good:
            form.refuse(answer)
        return render(who, "parts/reach.html", answer.status, reach=reach, answered=form)
    saved = await who.call("profiles", "GET", f"{RESUMES}/{id}")
    if not saved.is_good:
        return render(who, "missing.html", 404)
    form = Form(saved.data | body | kept)
    if not answer.is_good:
        form.refuse(answer)
        form.errors = {at.removeprefix("changes/"): why for at, why in form.errors.items()}
    return await _editor(who, saved.data, form, answer.status, reach=reach, is_reached=True)


async def _editor(
    who: Visitor,
    saved: dict[str, Any],
    form: Form,
    status: int = 200,
    *,
    reach: Any = None,
    is_reached: bool = False,
    items: dict[str, Form] | None = None,
    adding: dict[str, Form] | None = None,
) -> Response:
    hidden = [f"id={id}" for id in form.value("hiddenFrom") or saved["hiddenFrom"]]
    asked = {
        "readers": ("profiles", f"{RESUMES}/{saved['id']}/readers?limit=50"),
        "viewers": ("vacancies", f"{CARDS}/{saved['id']}/viewers?limit=50"),
    }
    if hidden:
        asked["hidden"] = ("vacancies", f"{COMPANIES}?{'&'.join(hidden)}")
    found = await parts(who, **asked)
    return render(
        who,
        "resume.html",
        status,
        resume=saved,
        form=form,
        reach=reach,
        answered=form if is_reached else Form(),
        readers=found["readers"],
        viewers=found["viewers"],
        hidden=_hidden(form, found.get("hidden")),
        items=items or {},
        adding=adding or {},
        form_of=Form,
        empty_rows=EMPTY_ROWS,
    )


def _hidden(form: Form, names: Answer | None) -> list[tuple[str, str]]:
    """Id and name of the companies a resume is hidden from; the id if the name is unknown."""
    known = {one["id"]: one["name"] for one in names.data["items"]} if is_good(names) else {}
    return [(id, known.get(id, id)) for id in form.value("hiddenFrom") or ()]
