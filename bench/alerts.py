"""Which of 100,000 saved searches a published vacancy meets.

Measured from the vacancy's row to the ids of the searches, without the transaction. The searches
are such as people type: titles, skills and words of vacancies, some with typos, the common ones
many times; two in five have filters. The worst cases: texts that are no words, texts that differ
from a common word by two letters, and one text that every vacancy has, saved 10,000 times.
"""

import gc
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

from bench.measure import Figure, Options, percentile
from bench.places import Bench
from hirewire.kit.clock import now
from hirewire.messaging.ids import new_id
from hirewire.vacancies.alerts.index.facts import Facts
from hirewire.vacancies.alerts.index.searches import Alert, SavedSearches
from hirewire.vacancies.search.filters import vacancy_filters
from hirewire.vacancies.search.index.documents import micros, vacancy_document
from hirewire.vacancies.search.index.embedded import IndexedBoard
from hirewire.vacancies.search.index.query import SearchFilters
from hirewire.vacancies.search.index.schema import VACANCIES
from hirewire.vacancies.search.index.storage import SearchIndex
from hirewire.vacancies.search.models import VacancyFilters
from tests.vacancies.alerts.generated import Searches, vacancy_rows

SEARCHES, QUICK_SEARCHES = 100_000, 2_000
BOARD, QUICK_BOARD = 5_000, 200
VACANCIES_MET, QUICK_MET = 400, 20
ALPHABET = "абвгдежзиклмнопрстуфхцчшщыьэюя"


async def run(_: Bench, options: Options) -> list[Figure]:
    """The usual searches, and the worst."""
    return measure(
        options.count(SEARCHES, QUICK_SEARCHES),
        options.count(BOARD, QUICK_BOARD),
        options.count(VACANCIES_MET, QUICK_MET),
    )


def measure(searches: int, board: int, met: int) -> list[Figure]:
    """Figures for this many saved searches, open vacancies, and vacancies that are published."""
    rows = vacancy_rows(20261129, board + met)
    index = SearchIndex(VACANCIES)
    index.put(((str(row["id"]), vacancy_document(row)) for row in rows[:board]), fresh=True)
    index.commit({})
    chance, fresh = Random(1), rows[board:]
    usual = Searches(1, rows[:board])
    texts = [usual.text(odd=False) for _ in range(max(searches // 3, 1))]
    titles = [str(row["title"]) for row in rows[:board]]

    def common() -> VacancyFilters:
        """Words and filters; the first texts are by far the most common."""
        text = texts[int(len(texts) * chance.random() ** 3)]
        given = usual.filters() if chance.random() < 0.5 else VacancyFilters()
        text = chance.choice(titles) if chance.random() < 0.3 else text
        is_empty = given.model_fields_set and chance.random() < 0.2
        return given.model_copy(update={"q": "" if is_empty else text})

    word = "разработчик"
    cases: Mapping[str, Callable[[], VacancyFilters]] = {
        "": common,
        ", all of letters at random": lambda: _text(
            " ".join("".join(chance.choices(ALPHABET, k=11)) for _ in range(3))
        ),
        f", all like {word!r} with two typos": lambda: _text(_other(chance, word)),
        ", 10,000 of them of one word that every vacancy has": lambda: (
            _text("и") if chance.random() < 0.1 else common()
        ),
    }
    figures = []
    for name, make in cases.items():
        figures += _case(f"{searches:,} saved searches{name}", make, searches, index, fresh)
    return figures


def _case(
    name: str,
    make: Callable[[], VacancyFilters],
    searches: int,
    index: SearchIndex,
    fresh: list[dict[str, Any]],
) -> list[Figure]:
    asked = [_filters(make()) for _ in range(searches)]
    gc.collect()
    before, started = _resident(), time.perf_counter()
    saved = SavedSearches()
    for filters, days in asked:
        saved.put(Alert(new_id(), filters, days, 0))
    built = time.perf_counter() - started
    taken, worked, found = [], [], 0
    board = IndexedBoard(index)
    for row in fresh:
        started, processor = time.perf_counter(), time.process_time()
        document = vacancy_document(row)
        assert document is not None
        found += len(saved.meeting(Facts(document, board), micros(now())))
        taken.append((time.perf_counter() - started) * 1000)
        worked.append((time.process_time() - processor) * 1000)
    return [
        Figure(f"{name}: p50", [percentile(taken, 0.5)], "ms"),
        Figure("… p95", [percentile(taken, 0.95)], "ms", at_most=50),
        Figure("… p95 of processor time", [percentile(worked, 0.95)], "ms"),
        Figure("… most", [max(taken)], "ms"),
        Figure("… met, on average", [found / len(fresh)], ""),
        Figure("… read", [built], "s"),
        Figure("… memory", [(_resident() - before) / 2**20], "MiB"),
    ]


def _filters(given: VacancyFilters) -> tuple[SearchFilters, int | None]:
    return vacancy_filters(given.model_copy(update={"days": None})), given.days


def _text(text: str) -> VacancyFilters:
    return VacancyFilters(q=text)


def _other(chance: Random, word: str) -> str:
    letters = list(word)
    for place in chance.sample(range(len(letters)), 2):
        letters[place] = chance.choice(ALPHABET)
    return "".join(letters)


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
