"""Names of skills in the reader's language: a typed `питон` is shown as Python."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from operator import is_not
from typing import TypeVar, cast, get_args

from hirewire.kit.errors import Unavailable
from hirewire.web.api.answers import Answer
from hirewire.web.api.models.applications import AppliedResume
from hirewire.web.api.models.base import Model, Position, Skill
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
"""The maximum length of a text that is looked up: no name of a skill is longer."""
MOST_KEPT = 20_000
TYPED: dict[type[Model], str] = {
    Skill: "name",
    Requirement: "skill",
    Suggestion: "skill",
    Activity: "skills",
    AppliedResume: "skills",
    Position: "skills",
}
"""The field of each model that holds typed skills. That of `Reason` depends on its part."""
ShownT = TypeVar("ShownT", bound=Model | tuple[Model, ...] | None)
FoundT = TypeVar("FoundT", bound=Model)


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
        """The name of a skill in a language; the typed text if the skill is unknown."""
        known = self._known.get(typed)
        if known is None:
            return typed
        return known.nameRu if lang == "ru" else known.name


async def named(who: Visitor, shown: ShownT) -> ShownT:
    """The same models, with typed skills replaced by their names in the reader's language."""
    naming: Naming = who.request.app.state.naming
    typed: set[str] = set()
    _collect(shown, typed)
    await naming.learn(who.public, typed)
    names = {name: naming.name(name, who.words.lang) for name in typed}
    if all(typed == name for typed, name in names.items()):
        return shown
    return cast("ShownT", _renamed(shown, names))


async def names_of_skills(who: Visitor, labels: set[str]) -> dict[str, str]:
    """The names of these skills in the reader's language, by label."""
    naming: Naming = who.request.app.state.naming
    await naming.learn(who.public, labels)
    return {label: naming.name(label, who.words.lang) for label in labels}


async def named_in(who: Visitor, answer: Answer[FoundT]) -> Answer[FoundT]:
    """The same answer, with `named` applied to its data."""
    if answer.found is None:
        return answer
    return replace(answer, found=await named(who, answer.found))


def _collect(shown: object, typed: set[str]) -> None:
    """Add the typed skills of these models to `typed`."""
    if isinstance(shown, tuple):
        for one in shown:
            _collect(one, typed)
    elif isinstance(shown, Model):
        if (member := _typed_in(shown)) is not None:
            found = getattr(shown, member)
            typed.update((found,) if isinstance(found, str) else found)
        for member in _with_models(type(shown)):
            _collect(getattr(shown, member), typed)


def _renamed(shown: object, names: Mapping[str, str]) -> object:
    """A copy with these names of skills; the same object if no skill is renamed."""
    if isinstance(shown, tuple):
        made = tuple([_renamed(one, names) for one in shown])
        return made if any(map(is_not, made, shown)) else shown
    if not isinstance(shown, Model):
        return shown
    changes: dict[str, object] = {}
    if (member := _typed_in(shown)) is not None:
        typed = getattr(shown, member)
        named = names[typed] if isinstance(typed, str) else tuple([names[one] for one in typed])
        if named != typed:
            changes[member] = named
    for member in _with_models(type(shown)):
        before = getattr(shown, member)
        after = _renamed(before, names)
        if after is not before:
            changes[member] = after
    return shown.with_members(changes) if changes else shown


@cache
def _with_models(model: type[Model]) -> tuple[str, ...]:
    """The fields of a model class that hold models or lists of them."""
    return tuple(
        name
        for name, field in model.model_fields.items()
        if any(
            isinstance(part, type) and issubclass(part, Model) for part in _parts(field.annotation)
        )
    )


def _parts(annotation: object) -> Iterator[object]:
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)


def _typed_in(shown: Model) -> str | None:
    """The field of a model that holds typed skills; None if it has none."""
    if isinstance(shown, Reason):
        return "about" if shown.part == "skill" and shown.about is not None else None
    return TYPED.get(type(shown))
