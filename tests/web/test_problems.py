"""Texts on the pages for services' problems, by code, in both languages."""

import re
from typing import Any

import pytest

from hirewire.web.i18n.problem_texts import NARROWER, NOT_ACCEPTED, NOT_DONE, TEXTS
from hirewire.web.i18n.words import LANGUAGES, words
from hirewire.web.pages.rendering import Form
from hirewire.web.pages.templates import templates_in
from hirewire.web.problems import Problem, field_problems, whole_problem

HOLE = re.compile(r"%\((\w+)\)s")
HOSTILE = "<b>%s%(x)s{x}{0}</b>"
NUMBERS = {"min_length", "max_length", "min", "max", "ge", "le"}


def texts_of(code: str) -> str:
    found = TEXTS[code]
    return found if isinstance(found, str) else found.many


def params_of(text: str) -> dict[str, Any]:
    return {name: 7 if name in NUMBERS else "Python" for name in HOLE.findall(text)}


@pytest.mark.parametrize("code", TEXTS)
def test_each_code_has_a_text_in_both_languages(code: str) -> None:
    problem = Problem(code, params_of(texts_of(code)), detail="what the service says")
    said = {lang: words(lang).problem(problem) for lang in LANGUAGES}
    for text in said.values():
        assert text not in ("", problem.detail, words("ru").text(NOT_ACCEPTED))
        assert not HOLE.search(text)
    assert said["en"] == texts_of(code) % problem.params
    russian = re.sub(r"API|Python|PDF|DOCX|Word|YYYY|-MM|-DD|JSON|RUB|EUR|https://", "", said["ru"])
    assert re.search("[а-яё]", russian)
    assert not re.search("[A-Za-z]", russian), russian


@pytest.mark.parametrize(
    ("code", "params", "en", "ru"),
    [
        ("missing", {}, "This field is required", "Обязательное поле"),
        ("string_too_short", {"min_length": 1}, "This field is required", "Обязательное поле"),
        (
            "string_too_short",
            {"min_length": 8},
            "Must have at least 8 characters",
            "Не менее 8 символов",
        ),
        (
            "string_too_long",
            {"max_length": 21},
            "Must have at most 21 characters",
            "Не более 21 символа",
        ),
        (
            "string_too_long",
            {"max_length": 1},
            "Must have at most 1 character",
            "Не более 1 символа",
        ),
        (
            "string_too_long",
            {"max_length": 10_000},
            "Must have at most 10,000 characters",
            "Не более 10\u00a0000 символов",
        ),
        ("too_long", {"max_length": 3}, "Must have at most 3 items", "Не более 3 строк"),
        (
            "year_out_of_range",
            {"min": 1900, "max": 2100},
            "Must be between 1900 and 2100",
            "Укажите число от 1900 до 2100",
        ),
        (
            "listed_twice",
            {"name": HOSTILE},
            f"{HOSTILE} is listed twice",
            f"{HOSTILE} указано дважды",
        ),
        (
            "resume_lacks",
            {"field": "skills"},
            "Add skills to the resume",
            "Укажите в резюме навыки",
        ),
        (
            "resume_lacks",
            {"field": "area"},
            "Add to the resume: Location",
            "Добавьте в резюме: Город",
        ),
        (
            "string_pattern_mismatch",
            {"pattern": "^[A-Z]{3}$"},
            "Must be a currency code, such as RUB or EUR",
            "Укажите код валюты, например RUB или EUR",
        ),
        ("string_pattern_mismatch", {"pattern": "^x$"}, "Invalid format", "Неверный формат"),
    ],
)
def test_params_are_in_the_text(code: str, params: dict[str, Any], en: str, ru: str) -> None:
    problem = Problem(code, params)
    assert words("en").problem(problem) == en
    assert words("ru").problem(problem) == ru


def test_texts_for_one_value_are_of_codes_that_have_a_text() -> None:
    assert {code for code, _, _ in NARROWER} <= TEXTS.keys()


@pytest.mark.parametrize(
    ("seconds", "en", "ru"),
    [
        (0, "Try again in 1 minute.", "Попробуйте через 1 минуту."),
        (61, "Try again in 2 minutes.", "Попробуйте через 2 минуты."),
        (900, "Try again in 15 minutes.", "Попробуйте через 15 минут."),
        (7141, "Try again in 2 hours.", "Попробуйте через 2 часа."),
        (18_000, "Try again in 5 hours.", "Попробуйте через 5 часов."),
    ],
)
def test_how_long_to_wait(seconds: int, en: str, ru: str) -> None:
    body = {"code": "too_many_failures", "params": {"seconds": seconds}, "detail": "Too many"}
    problem = whole_problem(body)
    assert words("en").problem(problem) == f"Too many failed attempts. {en}"
    assert words("ru").problem(problem).endswith(f". {ru}")
    assert words("ru").problem(field_problems({"errors": [body]})[""]).endswith("попыток.")


@pytest.mark.parametrize(
    "said",
    [
        {"code": "of_tomorrow", "params": {"max": 5}},
        {"code": "string_too_long", "params": {}},
        {"code": "string_too_long", "params": {"max_length": "many"}},
        {"code": "string_too_long", "params": {"max_length": None}},
        {"code": "string_too_long", "params": {"max_length": 10**400}},
        {"code": "string_too_long", "params": {"max_length": float("nan")}},
        {"code": "listed_twice", "params": ["Python"]},
        {"code": "listed_twice", "params": "Python"},
        {"code": ["listed_twice"]},
        {},
    ],
)
def test_unknown_codes_have_a_neutral_text(said: dict[str, Any]) -> None:
    body = said | {"detail": "must not be so", "unknown": {"a": [1]}}
    [problem] = field_problems({"errors": [body | {"pointer": "#/title"}]}).values()
    whole = whole_problem(body)
    assert words("ru").problem(problem) == words("ru").text(NOT_ACCEPTED)
    assert words("ru").problem(whole) == words("ru").text(NOT_DONE)
    assert words("en").problem(problem) == "must not be so"
    nothing = field_problems({"errors": [said | {"parameter": "q"}]})["q"]
    assert words("en").problem(nothing) == NOT_ACCEPTED


@pytest.mark.parametrize("body", [None, [], "text", 7, {}, {"errors": None}, {"errors": {"a": 1}}])
def test_a_response_without_a_problem_has_none(body: Any) -> None:
    assert field_problems(body) == {}
    assert whole_problem(body).code == ""


def test_a_large_answer_is_cut() -> None:
    long = "x" * 1_000_000
    errors = [
        {
            "pointer": f"#/{n}{long}",
            "code": long,
            "detail": long,
            "params": {str(key): long for key in range(1000)},
        }
        for n in range(51)
    ]
    found = field_problems({"errors": ["text", *errors]})
    assert len(found) == 49
    for at, problem in found.items():
        kept = [at, problem.code, problem.detail, *map(str, problem.params.values())]
        assert sum(map(len, kept)) < 5000


def test_a_form_finds_its_errors_and_escapes_them() -> None:
    form = Form()
    twice = {"code": "listed_twice", "params": {"name": HOSTILE}, "detail": HOSTILE}
    form.errors = field_problems(
        {
            "errors": [
                twice | {"pointer": "#/skills/2/name"},
                twice | {"pointer": "#/file"},
                {
                    "pointer": "#/file/basics/name",
                    "code": "string_too_long",
                    "params": {"max_length": 2},
                },
            ]
        }
    )
    assert form.error_in("skills", 2) is form.error("skills") is not None
    assert form.error_in("skills", 20) is form.error_in("skills", 0) is form.error("skill") is None
    assert [at for at, _ in form.errors_in("file")] == ["", "basics/name"]
    shown = (
        templates_in("ru")
        .from_string('{% import "fields.html" as f with context %}{{ f.said("id", wrong) }}')
        .render(w=words("ru"), wrong=form.error("skills"))
    )
    assert "&lt;b&gt;%s%(x)s{x}{0}&lt;/b&gt; указано дважды" in shown
