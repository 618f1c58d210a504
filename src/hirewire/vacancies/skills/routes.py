"""The dictionary of skills, for whoever types one."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Response

from hirewire.esco import Skill, dictionary
from hirewire.kit.errors import NotFound
from hirewire.kit.http import MaybeCaller
from hirewire.kit.models import Answer
from hirewire.kit.openapi import refuses
from hirewire.vacancies.skills.index import typeahead

router = APIRouter(prefix="/api/vacancies/skills", tags=["skills"])
FRESH = "public, max-age=3600"


class NoSuchSkill(NotFound):
    """Skill not found."""

    code = "skill_not_found"


class Suggested(Answer):
    """A skill, with the spelling that matches the input."""

    id: str
    name: str
    """The label as people say it."""
    name_ru: str
    """The same in Russian; tools keep their names."""
    label: str
    label_ru: str | None
    matched: str


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
    """By what was typed."""


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
) -> Suggestions:
    """Skills whose names contain words starting with the words of `q`."""
    found = (await asyncio.to_thread(typeahead)).find(q, limit)
    response.headers["Cache-Control"] = FRESH
    return Suggestions(
        items=[
            Suggested(
                id=one.skill.id,
                name=dictionary().name_of(one.skill.id) or one.skill.label,
                name_ru=dictionary().name_of(one.skill.id, russian=True) or one.skill.label,
                label=one.skill.label,
                label_ru=one.skill.label_ru,
                matched=one.form,
            )
            for one in found
        ]
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
