"""The table of statements: SQL text to its meaning in Python.

A statement is registered for a module's constant by name, so that another wording of the same
statement needs no change here, or for its text where it stands in the code. The differential test
runs the same scripts against a real PostgreSQL, so the two cannot drift apart. What is not in the
table is an error that names it.
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
    """What a statement does, and the columns that it returns ('' for none)."""

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
    """A statement that the model does not know. Not an `Exception`: nothing may swallow it."""


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
    """The text of a module's constant; None when this version of the core has none of that name.

    ``replay._NEXT[True]`` is the one of a dictionary of texts.
    """
    module, _, attribute = name.rpartition(".")
    attribute, _, key = attribute.rstrip("]").partition("[")
    found = getattr(modules.module(module), attribute, None)
    if isinstance(found, dict):
        found = found.get(key == "True")
    return found if isinstance(found, str) else None


def pattern(text: str, *, returns: str = "") -> Callable[[F], F]:
    """Register the meaning of statements with values in their text: groups are the parameters."""

    def register(body: F) -> F:
        _PATTERNS.append((re.compile(text), Statement(text, body, returns, row_type(returns))))
        return body

    return register


def spaced(text: str) -> str:
    """A text with single spaces."""
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
    """By a pattern; not kept for ever, since many of its values are others each time."""
    for expected, known in _PATTERNS:
        if match := expected.fullmatch(spaced(text)):
            return replace(known, body=partial(_with_groups, known.body, match.groups()))
    raise Unknown(f"the model knows no such statement: {spaced(text)}")
