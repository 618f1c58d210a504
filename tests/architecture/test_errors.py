"""Every error has a stable code, and pages and documents know all codes."""

import ast
import re
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import get_args

import pytest
from pydantic_core.core_schema import ErrorType

import hirewire
from hirewire.assembly import SERVICES
from hirewire.kit.errors import AppError, FieldError, Invalid, Kind
from hirewire.web.i18n.problem_texts import TEXTS

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "src" / "hirewire"
DOCUMENT = ROOT / "docs" / "errors.md"
CODE = re.compile(r"[a-z][a-z0-9_]*")
PLACES = {
    "FieldError": 2,
    "PydanticCustomError": 0,
    "Problem": 0,
    "explained": 1,
    "report": 1,
    "problem": 1,
}
"""The position of the code, or of the slug it is derived from, in calls that make errors."""
FOR_PROGRAMS = {
    *("bounces_off", "bounces_secret_wrong"),
    *("bad_request", "body_late", "foreign_form", "idempotency_key_reused", "internal"),
    *("invalid_refresh_token", "live_is_off", "no_signing_key", "not_json", "refreshed_just_now"),
    *("service_away", "service_broke_off", "service_busy", "service_slow", "sitemap_not_found"),
    *("consent_needed", "second_factor_needed", "skill_not_found"),
    *("too_many_bodies", "too_many_streams", "reason_without_discard", "stage_without_role"),
    *("insufficient_scope", "personal_token_here", "session_required"),
    *("api_key_here", "not_for_api_keys", "company_inactive", "secret_in_address"),
    *("too_many_requests", "too_many_guesses"),
    # Codes of the operators' API.
    *("before_log", "edit_refused", "not_subscribed", "operators_only", "unknown_handler"),
}
"""Codes that no page shows."""
PASSED_ON = {
    *("body_late", "service_away", "service_broke_off", "service_busy", "service_slow"),
    "too_many_bodies",
}
"""Those of them that are listed in a table of the gateway."""
GIVEN = {
    *("kit/problems.py", "web/problems.py", "web/proxy/middleware.py"),
    "profiles/resumes/documents.py",  # those of what an import leaves out
}
"""Modules that pass on codes which they get."""
OF_PYDANTIC = set(get_args(ErrorType))


def codes(source: str) -> Iterator[tuple[int, str | None]]:
    """Line and code of each error that is created; None if the code is not a constant."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        name = getattr(called, "id", getattr(called, "attr", ""))
        is_method = isinstance(called, ast.Attribute) and not isinstance(called.value, ast.Name)
        if name not in PLACES or (name == "problem" and is_method):
            continue
        named = {one.arg: one.value for one in node.keywords}
        place = PLACES[name]
        found = node.args[place] if len(node.args) > place else named.get("code")
        if isinstance(found, ast.Constant) and isinstance(found.value, str):
            yield node.lineno, found.value.replace("-", "_")
        elif not (isinstance(found, ast.Attribute) and found.attr in ("code", "type", "slug")):
            yield node.lineno, None


def sentences(source: str) -> list[int]:
    """Lines that raise a `ValueError` with a text instead of a code."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Raise)
        and isinstance(node.exc, ast.Call)
        and ast.unparse(node.exc.func) in ("ValueError", "AssertionError")
    ]


def without_code(kinds: Iterable[type[AppError]]) -> list[type[AppError]]:
    """Error classes without a code of their own."""
    return [one for one in kinds if not CODE.fullmatch(str(vars(one).get("code")))]


def error_classes() -> set[type[AppError]]:
    for module in walk_packages(hirewire.__path__, "hirewire."):
        if ".migrations" not in module.name and not module.name.endswith("__main__"):
            import_module(module.name)
    return {one for one in _below(AppError) if one.__module__.startswith("hirewire.")}


def _below(kind: type[AppError]) -> set[type[AppError]]:
    return {one for below in kind.__subclasses__() for one in {below, *_below(below)}}


def sources() -> list[Path]:
    """The modules that handle requests."""
    return [path for part in (*SERVICES, "kit", "web") for path in (SOURCES / part).rglob("*.py")]


def made() -> dict[str, str]:
    """All codes that the sources create, each with one of its locations."""
    found = {one.code: one.__qualname__ for one in error_classes()}
    for path in sources():
        for line, code in codes(path.read_text()):
            if code is not None:
                found[code] = f"{path.relative_to(SOURCES)}:{line}"
    return found


def unknown(codes: Iterable[str]) -> set[str]:
    """Codes that have no text and are not listed as for programs only."""
    return set(codes) - TEXTS.keys() - FOR_PROGRAMS


def test_every_error_class_states_its_code() -> None:
    assert len(error_classes()) > 40
    assert without_code(error_classes()) == []


def test_every_error_is_created_with_a_constant_code() -> None:
    for path in sources():
        lines = [line for line, code in codes(path.read_text()) if code is None]
        if str(path.relative_to(SOURCES)) not in GIVEN:
            assert lines == [], path


def test_validators_raise_no_sentences() -> None:
    for path in sources():
        is_of_service = path.relative_to(SOURCES).parts[0] in SERVICES
        if is_of_service or path == SOURCES / "kit" / "models.py":
            assert sentences(path.read_text()) == [], path


def test_all_codes_have_a_text_and_all_texts_a_code() -> None:
    found = made()
    assert len(found) > 100
    assert {found[code]: code for code in unknown(found)} == {}
    assert TEXTS.keys() - found.keys() - OF_PYDANTIC == set()
    assert FOR_PROGRAMS & TEXTS.keys() == set()
    assert FOR_PROGRAMS - found.keys() - PASSED_ON == set()


def test_the_document_lists_all_codes() -> None:
    listed = re.findall(r"^\| `([a-z0-9_]+)` \|", DOCUMENT.read_text(), re.M)
    assert sorted(listed) == sorted(TEXTS.keys() | FOR_PROGRAMS)


@pytest.mark.parametrize(
    "source",
    [
        'FieldError("#/a", "is wrong")',
        'errors.FieldError("#/a", "is wrong", code=f"{a}_wrong")',
        "PydanticCustomError(code, 'is wrong')",
        'part.report("is wrong")',
        'Problem(f"no_{name}")',
    ],
)
def test_an_error_without_a_code_is_found(source: str) -> None:
    assert list(codes(f"\n{source}")) == [(2, None)]


def test_planted_violations_are_found() -> None:
    planted: list[type[AppError]] = [type("Planted", (Invalid,), {"kind": Kind.INVALID})]
    assert without_code([*planted, Invalid]) == planted
    [(_, code)] = codes('FieldError("#/a", "is wrong", "planted_code")')
    assert unknown([str(code), "missing", "operators_only"]) == {"planted_code"}
    assert sentences("def f():\n    raise ValueError('is wrong')\n") == [2]
    assert sentences("def f():\n    raise ValueError\n") == []
    with pytest.raises(TypeError, match="code"):
        FieldError("#/a", "is wrong")  # type: ignore[call-arg]
