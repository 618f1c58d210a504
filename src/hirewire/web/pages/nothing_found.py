"""What a search without results offers instead: fewer filters, other words, similar jobs."""

import asyncio
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from hirewire.kit.errors import Unavailable
from hirewire.web.pages.filters import Chip
from hirewire.web.pages.naming import named
from hirewire.web.pages.public import public
from hirewire.web.sessions import Visitor

MOST_FILTERS, MOST_WORDS, MOST_SIMILAR = 6, 3, 4


@dataclass(frozen=True, slots=True)
class Instead:
    """Other searches with the number of their results, and jobs from the widest of them."""

    without: list[tuple[Chip, int]]
    meant: list[tuple[str, str, int]]
    """Other words: their text, the address of the search, its number of results."""
    similar: list[dict[str, Any]]
    are_newest: bool
    """Whether the jobs are only the newest ones."""


async def instead(who: Visitor, query: str, chosen: list[Chip]) -> Instead:
    """The offers for a search (its address) that found nothing."""
    words = next((value for name, value in parse_qsl(query) if name == "q"), "")
    removable = chosen[:MOST_FILTERS]
    counted, meant = await asyncio.gather(
        asyncio.gather(*(_count(who, chip.query) for chip in removable)), _meant(who, words)
    )
    without = [(chip, n) for chip, n in zip(removable, counted, strict=True) if n]
    wider = [urlencode([("q", words)])] if words and chosen else []
    wider += [chip.query for chip, _ in without[:1]] + [query for _, query, _ in meant[:1]]
    similar: list[dict[str, Any]] = []
    wide = ""
    for wide in dict.fromkeys((*wider, "")):
        found = await _found(who, f"{wide}&limit={MOST_SIMILAR}&brief=true".lstrip("&"))
        if similar := found["items"] if found else []:
            break
    await named(who, similar)
    return Instead(without, meant, similar, are_newest=not wide)


async def _meant(who: Visitor, words: str) -> list[tuple[str, str, int]]:
    """Skills with a similar name that some jobs require."""
    if not words:
        return []
    path = f"/api/vacancies/skills?limit={MOST_WORDS}&q={quote(words)}"
    try:
        answer = await public(who, path)
    except Unavailable:
        return []
    if not answer.is_good:
        return []
    names = [
        one["nameRu"] if who.words.lang == "ru" else one["name"]
        for one in answer.data["items"]
        if words.casefold() not in (one["name"].casefold(), one["nameRu"].casefold())
    ]
    queries = [urlencode([("q", name)]) for name in names]
    counts = await asyncio.gather(*(_count(who, query) for query in queries))
    return [found for found in zip(names, queries, counts, strict=True) if found[2]]


async def _count(who: Visitor, query: str) -> int:
    found = await _found(who, f"{query}&limit=1&brief=true&sort=date".lstrip("&"))
    return (found["total"] or 0) if found else 0


async def _found(who: Visitor, query: str) -> dict[str, Any] | None:
    try:
        answer = await public(who, f"/api/vacancies/vacancies?{query}")
    except Unavailable:
        return None
    return answer.data if answer.is_good else None
