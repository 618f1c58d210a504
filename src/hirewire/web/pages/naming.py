"""Names of skills in the reader's language: a typed `питон` is shown as Python."""

from collections.abc import Callable
from dataclasses import replace
from operator import is_
from typing import TypeVar, cast

from hirewire.kit.errors import Unavailable
from hirewire.web.api.answers import Answer
from hirewire.web.api.models.applications import AppliedResume
from hirewire.web.api.models.base import Model, Skill
from hirewire.web.api.models.profiles import Position
from hirewire.web.api.models.vacancies import (
    Activity,
    Reason,
    Requirement,
    SkillName,
    Suggestion,
)
from hirewire.web.api.vacancies import Vacancies
from hirewire.web.sessions import Visitor

AT_ONCE = 50
LONGEST = 100
"""Longer texts are not looked up: no skill's name is so long."""
MOST_KEPT = 20_000
TYPED: dict[type[Model], str] = {
    Skill: "name",
    Requirement: "skill",
    Suggestion: "skill",
    Activity: "skills",
    AppliedResume: "skills",
    Position: "skills",
}
"""The members that have skills as people typed them; those of `Reason` depend on its part."""
ShownT = TypeVar("ShownT", bound=Model | tuple[Model, ...] | None)
FoundT = TypeVar("FoundT", bound=Model)
Rename = Callable[[str], str]


class Naming:
    """Names of skills from `vacancies`, cached for the life of the process."""

    def __init__(self) -> None:
        self._known: dict[str, SkillName | None] = {}

    async def learn(self, vacancies: Vacancies, typed: set[str]) -> None:
        """Look up unknown names. They stay as typed while the service is unavailable."""
        if len(self._known) > MOST_KEPT:
            self._known.clear()
        asked = sorted(one for one in typed if one not in self._known and len(one) <= LONGEST)
        for start in range(0, len(asked), AT_ONCE):
            some = asked[start : start + AT_ONCE]
            try:
                answer = await vacancies.skill_names(some)
            except Unavailable:
                return
            if answer.is_good:
                self._known.update((one, answer.data.names.get(one)) for one in some)

    def name(self, typed: str, lang: str) -> str:
        """The skill's name in a language; the typed text if it is unknown."""
        known = self._known.get(typed)
        if known is None:
            return typed
        return known.nameRu if lang == "ru" else known.name


async def named(who: Visitor, shown: ShownT) -> ShownT:
    """The same with skills called by their names."""
    naming: Naming = who.request.app.state.naming
    typed: set[str] = set()

    def note(name: str) -> str:
        typed.add(name)
        return name

    _renamed(shown, note)
    await naming.learn(who.public, typed)
    names = {name: naming.name(name, who.words.lang) for name in typed}
    if all(typed == name for typed, name in names.items()):
        return shown
    return cast("ShownT", _renamed(shown, names.__getitem__))


async def named_in(who: Visitor, answer: Answer[FoundT]) -> Answer[FoundT]:
    """The same of an answer, if there is one."""
    if answer.found is None:
        return answer
    return replace(answer, found=await named(who, answer.found))


def _renamed(shown: object, rename: Rename) -> object:
    """A copy with other names of skills; the same object if none is another."""
    if isinstance(shown, tuple):
        made = tuple(_renamed(one, rename) for one in shown)
        return shown if all(map(is_, made, shown)) else made
    if not isinstance(shown, Model):
        return shown
    changes: dict[str, object] = {}
    typed = _typed_in(shown)
    for member, value in vars(shown).items():
        if member == typed:
            found = _names(value, rename)
            is_other = found != value
        elif _has_models(value):
            found = _renamed(value, rename)
            is_other = found is not value
        else:
            continue
        if is_other:
            changes[member] = found
    return shown.model_copy(update=changes) if changes else shown


def _has_models(value: object) -> bool:
    if isinstance(value, tuple):
        return bool(value) and isinstance(value[0], Model)
    return isinstance(value, Model)


def _typed_in(shown: Model) -> str | None:
    """The member of a model that has skills."""
    if isinstance(shown, Reason):
        return "about" if shown.part == "skill" and shown.about is not None else None
    return TYPED.get(type(shown))


def _names(typed: str | tuple[str, ...], rename: Rename) -> object:
    return rename(typed) if isinstance(typed, str) else tuple(map(rename, typed))
