"""The data of `hirewire demo --fill`: determined by a seed, and valid for the services."""

import re
from collections import Counter
from datetime import date, timedelta
from html import unescape
from typing import Any

import pytest
from pydantic import TypeAdapter

from hirewire.auth.accounts.routes import Credentials
from hirewire.esco import dictionary, occupations
from hirewire.kit.clock import now
from hirewire.profiles.dates import check_period
from hirewire.profiles.people.routes import ProfileChanges
from hirewire.profiles.reading import Part
from hirewire.profiles.resumes import jsonresume
from hirewire.profiles.resumes.commands import MOST_RESUMES
from hirewire.profiles.resumes.documents import check_document
from hirewire.profiles.resumes.models import NewEducation, NewExperience, NewResume, ResumeChanges
from hirewire.profiles.resumes.rules import completeness
from hirewire.tools.sample_data.city import CityTrade, city_trades
from hirewire.tools.sample_data.companies import IT, SIZES, companies, company, industries
from hirewire.tools.sample_data.filler import PASSWORD, Plan
from hirewire.tools.sample_data.people import Person, email_of, feminine, latin, person
from hirewire.tools.sample_data.phrases import inflected, years_ru
from hirewire.tools.sample_data.resumes import (
    EACH,
    SMALL,
    Written,
    candidate,
    candidates,
    resumes_of,
)
from hirewire.tools.sample_data.salaries import GRADES, STEP, step_of
from hirewire.tools.sample_data.titles import Job, Title, graded, jobs
from hirewire.tools.sample_data.trades import forms, skills_of, trades
from hirewire.tools.sample_data.vacancies import Drafted, vacancies_of
from hirewire.vacancies.employers.routes import EmployerProfileChanges, NewEmployerProfile
from hirewire.vacancies.posting.models import NewVacancy

TODAY = now().date()
COUNT = 1500
LATIN_LETTERS = re.compile("[A-Za-z]")
CYRILLIC_LETTERS = re.compile("[А-Яа-яЁё]")


def drafted(count: int, seed: int = 1) -> list[tuple[bool, Drafted]]:
    return [
        (one.russian, vacancy)
        for one, share in companies(seed, count)
        for vacancy in vacancies_of(seed, one, share, TODAY)
    ]


def written(count: int, seed: int = 1) -> list[tuple[Person, Written]]:
    return [
        (who, resume)
        for who, share in candidates(seed, count)
        for resume in resumes_of(seed, who, share, TODAY)
    ]


@pytest.fixture(scope="module")
def vacancies() -> list[tuple[bool, Drafted]]:
    return drafted(COUNT)


@pytest.fixture(scope="module")
def resumes() -> list[tuple[Person, Written]]:
    return written(COUNT)


def test_every_occupation_has_a_job_and_a_trade() -> None:
    assert len(jobs()) == len(occupations()) == 91
    assert {job.occupation.uri for job in jobs()} == {one.uri for one in occupations()}
    assert {job.trade for job in jobs()} == set(trades())
    for job in jobs():
        assert len(skills_of(job.occupation)) >= 4, job.occupation.label
        for title in (*job.english, *job.russian):
            assert title.stack is None or title.stack in trades()[job.trade].tools
        assert not any(CYRILLIC_LETTERS.search(title.text) for title in job.english)


def test_every_city_trade_has_enough_texts() -> None:
    """Any title that is drawn has enough texts for a vacancy and a resume."""
    hired = {key for one in industries() for key in one.hires}
    assert hired == {IT, *city_trades()}
    for trade in city_trades().values():
        assert set(trade.near) <= set(city_trades()) - {trade.key}
        assert len(trade.done) >= 2
        assert trade.study
        known = sum(dictionary().find(line.english) is not None for line in trade.skills)
        assert known >= 3, trade.key
        for title in trade.titles:
            assert title.industries <= {one.key for one in industries()}
            assert set(title.grades) <= set(GRADES)
            for part, least in (("skills", 5), ("duties", 3), ("wanted", 1), ("schedule", 1)):
                for russian in (True, False):
                    lines = trade.lines(part, title.marks, russian=russian)
                    assert len(set(lines)) == len(lines) >= least, (title.name.russian, part)
        for part in ("skills", "papers", "duties", "wanted", "schedule", "done"):
            for line in getattr(trade, part):
                assert not CYRILLIC_LETTERS.search(line.english), line


@pytest.mark.parametrize("count", [50, 100, 200, 300])
def test_a_small_board_covers_the_country_and_all_trades(count: int) -> None:
    board = list(companies(1, count))
    assert all(share >= 2 for _, share in board)
    at_home = sum(one.place.country == "ru" for one, _ in board)
    assert 0.78 <= at_home / len(board) <= 0.84
    assert len({one.name for one, _ in board}) == len(board)
    assert len({one.place.english for one, _ in board if one.place.country == "ru"}) >= 7
    made = [vacancy for _, vacancy in drafted(count)]
    in_it = sum(vacancy.job is not None for vacancy in made)
    assert 0.1 <= in_it / count <= 0.25
    trades_seen = Counter(vacancy.trade for vacancy in made if vacancy.job is None)
    assert len(trades_seen) >= (16 if count == 50 else 28)
    assert max(trades_seen.values()) < count * 0.15
    people = list(candidates(1, count))
    assert len(people) >= count * 0.2


def test_a_seed_determines_the_board(vacancies: list[tuple[bool, Drafted]]) -> None:
    assert drafted(60) == drafted(60)
    assert written(60) == written(60)
    assert drafted(60) != drafted(60, seed=2)
    assert written(60) != written(60, seed=2)


def test_a_small_board_is_the_beginning_of_a_large_one(
    vacancies: list[tuple[bool, Drafted]], resumes: list[tuple[Person, Written]]
) -> None:
    for count in (1, 10, 100, 333):
        assert drafted(count) == vacancies[:count]
        assert written(count) == resumes[:count]


def test_the_requested_numbers_are_created() -> None:
    plan = Plan(10_000, 10_000, 1, TODAY)
    assert sum(share for *_, share in plan.employers()) == 10_000
    assert sum(share for _, share in plan.candidates()) == 10_000
    assert sum(SIZES) / len(SIZES) == 25
    assert sum(share for _, share in list(plan.candidates())[:SMALL]) == 3 * SMALL
    assert max(EACH) <= MOST_RESUMES
    assert sum(EACH) / len(EACH) == 10


def test_no_two_people_share_an_address() -> None:
    emails = [candidate(1, n).email for n in range(5_000)]
    emails += [person(1, "employer", n, company(1, n).place).email for n in range(400)]
    emails += [person(2, "candidate", n).email for n in range(2_000)]
    assert len(set(emails)) == len(emails)
    for email in emails[::50]:
        assert Credentials(email=email, password=PASSWORD).email == email


def test_vacancies_are_valid_for_the_service(vacancies: list[tuple[bool, Drafted]]) -> None:
    for _, vacancy in vacancies:
        body = NewVacancy.model_validate(vacancy.body)
        assert body.description == vacancy.body["description"], "sanitising must change nothing"
        assert body.valid_through is not None
        assert timedelta(20) <= body.valid_through - TODAY <= timedelta(60)
        assert body.requirements is not None
        ids = [dictionary().id_of(one.skill) for one in body.requirements]
        assert len(ids) == len(set(ids))
        if vacancy.job is not None:
            known = {skill.id for skill in skills_of(vacancy.job.occupation)}
            assert 2 <= sum(id in known for id in ids) <= 4 + 5
            stacks = trades()[vacancy.trade].tools.values()
            musts = {one.skill for one in body.requirements if one.kind == "must"}
            assert any(musts & {*stack} for stack in stacks), "a tool of the trade is required"
        assert 4 <= len(ids) <= 12
        assert 1 <= sum(one.kind == "must" for one in body.requirements) <= 3
        if body.salary is not None:
            step = step_of(body.salary.currency, body.salary.unit)
            assert all(end % step == 0 for end in (body.salary.min, body.salary.max) if end)


def test_vacancies_differ(vacancies: list[tuple[bool, Drafted]]) -> None:
    texts = [vacancy.body["description"] for _, vacancy in vacancies]
    assert len(set(texts)) == len(texts)
    trades_seen = Counter(vacancy.trade for _, vacancy in vacancies)
    assert len(trades_seen) > 70
    units = Counter(v.body["salary"]["unit"] for _, v in vacancies if "salary" in v.body)
    assert set(units) == {"MONTH", "YEAR", "DAY", "HOUR"}
    unpaid = sum("salary" not in vacancy.body for _, vacancy in vacancies)
    assert 0.15 < unpaid / len(vacancies) < 0.3


def test_all_trades_are_on_a_large_board() -> None:
    """With all currencies, and no company requires one thing twice."""
    found: set[str] = set()
    trades_seen: set[str] = set()
    paid_in: set[str] = set()
    for one, share in companies(1, 10_000):
        made = vacancies_of(1, one, share, TODAY)
        assert len({vacancy.body["title"] for vacancy in made}) == share
        found |= {vacancy.job.occupation.uri for vacancy in made if vacancy.job is not None}
        trades_seen |= {vacancy.trade for vacancy in made if vacancy.job is None}
        paid_in |= {v.body["salary"]["currency"] for v in made if "salary" in v.body}
    assert len(found) == 91
    assert trades_seen == set(city_trades())
    assert paid_in == set(STEP)


def test_resumes_are_valid_for_the_service(resumes: list[tuple[Person, Written]]) -> None:
    for _, resume in resumes:
        check_document(resume.document)
        ResumeChanges.model_validate(resume.changes)
        part = Part(resume.document)
        fields = jsonresume.resume_fields(resume.document, part)
        whole = NewResume.model_validate(fields | resume.changes)
        jobs_held = [jsonresume.experience_fields(x) for x in part.at("work").each(9)]
        studies = [jsonresume.education_fields(x) for x in part.at("education").each(9)]
        assert not part.left_out
        TypeAdapter(list[NewExperience]).validate_python(jobs_held)
        TypeAdapter(list[NewEducation]).validate_python(studies)
        assert 1 <= len(jobs_held) <= 4
        for held in jobs_held:
            check_period(held["start"], held["end"])
            assert (held["end"] or held["start"]) <= f"{TODAY:%Y-%m}"
        starts = [held["start"] for held in jobs_held]
        assert starts == sorted(starts, reverse=True)
        assert all(held["end"] for held in jobs_held[1:])
        values: dict[str, Any] = whole.model_dump(by_alias=False)
        assert not completeness(values | {"experience": jobs_held}).missing_mandatory
        ids = [dictionary().id_of(skill.name) for skill in whole.skills]
        assert len(ids) == len(set(ids)) >= 2
        _check_skills(resume, set(ids))


def _check_skills(resume: Written, ids: set[str]) -> None:
    """An IT resume has skills of its occupation; others have the documents of their title."""
    if isinstance(resume.profession, Job):
        own = {skill.id for skill in skills_of(resume.profession.occupation)}
        assert len(ids & own) >= 2
        assert ids - own, "and tools"
        return
    assert isinstance(resume.profession, CityTrade)
    for line in resume.profession.papers:
        if line.needed and line.goes_with(resume.marks):
            assert {dictionary().id_of(line.english), dictionary().id_of(line.russian)} & ids


def test_people_differ(resumes: list[tuple[Person, Written]]) -> None:
    """In education, history and skills within one trade."""
    lives = {who.email: resume.document for who, resume in resumes}.values()
    levels = Counter(one["education"][-1]["studyType"] for one in lives)
    assert {"Среднее", "Среднее специальное", "Бакалавр"} <= set(levels)
    several = sum(len({held["position"] for held in one["work"]}) > 1 for one in lives)
    assert several > len(lives) * 0.4
    by_trade: dict[str, list[frozenset[str]]] = {}
    for _, resume in resumes:
        if isinstance(resume.profession, CityTrade):
            names = frozenset(skill["name"] for skill in resume.document["skills"])
            by_trade.setdefault(resume.profession.key, []).append(names)
    for key, skills in by_trade.items():
        assert len(set(skills)) > len(skills) * 0.8, key


def test_no_person_has_one_title_twice(resumes: list[tuple[Person, Written]]) -> None:
    seen = Counter((who.email, resume.title) for who, resume in resumes)
    assert set(seen.values()) == {1}
    who = person(1, "candidate", 0)
    many = [one.title for one in resumes_of(1, who, MOST_RESUMES, TODAY)]
    assert len(set(many)) == MOST_RESUMES
    shown = [r for _, r in resumes if r.changes["visibility"] == "recommended"]
    assert len(shown) / len(resumes) > 0.85


def test_russian_is_written_in_cyrillic(
    vacancies: list[tuple[bool, Drafted]], resumes: list[tuple[Person, Written]]
) -> None:
    """English is not; names of tools and companies are unchanged."""
    for russian, vacancy in vacancies:
        _check_language(russian, re.sub("<[^>]*>", " ", vacancy.body["description"]))
        assert bool(CYRILLIC_LETTERS.search(vacancy.body["area"])) == russian
    for who, resume in resumes:
        basics, work = resume.document["basics"], resume.document["work"]
        _check_language(who.russian, basics["summary"])
        assert not LATIN_LETTERS.search(who.place.russian)
        assert bool(CYRILLIC_LETTERS.search(who.full_name)) == who.russian
        for held in work:
            _check_language(who.russian, held["summary"])
    assert {russian for russian, _ in vacancies} == {True, False}
    assert {who.russian for who, _ in resumes} == {True, False}


def _check_language(russian: bool, text: str) -> None:
    text = unescape(text)
    assert "{" not in text, text
    assert "}" not in text, text
    if not russian:
        assert not CYRILLIC_LETTERS.search(text), text
        return
    cyrillic = len(CYRILLIC_LETTERS.findall(text))
    assert cyrillic > 1.5 * len(LATIN_LETTERS.findall(text)), text


def test_russian_names_have_their_endings() -> None:
    assert [feminine(name) for name in ("Иванов", "Островский", "Вербицкий", "Белый")] == [
        "Иванова",
        "Островская",
        "Вербицкая",
        "Белая",
    ]
    assert [latin(name) for name in ("Щербакова", "Юрий", "Белый", "Ёлкин", "Ильин")] == [
        "Shcherbakova",
        "Yury",
        "Bely",
        "Elkin",
        "Ilin",
    ]
    assert email_of("Пётр", "Зайцев", "candidate", 7, 1) == "petr.zaytsev.7@board.example"
    for number in range(500):
        who = person(1, "candidate", number)
        if who.russian:
            assert who.last.endswith(("а", "ая")) == who.female


def test_russian_grammar() -> None:
    assert [years_ru(n) for n in (1, 3, 5, 11, 12, 21, 24)] == [
        "1 год",
        "3 года",
        "5 лет",
        "11 лет",
        "12 лет",
        "21 год",
        "24 года",
    ]
    for phrase, man, woman in (
        ("Сократил{a} срок", "Сократил срок", "Сократила срок"),
        ("Перевёл{b} проект", "Перевёл проект", "Перевела проект"),
        ("Нашёл{n} ошибку", "Нашёл ошибку", "Нашла ошибку"),
        ("Ввёл{n} шаблон", "Ввёл шаблон", "Ввела шаблон"),
        ("Помог{la} заказчику", "Помог заказчику", "Помогла заказчику"),
        ("Привлёк{la} клиентов", "Привлёк клиентов", "Привлекла клиентов"),
        ("Прошёл{n} проверку", "Прошёл проверку", "Прошла проверку"),
        ("Вёл{n} до 30 пациентов", "Вёл до 30 пациентов", "Вела до 30 пациентов"),
    ):
        assert inflected(phrase, female=False) == man
        assert inflected(phrase, female=True) == woman


@pytest.mark.parametrize(
    ("text", "grade", "russian", "becomes"),
    [
        ("Системный аналитик", "senior", True, "Старший системный аналитик"),
        ("ИТ-аудитор", "lead", True, "Ведущий ИТ-аудитор"),
        ("Java-разработчик", "middle", True, "Middle Java-разработчик"),
        ("Архитектор решений", "junior", True, "Архитектор решений"),
        ("Data Analyst", "junior", False, "Junior Data Analyst"),
        ("Data Analyst", "middle", False, "Data Analyst"),
    ],
)
def test_seniority(text: str, grade: str, russian: bool, becomes: str) -> None:
    assert graded(Title(text, None, True), grade, russian=russian) == becomes


def test_skills_are_found_again_however_they_are_written() -> None:
    for job in jobs():
        for skill in skills_of(job.occupation):
            for russian in (True, False):
                for form in forms(skill.id, russian):
                    assert dictionary().id_of(form) == skill.id


def test_companies_and_names_are_valid_for_the_services() -> None:
    for number in range(400):
        one = company(1, number)
        NewEmployerProfile(company_name=one.name, phone=one.phone)
        about = EmployerProfileChanges(description=one.description, site=one.site)
        assert str(about.site) == one.site
        assert bool(CYRILLIC_LETTERS.search(one.description)) == one.russian
        who = person(1, "candidate", number)
        locale = "ru" if who.russian else "en"
        ProfileChanges(full_name=who.full_name, area=who.place.english, locale=locale)


def test_dates_are_relative_to_today() -> None:
    [[one, share]] = companies(1, 1)
    [vacancy] = vacancies_of(1, one, share, date(2030, 1, 31))
    assert vacancy.body["validThrough"] > "2030-02-15"
