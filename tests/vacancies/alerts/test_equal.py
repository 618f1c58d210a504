"""A vacancy meets exactly the saved searches that find it."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from hirewire.kit.clock import now
from hirewire.messaging.ids import new_id
from hirewire.vacancies.alerts.index.facts import Facts
from hirewire.vacancies.alerts.index.searches import Alert, SavedSearches
from hirewire.vacancies.search.filters import vacancy_filters
from hirewire.vacancies.search.index.documents import Document, micros, vacancy_document
from hirewire.vacancies.search.index.embedded import IndexedBoard
from hirewire.vacancies.search.index.query import SearchFilters, SearchQuery
from hirewire.vacancies.search.index.schema import VACANCIES
from hirewire.vacancies.search.index.storage import SearchIndex
from hirewire.vacancies.search.models import VacancyFilters
from tests.vacancies.alerts.generated import Searches, vacancy_rows


def indexed(rows: Sequence[Mapping[str, Any]]) -> tuple[SearchIndex, dict[UUID, Document]]:
    index = SearchIndex(VACANCIES)
    documents = {row["id"]: vacancy_document(row) for row in rows}
    index.put(((str(id), one) for id, one in documents.items()), fresh=True)
    index.commit({})
    return index, {id: one for id, one in documents.items() if one is not None}


def alert_of(id: UUID, given: VacancyFilters) -> Alert:
    without_days = given.model_copy(update={"days": None})
    return Alert(id, vacancy_filters(without_days), given.days, 0)


def found_by_searching(index: SearchIndex, given: VacancyFilters) -> set[UUID]:
    return set(index.search(SearchQuery(vacancy_filters(given), limit=10_000)).ids)


def differences(seed: int, vacancies: int, searches: int) -> tuple[int, list[str]]:
    """How many pairs meet, and the pairs about which the index and the search differ."""
    rows = vacancy_rows(seed, vacancies)
    index, documents = indexed(rows)
    made = Searches(seed, rows[: len(rows) * 2 // 3])
    asked = {new_id(): made.filters() for _ in range(searches)}
    saved = SavedSearches()
    for id, given in asked.items():
        saved.put(alert_of(id, given))
    expected = {id: found_by_searching(index, given) for id, given in asked.items()}
    met, wrong = 0, []
    titles = {row["id"]: row["title"] for row in rows}
    board = IndexedBoard(index)
    for vacancy, document in documents.items():
        found = set(saved.meeting(Facts(document, board), micros(now())))
        for id, ids in expected.items():
            met += id in found
            if (id in found) != (vacancy in ids):
                wrong.append(f"{id in found} {asked[id]!r} {titles[vacancy]}")
    return met, wrong


def test_a_vacancy_meets_exactly_the_searches_that_find_it() -> None:
    met, wrong = differences(20261129, vacancies=40, searches=500)
    assert not wrong, (len(wrong), wrong[:3])
    assert met > 500


VACANCY: dict[str, Any] = {
    "id": UUID(int=1),
    "status": "published",
    "held": False,
    "title": "Повар, руководство кондитерами",
    "company_id": UUID(int=7),
    "company_name": "Пекарня",
    "requirements": [{"skill": "Выпечка"}, {"skill": "English"}],
    "area": "Омск",
    "address": None,
    "description": "<p>Тёплый цех</p>",
    "work_format": "on_site",
    "employment_type": "FULL_TIME",
    "experience": "noExperience",
    "salary": {"max": 90_000, "currency": "RUB", "unit": "MONTH"},
    "published_at": now() - timedelta(days=2),
}
ACCEPTING: dict[str, list[Any]] = {
    "q": [
        *("повар", "кондитер теплый цех", "от 90000", "gjdfh", "павар", "-токарь"),
        "кондитерамк",  # like the whole word, and not like its stem
    ],
    "area": [["Omsk"], ["Tomsk", "г. Омск"]],
    "skill": [["выпечка"], ["English", "Выпечка"]],
    "work_format": [["on_site"], ["remote", "on_site"]],
    "employment_type": [["FULL_TIME", "INTERN"]],
    "experience": [["noExperience"]],
    "currency": ["RUB"],
    "company": [[UUID(int=7)], [UUID(int=8), UUID(int=7)]],
    "salary_from": [0, 90_000],
    "days": [3, 365],
    "sort": ["date", "relevance", "pay"],
}
REFUSING: dict[str, list[Any]] = {
    "q": [
        *("токарь", "-повар", "от 90001", '"цех теплый"', "повар токарь"),
        '"кондитер выпечка"',  # the end of one field and the beginning of another
    ],
    "area": [["Томск"], ["remote"]],
    "skill": [["Выпечка", "Python"]],
    "work_format": [["remote", "hybrid"]],
    "employment_type": [["INTERN"]],
    "experience": [["moreThan6"]],
    "currency": ["USD"],
    "company": [[UUID(int=8)]],
    "salary_from": [90_001],
    "days": [1],
}


@pytest.mark.parametrize("name", VacancyFilters.model_fields)
def test_no_filter_is_ignored(name: str) -> None:
    index, documents = indexed([VACANCY])
    asked: list[tuple[VacancyFilters, bool]] = []
    for accepts, values in ((True, ACCEPTING), (False, REFUSING)):
        for value in values.get(name, []):
            asked.append((VacancyFilters.model_validate({"currency": "RUB", name: value}), accepts))
    assert any(accepts for _, accepts in asked), "a new filter: say what it accepts and refuses"
    for given, accepts in asked:
        saved = SavedSearches()
        saved.put(alert_of(UUID(int=9), given))
        facts = Facts(documents[VACANCY["id"]], IndexedBoard(index))
        assert bool(saved.meeting(facts, micros(now()))) == accepts, given
        assert bool(found_by_searching(index, given)) == accepts, given


def test_every_part_of_a_search_is_known() -> None:
    assert {one.name for one in fields(SearchFilters)} == {
        *("text", "values", "pay"),
        *("excluded", "time"),  # not in a saved search; `days` is kept on its own
    }
    assert {one.name for one in VACANCIES.filters} == set(
        vacancy_filters(VacancyFilters()).values
    ), "each is a filter of an alert by its name"


def test_searches_come_and_go() -> None:
    rows = vacancy_rows(5, 12)
    index, documents = indexed(rows)
    made = Searches(5, rows)
    asked = {new_id(): made.filters() for _ in range(100)}
    saved = SavedSearches()
    for id, given in asked.items():
        saved.put(alert_of(id, VacancyFilters(q="другое")))
        saved.put(alert_of(id, given))
        saved.put(alert_of(id, given))
    gone = list(asked)[::2]
    for id in (*gone, *gone):
        saved.remove(id)
    back = gone[::3]
    for id in back:
        saved.put(alert_of(id, asked[id]))
    left = {id for id in asked if id not in gone or id in back}
    assert len(saved) == len(left)
    board = IndexedBoard(index)
    for vacancy, document in documents.items():
        found = set(saved.meeting(Facts(document, board), micros(now())))
        assert found == {id for id in left if vacancy in found_by_searching(index, asked[id])}
    for id in left:
        saved.remove(id)
    assert not len(saved)
    assert not saved.meeting(Facts(documents[rows[0]["id"]], board), micros(now()))


def test_a_search_meets_only_what_was_published_since() -> None:
    index, documents = indexed([VACANCY])
    facts = Facts(documents[VACANCY["id"]], IndexedBoard(index))
    published = micros(VACANCY["published_at"])
    for since, meets in ((published, True), (published + 1, False)):
        saved = SavedSearches()
        saved.put(Alert(UUID(int=9), SearchFilters(), None, since))
        assert bool(saved.meeting(facts, micros(now()))) == meets


def test_the_other_keyboard_comes_before_typos() -> None:
    other = VACANCY | {"id": UUID(int=2), "title": "Gjdfx", "requirements": [], "description": ""}
    given = VacancyFilters(q="gjdfh")
    for rows, met in (([VACANCY, other], {1}), ([other], {2})):
        index, documents = indexed(rows)
        saved = SavedSearches()
        saved.put(alert_of(UUID(int=9), given))
        board = IndexedBoard(index)
        found = {
            id for id, one in documents.items() if saved.meeting(Facts(one, board), micros(now()))
        }
        assert found == found_by_searching(index, given) == {UUID(int=n) for n in met}
