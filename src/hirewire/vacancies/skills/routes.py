"""Routes for the dictionary of skills."""

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from hirewire.esco import Skill, dictionary
from hirewire.esco.meaning import Near
from hirewire.kit.errors import NotFound
from hirewire.kit.http import MaybeCaller
from hirewire.kit.models import Answer
from hirewire.kit.openapi import refuses
from hirewire.vacancies.skills.index import typeahead
from hirewire.vacancies.skills.meaning import finder

router = APIRouter(prefix="/api/vacancies/skills", tags=["skills"])
FRESH = "public, max-age=3600"


class NoSuchSkill(NotFound):
    """Skill not found."""

    code = "skill_not_found"


class Suggested(Answer):
    """A skill, with the spelling that matches the input."""

    id: str
    name: str
    """The everyday name."""
    name_ru: str
    """The everyday name in Russian; names of tools are not translated."""
    label: str
    label_ru: str | None
    matched: str
    by: Literal["letters", "meaning"]
    """`meaning`: the name has other words than the input, but the skill may be what was meant."""


class Suggestions(Answer):
    """Suggestions, most likely first."""

    items: list[Suggested]


class Name(Answer):
    """The names of a skill."""

    name: str
    name_ru: str


class Names(Answer):
    """Names of skills."""

    names: dict[str, Name]
    """Names by the typed text."""


class Known(Answer):
    """A skill of the dictionary (ESCO)."""

    id: str
    label: str
    label_ru: str | None
    aliases: list[str]


@router.get("")
async def find(
    _: MaybeCaller,
    response: Response,
    q: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=50)] = 10,
    by: Literal["letters", "meaning"] = "letters",
) -> Suggestions:
    """Skills whose names contain words starting with the words of `q`.

    With `by=meaning`, the skill that the dictionary finds and those nearest in meaning. Empty while
    the encoder is being prepared, and without a search folder.
    """
    response.headers["Cache-Control"] = FRESH
    if by == "letters":
        found = (await asyncio.to_thread(typeahead)).find(q, limit)
        return Suggestions(items=[_suggested(one.skill, one.form, by) for one in found])
    near = await one.nearest(q, limit) if (one := finder()) else None
    if near is None:
        response.headers["Cache-Control"] = "no-store"
        return Suggestions(items=[])
    return Suggestions(items=_meant(q, near, limit))


def _meant(typed: str, near: list[Near], limit: int) -> list[Suggested]:
    """The skill that the dictionary finds, and those nearest in meaning."""
    known = dictionary().skills.get(dictionary().find(typed) or "")
    others = [
        _suggested(one.skill, one.skill.label, "meaning") for one in near if one.skill != known
    ]
    first = [_suggested(known, known.label, "letters")] if known else []
    return [*first, *others][:limit]


def _suggested(skill: Skill, matched: str, by: Literal["letters", "meaning"]) -> Suggested:
    return Suggested(
        id=skill.id,
        name=dictionary().name_of(skill.id) or skill.label,
        name_ru=dictionary().name_of(skill.id, russian=True) or skill.label,
        label=skill.label,
        label_ru=skill.label_ru,
        matched=matched,
        by=by,
    )


@router.get("/names")
async def names(
    _: MaybeCaller,
    response: Response,
    name: Annotated[list[Annotated[str, Query(max_length=200)]], Query(max_length=100)] = [],  # noqa: B006
) -> Names:
    """The dictionary's names of skills as people typed them: `питон` is Python.

    Unknown skills are left out.
    """
    known = await asyncio.to_thread(dictionary)
    found = {}
    for one in name:
        id = known.find(one)
        if id is not None and (called := known.name_of(id)):
            found[one] = Name(name=called, name_ru=known.name_of(id, russian=True) or called)
    response.headers["Cache-Control"] = FRESH
    return Names(names=found)


@router.get("/{id}", responses=refuses(NoSuchSkill))
async def read(id: str, _: MaybeCaller, response: Response) -> Known:
    """One skill, with all its names."""
    skill: Skill | None = dictionary().skills.get(id)
    if skill is None:
        raise NoSuchSkill
    response.headers["Cache-Control"] = FRESH
    return Known(
        id=skill.id,
        label=skill.label,
        label_ru=skill.label_ru,
        aliases=list(dict.fromkeys((*skill.aliases, *skill.other_labels))),
    )
