"""Options while something is typed: companies, skills and places."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from fastapi import APIRouter, Response

from hirewire.web.api.answers import Answer
from hirewire.web.api.models.base import Items, Model
from hirewire.web.pages.rendering import Asking, render
from hirewire.web.sessions import Visitor

router = APIRouter(include_in_schema=False)
SuggestedT = TypeVar("SuggestedT", bound=Model)


@router.get("/companies")
async def companies(who: Asking) -> Response:
    """Options: companies with the typed text in their name."""
    return await _suggested(who, "companies", "hideCompany", who.vacancies.companies_named)


@router.get("/skills")
async def skills(who: Asking) -> Response:
    """Options: skills that begin with the typed text or, with `by=meaning`, that it may mean."""
    if who.request.query_params.get("by") == "meaning":
        return await _suggested(who, "meant", "skill", who.vacancies.skills_meant)
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
    items = found.items if found is not None else ()
    return render(who, f"parts/{kind}.html", items=items, typed=typed_name)
