"""The editor of a vacancy: draft, change, publish, close, and preview a requirement's effect."""

from collections.abc import Sequence
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import JsonValue

from hirewire.web.api.answers import Missing
from hirewire.web.api.models.moderation import Decided
from hirewire.web.api.models.vacancies import Price, Vacancy
from hirewire.web.pages import jsonld, reading
from hirewire.web.pages.rendering import (
    Asking,
    Form,
    Member,
    go,
    is_good,
    is_part,
    or_none,
    render,
    rows,
    said,
    typed,
)
from hirewire.web.pages.writing import as_html, as_written, is_unchanged
from hirewire.web.sessions import Visitor

router = APIRouter(prefix="/employer/vacancies", include_in_schema=False)
EMPTY_ROWS = 3
MOVES = ("pause", "close", "reopen", "archive")
"""The actions that change only the status."""
PRICED = (
    *("title", "requirements", "experience", "employmentType", "workFormat", "area"),
    *("salary", "languages"),
)
"""The fields of a vacancy that affect matching."""
FIELDS = ("title", "description", "experience", "employmentType", "workFormat", "area", "address")


@router.post("")
async def draft(who: Asking, request: Request) -> Response:
    """Create a draft from a title."""
    given = await typed(request)
    answer = await who.vacancies.create_vacancy({"title": given.get("title", "")})
    if answer.is_good:
        return go(who, f"/employer/vacancies/{answer.data.id}")
    form = Form(given)
    form.refuse(answer)
    return render(who, "new_vacancy.html", answer.status, form=form)


@router.get("/{id}")
async def vacancy(id: UUID, who: Member) -> Response:
    """The editor."""
    saved = (await who.vacancies.vacancy(id)).data
    if not saved.allowedActions:
        raise Missing
    return await _editor(who, saved, Form(saved, _text(saved)))


@router.post("/{id}")
async def change(id: UUID, who: Asking, request: Request) -> Response:
    """Save, change the status, or preview the effect of requirements."""
    given = await typed(request)
    action = given.get("action", "save")
    if action == "copy":
        copied = await who.vacancies.copy_vacancy(id)
        shown = copied.data.id if copied.is_good else id
        return go(who, f"/employer/vacancies/{shown}", done=said(copied))
    if action in MOVES:
        body = {"reason": given.get("reason") or "filled"} if action == "close" else None
        answer = await who.vacancies.move_vacancy(id, action, body)
        return go(who, f"/employer/vacancies/{id}", done=said(answer))
    changes = await body_of(request, given)
    if action == "price":
        return await _price(who, id, given, changes)
    saved = (await who.vacancies.vacancy(id)).data
    if is_unchanged(given.get("description", ""), saved.description or ""):
        del changes["description"]  # converting back and forth can change the HTML
    answer = await who.vacancies.change_vacancy(id, changes)
    if answer.is_good and action == "publish":
        answer = await who.vacancies.move_vacancy(id, "publish")
    if answer.is_good:
        return go(who, f"/employer/vacancies/{id}", done="saved")
    form = Form(saved, changes, {"description": given.get("description")})
    form.refuse(answer)
    return await _editor(who, saved, form, answer.status)


def _text(saved: Vacancy) -> dict[str, str]:
    """The description in the form that its field shows."""
    return {"description": as_written(saved.description or "")}


async def _price(
    who: Visitor, id: UUID, given: dict[str, str], body: dict[str, JsonValue]
) -> Response:
    asked = {name: body[name] for name in PRICED if name in body}
    if not asked["title"]:
        del asked["title"]
    answer = await who.vacancies.price(id, asked)
    price, form = answer.found, Form()
    if is_part(who.request):
        if not answer.is_good:
            form.refuse(answer)
        return render(who, "parts/price.html", answer.status, price=price, answered=form)
    saved = (await who.vacancies.vacancy(id)).data
    form = Form(saved, body, {"description": given.get("description")})
    if not answer.is_good:
        form.refuse(answer)
    return await _editor(who, saved, form, answer.status, price=price, is_priced=True)


async def body_of(request: Request, given: dict[str, str]) -> dict[str, JsonValue]:
    """The fields of a vacancy, from its form."""
    body: dict[str, JsonValue] = {name: given.get(name) or None for name in FIELDS}
    body["title"] = given.get("title", "")
    body["description"] = as_html(given.get("description", "")) or None
    body["validThrough"] = given.get("validThrough") or None
    body["responseLetterRequired"] = "responseLetterRequired" in given
    body["requirements"] = [
        {
            "skill": row["skill"],
            "kind": row["kind"] or "must",
            "level": int(row["level"]) if row["level"].isdecimal() else None,
        }
        for row in await rows(request, "skill", "kind", "level")
    ]
    if "language" in given:
        body["languages"] = [
            {"language": row["language"], "level": row["languageLevel"] or None}
            for row in await rows(request, "language", "languageLevel")
        ]
    ends = {end: given.get(f"salary_{end}", "") for end in ("min", "max")}
    body["salary"] = None
    if any(ends.values()):
        body["salary"] = {
            **{end: reading.amount(typed_in) for end, typed_in in ends.items()},
            "currency": reading.currency(given.get("currency", ""), *ends.values()),
            "unit": given.get("unit") or "MONTH",
            "gross": "gross" in given,
        }
    return body


async def _editor(
    who: Visitor,
    saved: Vacancy,
    form: Form,
    status: int = 200,
    *,
    price: Price | None = None,
    is_priced: bool = False,
) -> Response:
    return render(
        who,
        "vacancy_edit.html",
        status,
        vacancy=saved,
        form=form,
        price=price,
        answered=form if is_priced else Form(),
        lacking=jsonld.missing(saved, who.request.app.state.country),
        empty_rows=EMPTY_ROWS,
        read_from={},
        decisions=await _decisions(who, saved),
    )


async def _decisions(who: Visitor, saved: Vacancy) -> Sequence[Decided]:
    """What operators decided about the job. Only a job that was published may have any."""
    if saved.publishedAt is None:
        return ()
    found = await or_none(who.moderation.decisions(UUID(saved.id)))
    return found.data.items if is_good(found) else ()
