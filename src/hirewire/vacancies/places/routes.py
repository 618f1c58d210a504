"""The route that suggests places of the gazetteer while one is typed."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Response

from hirewire.kit.http import MaybeCaller
from hirewire.kit.models import Answer
from hirewire.places.gazetteer import gazetteer

router = APIRouter(prefix="/api/vacancies/places", tags=["places"])
FRESH = "public, max-age=3600"


class SuggestedPlace(Answer):
    """A place that matches the input."""

    id: str
    """The value for `area` in a search."""
    name: str
    """Includes the country if the name alone means a larger place."""
    name_ru: str
    country: str
    country_ru: str


class Places(Answer):
    """Exact names first, then the largest places."""

    items: list[SuggestedPlace]


@router.get("")
async def find(
    _: MaybeCaller,
    response: Response,
    q: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=10)] = 10,
) -> Places:
    """Places whose English or Russian name starts with `q`."""
    known = await asyncio.to_thread(gazetteer)
    response.headers["Cache-Control"] = FRESH
    return Places(
        items=[
            SuggestedPlace(
                id=place.key,
                name=known.called(place, russian=False),
                name_ru=known.called(place, russian=True),
                country=known.country_of(place, russian=False),
                country_ru=known.country_of(place, russian=True),
            )
            for place in known.begun(q, limit)
        ]
    )
