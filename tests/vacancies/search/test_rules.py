"""A query's line, read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hirewire.vacancies.search import rules
from hirewire.vacancies.search.phrasing import analyzer
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
def test_a_line_is_read(query: str, found: list[Term]) -> None:
    assert terms(query) == found


@given(st.text(max_size=400))
def test_no_line_is_an_error(query: str) -> None:
    found = terms(query)
    assert len(found) <= rules.MOST_TERMS
    assert all(term.text for term in found)


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_plain_text_keeps_its_length_in_bytes(text: str) -> None:
    assert len(plain(text).encode()) == len(text.encode())


def test_the_other_keyboard() -> None:
    assert other_layout("ghjuhfvvbcn") == "программист"
    assert other_layout("зщыепкуы") == "postgres"


@pytest.mark.parametrize(
    ("word", "wrong"), [("sql", 0), ("java", 1), ("programist", 2), ("web3", 0)]
)
def test_how_many_letters_may_be_wrong(word: str, wrong: int) -> None:
    assert tolerance(word) == wrong


def test_neighbours_the_longest_first() -> None:
    assert spans(3, most=2) == [(0, 2), (1, 3), (0, 1), (1, 2), (2, 3)]


def test_endings_of_both_languages_are_taken_off() -> None:
    stems = analyzer().analyze
    assert stems("Программистов") == stems("программисты") == stems("ПРОГРАММИСТ")
    assert stems("Developers") == stems("developer")
    assert stems("C++ c# Node.js") == ["c++", "c#", "node", "js"]
