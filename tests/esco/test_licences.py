"""Licences, levels and fields are read from titles and phrases, in both languages."""

import pytest

from hirewire.esco.job_codes import family_of
from hirewire.esco.job_titles import level_of
from hirewire.esco.licences import by_category, highest, licences, licences_in, with_categories
from hirewire.esco.qualifiers import field_code, fields_in, rank_of
from hirewire.esco.tables import rows_of


def categories(text: str) -> list[str]:
    labels = [licences()[id].label for id in licences_in(text)]
    return [one.removeprefix("Driving licence category ") for one in labels]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Водитель категории B", ["B"]),
        ("Водитель категории «В»", ["B"]),
        ("ВОДИТЕЛЬ КАТЕГОРИИ В", ["B"]),
        ("водитель кат. C,E", ["CE"]),
        ("права B и C", ["C"]),
        ("Водитель (кат. «B», «C»)", ["C"]),
        ("Водитель С, Е", ["CE"]),
        ("категории B, C, D, E", ["CE", "D"]),
        ("HGV Class 1", ["CE"]),
        ("Class 2 Driver", ["C"]),
        ("LGV C+E Driver, Trunking", ["CE"]),
        ("driving licence cat B", ["B"]),
        ("full UK driving licence", ["B"]),
        ("Водительское удостоверение категории B", ["B"]),
        ("права b и ce", ["CE"]),
        ("C or C1 driver", ["C1"]),
        ("driving C licence", ["C"]),
        ("Повар с медицинской книжкой", ["Health record book"]),
        ("III группа по электробезопасности", ["Electrical safety group III"]),
    ],
)
def test_one_licence_has_many_names(text: str, named: list[str]) -> None:
    assert categories(text) == named


@pytest.mark.parametrize(
    "text",
    [
        "Учитель высшей категории в школу",
        "водитель с личным авто",
        "ВОДИТЕЛЬ В ТАКСИ",
        "Инженер 1 категории",
        "защита права потребителей",
        "A driver",
        "Primary teacher, class 1",
    ],
)
def test_other_letters_are_no_category(text: str) -> None:
    assert licences_in(text) == ()
    assert with_categories(text) == text


def test_a_higher_category_contains_the_lower_ones() -> None:
    [ce], [c], [b], [d] = (licences_in(f"категория {one}") for one in ("CE", "C", "B", "D"))
    assert {c, b} < licences()[ce].implies
    assert b in licences()[c].implies
    assert d not in licences()[ce].implies
    assert highest([b, ce, d, c]) == (ce, d)
    assert by_category("Водитель B, C") == ("Водитель category B", "Водитель category C")


@pytest.mark.parametrize(
    ("title", "level"),
    [
        ("Стажёр-бухгалтер", 1),
        ("Assistant Accountant", 1),
        ("Shop assistant", 3),
        ("Healthcare assistant in a care home", 3),
        ("Junior developer", 2),
        ("Бухгалтер", 3),
        ("Заместитель главного бухгалтера", 4),
        ("Старшая продавщица", 4),
        ("Head of Engineering", 5),
    ],
)
def test_words_of_a_level(title: str, level: int) -> None:
    assert rank_of(title) == level


def test_a_level_in_the_name_of_an_occupation_is_unknown() -> None:
    assert level_of("Head chef") == level_of("Главный бухгалтер") == 0
    assert level_of("Главная медицинская сестра") == 5
    assert level_of("Старший бухгалтер") == 4, "one of the names of an accountant, with a level"


def test_fields_are_the_same_in_both_languages() -> None:
    for one, two in (
        ("Учитель математики", "Teacher of Mathematics"),
        ("Операционная медсестра", "Theatre nurse"),
        ("Машинист экскаватора", "Excavator operator"),
        ("Преподаватель фортепиано", "Piano teacher"),
        ("Водитель кат. CE", "HGV Class 1 driver"),
    ):
        assert set(fields_in(one)) & set(fields_in(two)), (one, two)
    crane, tower = set(fields_in("Крановщик")), set(fields_in("Машинист башенного крана"))
    assert crane < tower
    assert not crane & set(fields_in("Машинист экскаватора"))


def test_each_field_and_family_has_a_number_of_its_own() -> None:
    rows = rows_of("title_fields.csv")
    codes = [field_code(row["family"], row["label"]) for row in rows]
    assert len(set(codes)) == len(rows)
    assert len(set(map(family_of, codes))) == len({row["family"] for row in rows})
    assert max(codes) < 2**31
