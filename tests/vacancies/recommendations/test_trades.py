"""People and vacancies of all trades match by their occupations, also across languages."""

from typing import Any
from uuid import UUID

import numpy as np
import pytest

from bench.trades import ranked
from hirewire.vacancies.recommendations.asking import asked_skills
from hirewire.vacancies.recommendations.facts import demand_of, offer_of
from hirewire.vacancies.recommendations.index.codes import Codes
from hirewire.vacancies.recommendations.index.packing import HEAD, Packed, pack_demand, pack_offer
from hirewire.vacancies.recommendations.index.prefilter import demands_for, offers_for
from hirewire.vacancies.recommendations.index.reading import offers_from
from hirewire.vacancies.recommendations.index.segment import Segment
from hirewire.vacancies.recommendations.rules import Judgement, judge

PLACE: dict[str, Any] = {
    "area": "Казань",
    "work_format": "on_site",
    "company_id": None,
    "languages": [],
}


def judged(title: str, other: str, *asked: str, **changes: Any) -> Judgement:
    vacancy = PLACE | {
        "title": title,
        "requirements": [{"skill": s, "kind": "must"} for s in asked],
    }
    resume = {"title": other, "area": "Казань", "skills": [{"name": "умение, о котором никто"}]}
    return judge(demand_of(vacancy), offer_of(resume | changes))


def verdicts(found: Judgement) -> dict[str, str]:
    return {term.part: term.verdict for term in found.terms}


@pytest.mark.parametrize(
    ("title", "other"),
    [
        ("Водитель категории B", "Водитель категории B"),
        ("Бухгалтер 1С", "Бухгалтер"),
        ("Учитель математики", "Maths teacher"),
        ("HGV driver", "Водитель категории CE"),
        ("Медсестра", "Registered Nurse"),
        ("Warehouse operative", "Кладовщик"),
    ],
)
def test_one_occupation_is_a_match_whatever_the_skills_are_called(title: str, other: str) -> None:
    for asked in ((), ("the first thing", "the second")):
        found = judged(title, other, *asked)
        assert found.fits
        assert verdicts(found)["occupation"] == "met"
        assert found.score == pytest.approx(sum(term.points for term in found.terms), abs=1e-4)
    listed = [term for term in found.terms if term.part == "skill" and term.nth < 2]
    assert [term.verdict for term in listed] == ["missing"] * 2
    assert all(term.must and term.most > 0 for term in listed)
    assert judged(title, other).score == 1


def test_other_occupations_do_not_match_and_related_ones_need_more() -> None:
    assert not judged("Медсестра", "Повар").fits
    assert verdicts(judged("Медсестра", "Повар")) == {
        "occupation": "missing",
        "area": "met",
        "work_format": "unknown",
    }
    skills = {"skills": [{"name": "уход"}, {"name": "own thing"}, {"name": "other"}]}
    assert not judged("Медсестра", "Акушерка", "уход", "first aid", **skills).fits, "a must"
    related = judged("Медсестра", "Акушерка", "уход", **skills)
    assert related.fits
    assert verdicts(related)["occupation"] == "partly"


def test_must_haves_rule_out_in_it_and_where_one_would_have_to_move() -> None:
    assert not judged("Python developer", "Python developer", "PostgreSQL").fits
    assert judged("Python developer", "Python developer").fits
    away = {"area": "Омск", "relocation": True}
    assert not judged("Медсестра", "Медсестра", "first aid", **away).fits
    assert not judged("Медсестра", "Медсестра", **away).fits, "skills decide there"
    knows = {"skills": [{"name": "first aid"}]}
    assert judged("Медсестра", "Медсестра", "first aid", **away, **knows).fits


def test_a_position_counts_for_the_occupation_too() -> None:
    held = {"experience": [{"position": "Медсестра палатная"}, {"position": "Санитарка"}]}
    assert judged("Медсестра", "Ищу работу рядом с домом", **held).fits
    assert not judged("Медсестра", "Ищу работу рядом с домом").fits


def test_a_known_title_says_what_is_looked_for_whatever_was_held_before() -> None:
    held = {"experience": [{"position": "Посудомойщица"}]}
    assert judged("Посудомойщица", "Ищу работу рядом с домом", **held).fits
    assert not judged("Посудомойщица", "Повар", **held).fits
    same_unit = {"experience": [{"position": "Промышленный электрик"}]}
    assert judged("Electrical fitter", "Электрик", **same_unit).fits


def test_meeting_all_requirements_scores_in_full() -> None:
    asked = ["уход за больными", "инъекции", "first aid"]
    skills = {"skills": [{"name": name} for name in asked]}
    assert judged("Registered Nurse", "Registered Nurse", *asked, **skills).score == 1
    some = judged("Registered Nurse", "Registered Nurse", *asked, skills=skills["skills"][:2])
    assert 0.6 < some.score < 1


@pytest.mark.parametrize(
    ("title", "other"),
    [
        ("Водитель категории B", "Водитель кат. B"),
        ("Водитель категории B", "Водитель категории B, C"),
        ("Водитель категории B", "Водитель B/C"),
    ],
)
def test_a_licence_in_a_title_is_the_required_one(title: str, other: str) -> None:
    found = judged(title, other, "Водительское удостоверение категории B")
    assert found.fits
    assert [term.verdict for term in found.terms if term.part == "skill" and term.nth == 0] == [
        "met"
    ]


def test_a_title_requires_its_category_and_a_lower_one_is_not_enough() -> None:
    row = PLACE | {"title": "Водитель категории CE", "requirements": []}
    lower = {"title": "Водитель", "area": "Казань", "skills": [{"name": "права категории B"}]}
    found = judge(demand_of(row), offer_of(lower))
    assert not found.fits
    [term] = [one for one in found.terms if one.part == "skill"]
    assert (term.verdict, term.must) == ("conflict", True)
    assert [one.name for one in asked_skills(row)] == ["водительские права категории CE"]
    assert found.score == pytest.approx(sum(one.points for one in found.terms), abs=1e-4)
    unknown = judge(demand_of(row), offer_of(lower | {"title": "Дальнобойщик", "skills": []}))
    assert unknown.fits
    assert [one.verdict for one in unknown.terms if one.part == "skill"] == ["missing"]
    certified = lower | {"skills": [], "licences": ["Driving licence category CE"]}
    assert judge(demand_of(row), offer_of(certified)).fits
    higher = lower | {"title": "Водитель", "skills": [{"name": "driving licence cat C+E"}]}
    asked = {"title": "Водитель", "requirements": [{"skill": "категория C"}]}
    found = judge(demand_of(PLACE | asked), offer_of(higher))
    assert [one.verdict for one in found.terms if one.part == "skill"] == ["met"]


@pytest.mark.parametrize(
    ("title", "other", "differs"),
    [
        ("Учитель математики", "Учитель физики", "field"),
        ("Maths teacher", "Учитель физики", "field"),
        ("Операционная медсестра", "Children's nurse", "field"),
        ("TIG welder", "Сварщик на полуавтомате", "field"),
        ("Trainee tiler", "Плиточник", "level"),
        ("Главная медицинская сестра", "Медсестра", "level"),
        ("Бухгалтер", "Помощник бухгалтера", "level"),
    ],
)
def test_another_field_or_level_is_not_the_same_occupation(
    title: str, other: str, differs: str
) -> None:
    for one, two in ((title, other), (other, title)):
        found = judged(one, two)
        assert not found.fits
        assert "occupation" not in verdicts(found) or verdicts(found)["occupation"] != "met"
        assert found.differs in (differs, None)
    assert judged(title, title).fits
    assert judged(other, other).fits


def test_what_a_resume_shows_beside_its_title_counts() -> None:
    can = {"skills": [{"name": "MIG welding"}]}
    assert not judged("MIG welder", "TIG welder").fits
    assert judged("MIG welder", "TIG welder", **can).fits
    assert judged("Сварщик", "TIG welder").fits, "a title without a field says nothing"


def test_levels_that_are_close_are_one_occupation() -> None:
    near = judged("Старший бухгалтер", "Бухгалтер")
    assert near.fits
    assert (verdicts(near)["occupation"], near.differs) == ("partly", "level")
    assert judged("Head chef", "Шеф-повар").differs is None, "the level is part of the name"


def test_rows_packed_by_earlier_rules_are_readable_until_compared_again() -> None:
    offer = offer_of({"title": "Медсестра", "skills": [{"name": "SQL"}]})
    packed = pack_offer(offer, id=UUID(int=1), version=1, number=1)
    before = HEAD.fields and HEAD.fields["jobs"][1]
    assert before
    old = Packed(1, packed.head[:before], packed.skills, packed.languages, packed.words)
    segment = Segment.of([old], Codes(), demands=False)
    [read] = offers_from(segment, np.array([0]))
    assert read.jobs == {}
    assert read.skills == offer.skills
    demand = demand_of({"title": "Медсестра", "requirements": [{"skill": "SQL"}]})
    assert offers_for(segment, demand).tolist() == [0]
    one = pack_demand(demand, id=UUID(int=2), version=1, number=1)
    old = Packed(1, one.head[:before], one.skills, one.languages, one.words)
    assert demands_for(Segment.of([old], Codes(), demands=True), offer).tolist() == [0]


@pytest.mark.parametrize(
    ("name", "first", "recommended", "wrong"),
    [("pairs", 29, 26, 1), ("cross", 30, 25, 1), ("held", 25, 20, 11)],
)
def test_labelled_cases(name: str, first: int, recommended: int, wrong: int) -> None:
    """Of eleven vacancies: how often the right one is first and recommended, and the wrong ones."""
    found = list(ranked(name))
    assert len(found) == 30
    assert sum(one.rank == 1 for one in found) >= first
    assert sum(one.is_recommended for one in found) >= recommended
    assert sum(one.wrong for one in found) <= wrong


def test_letters_of_another_script_that_look_alike_match() -> None:
    asked = ["C++", "MS Excel"]
    written = [{"name": "\u0421++"}, {"name": "MS \u0415xcel"}]
    found = judged("C++ developer", "\u0421++ developer", *asked, skills=written)
    assert found == judged(
        "C++ developer", "C++ developer", *asked, skills=[{"name": "C++"}, {"name": "MS Excel"}]
    )
    assert found.score == 1


def test_a_resume_of_any_size_from_an_external_publisher_is_compared() -> None:
    skills = [{"name": f"skill {n}"} for n in range(40_000)]
    offer = offer_of({"title": "SQL " * 50_000, "skills": skills})
    assert len(offer.skills) == 10_000
    assert pack_offer(offer, id=UUID(int=1), version=1).skills
    long = "good " * 40_000 + "SQL"
    assert list(offer_of({"skills": [{"name": long}]}).skills) == list(
        offer_of({"skills": [{"name": long[:200]}]}).skills
    )
