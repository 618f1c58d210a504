"""Phrases of adverts and resumes: how often the right skill is found, by letters and by meaning.

The labels are our own (`tests/vacancies/skills`). The half `held` was not used for tuning. Forms
were added for words of the half `tune`, so that half measures nothing and is not shown.
"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from bench.measure import Figure, Options, percentile
from bench.places import Bench
from hirewire.esco import dictionary
from hirewire.esco.meaning import Meaning, encoder, make
from hirewire.vacancies.skills.index import typeahead
from tests.vacancies.skills.phrases import Phrase, phrases, shares

FIRST, FIVE = 0.60, 0.85
MEMORY = 150.0
LETTERS = 10.0


async def run(_: Bench, __: Options) -> list[Figure]:
    """One round: the same phrases always give the same skills."""
    return await asyncio.to_thread(measure)


def measure() -> list[Figure]:
    """Accuracy, time and memory."""
    held = phrases("held")
    typeahead().find("a phrase that is unknown", 1)
    letters, milliseconds = _of(held, lambda text: [s.skill.id for s in typeahead().find(text, 5)])
    skills = tuple(dictionary().skills.values())
    with TemporaryDirectory() as folder:
        file = Path(folder) / "meaning-bench.npy"
        started = time.perf_counter()
        make(file, skills, encoder())
        made = time.perf_counter() - started
        process = psutil.Process()
        before = process.memory_info().rss
        started = time.perf_counter()
        meaning = Meaning(file, skills, encoder())
        meaning.nearest("the first phrase", 5)
        loaded = time.perf_counter() - started

        def both(text: str) -> list[str]:
            known = dictionary().find(text)
            near = [one.skill.id for one in meaning.nearest(text, 6)]
            return [*([known] if known else []), *(id for id in near if id != known)]

        found, took = _of(held, both)
        more = (process.memory_info().rss - before) / 2**20
    return [
        Figure("phrases, letters alone: a right skill first", [letters[0]], ""),
        Figure("phrases, letters alone: among five", [letters[1]], ""),
        Figure("phrases, letters and meaning: a right skill first", [found[0]], "", at_least=FIRST),
        Figure("phrases, letters and meaning: among five", [found[1]], "", at_least=FIVE),
        Figure("a phrase by letters, p95", [milliseconds], "ms", at_most=LETTERS),
        Figure("a phrase by meaning, p95", [took], "ms"),
        Figure("vectors of the dictionary computed", [made], "s"),
        Figure("encoder loaded, first phrase included", [loaded], "s"),
        Figure("memory that the encoder adds", [more], "MiB", at_most=MEMORY),
    ]


def _of(asked: list[Phrase], find: Callable[[str], list[str]]) -> tuple[tuple[float, float], float]:
    times: list[float] = []

    def timed(text: str) -> list[str]:
        started = time.perf_counter()
        found = find(text)
        times.append((time.perf_counter() - started) * 1000)
        return found

    return shares(asked, timed), percentile(times, 0.95)
