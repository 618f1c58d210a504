"""A job ad that is pasted: read, checked on a page, and created as a draft."""

import json
from collections.abc import Mapping

from fastapi import APIRouter, Request, Response
from pydantic import JsonValue, TypeAdapter

from hirewire.web.api.models.vacancies import ReadVacancy
from hirewire.web.pages.checking import sent_again
from hirewire.web.pages.posting import EMPTY_ROWS, body_of
from hirewire.web.pages.rendering import Asking, Form, go, render, typed
from hirewire.web.pages.writing import as_written
from hirewire.web.sessions import Visitor

router = APIRouter(prefix="/employer/vacancies", include_in_schema=False)
ALONE = ("title", "area", "salary", "workFormat", "employmentType", "experience")
_LINES = TypeAdapter(dict[str, str])


@router.get("")
@router.get("/read")
@router.get("/checked")
async def begin(who: Asking) -> Response:
    """Where a reload, or another language, asks for the address of a form."""
    return go(who, "/employer")


@router.post("/read")
async def read_advert(who: Asking, request: Request) -> Response:
    """Show what was read of a job ad, to be checked before it is saved."""
    given = await typed(request)
    answer = await who.vacancies.read_advert(given.get("text", ""))
    if not answer.is_good:
        form = Form(given)
        form.refuse(answer)
        form.errors.setdefault("text", answer.problem)
        return render(who, "new_vacancy.html", answer.status, form=form)
    vacancy = {**answer.data.vacancy}
    vacancy["description"] = as_written(_text(vacancy.get("description")))
    return _page(who, Form(vacancy), lines_of(answer.data))


@router.post("/checked")
async def create_checked(who: Asking, request: Request) -> Response:
    """Create a draft of a job ad that was checked."""
    given = await typed(request)
    body = await body_of(request, given)
    answer = await who.vacancies.create_vacancy(body)
    if answer.is_good:
        return go(who, f"/employer/vacancies/{answer.data.id}", done="saved")
    form = Form(body, {"description": given.get("description")})
    form.refuse(answer)
    return _page(who, form, sent_again(given.get("lines", ""), _LINES), answer.status)


def lines_of(read: ReadVacancy) -> dict[str, str]:
    """The lines by field, and by the names of skills and languages."""
    lines = {name: one.text for name in ALONE if (one := read.sources.get(f"/{name}"))}
    for section, member in (("requirements", "skill"), ("languages", "language")):
        entries = read.vacancy.get(section)
        for n, entry in enumerate(entries if isinstance(entries, list) else []):
            source = read.sources.get(f"/{section}/{n}")
            if source is not None and isinstance(entry, dict):
                lines[f"{member} {entry.get(member)}"] = source.text
    if lines.get("title") == read.vacancy.get("title"):
        lines.pop("title", None)
    return lines


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""


def _page(who: Visitor, form: Form, lines: Mapping[str, str], status: int = 200) -> Response:
    return render(
        who,
        "read_vacancy.html",
        status,
        form=form,
        read_from=lines,
        sent=json.dumps(lines, ensure_ascii=False),
        empty_rows=EMPTY_ROWS,
    )
