"""The table of statements: from SQL text to its meaning in Python.

A statement is registered by the name of its module's constant, so that rewording it needs no change
here, or by its text if it stands in the code. The differential test runs the same scripts against a
real PostgreSQL, so the two cannot diverge. A statement that is not in the table is an error that
quotes it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any, TypeVar

from simulate import modules
from simulate.postgres.rows import RowBase, row_type

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Statement:
    """The meaning of a statement, and the columns it returns ('' for none)."""

    name: str
    body: Callable[..., Any]
    columns: str
    make: Callable[..., RowBase]


STATEMENTS: dict[str, Statement] = {}
"""By exact text."""
NAMED: dict[str, Statement] = {}
"""By the constant's name, ``inbox._ENTER``, or the text with single spaces."""
_BY_SPACED: dict[str, Statement] = {}
_PATTERNS: list[tuple[re.Pattern[str], Statement]] = []


class Unknown(BaseException):
    """A statement that the model does not know. Not an `Exception`, so that nothing catches it."""


def statement(*names: str, returns: str = "") -> Callable[[F], F]:
    """Register the meaning of statements: constants (``module._NAME``) or their texts."""

    def register(body: F) -> F:
        for name in names:
            is_constant = re.fullmatch(r"[\w.]+\._?[A-Z_]+(\[\w+\])?", name)
            text = constant(name) if is_constant else name
            known = Statement(name, body, returns, row_type(returns))
            NAMED[name if is_constant else spaced(name)] = known
            if text is not None:
                STATEMENTS[text] = known
                _BY_SPACED[spaced(text)] = known
        return body

    return register


def constant(name: str) -> str | None:
    """The text of a module's constant; None if this version of the core has none of that name.

    ``replay._NEXT[True]`` is an entry of a dictionary of texts.
    """
    module, _, attribute = name.rpartition(".")
    attribute, _, key = attribute.rstrip("]").partition("[")
    found = getattr(modules.module(module), attribute, None)
    if isinstance(found, dict):
        found = found.get(key == "True")
    return found if isinstance(found, str) else None


def pattern(text: str, *, returns: str = "") -> Callable[[F], F]:
    """Register statements that contain values: the groups of the pattern are the parameters."""

    def register(body: F) -> F:
        _PATTERNS.append((re.compile(text), Statement(text, body, returns, row_type(returns))))
        return body

    return register


def spaced(text: str) -> str:
    """The text with single spaces."""
    return " ".join(text.split())


def find(text: str) -> Statement:
    """The meaning of a statement."""
    known = STATEMENTS.get(text)
    if known is None:
        known = _BY_SPACED.get(spaced(text))
        if known is None:
            return _fitting(text)
        STATEMENTS[text] = known
    return known


def _with_groups(body: Callable[..., Any], groups: Any, tx: Any, _: Any) -> Any:
    return body(tx, groups)


@lru_cache(maxsize=1000)
def _fitting(text: str) -> Statement:
    """Match by pattern; not cached, since most of these texts have new values each time."""
    for expected, known in _PATTERNS:
        if match := expected.fullmatch(spaced(text)):
            return replace(known, body=partial(_with_groups, known.body, match.groups()))
    raise Unknown(f"the model knows no such statement: {spaced(text)}")
