"""Suggestions for a search without results: fewer filters, other words, similar jobs."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from hirewire.web.api.models.vacancies import Vacancy, VacancyResults
from hirewire.web.pages.filters import Chip
from hirewire.web.pages.naming import named
from hirewire.web.pages.public import search
from hirewire.web.pages.rendering import is_good, or_none
from hirewire.web.sessions import Visitor

MOST_FILTERS, MOST_WORDS, MOST_SIMILAR = 6, 3, 4
Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Meant:
    """Other words to search for."""

    text: str
    count: int

    @property
    def query(self) -> str:
        """The query string of the search."""
        return urlencode([("q", self.text)])


@dataclass(frozen=True, slots=True)
class Instead:
    """Suggested searches with the numbers of their results, and jobs from the closest of them."""

    without: list[tuple[Chip, int]]
    meant: list[Meant]
    similar: tuple[Vacancy, ...]
    are_newest: bool
    """Whether the jobs are only the newest ones."""


async def instead(who: Visitor, asked: Pairs, chosen: list[Chip]) -> Instead:
    """The suggestions for a search without results."""
    words = next((value for name, value in asked if name == "q"), "")
    removable = chosen[:MOST_FILTERS]
    counts, meant = await asyncio.gather(
        asyncio.gather(*(_count(who, chip.remaining) for chip in removable)), _meant(who, words)
    )
    without = [(chip, count) for chip, count in zip(removable, counts, strict=True) if count]
    wider: list[Pairs] = [[("q", words)]] if words and chosen else []
    wider += [chip.remaining for chip, _ in without[:1]]
    wider += [[("q", one.text)] for one in meant[:1]]
    similar: tuple[Vacancy, ...] = ()
    wide: Pairs = ()
    for wide in (*wider, ()):
        found = await _found(who, wide, MOST_SIMILAR)
        if similar := found.items if found else ():
            break
    return Instead(without, meant, await named(who, similar), are_newest=not wide)


async def _meant(who: Visitor, words: str) -> list[Meant]:
    """Names of skills similar to these words, with the numbers of jobs; none without jobs."""
    answer = await or_none(who.public.skills(words)) if words else None
    if not is_good(answer):
        return []
    names = [
        one.nameRu if who.words.lang == "ru" else one.name
        for one in answer.data.items[:MOST_WORDS]
        if words.casefold() not in (one.name.casefold(), one.nameRu.casefold())
    ]
    counts = await asyncio.gather(*(_count(who, [("q", name)]) for name in names))
    return [Meant(name, count) for name, count in zip(names, counts, strict=True) if count]


async def _count(who: Visitor, query: Pairs) -> int:
    found = await _found(who, query or [("sort", "date")], 1)
    return (found.total or 0) if found else 0


async def _found(who: Visitor, query: Pairs, limit: int) -> VacancyResults | None:
    answer = await or_none(search(who, [*query, ("limit", str(limit))]))
    return answer.found if answer is not None else None
