"""Application errors: a slug, a code, a kind and a message. `problems` maps them to HTTP responses.

A program decides by the code, and a page chooses its text by it: neither reads the message.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar, Self

from pydantic_core import PydanticCustomError

Params = Mapping[str, str | int | float | bool]
"""The values in an error's message, by name."""


class Kind(Enum):
    """The category of an error, which decides the HTTP status."""

    BAD_REQUEST = "bad_request"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    GONE = "gone"
    PRECONDITION = "precondition"
    TOO_LARGE = "too_large"
    INVALID = "invalid"
    TOO_MANY = "too_many"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class FieldError:
    """An invalid field and the reason; `pointer` is a JSON pointer into the body (RFC 6901)."""

    pointer: str
    detail: str
    code: str
    params: Params = field(default_factory=dict)

    @classmethod
    def of(cls, pointer: str, error: PydanticCustomError) -> Self:
        """The error that a validator has raised, at this field."""
        return cls(pointer, error.message(), error.type, error.context or {})


RESERVED = frozenset({"type", "title", "status", "detail", "code", "params", "errors"})
"""Members of every problem."""


class AppError(Exception):
    """Something is not possible."""

    slug: ClassVar[str] = "error"
    code: ClassVar[str]
    """Every class states its own. It never changes, and may be more specific than the slug."""
    kind: ClassVar[Kind] = Kind.BAD_REQUEST

    def __init__(
        self,
        message: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        params: Params | None = None,
        extra: Mapping[str, Any] | None = None,
        retry_after: int | None = None,
    ) -> None:
        """`message` defaults to the class's docstring, `params` are the values in it, `extra` adds
        members to the problem, and `retry_after` is in seconds.
        """
        self.message = message or (type(self).__doc__ or "").strip().partition("\n")[0]
        self.errors = tuple(errors)
        self.params = dict(params or {})
        if self.kind is Kind.TOO_MANY and retry_after is not None:
            self.params["seconds"] = retry_after
        self.extra = dict(extra or {})
        if reserved := self.extra.keys() & RESERVED:
            raise ValueError(f"members of every problem: {', '.join(sorted(reserved))}")
        self.retry_after = retry_after
        super().__init__(self.message)


class NotFound(AppError):
    """Not found, or you do not have access to it."""

    slug = "not-found"
    code = "not_found"
    kind = Kind.NOT_FOUND


class Invalid(AppError):
    """Some fields are invalid."""

    slug = "invalid"
    code = "invalid"
    kind = Kind.INVALID


class Unauthenticated(AppError):
    """A valid access token is needed."""

    slug = "unauthenticated"
    code = "unauthenticated"
    kind = Kind.UNAUTHENTICATED


class NotAnOperator(AppError):
    """Only operators of this board can do this."""

    slug = "not-an-operator"
    code = "not_an_operator"
    kind = Kind.FORBIDDEN


class Unavailable(AppError):
    """This is not possible right now; try again shortly."""

    slug = "unavailable"
    code = "unavailable"
    kind = Kind.UNAVAILABLE
