"""One skill, many ways to write it."""

import pytest

from hirewire.esco import dictionary, key_of, occupations, skills


def test_the_tables() -> None:
    assert (len(skills()), len(occupations())) == (13412, 91)
    assert all(skill.label for skill in skills())


@pytest.mark.parametrize(
    "forms",
    [
        ("Node.js", "node js", "NODEJS", "node-js"),
        ("Ёлка", "елка"),
        ("C ++", "c++"),
        ("ﬁle", "FILE"),
    ],
)
def test_one_key(forms: tuple[str, ...]) -> None:
    assert len({key_of(form) for form in forms}) == 1


def test_different_keys() -> None:
    assert len({key_of(form) for form in ("C", "C++", "C#", "+", "???")}) == 5


@pytest.mark.parametrize(
    ("phrase", "label"),
    [
        ("python", "Python (computer programming)"),
        ("Python (computer programming)", "Python (computer programming)"),
        ("javascript", "JavaScript"),
        ("SQL", "SQL"),
        ("coordinate duties of musical staff", "manage musical staff"),
    ],
)
def test_found(phrase: str, label: str) -> None:
    found = dictionary().find(phrase)
    assert found is not None
    assert dictionary().label_of(found) == label


def test_what_is_not_there_is_its_own() -> None:
    assert dictionary().find("Hirewire wrangling") is None
    assert dictionary().id_of("Hirewire  Wrangling!") == "own:hirewirewrangling"


def test_every_label_is_found_as_itself() -> None:
    assert [s.label for s in skills() if dictionary().find(s.label) != s.id][:20] == []
