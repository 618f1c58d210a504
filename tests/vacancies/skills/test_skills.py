"""Typeahead for skills."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hirewire.esco import dictionary
from hirewire.esco.forms import words_of
from hirewire.vacancies.skills.index import is_one_typo, typeahead
from tests.vacancies.conftest import Person


def labels(text: str, limit: int = 10) -> list[str]:
    return [one.skill.label for one in typeahead().find(text, limit)]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("SQL", "SQL"),
        ("sq", "SQL"),
        ("java", "Java (computer programming)"),
        ("java (comp", "Java (computer programming)"),
        ("управление проек", "perform project management"),
        ("c++", "C++"),
        ("PROJECT manag", "project management"),
        ("manag project", "project management"),
        ("js", "JavaScript"),
    ],
)
def test_the_intended_skill_is_among_the_first_suggestions(text: str, first: str) -> None:
    assert first in labels(text)[:5]


def test_a_typo_is_understood() -> None:
    assert "JavaScript" in labels("javasript")
    assert "JavaScript" in labels("jvaascript")


@pytest.mark.parametrize(
    ("one", "other", "is_typo"),
    [
        ("java", "jave", True),
        ("java", "jva", True),
        ("java", "javaa", True),
        ("java", "jaav", True),
        ("java", "java", True),
        ("java", "jeve", False),
        ("java", "jvaa x", False),
        ("abcd", "dbca", False),
    ],
)
def test_one_typo(one: str, other: str, is_typo: bool) -> None:
    assert is_one_typo(one, other) == is_one_typo(other, one) == is_typo


@pytest.mark.parametrize("text", ["", "  ", "()", "\x00", "'" * 200])
def test_an_empty_text_gives_no_suggestions(text: str) -> None:
    assert labels(text) == []


@given(st.text(max_size=40))
def test_any_text_can_be_typed(text: str) -> None:
    found = typeahead().find(text, 7)
    assert len(found) <= 7
    assert len({one.skill.id for one in found}) == len(found)


@given(st.sampled_from(sorted(dictionary().skills)), st.data())
def test_a_name_is_found_by_beginnings_of_its_words(id: str, data: st.DataObject) -> None:
    skill = dictionary().skills[id]
    words = words_of(skill.label)
    typed = " ".join(word[: data.draw(st.integers(1, len(word)))] for word in words)
    assert id in {one.skill.id for one in typeahead().find(typed, 20_000)}
    assert typeahead().find(skill.label, 1)[0].skill.id == dictionary().find(skill.label)


async def test_over_http(anna: Person) -> None:
    client = anna.service.client
    answer = await client.get("/api/vacancies/skills", params={"q": "управление про", "limit": 2})
    assert answer.headers["cache-control"] == "public, max-age=3600"
    items = answer.json()["items"]
    assert len(items) == 2
    assert items[0]["labelRu"] == items[0]["matched"] == "управление проектами"
    one = (await client.get(f"/api/vacancies/skills/{items[0]['id']}")).json()
    assert one["label"] == "perform project management"
    assert "управление проектами" in one["aliases"]
    assert (await client.get("/api/vacancies/skills/x")).status_code == 404
    assert (await client.get("/api/vacancies/skills?limit=0")).status_code == 422
