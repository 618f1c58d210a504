"""Application errors: a slug, a kind and a message. `problems` maps them to HTTP responses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar


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


class AppError(Exception):
    """Something is not possible."""

    slug: ClassVar[str] = "error"
    kind: ClassVar[Kind] = Kind.BAD_REQUEST

    def __init__(
        self,
        message: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        extra: Mapping[str, Any] | None = None,
        retry_after: int | None = None,
    ) -> None:
        """`message` defaults to the class's docstring, `extra` adds members to the problem, and
        `retry_after` is in seconds.
        """
        self.message = message or (type(self).__doc__ or "").strip().partition("\n")[0]
        self.errors = tuple(errors)
        self.extra = dict(extra or {})
        if reserved := self.extra.keys() & {"type", "title", "status", "detail", "errors"}:
            raise ValueError(f"members of every problem: {', '.join(sorted(reserved))}")
        self.retry_after = retry_after
        super().__init__(self.message)


class NotFound(AppError):
    """Not found, or you do not have access to it."""

    slug = "not-found"
    kind = Kind.NOT_FOUND


class Invalid(AppError):
    """Some fields are invalid."""

    slug = "invalid"
    kind = Kind.INVALID


class Unauthenticated(AppError):
    """A valid access token is needed."""

    slug = "unauthenticated"
    kind = Kind.UNAUTHENTICATED


class Unavailable(AppError):
    """This is not possible right now; try again shortly."""

    slug = "unavailable"
    kind = Kind.UNAVAILABLE
