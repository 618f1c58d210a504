"""A candidate's resumes: the editor, its items, import and export."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TypeGuard, TypeVar
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import JsonValue

from hirewire.web.api.answers import Answer, Missing
from hirewire.web.api.models.base import Education, Items, Model
from hirewire.web.api.models.profiles import Position, Resume
from hirewire.web.api.models.vacancies import Reach
from hirewire.web.api.profiles import ItemKind
from hirewire.web.i18n.labels import N_
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
    or_none,
    render,
    rows,
    typed,
)
from hirewire.web.sessions import Visitor

router = APIRouter(include_in_schema=False)
SuggestedT = TypeVar("SuggestedT", bound=Model)
EMPTY_ROWS = 3
ITEMS: dict[ItemKind, tuple[str, ...]] = {
    "experience": ("position", "company", "start", "end", "description", "highlights"),
    "education": ("organization", "field", "level", "startYear", "endYear"),
}
"""The form fields of each item; the first one is required in a new item."""
PROJECT = ("name", "url", "start", "end", "description", "highlights")
CERTIFICATE = ("name", "issuer", "date", "url")
HIDE_AWAY = N_("Company search is temporarily unavailable. Your changes have not been saved.")
HIDE_NOBODY = N_("No company with this name is hiring here. Choose one from the list.")
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
    answer = await who.profiles.create_resume(given.get("title", ""))
    if answer.is_good:
        return go(who, f"/resumes/{answer.data.id}")
    form = Form(given)
    form.refuse(answer)
    return render(who, "new_resume.html", answer.status, form=form)


@router.post("/resumes/import")
async def import_resume(who: Member, request: Request) -> Response:
    """Import a resume from a JSON Resume file. Signed-out users cannot upload."""
    await who.auth.me()
    _, upload = await file_of(request, "file")
    form = Form()
    try:
        document = json.loads(upload[0][: LARGEST_IMPORT + 1] if upload is not None else b"")
        answer = await who.profiles.import_resume(document)
    except (ValueError, RecursionError):
        form.errors["file"] = who.words.text("This is not a JSON file.")
        return render(who, "new_resume.html", 422, form=form)
    if answer.is_good and answer.data.leftOut:
        return render(who, "imported.html", 201, resume=answer.data)
    if answer.is_good:
        return go(who, f"/resumes/{answer.data.id}", done="saved")
    form.refuse(answer)
    said = [f"{at}: {who.words.problem(why)}" for at, why in form.errors.items()]
    form.errors["file"] = "; ".join(said) or who.words.problem(form.problem)
    return render(who, "new_resume.html", answer.status, form=form)


@router.get("/resumes/{id}")
async def resume(id: UUID, who: Member) -> Response:
    """The editor."""
    saved = (await who.profiles.resume(id)).data
    return await _editor(who, saved, Form(saved))


@router.post("/resumes/{id}")
async def change_resume(id: UUID, who: Asking, request: Request) -> Response:
    """Save, publish, hide or delete a resume, or preview the matches after a change."""
    given = await typed(request)
    action = given.get("action", "save")
    if action == "delete":
        await who.profiles.delete_resume(id)
        return go(who, "/me", done="deleted")
    body = await _resume_body(request, given)
    typed_in: dict[str, JsonValue] = {
        name: given.get(name) for name in ("salaryAmount", "hideCompany")
    }
    if action == "reach":
        return await _reach(who, id, body, typed_in)
    if action in ("publish", "hide"):
        body["status"] = "published" if action == "publish" else "hidden"
    status, unknown = 422, await _hide(who, body, given.get("hideCompany", ""))
    if not unknown:
        answer = await who.profiles.change_resume(id, body)
        if answer.is_good:
            return go(who, f"/resumes/{id}", done="saved")
        status = answer.status
    saved = (await who.profiles.resume(id)).data
    form = Form(saved, body, typed_in)
    if unknown:
        form.errors["hideCompany"] = unknown
    else:
        form.refuse(answer)
    return await _editor(who, saved, form, status)


async def _hide(who: Visitor, body: dict[str, JsonValue], name: str) -> str:
    """Hide the resume from the companies with this name; return the error, or ""."""
    if not name:
        return ""
    answer = await or_none(who.vacancies.companies_named(name, limit="100"))
    if answer is None:
        return HIDE_AWAY
    found = answer.data.items if answer.is_good else ()
    same = [one.id for one in found if one.name.casefold() == name.casefold()]
    if not same and len(found) == 1:
        same = [found[0].id]
    body["hiddenFrom"] = list(dict.fromkeys([*_texts(body["hiddenFrom"]), *same]))
    return "" if same else HIDE_NOBODY


@router.post("/resumes/{id}/{kind}")
async def add_item(id: UUID, kind: str, who: Asking, request: Request) -> Response:
    """Add a position or an education entry."""
    if not _is_item(kind):
        raise Missing
    given = await typed(request)
    required = ITEMS[kind][0]
    body = {name: value for name, value in _item_body(kind, given).items() if value is not None}
    body.setdefault(required, "")
    answer = await who.profiles.add_item(id, kind, body)
    form = Form()
    if not answer.is_good:
        form = Form(given, body)
        form.refuse(answer)
    made = answer.found.id if answer.found is not None else None
    return await _after_item(who, id, kind, answer.status, form, made, is_adding=True)


@router.post("/resumes/{id}/{kind}/{item}")
async def change_item(id: UUID, kind: str, item: UUID, who: Asking, request: Request) -> Response:
    """Change or delete an item."""
    if not _is_item(kind):
        raise Missing
    given = await typed(request)
    if given.get("action") == "delete":
        await who.profiles.delete_item(id, kind, item)
        return await _after_item(who, id, kind, 200, Form(), str(item))
    body, required = _item_body(kind, given), ITEMS[kind][0]
    if body[required] is None and await _has(who, id, kind, item, required):
        body[required] = ""  # refused: only imported items may lack it
    answer = await who.profiles.change_item(id, kind, item, body)
    form = Form(given, body)
    if not answer.is_good:
        form.refuse(answer)
    return await _after_item(who, id, kind, answer.status, form, str(item))


def _is_item(kind: str) -> TypeGuard[ItemKind]:
    return kind in ITEMS


def _items(saved: Resume, kind: ItemKind) -> tuple[Position, ...] | tuple[Education, ...]:
    return saved.experience if kind == "experience" else saved.education


async def _has(who: Visitor, id: UUID, kind: ItemKind, item: UUID, name: str) -> bool:
    saved = (await who.profiles.resume(id)).found
    items = _items(saved, kind) if saved is not None else ()
    return any(one.id == str(item) and getattr(one, name) is not None for one in items)


async def _after_item(
    who: Visitor,
    id: UUID,
    kind: ItemKind,
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
    saved = (await who.profiles.resume(id)).data
    if is_part(who.request):
        found = next((one for one in _items(saved, kind) if one.id == item), None)
        is_changed = not is_wrong and found is not None and not is_adding
        return render(
            who,
            "parts/item.html",
            status,
            item=found,
            gone=item,
            form=Form(found) if is_changed and found is not None else form,
            resume=saved,
            kind=kind,
            is_adding=is_adding,
            form_of=Form,
        )
    items = {} if is_adding else {str(item): form}
    adding = {kind: form} if is_adding else {}
    return await _editor(who, saved, Form(saved), status, items=items, adding=adding)


@router.get("/resumes/{id}/file.{kind}")
async def export(id: UUID, kind: str, who: Member) -> Response:
    """Download the resume."""
    if kind == "pdf":
        return as_file((await who.profiles.export_resume(id, "pdf")).data, "pdf")
    document = json.loads((await who.profiles.export_resume(id, "json")).data)
    return as_file(json.dumps(document, ensure_ascii=False, indent=2).encode(), "json")


@router.get("/companies")
async def companies(who: Asking) -> Response:
    """Options: companies with the typed text in their name."""
    return await _suggested(who, "companies", "hideCompany", who.vacancies.companies_named)


@router.get("/skills")
async def skills(who: Asking) -> Response:
    """Options: skills that begin with the typed text."""
    return await _suggested(who, "skills", "skill", who.vacancies.skills)


@router.get("/places")
async def places(who: Asking) -> Response:
    """Options: places that begin with the typed text."""
    return await _suggested(who, "places", "area", who.vacancies.places)


async def _suggested(
    who: Visitor, kind: str, field: str, find: Callable[[str], Awaitable[Answer[Items[SuggestedT]]]]
) -> Response:
    typed_name = who.request.query_params.get(field, "")[:100]
    found = (await find(typed_name)).found if typed_name.strip() else None
    return render(who, f"parts/{kind}.html", items=found.items if found is not None else ())


async def _resume_body(request: Request, given: dict[str, str]) -> dict[str, JsonValue]:
    body: dict[str, JsonValue] = {name: given.get(name) or None for name in TEXTS}
    body["relocation"] = "relocation" in given
    form = await request.form()
    for name in ("employmentTypes", "workFormats"):
        body[name] = _texts(form.getlist(name))
    body["visibility"] = body["visibility"] or "recommended"
    body["hiddenFrom"] = _texts(form.getlist("hiddenFrom"))
    body["linkShows"] = _texts(form.getlist("linkShows"))
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
            _project(row) for row in await rows(request, *names, written=len(names))
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


def _project(row: dict[str, str]) -> dict[str, JsonValue]:
    return {
        "name": row["projectName"] or None,
        "url": row["projectUrl"] or None,
        "start": reading.date(row["projectStart"]),
        "end": reading.end(row["projectEnd"]),
        "description": row["projectDescription"] or None,
        "highlights": _lines(row["projectHighlights"]),
    }


def _texts(listed: object) -> list[JsonValue]:
    """The texts in a list; there are no files in these forms."""
    return [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else []


def _lines(typed_in: str) -> list[JsonValue]:
    """The non-empty lines of a text."""
    return [line.strip() for line in typed_in.splitlines() if line.strip()]


def _item_body(kind: ItemKind, given: dict[str, str]) -> dict[str, JsonValue]:
    body: dict[str, JsonValue] = {name: given.get(name) or None for name in ITEMS[kind]}
    if kind == "experience":
        body["highlights"] = _lines(given.get("highlights", ""))
        body["start"] = reading.date(given.get("start"))
        body["end"] = reading.end(given.get("end"))
    else:
        for name in ("startYear", "endYear"):
            body[name] = reading.year(given.get(name))
    return body


async def _reach(
    who: Visitor, id: UUID, body: dict[str, JsonValue], kept: dict[str, JsonValue]
) -> Response:
    answer = await who.vacancies.reach(id, {name: body[name] for name in MATCHED})
    reach, form = await named(who, answer.found), Form()
    if is_part(who.request):
        if not answer.is_good:
            form.refuse(answer)
        return render(who, "parts/reach.html", answer.status, reach=reach, answered=form)
    saved = (await who.profiles.resume(id)).data
    form = Form(saved, body, kept)
    if not answer.is_good:
        form.refuse(answer)
        form.errors = {at.removeprefix("changes/"): why for at, why in form.errors.items()}
    return await _editor(who, saved, form, answer.status, reach=reach, is_reached=True)


async def _editor(
    who: Visitor,
    saved: Resume,
    form: Form,
    status: int = 200,
    *,
    reach: Reach | None = None,
    is_reached: bool = False,
    items: dict[str, Form] | None = None,
    adding: dict[ItemKind, Form] | None = None,
) -> Response:
    hidden = [str(id) for id in _texts(form.value("hiddenFrom"))] or list(saved.hiddenFrom)
    readers, viewers, names = await asyncio.gather(
        or_none(who.profiles.readers(saved.id)),
        or_none(who.vacancies.viewers(saved.id)),
        _companies(who, hidden),
    )
    return render(
        who,
        "resume.html",
        status,
        resume=saved,
        form=form,
        reach=reach,
        answered=form if is_reached else Form(),
        readers=readers,
        viewers=viewers,
        hidden=[(id, names.get(id, id)) for id in map(str, _texts(form.value("hiddenFrom")))],
        items=items or {},
        adding=adding or {},
        form_of=Form,
        empty_rows=EMPTY_ROWS,
    )


async def _companies(who: Visitor, ids: list[str]) -> dict[str, str]:
    """The names of companies by id; none if the service is unavailable."""
    answer = await or_none(who.vacancies.companies(ids)) if ids else None
    return {one.id: one.name for one in answer.data.items} if is_good(answer) else {}
