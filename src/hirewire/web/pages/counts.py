"""Counts of the whole board for the start page: the same for all visitors, so they are cached."""

import asyncio
import time
from dataclasses import dataclass, field

from hirewire.web.api.models.vacancies import Bucket, Overview
from hirewire.web.api.vacancies import Vacancies
from hirewire.web.pages.rendering import is_good, or_none

KEPT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Counts:
    """The facets of all open jobs, and the totals; empty while the service is unavailable."""

    facets: dict[str, tuple[Bucket, ...]] = field(default_factory=dict)
    overview: Overview | None = None


class BoardCounts:
    """Loads the counts, at most once in `KEPT_SECONDS`."""

    def __init__(self) -> None:
        self._counts = Counts()
        self._until = 0.0
        self._turn = asyncio.Lock()

    async def get(self, vacancies: Vacancies) -> Counts:
        """The counts, at most `KEPT_SECONDS` old."""
        async with self._turn:
            if time.monotonic() > self._until:
                overview, found = await asyncio.gather(
                    or_none(vacancies.overview()),
                    or_none(vacancies.search({"limit": "1", "facets": "true"})),
                )
                facets = found.data.facets if is_good(found) else None
                self._counts = Counts(facets or {}, overview.found if overview else None)
                is_whole = facets is not None and self._counts.overview is not None
                self._until = time.monotonic() + KEPT_SECONDS * is_whole
            return self._counts
