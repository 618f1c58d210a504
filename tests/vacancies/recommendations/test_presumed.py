"""A vacancy that lists no skills is matched by its title and its text."""

from typing import Any
from uuid import uuid4

import pytest

from hirewire.vacancies.recommendations import presumed
from hirewire.vacancies.recommendations.asking import skill_codes
from hirewire.vacancies.recommendations.facts import demand_of, offer_of
from hirewire.vacancies.recommendations.inputs import (
    EXPERIENCE_PRESUMED,
    LANGUAGES_PRESUMED,
    SKILLS_PRESUMED,
)
from hirewire.vacancies.recommendations.presumed import KEPT, in_text, presumed_of
from hirewire.vacancies.recommendations.rules import PRESUMED, Judgement, judge
from tests.vacancies.recommendations.boards import Board, board

__all__ = ["board"]

TEXT = (
    "<p>Требования:</p><ul><li>Python, PostgreSQL</li><li>английский не ниже B2</li>"
    "<li>опыт от 3 лет</li></ul><p>Условия:</p><ul><li>столовая</li></ul>"
)
VACANCY: dict[str, Any] = {
    "title": "Разработчик",
    "description": TEXT,
    "requirements": [],
    "languages": [],
    "company_id": None,
}
RESUME = {
    "title": "Developer",
    "skills": [{"name": "Python"}, {"name": "PostgreSQL"}],
    "experienceMonths": 40,
    "languages": [{"language": "English", "level": "C1"}],
}


def judged(vacancy: dict[str, Any], resume: dict[str, Any] = RESUME) -> Judgement:
    return judge(demand_of(VACANCY | vacancy), offer_of(resume))


def test_skills_languages_and_years_of_the_text_count() -> None:
    demand = demand_of(VACANCY)
    assert {ask.code for ask in demand.skills} == {
        *skill_codes("Python"),
        *skill_codes("PostgreSQL"),
    }
    assert not any(ask.must for ask in demand.skills)
    assert (len(demand.languages), demand.band) == (1, 2)
    assert demand.presumed == SKILLS_PRESUMED | LANGUAGES_PRESUMED | EXPERIENCE_PRESUMED
    assert judged({}).score == 1
    less = judged({}, RESUME | {"skills": [{"name": "Python"}]})
    assert less.score < 1
    assert less.score == pytest.approx(sum(term.points for term in less.terms), abs=1e-4)


def test_what_the_employer_lists_replaces_the_text() -> None:
    listed = demand_of(VACANCY | {"requirements": [{"skill": "Kafka"}]})
    assert [ask.code for ask in listed.skills] == skill_codes("Kafka")
    assert (listed.languages, listed.band, listed.presumed) == ([], None, 0)
    stated = demand_of(VACANCY | {"experience": "noExperience"})
    assert (stated.band, stated.presumed) == (0, SKILLS_PRESUMED | LANGUAGES_PRESUMED)


def test_the_text_rules_nobody_out_and_weighs_less() -> None:
    other = {"title": "Developer", "languages": [{"language": "German"}], "experienceMonths": 40}
    found = judged({}, other)
    assert not found.conflicts
    assert {term.part for term in found.terms if term.verdict == "missing"} == {"skill", "language"}
    listed = {
        "requirements": [{"skill": one, "kind": "nice"} for one in ("Python", "PostgreSQL")],
        "experience": "between3And6",
        "languages": [{"language": "English", "level": "B2"}],
    }

    def weights(judgement: Judgement) -> dict[str, float]:
        sums: dict[str, float] = {}
        for part in judgement.parts:
            sums[part[0]] = sums.get(part[0], 0.0) + part[3]
        return sums

    little, much = weights(judged({})), weights(judged(listed))
    for part in ("skill", "language", "experience"):
        assert little[part] == pytest.approx(PRESUMED * much[part])
    assert judged({}).strength > judged({"description": None}).strength


def test_equal_texts_are_read_once_and_few_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[str] = []

    def counted(text: str) -> presumed.Presumed:
        texts.append(text)
        return in_text(text)

    monkeypatch.setattr(presumed, "in_text", counted)
    for _ in range(3):
        presumed_of(VACANCY | {"description": "<p>Requirements:</p><p>SQL &amp; Go</p>"})
    assert [text.split() for text in texts] == [["Requirements:", "SQL", "&", "Go"]]
    monkeypatch.setattr(presumed, "in_text", lambda _: presumed.NOTHING)
    for nth in range(KEPT + 5):
        presumed_of(VACANCY | {"description": f"<p>{nth}</p>"})
    assert len(presumed._remembered) == KEPT


async def test_a_changed_text_is_compared_again_and_reasons_say_so(board: Board) -> None:
    id = await board.publish(
        title="Web developer", requirements=[], languages=[], experience=None, description="Hello!"
    )
    skills = [{"name": "Python"}, {"name": "PostgreSQL"}]
    await board.publish_resume(uuid4(), 1, title="Web developer", skills=skills)

    async def found() -> dict[str, Any]:
        [item] = (await board.person.call("GET", f"/vacancies/{id}/recommendations"))["items"]
        assert sum(one["points"] for one in item["reasons"]) == pytest.approx(
            item["score"], abs=1e-4
        )
        return dict(item)

    assert not any(one["presumed"] for one in (await found())["reasons"])
    await board.person.call("PATCH", f"/vacancies/{id}", {"description": TEXT})
    await board.consume_own()
    item = await found()
    assert await board.fits(id) == {item["resumeId"]: item["score"]}
    said = {
        (one["part"], one["about"], one["verdict"]) for one in item["reasons"] if one["presumed"]
    }
    assert {("skill", "Python", "met"), ("skill", "PostgreSQL", "met")} <= said
    assert {part for part, _, _ in said} == {"skill", "language", "experience"}
    assert (await board.person.call("GET", f"/vacancies/{id}"))["requirements"] == []
