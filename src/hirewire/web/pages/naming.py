"""Names of skills in the reader's language: a typed `питон` is shown as Python."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from hirewire.kit.errors import Unavailable
from hirewire.web.api.services import Services
from hirewire.web.sessions import Visitor

NAMES = "/api/vacancies/skills/names"
AT_ONCE = 50
LONGEST = 100
"""Longer texts are not looked up: no skill's name is so long."""
MOST_KEPT = 20_000


class Naming:
    """Names of skills from `vacancies`, cached for the life of the process."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, str]] = {}

    async def learn(self, services: Services, typed: set[str]) -> None:
        """Look up unknown names. They stay as typed while the service is unavailable."""
        if len(self._known) > MOST_KEPT:
            self._known.clear()
        asked = sorted(one for one in typed if one not in self._known and len(one) <= LONGEST)
        for start in range(0, len(asked), AT_ONCE):
            some = asked[start : start + AT_ONCE]
            query = urlencode([("name", one) for one in some])
            try:
                answer = await services.call("vacancies", "GET", f"{NAMES}?{query}")
            except Unavailable:
                return
            if answer.is_good:
                self._known.update((one, answer.data["names"].get(one, {})) for one in some)

    def name(self, typed: str, lang: str) -> str:
        """The skill's name in a language; the typed text if it is unknown."""
        return self._known.get(typed, {}).get("nameRu" if lang == "ru" else "name", typed)


async def named(who: Visitor, *shown: Any) -> None:
    """Replace skills in these answers by their names, without repeats in a list."""
    naming: Naming = who.request.app.state.naming
    places = [place for one in shown for place in _places(one)]
    await naming.learn(who.services, {holder[key] for holder, key in places})
    for holder, key in places:
        holder[key] = naming.name(holder[key], who.words.lang)


def _places(shown: Any) -> Iterator[tuple[Any, Any]]:
    """The places of skill names in an answer: the container and the key."""
    if isinstance(shown, list):
        for one in shown:
            yield from _places(one)
    elif isinstance(shown, dict):
        for key, value in shown.items():
            if key == "skills" and isinstance(value, list):
                for n, one in enumerate(value):
                    yield (one, "name") if isinstance(one, dict) else (value, n)
            elif key == "skill" and isinstance(value, list):  # a facet
                yield from ((one, "label") for one in value)
            elif key in ("requirements", "suggestions") and isinstance(value, list):
                yield from ((one, "skill") for one in value if isinstance(one, dict))
            elif key == "reasons" and isinstance(value, list):
                yield from ((one, "about") for one in value if one["part"] == "skill")
            else:
                yield from _places(value)
