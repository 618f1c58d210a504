"""Import and export of resumes."""

import json
from codecs import BOM_UTF8
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import JsonValue

from hirewire.web.api.models.profiles import Resume
from hirewire.web.pages.read_resume import draft_of, read_of
from hirewire.web.pages.rendering import (
    Form,
    Member,
    as_file,
    file_of,
    go,
    is_good,
    or_none,
    render,
    typed,
)
from hirewire.web.problems import Problem
from hirewire.web.sessions import Visitor

router = APIRouter(include_in_schema=False)
OPENING = (b"{", b"[")
"""How JSON begins."""
LARGEST_IMPORT, LARGEST_CV = 8 * 1024 * 1024, 5 * 1024 * 1024


@router.post("/resumes/import")
async def import_resume(who: Member, request: Request) -> Response:
    """Import a JSON Resume, or read a CV to be checked first. Signed-out users cannot upload."""
    await who.auth.me()
    _, upload = await file_of(request, "file")
    form = Form()
    file, kind = upload or (b"", "")
    if kind != "application/json" and file.removeprefix(BOM_UTF8).lstrip()[:1] not in OPENING:
        return await _read(who, file)
    try:
        document = json.loads(file[: LARGEST_IMPORT + 1])
        answer = await who.profiles.import_resume(document)
    except (ValueError, RecursionError):
        form.errors["file"] = Problem("not_json_file")
        return render(who, "new_resume.html", 422, form=form)
    if answer.is_good:
        return _imported(who, answer.data)
    form.errors = {f"file/{at}": why for at, why in answer.errors.items()}
    if not form.errors:
        form.errors["file"] = answer.problem
    return render(who, "new_resume.html", answer.status, form=form)


def _imported(who: Visitor, resume: Resume) -> Response:
    """The page of a resume, or first a list of what was not imported."""
    if resume.leftOut:
        return render(who, "imported.html", 201, resume=resume)
    return go(who, f"/resumes/{resume.id}", done="saved")


async def _read(who: Visitor, file: bytes) -> Response:
    """Show what was read of a CV, to be checked before it is saved."""
    form = Form()
    if len(file) > LARGEST_CV:
        form.errors["file"] = Problem("file_too_large")
        return render(who, "new_resume.html", 413, form=form)
    answer = await who.profiles.read_resume(file)
    if answer.is_good:
        return render(who, "read_resume.html", draft=draft_of(answer.data), form=form)
    form.errors["file"] = next(iter(answer.errors.values()), answer.problem)
    return render(who, "new_resume.html", answer.status, form=form)


@router.post("/resumes/read")
async def save_read(who: Member, request: Request) -> Response:
    """Save a resume that was read of a file and checked."""
    given = await typed(request)
    read = await read_of(request, given)
    answer = await who.profiles.import_resume(read.document, strict=True)
    if answer.is_good:
        await _complete_profile(who, given)
        return _imported(who, answer.data)
    form = Form()
    form.refuse(answer)
    draft = draft_of(read, form.errors)
    if draft.is_wrong:
        form.problem = Problem("invalid")
    return render(who, "read_resume.html", answer.status, draft=draft, form=form)


async def _complete_profile(who: Visitor, given: dict[str, str]) -> None:
    """Enter name and contacts in a profile that has none; existing ones stay."""
    profile = await or_none(who.profiles.me())
    if not is_good(profile):
        return
    changes: dict[str, JsonValue] = {}
    if given.get("name") and "@" in profile.data.fullName:  # still the e-mail address
        changes["fullName"] = given["name"]
    entered: list[JsonValue] = [
        {"kind": kind, "value": given[kind], "preferred": kind == "email"}
        for kind in ("email", "phone")
        if given.get(kind)
    ]
    if entered and not profile.data.contacts:
        changes["contacts"] = entered
    if changes:
        await or_none(who.profiles.change_me(changes))


@router.get("/resumes/{id}/file.{kind}")
async def export(id: UUID, kind: str, who: Member) -> Response:
    """Download the resume."""
    if kind == "pdf":
        return as_file((await who.profiles.export_resume(id, "pdf")).data, "pdf")
    document = json.loads((await who.profiles.export_resume(id, "json")).data)
    return as_file(json.dumps(document, ensure_ascii=False, indent=2).encode(), "json")
