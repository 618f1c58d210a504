"""Properties of every score."""

from typing import Any

import pytest
from hypothesis import assume, given

from hirewire.vacancies.recommendations.asking import skill_codes
from hirewire.vacancies.recommendations.facts import (
    demand_of,
    language_code,
    offer_of,
    weight_of,
)
from hirewire.vacancies.recommendations.inputs import BAND_MONTHS, SKILLS_PRESUMED
from hirewire.vacancies.recommendations.rules import CLOSE, LEVEL_LEAST, Judgement, judge
from tests.vacancies.recommendations import languages
from tests.vacancies.recommendations.pairs import resumes, vacancies

SAME = {"Python": "питон", "SQL": "sql", "JavaScript": "java script", "C++": "c ++"}


@given(vacancies(), resumes())
def test_the_score_is_the_sum_of_its_reasons(
    vacancy: dict[str, Any], resume: dict[str, Any]
) -> None:
    demand = demand_of(vacancy)
    found = judge(demand, offer_of(resume))
    assert 0 <= found.score <= 1
    assert 0 <= found.strength <= 1
    assert found.score == pytest.approx(sum(t.points for t in found.terms), abs=1e-4)
    assert all(0 <= term.points <= term.most + 1e-12 for term in found.terms)
    weighed = [term for term in found.terms if term.most]
    # next to listed skills a related occupation is no requirement: it only adds to the score
    added = [term for term in weighed if term.part == "occupation" and demand.skills]
    added = [] if demand.presumed & SKILLS_PRESUMED else added
    assert all(term.points == term.most for term in added)
    required = [term for term in weighed if term not in added]
    assert (found.score == 1) == (bool(weighed) and all(t.verdict == "met" for t in required))


def test_meeting_all_requirements_scores_in_full_and_extra_skills_cost_nothing() -> None:
    asked = [{"skill": "Python", "kind": "must", "level": 3}, {"skill": "SQL", "kind": "nice"}]
    vacancy = {"title": "Developer", "requirements": asked, "company_id": None}
    others = ["Java", "PHP", "C++", "Linux", "Docker", "Kafka", "Haskell", "Gardening"]
    resume = {
        "title": "Something else",
        "skills": [{"name": "питон", "level": 4}, *({"name": name} for name in ["SQL", *others])],
    }
    found = judge(demand_of(vacancy), offer_of(resume))
    assert (found.score, [term.verdict for term in found.terms]) == (1, ["met", "met"])
    wishes = {
        "experience": "between1And3",
        "area": "Омск",
        "salary": {"min": 100, "max": 200, "currency": "RUB", "unit": "MONTH"},
        "languages": [{"language": "English", "level": "B1"}],
    }
    whole = resume | {
        "experienceMonths": 30,
        "area": "омск",
        "languages": [{"language": "английский", "level": "B2"}],
    }
    assert judge(demand_of(vacancy | wishes), offer_of(whole)).score == 1, "no pay is expected"
    wanting: tuple[dict[str, Any], ...] = (
        {"experienceMonths": 6},
        {"area": None},
        {"languages": []},
    )
    for lacking in wanting:
        assert judge(demand_of(vacancy | wishes), offer_of(whole | lacking)).score < 1
    dearer = {"salary": {"amount": 230, "currency": "RUB"}}
    assert judge(demand_of(vacancy | wishes), offer_of(whole | dearer)).score < 1
    no_level = {"skills": [{"name": "Python"}, {"name": "SQL"}]}
    assert 0.5 < judge(demand_of(vacancy), offer_of(resume | no_level)).score < 1


def test_a_skill_that_is_close_counts_in_part_and_lets_nobody_in() -> None:
    asked = [{"skill": "PostgreSQL", "kind": "nice"}, {"skill": "Gardening", "kind": "nice"}]
    vacancy = {"title": None, "requirements": asked, "company_id": None}

    def judged(*names: str, must: bool = False) -> Judgement:
        kinds = [one | {"kind": "must" if must else "nice"} for one in asked]
        resume = {"skills": [{"name": name} for name in names]}
        return judge(demand_of(vacancy | {"requirements": kinds}), offer_of(resume))

    first = judged("PHP", "MySQL").terms[0]
    assert (first.verdict, first.is_close, first.place) == ("partly", True, 1)
    assert first.points == pytest.approx(CLOSE * first.most)
    assert judged("PHP", "MySQL").strength == judged("PHP", "Figma").strength
    as_must = judged("MySQL", "Gardening", must=True)
    assert (as_must.terms[0].verdict, as_must.fits) == ("conflict", False)
    assert as_must.terms[0].points == pytest.approx(CLOSE * as_must.terms[0].most)
    itself = judged("MySQL", "PostgreSQL").terms[0]
    assert (itself.verdict, itself.is_close, itself.place) == ("met", False, 1)
    assert not judged("PHP").terms[0].points
    assert CLOSE < LEVEL_LEAST, "the skill itself is worth more, at any level"


@given(vacancies(), resumes())
def test_a_synonym_changes_nothing(vacancy: dict[str, Any], resume: dict[str, Any]) -> None:
    skills = [one | {"name": one["name"].upper()} for one in resume["skills"]]
    asked = [one | {"skill": one["skill"].lower() + " "} for one in vacancy["requirements"]]
    again = judge(
        demand_of(vacancy | {"requirements": asked}), offer_of(resume | {"skills": skills})
    )
    assert again == judge(demand_of(vacancy), offer_of(resume))


@given(vacancies(), resumes())
def test_one_more_required_skill_never_lowers_the_score(
    vacancy: dict[str, Any], resume: dict[str, Any]
) -> None:
    demand, offer = demand_of(vacancy), offer_of(resume)
    lacking = [
        one for one in vacancy["requirements"] if skill_codes(one["skill"])[0] not in offer.skills
    ]
    assume(lacking)
    more = resume["skills"] + [{"name": lacking[0]["skill"], "level": 1}]

    def skills(found: Any) -> float:
        return sum(t.points for t in judge(demand, found).terms if t.part == "skill")

    assert skills(offer_of(resume | {"skills": more})) >= skills(offer) - 1e-9


@given(vacancies(), resumes())
def test_personal_data_never_reaches_the_scorer(
    vacancy: dict[str, Any], resume: dict[str, Any]
) -> None:
    person = {"fullName": "Anna", "sex": "female", "age": 61, "photo": "x", "citizenship": "GE"}
    assert offer_of(resume | person) == offer_of(resume)
    assert demand_of(vacancy | person) == demand_of(vacancy)


@pytest.mark.parametrize(
    ("vacancy", "resume", "part"),
    [
        ({"area": "Omsk"}, {"area": "Tomsk"}, "area"),
        ({"work_format": "on_site"}, {"workFormats": ["remote"]}, "work_format"),
        ({"employment_type": "FULL_TIME"}, {"employmentTypes": ["INTERN"]}, "employment_type"),
        (
            {"languages": [{"language": "English", "level": "B2"}]},
            {"languages": [{"language": "английский", "level": "B1"}]},
            "language",
        ),
        (
            {"salary": {"max": 100, "currency": "RUB", "unit": "MONTH"}},
            {"salary": {"amount": 131, "currency": "RUB"}},
            "salary",
        ),
        ({"requirements": [{"skill": "Java", "kind": "must"}]}, {}, "skill"),
    ],
)
def test_hard_requirements(vacancy: dict[str, Any], resume: dict[str, Any], part: str) -> None:
    base = {"requirements": [{"skill": "SQL", "kind": "nice"}], "company_id": None}
    skills = {"skills": [{"name": "SQL"}]}
    good = judge(demand_of(base), offer_of(skills))
    assert good.fits
    bad = judge(demand_of(base | vacancy), offer_of(skills | resume))
    assert [term.part for term in bad.conflicts] == [part]
    assert not bad.fits


@pytest.mark.parametrize(
    "more",
    [{"relocation": True, "area": "Tomsk"}, {"area": "омск "}, {"area": None}],
)
def test_areas_that_do_not_exclude_a_match(more: dict[str, Any]) -> None:
    vacancy = {"requirements": [{"skill": "SQL"}], "area": "Омск", "company_id": None}
    assert judge(demand_of(vacancy), offer_of({"skills": [{"name": "SQL"}]} | more)).fits


def test_unexpected_numbers_do_no_harm() -> None:
    offer = offer_of(
        {
            "skills": [{"name": "SQL", "level": 10**9}],
            "experienceMonths": 10**30,
            "salary": {"amount": 10**400, "currency": "?"},
        }
    )
    assert offer.months >= BAND_MONTHS[-1]
    assert weight_of(skill_codes("no such skill at all")[0]) > weight_of(
        skill_codes("computer programming")[0]
    )


def test_the_table_of_languages_is_that_of_cldr() -> None:
    assert languages.TABLE.read_text(encoding="utf-8") == languages.table(), (
        "python -m tests.vacancies.recommendations.languages"
    )


def test_languages_have_many_names() -> None:
    for name in ("English", "en", "английский", "Английский язык"):
        assert language_code(name) == language_code("ENGLISH")
    assert language_code("Klingonian") != language_code("English")
