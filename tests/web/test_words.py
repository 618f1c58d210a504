"""The texts of the pages: complete in each language, and idiomatic."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
from babel.messages.pofile import read_po

from hirewire.kit.languages import preferred
from hirewire.vacancies.applications.rules import ApplicantState, Stage
from hirewire.web.api.models.base import ExpectedSalary
from hirewire.web.api.models.vacancies import OfferedSalary
from hirewire.web.i18n import texts
from hirewire.web.i18n.labels import LABELS
from hirewire.web.i18n.words import words

ROOT = Path(__file__).parents[2]
HOLE = r"%(?:\(\w+\))?s"


def test_the_catalogue_is_complete_and_has_no_extra_texts() -> None:
    with texts.CATALOGUE.open("rb") as file:
        catalogue = read_po(file, locale="ru")
    assert not any(message.fuzzy for message in catalogue)
    russian = texts.translated()
    assert russian.keys() == {(text.context, text.english) for text in texts.used()}
    for (_, english), said in russian.items():
        assert all(said), english
        holes = sorted(re.findall(HOLE, english[0]))
        for one in said:
            assert sorted(re.findall(HOLE, one)) == holes, english


def test_each_state_of_an_application_has_its_words() -> None:
    for state in (*get_args(ApplicantState), *get_args(Stage)):
        assert state in LABELS, "a page would show the value itself"


def test_the_table_of_texts_matches_the_sources() -> None:
    written = (ROOT / texts.TABLE).read_text(encoding="utf-8")
    assert written == texts.table(), f"out of date: {texts.COMMAND}"
    for row in (
        "| No jobs yet. | Вакансий пока нет. | `start.html` |",
        "| Closed *(board column)* | Завершённые | `parts/board.html`, `styleguide.html` |",
        "| Willing to relocate | Готовность к переезду | `resume.typ` |",
    ):
        assert row in written.splitlines(), row


@pytest.mark.parametrize(
    ("count", "said"),
    [(1, "1 вакансия"), (3, "3 вакансии"), (5, "5 вакансий"), (21, "21 вакансия")],
)
def test_russian_plurals(count: int, said: str) -> None:
    found = words("ru").plural("%(num)s job", "%(num)s jobs", count)
    assert found % {"num": count} == said


def test_money_numbers_and_days() -> None:
    ru, en = words("ru"), words("en")
    pay = OfferedSalary(min=100000, max=150000, currency="RUB")
    assert ru.money(pay) == "100\u00a0000–150\u00a0000\u00a0₽ в месяц"
    assert en.money(pay.model_copy(update={"max": None})) == "from ₽100,000 per month"
    assert ru.money(pay.model_copy(update={"min": None})) == "до 150\u00a0000\u00a0₽ в месяц"
    assert en.money(ExpectedSalary(amount=10, currency="EUR", unit="HOUR")) == "€10 per hour"
    pounds = pay.model_copy(update={"currency": "GBP"})
    assert en.money(pounds) == "£100,000–150,000 per month"
    assert ru.money(pounds) == "100\u00a0000–150\u00a0000\u00a0£ в месяц"
    francs = ExpectedSalary(amount=10, currency="CHF", unit="HOUR")
    assert en.money(francs) == "CHF\u00a010 per hour"
    assert (en.money(None), en.day(None)) == ("", "")
    assert ru.day("2026-03-01T10:00:00Z") == "1 марта 2026"


@pytest.mark.parametrize(
    ("passed", "said"),
    [
        ({"seconds": -3}, "just now"),
        ({"seconds": 9}, "9 seconds ago"),
        ({"seconds": 500}, "8 minutes ago"),
        ({"hours": 5}, "5 hours ago"),
        ({"hours": 47}, "2 days ago"),
        ({"days": 12}, "2 weeks ago"),
        ({"days": 400}, "1 year ago"),
    ],
)
def test_how_long_ago(passed: dict[str, int], said: str) -> None:
    assert words("en").ago((datetime.now(UTC) - timedelta(**passed)).isoformat()) == said


def test_months_of_a_resume() -> None:
    ru, en = words("ru"), words("en")
    assert ru.period("2020-03", None) == "март 2020 – по настоящее время"
    assert en.period("2019", "2021-05-01") == "2019 – May 2021"
    assert (ru.months(60), ru.months(7), en.months(13), en.months(0)) == (
        *("Опыт 5 лет", "Опыт 7 месяцев", "1 year of experience"),
        "",
    )


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", "en"),
        ("ru", "ru"),
        ("en, ru", "en"),
        ("ru;q=0.9, en;q=0.8", "ru"),
        ("de", "en"),
        ("*;q=x", "en"),
    ],
)
def test_the_language_is_negotiated(header: str, expected: str) -> None:
    assert preferred(header) == expected
