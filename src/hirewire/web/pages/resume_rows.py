"""The rows that a form removed from the lists of a resume: finding them, and putting them back."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field, JsonValue, TypeAdapter

from hirewire.web.api.answers import Missing
from hirewire.web.api.models.base import Model
from hirewire.web.api.models.profiles import Resume
from hirewire.web.pages.rendering import Asking, form_of, go, said, typed
from hirewire.web.pages.resume_forms import ROWS, block_of
from hirewire.web.pages.undo import Removed

router = APIRouter(include_in_schema=False)
Row = dict[str, JsonValue]
Rows = dict[str, list[tuple[Annotated[int, Field(ge=0)], Row]]]
"""Rows with the places that they had, by list."""
_ROWS = TypeAdapter(Rows)
_NAMES = {"skills": "name", "languages": "language"}
"""The field that names a row, in the lists that have each name once."""


async def removed_rows(request: Request, before: Resume, after: Resume) -> Removed | None:
    """What puts back the rows that the form left empty, or did not know; None if there are none.

    A row that was changed is not removed.
    """
    gone: Rows = {}
    for name in ROWS:
        there = [_known_as(name, row) for row in _rows(after, name)]
        filled = await _filled(request, name)
        rows = [
            (place, row)
            for place, row in enumerate(_rows(before, name))
            if place not in filled and _known_as(name, row) not in there
        ]
        if rows:
            gone[name] = rows
    if not gone:
        return None
    return Removed(f"/resumes/{after.id}/rows", _ROWS.dump_json(gone).decode())


@router.post("/resumes/{id}/rows")
async def put_back(id: UUID, who: Asking, request: Request) -> Response:
    """Put removed rows back where they were, beside all that has changed since."""
    given = await typed(request)
    try:
        removed = _ROWS.validate_json(given.get("removed", ""))
    except ValueError:
        raise Missing from None
    if not removed or not removed.keys() <= ROWS.keys():
        raise Missing
    saved = (await who.profiles.resume(id)).data
    body: dict[str, JsonValue] = {}
    for name, rows in removed.items():
        now = _rows(saved, name)
        there = [_known_as(name, row) for row in now]
        for place, row in sorted(rows, key=lambda one: one[0]):
            if _known_as(name, row) not in there:
                now.insert(place, row)
                body[name] = list[JsonValue](now)
    done = "undone"
    if body:
        answer = await who.profiles.change_resume(id, body)
        done = done if answer.is_good else said(answer)
    return go(who, f"/resumes/{id}#{block_of(next(iter(removed)))}", done=done)


async def _filled(request: Request, name: str) -> set[int]:
    """The places of the rows that a form has something in."""
    form = await form_of(request)
    columns = [form.getlist(field) for field in ROWS[name]]
    return {
        place
        for place, cells in enumerate(zip(*columns, strict=False))
        if any(isinstance(cell, str) and cell.strip() for cell in cells)
    }


def _rows(resume: Resume, name: str) -> list[Row]:
    rows: Sequence[Model] = getattr(resume, name)
    return [row.model_dump(mode="json", exclude_none=True) for row in rows]


def _known_as(name: str, row: Row) -> Any:
    """What distinguishes a row from the others of its list."""
    if name in _NAMES:
        return str(row.get(_NAMES[name])).casefold()
    return row
