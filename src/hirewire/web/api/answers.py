"""The answer of a service to a call: the data, or the refusal."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pydantic import JsonValue

from hirewire.web.problems import Problem, field_problems, whole_problem

T = TypeVar("T", covariant=True)


class SignInFirst(Exception):
    """This page requires a signed-in user."""


class Blocked(SignInFirst):
    """The visitor's account is blocked."""


class StrongerFirst(Exception):
    """Operators have to sign in with a passkey or a second factor."""


class VerifyFirst(Exception):
    """This action requires a verified email address."""


class Missing(Exception):
    """The resource does not exist, or this visitor has no access to it."""

    def __init__(self, status: int = 404) -> None:
        """`status` is that of the error page."""
        self.status = status
        super().__init__(status)


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """A service's answer."""

    status: int
    found: T | None = None
    """The data; None if the service refused, or answered without data."""
    refusal: Mapping[str, JsonValue] = field(default_factory=dict)
    """The problem details of a refusal (RFC 9457), which may have any members."""

    @property
    def is_good(self) -> bool:
        """Whether the request succeeded."""
        return self.status < 400

    @property
    def data(self) -> T:
        """The data. Raises `Missing` if there is none."""
        if self.found is None:
            raise Missing
        return self.found

    @property
    def problem(self) -> Problem:
        """The problem of the request as a whole."""
        return whole_problem(self.refusal)

    @property
    def errors(self) -> dict[str, Problem]:
        """The problems of fields by the path of the field, such as `salary/min`."""
        return field_problems(self.refusal)


def refusal_of(content: bytes) -> Mapping[str, JsonValue]:
    """The problem details in the body of a refusal; empty if there are none."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
