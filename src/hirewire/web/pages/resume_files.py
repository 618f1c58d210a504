"""Import and export of resumes."""

import json
from uuid import UUID

from fastapi import APIRouter, Request, Response

from hirewire.web.pages.rendering import Form, Member, as_file, file_of, go, render
from hirewire.web.problems import Problem

router = APIRouter(include_in_schema=False)
LARGEST_IMPORT = 8 * 1024 * 1024


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
        form.errors["file"] = Problem("not_json_file")
        return render(who, "new_resume.html", 422, form=form)
    if answer.is_good and answer.data.leftOut:
        return render(who, "imported.html", 201, resume=answer.data)
    if answer.is_good:
        return go(who, f"/resumes/{answer.data.id}", done="saved")
    form.errors = {f"file/{at}": why for at, why in answer.errors.items()}
    if not form.errors:
        form.errors["file"] = answer.problem
    return render(who, "new_resume.html", answer.status, form=form)


@router.get("/resumes/{id}/file.{kind}")
async def export(id: UUID, kind: str, who: Member) -> Response:
    """Download the resume."""
    if kind == "pdf":
        return as_file((await who.profiles.export_resume(id, "pdf")).data, "pdf")
    document = json.loads((await who.profiles.export_resume(id, "json")).data)
    return as_file(json.dumps(document, ensure_ascii=False, indent=2).encode(), "json")
