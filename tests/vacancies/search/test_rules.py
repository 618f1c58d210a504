"""Parsing a search query."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hirewire.vacancies.search import rules
from hirewire.vacancies.search.index.parser import analyzer
from hirewire.vacancies.search.rules import Term, other_layout, plain, spans, terms, tolerance


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", []),
        ("  - \" \" ''", []),
        ("full-time", [Term("full-time")]),
        ("python -java", [Term("python"), Term("java", excluded=True)]),
        (
            '"data science" -"team lead"',
            [Term("data science", True), Term("team lead", True, True)],
        ),
        ('"not closed', [Term("not closed", True)]),
        ("Ёлка C++", [Term("Елка"), Term("C++")]),
    ],
)
def test_a_query_is_parsed(query: str, found: list[Term]) -> None:
    assert terms(query) == found


@given(st.text(max_size=400))
def test_any_query_can_be_parsed(query: str) -> None:
    found = terms(query)
    assert len(found) <= rules.MOST_TERMS
    assert all(term.text for term in found)


@given(st.text(alphabet="ACBeоСВcс1+#ёyу категории,"))
def test_plain_text_keeps_its_length_and_is_plain(text: str) -> None:
    assert len(plain(text)) == len(text)
    assert plain(plain(text)) == plain(text)


@pytest.mark.parametrize(
    ("query", "rest", "amount"),
    [
        ("python от 200000", "python", 200_000),
        ("от 200 тыс. руб python", "python", 200_000),
        ("python from 1,500 remote", "python  remote", 1500),
        ("зп от 90к", "", 90_000),
        ("опыт от 3 лет", "опыт от 3 лет", None),
        ("от 2000 лет", "от 2000 лет", None),
        ("работа от 18", "работа от 18", None),
    ],
)
def test_salary_in_a_query(query: str, rest: str, amount: int | None) -> None:
    assert rules.pay_from(query) == (rest, amount)


def test_the_other_keyboard() -> None:
    assert other_layout("ghjuhfvvbcn") == "программист"
    assert other_layout("зщыепкуы") == "postgres"


@pytest.mark.parametrize(
    ("word", "wrong"), [("sql", 0), ("java", 1), ("programist", 2), ("web3", 0)]
)
def test_the_number_of_tolerated_typos(word: str, wrong: int) -> None:
    assert tolerance(word) == wrong


def test_spans_are_ordered_longest_first() -> None:
    assert spans(3, most=2) == [(0, 2), (1, 3), (0, 1), (1, 2), (2, 3)]


def test_inflectional_endings_of_both_languages_are_removed() -> None:
    stems = analyzer().analyze
    assert stems("Программистов") == stems("программисты") == stems("ПРОГРАММИСТ")
    assert stems("Developers") == stems("developer")
    assert stems("C++ c# Node.js") == ["c++", "c#", "node", "js"]
