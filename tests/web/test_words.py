"""The pages' words: whole in each language, and as people of it write."""

import re
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import hirewire.web
from hirewire import auth, profiles, vacancies
from hirewire.kit.errors import AppError
from hirewire.web.labels import PROBLEMS
from hirewire.web.words import LOCALE, preferred, words

WEB = Path(hirewire.web.__file__).parent
NAMES: dict[str, tuple[int, ...] | None] = {
    **dict.fromkeys(("_", "N_", "gettext", "text")),
    **dict.fromkeys(("ngettext", "plural"), (1, 2)),
}


def used() -> set[str | tuple[str, ...]]:
    found = extract_from_dir(
        str(WEB),
        method_map=[("**.py", "python"), ("templates/**.html", "jinja2.ext:babel_extract")],
        keywords=NAMES,
    )
    return {message for _, _, message, _, _ in found}


def test_the_catalogue_is_whole_and_holds_nothing_else() -> None:
    with (LOCALE / "ru" / "hirewire.po").open("rb") as file:
        catalogue = read_po(file, locale="ru")
    assert {message.id for message in catalogue if message.id} == used()
    for message in catalogue:
        if not message.id:
            continue
        string = message.string
        said = [string] if isinstance(string, str) else list(string or [""])
        assert all(said), message.id
        assert not message.fuzzy
        first = message.id if isinstance(message.id, str) else message.id[0]
        holes = re.findall(r"%(?:\(\w+\))?s", first)
        for one in said:
            assert re.findall(r"%(?:\(\w+\))?s", one) == holes, message.id


@pytest.mark.parametrize(
    ("count", "said"),
    [(1, "1 вакансия"), (3, "3 вакансии"), (5, "5 вакансий"), (21, "21 вакансия")],
)
def test_russian_plurals(count: int, said: str) -> None:
    found = words("ru").plural("%(num)s vacancy", "%(num)s vacancies", count)
    assert found % {"num": count} == said


def test_money_numbers_and_days() -> None:
    ru, en = words("ru"), words("en")
    pay = {"min": 100000, "max": 150000, "currency": "RUB", "unit": "MONTH"}
    assert ru.money(pay) == "100\u00a0000–150\u00a0000\u00a0₽ в месяц"
    assert en.money(pay | {"max": None}) == "from ₽100,000 a month"
    assert ru.money(pay | {"min": None}) == "до 150\u00a0000\u00a0₽ в месяц"
    assert en.money({"amount": 10, "currency": "EUR", "unit": "HOUR"}) == "€10 an hour"
    assert en.money(pay | {"currency": "GBP"}) == "£100,000–150,000 a month"
    assert ru.money(pay | {"currency": "GBP"}) == "100\u00a0000–150\u00a0000\u00a0£ в месяц"
    assert en.money({"amount": 10, "currency": "CHF", "unit": "HOUR"}) == "CHF\u00a010 an hour"
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


def test_how_long_to_wait() -> None:
    ru, en = words("ru"), words("en")
    assert en.problem("Too many failed logins; try again in 15 minutes.") == (
        "There were too many failures. Try again in 15 minutes."
    )
    assert ru.problem("Too many failed logins; try again in 1 minutes.").endswith(
        "Попробуйте через 1 минуту."
    )
    assert ru.problem(
        "This company has invited as many as it can in a day; try again in 5 hours."
    ).endswith("за день. Попробуйте через 5 часов.")


def test_months_of_a_resume() -> None:
    ru, en = words("ru"), words("en")
    assert ru.period("2020-03", None) == "март 2020 – по настоящее время"
    assert en.period("2019", "2021-05-01") == "2019 – May 2021"
    assert (ru.months(60), ru.months(7), en.months(13), en.months(0)) == (
        *("5 лет", "7 месяцев", "1 year"),
        "",
    )


@pytest.mark.parametrize(
    ("detail", "said"),
    [
        ("String should have at least 1 character", "нужно заполнить"),
        ("at least 8 characters", "не меньше 8 знаков"),
        ("Python is asked for twice", "Python указано дважды"),
        (
            "An email address must have an @-sign.",
            "это не адрес почты",
        ),
        ("something nobody has heard of", "something nobody has heard of"),
    ],
)
def test_what_services_say_is_read_in_the_pages_language(detail: str, said: str) -> None:
    assert words("ru").problem(detail) == said


def test_patterns_have_as_many_holes_as_groups() -> None:
    for pattern, said in PROBLEMS:
        assert re.compile(pattern).groups == said.count("%s"), pattern


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


# What only programs are told, or what a page says in words of its own.
FOR_PROGRAMS = {
    "InvalidRefreshToken",
    "RefreshedJustNow",
    "NoSigningKey",
    "NotOpen",
    "NoSuchSitemap",
    "NoSuchSkill",
}


def test_whatever_a_service_refuses_is_said_in_russian() -> None:
    for service in (auth, profiles, vacancies):
        for module in walk_packages(service.__path__, f"{service.__name__}."):
            if ".migrations" not in module.name:
                import_module(module.name)
    refusals = [
        one
        for one in _below(AppError)
        if one.__module__.startswith(
            ("hirewire.auth.", "hirewire.profiles.", "hirewire.vacancies.")
        )
        and one.__name__ not in FOR_PROGRAMS
    ]
    assert len(refusals) > 25
    for one in refusals:
        said = words("ru").problem(one().message)
        assert re.fullmatch(r"[^A-Za-z]*(?:JSON Resume)?[^A-Za-z]*", said), one().message


def _below(kind: type[AppError]) -> set[type[AppError]]:
    return {one for below in kind.__subclasses__() for one in {below, *_below(below)}}
