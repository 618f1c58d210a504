"""Adverts that say in sentences whom they look for, where, and what is required."""

import pytest

from hirewire.vacancies.adverts.known import DICTIONARIES
from hirewire.vacancies.adverts.reader import read


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Ищем водителя категории C в Казань, платим вовремя.", "Водитель категории C"),
        ("Привет! Нам срочно нужен бариста в кофейню у метро.", "Бариста"),
        ("Завод приглашает на постоянную работу фрезеровщика.", "Фрезеровщик"),
        ("Подбираем для клиента финансового аналитика в Пермь.", "Финансовый аналитик"),
        ("Ресторан ищет опытного пекаря на сезон.", "Пекарь"),
        ("Kazan-based bakery seeks a night baker. Pay is weekly.", "Night baker"),
        (
            "Our client, a law firm, is looking for an experienced legal secretary.",
            "Legal secretary",
        ),
        ("An experienced plumber is required for a busy yard near York.", "Plumber"),
        ("We're a small team, and we want to hire a QA engineer (fully remote).", "QA engineer"),
        ("The school has an opening for a music teacher who loves noise.", "Music teacher"),
    ],
)
def test_titles_in_sentences(text: str, title: str) -> None:
    assert read(text, DICTIONARIES).title == title


@pytest.mark.parametrize(
    ("text", "city"),
    [
        ("Ищем водителя категории C в Казань.", "Казань"),
        ("Наш питомник под Тулой ищет садовника.", "Тула"),
        ("Офис находится в Нижнем Новгороде, требуется юрист.", "Нижний Новгород"),
        ("York-based joinery seeks a carpenter.", "York"),
        ("We are hiring a nurse.\n\nBest,\nAnna", None),
    ],
)
def test_cities_in_sentences(text: str, city: str | None) -> None:
    assert read(text, DICTIONARIES).area == city


@pytest.mark.parametrize(
    ("text", "must", "nice"),
    [
        ("Ищем повара. Ждём от вас знание 1С и Excel.", ["1С", "Excel"], []),
        (
            "Нужен слесарь. Нужен опыт сварки, права категории B.",
            ["сварки", "права категории B"],
            [],
        ),
        (
            "We need a clerk. You'll need Excel and SAP; ideally Python.",
            ["Excel", "SAP"],
            ["Python"],
        ),
        (
            "We need a cook. A food hygiene certificate is essential.",
            ["food hygiene certificate"],
            [],
        ),
        (
            "Ищем аналитика. Владение SQL обязательно. Знание Python приветствуется.",
            ["SQL"],
            ["Python"],
        ),
        ("We seek a dev. Terraform would be a big plus.", [], ["Terraform"]),
        ("Ищем повара. Мы любим Python и SQL.", [], []),
    ],
)
def test_what_sentences_require(text: str, must: list[str], nice: list[str]) -> None:
    found = read(text, DICTIONARIES).requirements
    assert [one.skill for one in found if one.kind == "must"] == must
    assert [one.skill for one in found if one.kind == "nice"] == nice


def test_a_sentence_that_goes_on_in_the_next_line_is_read_as_one() -> None:
    text = (
        "Hello all, our little garage in Hull grows and grows, and so we are looking for a car\n"
        "mechanic. You will need a full driving licence, and you should have at least three\n"
        "years of experience. The job is full\ntime."
    )
    draft = read(text, DICTIONARIES)
    assert (draft.title, draft.area, draft.experience) == ("Car mechanic", "Hull", "between3And6")
    assert [(one.skill, one.line.number) for one in draft.requirements] == [
        ("full driving licence", 2)
    ]


def test_headings_come_before_sentences() -> None:
    text = "Clerk\nYou'll need SAP.\n\nRequirements:\n- Excel\n"
    assert [one.skill for one in read(text, DICTIONARIES).requirements] == ["Excel"]
