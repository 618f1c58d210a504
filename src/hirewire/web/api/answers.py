"""A service's answer to a call: what was asked for, or why not."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pydantic import JsonValue

T = TypeVar("T", covariant=True)


class SignInFirst(Exception):
    """This page requires a signed-in user."""


class Missing(Exception):
    """What was asked for does not exist, or this visitor has no access to it."""

    def __init__(self, status: int = 404) -> None:
        """`status`: the status of the page that says so."""
        self.status = status
        super().__init__(status)


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """A service's answer."""

    status: int
    found: T | None = None
    """None if the service refused, or has nothing to say."""
    problem: Mapping[str, JsonValue] = field(default_factory=dict)
    """The problem details of a refusal (RFC 9457), which may have any members."""

    @property
    def is_good(self) -> bool:
        """Whether the request succeeded."""
        return self.status < 400

    @property
    def data(self) -> T:
        """What was asked for. Raises `Missing`."""
        if self.found is None:
            raise Missing
        return self.found

    @property
    def detail(self) -> str:
        """The problem in one sentence."""
        return str(self.problem.get("detail") or "")

    @property
    def errors(self) -> dict[str, str]:
        """The errors by the path of the field: `salary/min`."""
        listed = self.problem.get("errors")
        return {
            str(one.get("pointer", one.get("parameter", ""))).removeprefix("#/"): str(
                one.get("detail", "")
            )
            for one in (listed if isinstance(listed, list) else ())
            if isinstance(one, dict)
        }


def problem_of(content: bytes) -> Mapping[str, JsonValue]:
    """The problem details in the body of a refusal; empty if there are none."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
