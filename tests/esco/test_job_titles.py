"""Job titles of adverts are mapped to their occupations, in both languages."""

from collections import Counter

import pytest

from bench.trades import titled
from hirewire.esco.job_codes import OWN_TITLE, SAME_MINOR, SAME_UNIT, nth_of, related
from hirewire.esco.job_tables import all_occupations
from hirewire.esco.job_titles import jobs_of

EVERY = all_occupations()


def found(title: str) -> list[str]:
    return [EVERY[nth_of(job.code)].label for job in jobs_of(title) if job.code < OWN_TITLE]


@pytest.mark.parametrize(
    ("title", "occupation"),
    [
        ("Медсестра", "nurse responsible for general care"),
        ("Registered Nurse", "nurse responsible for general care"),
        ("ПОВАР-УНИВЕРСАЛ", "cook"),
        ("Повара", "cook"),
        ("Бухгалтер 1С", "accountant"),
        ("Бухгалтер 1C (удалённо)", "accountant"),
        ("Водитель категории B", "delivery driver"),
        ("Водитель категории «В»", "delivery driver"),
        ("Водитель кат. D", "bus driver"),
        ("Требуется кладовщик, вахта", "warehouse worker"),
        ("Продавец(-ца) консультант", "sales assistant"),
        ("HGV Class 1 Driver (nights)", "cargo vehicle driver"),
        ("Driver, HGV", "cargo vehicle driver"),
        ("Senior Python Developer", "software developer"),
        ("C++ разработчик", "software developer"),
        ("PA to the Managing Director", "executive assistant"),
        ("MIG/TIG Welder", "welder"),
        ("Kotlin-программист", "software developer"),
        ("Токарь в опытный цех", "lathe and turning machine operator"),
        ("Embroidery shop receptionist", "receptionist"),
        ("Receptionist at a bank", "receptionist"),
    ],
)
def test_a_title_means_its_occupation(title: str, occupation: str) -> None:
    assert found(title)[0] == occupation


@pytest.mark.parametrize(
    "title", ["Supervisor", "Apprentice", "Team Leader", "Старший специалист", "Оператор", "Worker"]
)
def test_a_word_of_all_trades_means_none(title: str) -> None:
    assert found(title) == []


def test_a_head_counts_more_than_what_describes_it() -> None:
    known = [job for job in jobs_of("HGV Technician") if job.code < OWN_TITLE]
    assert all(job.likeness < 56 for job in known), "it is no driver, and at most related"
    receptionist = jobs_of("Embroidery receptionist")[0]
    assert receptionist.code == jobs_of("receptionist")[0].code
    assert 56 < receptionist.likeness < 100


def test_a_title_of_two_occupations_matches_both() -> None:
    assert found("Электрик / сантехник")[:2] == ["electrician", "plumber"]


def test_equal_unknown_titles_match_each_other() -> None:
    title, other = jobs_of("Lamplighter of Zyx"), jobs_of("ZYX lamplighter (nights)")
    assert title[-1] == other[-1]
    assert title[-1].code >= OWN_TITLE
    assert related(title[-1].code, jobs_of("Another of Zyx")[-1].code) == 0
    assert jobs_of("") == jobs_of("!!! (2/2)") == ()


def test_relatedness_follows_the_groups_of_isco() -> None:
    nurse, specialist, midwife, cook = (
        jobs_of(title)[0].code for title in ("nurse", "specialist nurse", "midwife", "cook")
    )
    assert [related(nurse, one) for one in (nurse, specialist, midwife, cook)] == [
        100,
        SAME_UNIT,
        SAME_MINOR,
        0,
    ]


def test_each_occupation_has_its_own_russian_title() -> None:
    assert len(EVERY) == 2942
    first = Counter(one.russian[0].casefold().replace("ё", "е") for one in EVERY)
    assert [title for title, count in first.items() if count > 1] == []


@pytest.mark.parametrize(("language", "least"), [("ru", 58), ("en", 56)])
def test_labelled_titles(language: str, least: int) -> None:
    assert sum(right for of, right, _ in titled() if of == language) >= least
